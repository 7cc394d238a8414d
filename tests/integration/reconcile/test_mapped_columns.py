"""Reconcile over columns of `[fields]`: those that Auth0 owns are compared and repaired, the others are left alone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.integration.hasura.engine import ADMIN_SECRET
from tests.integration.reconcile.conftest import NewHouse
from tests.integration.reconcile.house import House, kinds
from tests.integration.reconcile.scripted_tenant import a_user

from frontdesk.hasura.deploy import Options, apply
from frontdesk.hasura.fields_plan import plan_fields, write_fields
from frontdesk.identity.fields import FieldRule, FieldRules
from frontdesk.settings_reference import PROJECT
from localhasura.server import LocalHasura

RULES = FieldRules(
    FieldRule.parse(column, said)
    for column, said in {
        "company": {"path": "user_metadata.company"},
        "seats": {"path": "app_metadata.seats", "type": "integer"},
        "since": {"path": "user_metadata.since", "type": "timestamp"},
        "teams": {"path": "app_metadata.teams", "type": "text[]"},
        "billing": {"path": "app_metadata.billing", "type": "json"},
        "ratio": {"path": "app_metadata.ratio", "type": "number"},
        "locale": {"path": "user_metadata.locale", "owner": "first_write"},
        "notes": {"owner": "app"},
        "nickname": {"owner": "app"},
    }.items()
)


@pytest.fixture
def rows_url(deployed_url: str) -> str:
    """A database of this test's own, since it gets more columns."""
    return deployed_url


@pytest.fixture
def hasura_url(rows_url: str, tmp_path: Path) -> Iterator[str]:
    """An engine over it whose users have mapped columns."""
    with LocalHasura(database_url=rows_url, admin_secret=ADMIN_SECRET) as hasura:
        plan = plan_fields(hasura.url, ADMIN_SECRET, PROJECT / "hasura", RULES, Options())
        write_fields(plan, tmp_path / "hasura", RULES, now=datetime.now(UTC))
        apply(hasura.url, ADMIN_SECRET, tmp_path / "hasura")
        yield hasura.url


@pytest.fixture
def house(new_house: NewHouse) -> House:
    """A tenant of two that has been repaired once."""
    app_metadata = {"seats": 3, "teams": ["b", "a ,\\"], "billing": {"a": 1.5, "b": [None]}, "ratio": 0.1}
    user_metadata = {"company": "Globex", "since": "2020-02-03T04:05:06.789012+02:00", "locale": "de"}
    made = new_house([a_user(1, app_metadata=app_metadata, user_metadata=user_metadata), a_user(2)])
    made.rules = RULES
    made.repair()
    return made


def test_what_auth0_owns_is_compared_and_what_it_does_not_is_left_alone(house: House) -> None:
    row = house.there("auth0|0001")
    assert (row["company"], row["seats"], row["teams"], row["locale"]) == ("Globex", 3, ["b", "a ,\\"], "de")
    assert kinds(house.look()) == {}

    house.by_hand("auth0|0001", company="x", seats=4, ratio=0.2, billing={"a": 2}, since="2020-01-01Z")
    house.by_hand("auth0|0002", locale="fr", notes="by hand", nickname="by hand")

    report = house.repair()

    assert set(report.fields) == {"billing", "company", "ratio", "seats", "since"}
    assert (kinds(report), report.left.total) == ({"different": 1}, 0)
    assert kinds(house.look()) == {}
    mine = house.there("auth0|0002")
    assert (mine["locale"], mine["notes"], mine["nickname"]) == ("fr", "by hand", "by hand")
