"""Reconcile: what it finds between a tenant and its rows, and that nothing is left after its repair."""

from __future__ import annotations

from typing import Any

import pytest
from tests.integration.reconcile.conftest import NewHouse
from tests.integration.reconcile.house import House, kinds
from tests.integration.reconcile.scripted_tenant import a_user

from frontdesk.hasura.fingerprint import MAX_STEP_US
from frontdesk.identity.filters import UserFilter


@pytest.fixture
def house(new_house: NewHouse) -> House:
    """A tenant of six with roles and an organization, whose rows are as they should be."""
    made = new_house(
        [a_user(number) for number in range(6)],
        roles={"Editor": ["auth0|0001"], "Viewer": []},
        organizations={"globex": {"auth0|0001": ["Editor"], "auth0|0002": []}},
    )
    assert made.repair().left.total == 0
    return made


def test_a_tenant_without_rows_is_missing_and_is_there_after_the_repair(new_house: NewHouse) -> None:
    house = new_house([a_user(number) for number in range(7)])

    looked = house.look()
    assert (looked.read, looked.rows, kinds(looked)) == (7, 0, {"missing": 7})
    assert looked.ids["missing"][0] == "auth0|0000"
    assert house.row("auth0|0000") is None

    repaired = house.repair()
    assert (repaired.repaired, repaired.left.total, repaired.refused) == (7, 0, None)
    assert house.there("auth0|0003")["app_metadata"] == {"seats": 3}

    again = house.look()
    assert (kinds(again), again.same, again.fields) == ({}, 7, {})


def test_edits_by_hand_are_found_one_by_one_and_undone(house: House) -> None:
    house.by_hand("auth0|0001", email="x@example.com", auth0_roles=["admin"])
    house.by_hand("auth0|0002", name=None, blocked=True, app_metadata={"seats": 99})
    house.by_hand("auth0|0003", clocks={}, nickname="by hand", created_at="2020-01-01Z", last_ip="10.0.0.1")
    house.by_hand("auth0|0004", deleted_at="2026-03-01Z")
    house.quietly("DELETE FROM users WHERE tenant = %s AND user_id = 'auth0|0005'", house.tenant)
    house.a_row_without_user("auth0|none")
    house.quietly("UPDATE organizations SET metadata = '{}' WHERE tenant = %s", house.tenant)
    house.quietly(
        "UPDATE organization_members SET roles = '[\"x\"]' WHERE tenant = %s AND user_id = 'auth0|0001'",
        house.tenant,
    )
    rows = {"missing": 1, "different": 3, "extra": 1, "deleted": 1}
    found = {**rows, "grants": 1, "organizations": 1, "memberships": 1}

    looked = house.look()
    assert kinds(looked) == found
    assert looked.fields == dict.fromkeys(
        ("appMetadata", "auth0Roles", "blocked", "createdAt", "email", "lastIp", "name", "nickname"), 1
    )
    assert looked.ids["different"] == ("auth0|0001", "auth0|0002", "auth0|0003")
    assert looked.ids["deleted"] == ("auth0|0004",)

    repaired = house.repair()
    assert (kinds(repaired), repaired.left.total, repaired.refused) == (found, 0, None)
    assert kinds(house.look()) == {}


def test_memberships_that_are_gone_or_too_many_are_found_and_undone(house: House) -> None:
    house.quietly(
        "UPDATE organization_members SET user_id = 'auth0|0004' WHERE tenant = %s AND user_id = 'auth0|0001'",
        house.tenant,
    )

    assert kinds(house.look()) == {"memberships": 2}
    assert house.repair().left.total == 0
    assert kinds(house.look()) == {}


def test_one_row_can_be_repaired_again_and_again_between_two_changes_at_auth0(house: House) -> None:
    for _ in range(3):
        house.by_hand("auth0|0001", name="by hand")
        assert house.repair().left.total == 0
        assert house.there("auth0|0001")["name"] == "User 1"
    assert house.there("auth0|0001")["clocks"]["profile"]["at"] == "2026-02-05T08:00:00.123003Z"
    assert MAX_STEP_US == 999


