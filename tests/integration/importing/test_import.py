"""Imports between both stand-ins: every size of tenant, roles, organizations, deleted rows, and the count proof."""

from __future__ import annotations

from typing import Any

import pytest
from tests.integration.auth0.reading_server import Asked, Fault, Reply, refusal
from tests.integration.importing.conftest import NewHouse
from tests.integration.importing.house import House
from tests.integration.reconcile.scripted_tenant import ScriptedTenant, a_user

from frontdesk.auth0.everyone import Way
from frontdesk.errors import Auth0Rejected
from frontdesk.identity.filters import UserFilter
from localauth0.generator import generate_tenant

USERS = [a_user(number) for number in range(4)]


@pytest.mark.parametrize(
    ("users", "way"),
    [(0, Way.PAGES), (1, Way.PAGES), (999, Way.PAGES), (1000, Way.PAGES), (1001, Way.WINDOWS)],
)
def test_everybody_of_a_tenant_is_proven_to_be_there(new_house: NewHouse, users: int, way: Way) -> None:
    house = new_house(generate_tenant(users=users, seed=users))

    report = house.run()

    assert report.verdict.proven, report.verdict.sentence
    assert report.verdict.sentence == f"{users:,} of {users:,} users are in Hasura"
    assert (report.way, report.counts.written, report.totals.before, report.totals.after) == (
        way,
        users,
        users,
        users,
    )
    assert len(house.table("users")) == users


def test_calls_grow_with_pages_roles_and_organizations_and_not_with_users(new_house: NewHouse) -> None:
    house = new_house(generate_tenant(users=300, roles=3, organizations=2, seed=5))

    report = house.run()

    memberships = len(house.table("organization_members"))
    assert (report.roles, report.organizations, report.members) == (3, 2, memberships)
    assert memberships > 0
    assert report.calls["GET /users"] <= 300 // 100 + 4  # counted before and after, and a last page
    assert "GET /users/{id}" not in report.calls
    assert report.as_json()["calls_total"] < 30


def test_the_same_import_again_changes_nothing(new_house: NewHouse) -> None:
    house = new_house(ScriptedTenant(USERS, roles={"editor": ["auth0|0001"]}))
    house.run()
    before = house.table("users", "synced_at", "clocks")

    again = house.run()

    assert (again.counts.written, again.counts.unchanged, again.resumed) == (0, 4, False)
    assert house.table("users", "synced_at", "clocks") == before


def test_roles_that_were_read_of_another_tenant_are_given_to_nobody(new_house: NewHouse) -> None:
    def is_killed(asked: Asked) -> Reply | None:
        return refusal(403, "no") if asked.path == "/api/v2/organizations" else None

    house = new_house(ScriptedTenant(USERS, roles={"boss": ["auth0|0001"]}, fault=is_killed))
    with pytest.raises(Auth0Rejected):
        house.run()
    with ScriptedTenant(USERS) as other:
        house.auth0 = other
        report = house.run()

    assert (report.resumed, report.verdict.proven) == (False, True)
    assert house.row("auth0|0001")["auth0_roles"] == []
    assert house.heard.notes == [
        "Dropped the unfinished import: it was of another Auth0 tenant (`management_url`)."
    ]


def test_roles_follow_auth0_and_peoples_own_grants_stay(new_house: NewHouse) -> None:
    tenant = ScriptedTenant(
        [*USERS], roles={"editor": ["auth0|0001", "auth0|0002"], "author": ["auth0|0001"]}
    )
    house = new_house(tenant)
    house.run()
    house.rows.execute("INSERT INTO public.roles (tenant, name) VALUES (%s, 'host')", (house.tenant,))
    grant = "INSERT INTO public.user_roles (tenant, user_id, role, source) VALUES (%s, 'auth0|0001', %s, 'hasura')"
    for role in ("host", "author"):
        house.rows.execute(grant, (house.tenant, role))
    first = grants(house)

    tenant.roles = {"editor": ["auth0|0002"]}
    house.run()

    assert ("auth0|0001", "editor", "auth0") in first
    assert grants(house) == {
        ("auth0|0002", "editor", "auth0"),
        ("auth0|0001", "host", "hasura"),
        ("auth0|0001", "author", "hasura"),
    }
    left = {row["name"]: row["auth0_id"] for row in house.table("roles")}
    assert left == {"editor": "rol_editor", "host": None, "author": None}


