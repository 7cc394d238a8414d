"""Imports from both stand-ins: every size of tenant, roles, organizations, and the count proof."""

from __future__ import annotations

import pytest
from tests.integration.importing.conftest import NewHouse

from frontdesk.auth0.everyone import Way
from localauth0.generator import generate_tenant


@pytest.mark.parametrize(
    ("users", "way"),
    [(0, Way.PAGES), (1, Way.PAGES), (999, Way.PAGES), (1000, Way.PAGES), (1001, Way.WINDOWS)],
)
def test_everybody_of_a_tenant_is_proven_to_be_there(new_house: NewHouse, users: int, way: Way) -> None:
    house = new_house(generate_tenant(users=users, roles=3, organizations=2, seed=users))

    report = house.run()

    print(report.verdict, report.calls, report.seconds)
    assert (report.way, report.counts.in_hasura, report.totals.before) == (way, users, users)
    assert report.verdict.proven, report.verdict.sentence
    assert report.verdict.sentence.startswith(f"{users:,} of {users:,} users are in Hasura")
    assert len(house.table("users")) == users