def test_grants_follow_the_roles_that_a_repair_brings(house: House) -> None:
    house.by_hand("auth0|0001", auth0_roles=["Viewer"])
    house.by_hand("auth0|0002", auth0_roles=["Editor"])
    house.repair()

    grants = house.rows.execute(
        "SELECT user_id, role FROM user_roles WHERE tenant = %s AND source = 'auth0'", (house.tenant,)
    ).fetchall()
    assert [(grant["user_id"], grant["role"]) for grant in grants] == [("auth0|0001", "Editor")]


def test_grants_that_were_edited_by_hand_follow_the_roles_again(house: House) -> None:
    house.quietly("DELETE FROM user_roles WHERE tenant = %s AND user_id = 'auth0|0001'", house.tenant)
    for source in ("auth0", "hasura"):
        house.rows.execute(
            "INSERT INTO user_roles (tenant, user_id, role, source) VALUES (%s, 'auth0|0002', 'Editor', %s)",
            (house.tenant, source),
        )

    looked = house.look()
    assert kinds(looked) == {"grants": 2}
    assert house.repair().left.total == 0
    assert kinds(house.look()) == {}

    grants = house.rows.execute(
        "SELECT user_id, source FROM user_roles WHERE tenant = %s ORDER BY user_id", (house.tenant,)
    ).fetchall()
    assert [tuple(grant.values()) for grant in grants] == [("auth0|0001", "auth0"), ("auth0|0002", "hasura")]


def test_a_row_that_is_newer_than_its_record_is_no_drift(house: House) -> None:
    clocks = house.there("auth0|0001")["clocks"]
    newer = {**clocks, "profile": {**clocks["profile"], "at": "2026-02-05T08:00:00.124000Z"}}
    house.by_hand("auth0|0001", name="from a login", clocks=newer)

    report = house.repair()

    assert (kinds(report), report.ahead) == ({}, 1)
    assert house.there("auth0|0001")["name"] == "from a login"


def test_an_extra_row_becomes_a_tombstone_and_a_second_look_finds_nothing(house: House) -> None:
    house.a_row_without_user("auth0|none", name="Nobody")

    assert house.repair().repaired == 1

    row = house.there("auth0|none")
    assert row["deleted_at"] is not None
    assert row["name"] == "Nobody"
    assert kinds(house.look()) == {}


def test_whom_the_filter_leaves_out_is_left_alone(house: House) -> None:
    house.filter = UserFilter.of(metadata={"app_metadata.seats": 1})
    house.by_hand("auth0|0002", name="by hand")
    house.quietly("DELETE FROM users WHERE tenant = %s AND user_id = 'auth0|0005'", house.tenant)

    report = house.repair()

    assert (kinds(report), report.filtered, report.same) == ({}, 5, 1)
    assert house.there("auth0|0002")["name"] == "by hand"
    assert house.row("auth0|0005") is None


def test_two_tenants_in_one_table_keep_apart(house: House, new_house: NewHouse) -> None:
    other = new_house([a_user(1, name="Another one")])

    other.repair()

    assert kinds(house.look()) == {}
    assert (house.there("auth0|0001")["name"], other.there("auth0|0001")["name"]) == ("User 1", "Another one")


def test_odd_ids_and_values_compare_equal_after_one_repair(new_house: NewHouse) -> None:
    odd: list[dict[str, Any]] = [
        a_user(1, user_id="samlp|corp|ünï/c%20ode🌷", app_metadata={"a": [1.5, 1e23, -0.0, {"b": None}]}),
        a_user(2, user_metadata={}, app_metadata={}, name="", email_verified=False),
        a_user(3, blocked=True, updated_at="2026-02-05T08:00:00Z", nickname="a'b\"c\\d"),
    ]
    house = new_house(odd)

    house.repair()

    assert kinds(house.look()) == {}