def test_a_role_that_is_gone_and_that_nobody_has_goes(new_house: NewHouse) -> None:
    tenant = ScriptedTenant([*USERS], roles={"editor": ["auth0|0001"]})
    house = new_house(tenant)
    house.run()

    tenant.roles = {}
    house.run()

    assert house.table("roles") == house.table("user_roles") == []


def test_organizations_and_members_follow_auth0(new_house: NewHouse) -> None:
    tenant = ScriptedTenant(
        [*USERS],
        organizations={"acme": {"auth0|0001": ["lead"], "auth0|0002": []}, "old": {"auth0|0003": []}},
    )
    house = new_house(tenant)
    first = house.run()
    before = members(house)

    tenant.organizations = {"acme": {"auth0|0002": ["lead"]}}
    house.run()

    assert (first.organizations, first.members) == (2, 3)
    assert before == {
        ("org_acme", "auth0|0001", ("lead",)),
        ("org_acme", "auth0|0002", ()),
        ("org_old", "auth0|0003", ()),
    }
    assert members(house) == {("org_acme", "auth0|0002", ("lead",))}
    assert [row["id"] for row in house.table("organizations")] == ["org_acme"]


def test_without_roles_and_organizations_nobody_asks_and_nothing_of_them_goes(new_house: NewHouse) -> None:
    tenant = ScriptedTenant(
        [*USERS], roles={"editor": ["auth0|0001"]}, organizations={"acme": {"auth0|0001": []}}
    )
    house = new_house(tenant)
    house.run()
    tenant.roles, tenant.organizations = {}, {}

    report = house.run(roles=False, organizations=False)

    assert (report.roles, report.organizations, report.members) == (None, None, None)
    assert not any("roles" in call or "organizations" in call for call in report.calls)
    assert (len(grants(house)), len(members(house))) == (1, 1)


def test_a_deleted_row_of_somebody_who_is_there_is_alive_after_a_look_at_the_single_user(
    new_house: NewHouse,
) -> None:
    listed = ScriptedTenant([*USERS])
    house = new_house(listed)
    house.run()
    for user_id in ("auth0|0001", "auth0|0002"):
        tombstone(house, user_id)
    # The search, seconds behind, shows somebody whom the single read does not know any more.
    listed.before = _knows_nobody_called("auth0%7C0002")

    report = house.run()

    assert (report.counts.revived, report.counts.gone) == (1, 1)
    assert report.verdict.proven
    assert "1 deleted there" in report.verdict.sentence
    assert house.row("auth0|0001")["deleted_at"] is None
    assert house.row("auth0|0002")["deleted_at"] is not None


def test_whom_the_filter_leaves_out_is_counted_and_not_written(new_house: NewHouse) -> None:
    house = new_house(ScriptedTenant([*USERS[:3], a_user(3, email_verified=False)]))
    house.filter = UserFilter.of(verified_only=True)

    report = house.run()

    assert (report.counts.written, report.counts.filtered) == (3, 1)
    assert report.verdict.sentence == "3 of 4 users are in Hasura; 1 left out by the filter"
    assert len(house.table("users")) == 3


def _knows_nobody_called(encoded_id: str) -> Fault:
    def answer(asked: Asked) -> Reply | None:
        is_single = asked.path.endswith(f"/users/{encoded_id}")
        return refusal(404, "The user does not exist.", "inexistent_user") if is_single else None

    return answer


def grants(house: House) -> set[tuple[Any, ...]]:
    return {(row["user_id"], row["role"], row["source"]) for row in house.table("user_roles")}


def members(house: House) -> set[tuple[Any, ...]]:
    rows = house.table("organization_members")
    return {(row["organization_id"], row["user_id"], tuple(row["roles"])) for row in rows}


def tombstone(house: House, user_id: str) -> None:
    """Delete as a deletion event does: later than everything that the row has."""
    house.rows.execute(
        """UPDATE public.users SET write_id = gen_random_uuid(), clocks = '{"tombstone":
        {"at": "2026-06-01T00:00:00+00:00", "source": "record", "born": "2026-01-05T08:00:00+00:00"}}'
        WHERE tenant = %s AND user_id = %s""",
        (house.tenant, user_id),
    )
    assert house.row(user_id)["deleted_at"] is not None
