"""The ordering rule of users, on rows: docs/architecture.md, "The ordering rule"."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from psycopg import errors
from psycopg.types.json import Jsonb
from tests.integration.hasura.conftest import only_row
from tests.integration.hasura.histories import (
    at,
    block,
    delete,
    full_profile,
    login,
    record,
    refresh,
    upsert,
    upsert_write,
)

from frontdesk.hasura.user_write import write_for
from frontdesk.identity.user import Profile, Source, Stamped, User

Database = psycopg.Connection[dict[str, Any]]
TUTORIAL = (
    "insert into users (user_id, user_name) values (%s, %s)"
    " on conflict on constraint users_pkey do update set user_name = excluded.user_name"
)


def test_a_newer_login_replaces_an_older_one(database: Database) -> None:
    upsert(database, login(1, name="old", count=1), login(2, name="new", count=2))

    row = only_row(database)
    assert (row["name"], row["app_metadata"], row["logins_count"]) == ("new", {"plan": "new"}, 2)
    assert (row["last_seen"], row["last_login"]) == (at(2), at(2))


def test_an_older_write_never_overwrites_a_newer_one(database: Database) -> None:
    upsert(database, login(2, name="new", count=2))
    before = only_row(database)

    upsert(database, login(1, name="old", count=1))

    assert only_row(database) == before


def test_the_time_decides_and_not_the_notation_of_it(database: Database) -> None:
    upsert(database, login(2, name="new"))
    write = write_for(login(1, name="old"), write_id=uuid4())
    for clock in write.object["clocks"].values():
        clock["at"] = (
            "2026-03-01T23:31:00+11:30" if clock["at"] else None
        )  # 12:01 in UTC, where `new` has 12:02

    upsert_write(database, write)

    assert only_row(database)["name"] == "new"


def test_a_refresh_moves_last_seen_and_the_organization_and_nothing_of_the_login(database: Database) -> None:
    upsert(database, login(1, count=4))

    upsert(database, refresh(5))

    row = only_row(database)
    assert (row["last_seen"], row["organization_id"]) == (at(5), "org_1")
    assert (row["last_login"], row["logins_count"]) == (at(1), 4)


def test_metadata_that_the_action_left_out_stays(database: Database) -> None:
    upsert(database, login(1, name="ann"), login(2, name="ann", omitted=True))

    assert only_row(database)["app_metadata"] == {"plan": "ann"}


def test_a_full_profile_may_clear_a_field(database: Database) -> None:
    upsert(database, login(1), full_profile(2))

    assert only_row(database)["user_metadata"] is None


def test_at_equal_times_the_fuller_source_wins(database: Database) -> None:
    upsert(database, full_profile(1, name="profile"), login(1, name="login"))

    assert only_row(database)["name"] == "profile"


@pytest.mark.parametrize("order", [1, -1])
def test_at_equal_times_a_login_wins_over_a_log_record(database: Database, order: int) -> None:
    upsert(database, *[record(1, name="record"), login(1, name="login")][::order])

    assert only_row(database)["user_metadata"] == {"colour": "login"}


def test_the_greatest_count_wins_whatever_its_time(database: Database) -> None:
    upsert(database, login(1, count=7), full_profile(2, count=5))

    assert only_row(database)["logins_count"] == 7


def test_a_login_never_unblocks(database: Database) -> None:
    upsert(database, block(1), login(2), refresh(3))

    assert only_row(database)["blocked"] is True


def test_a_newer_unblock_unblocks_and_a_stale_one_does_not(database: Database) -> None:
    upsert(database, block(5), block(4, blocked=False))
    assert only_row(database)["blocked"] is True

    upsert(database, block(6, blocked=False))
    assert only_row(database)["blocked"] is False


def test_a_deletion_leaves_a_tombstone_that_an_earlier_login_does_not_lift(database: Database) -> None:
    upsert(database, login(1), delete(5), login(4))

    assert only_row(database)["deleted_at"] == at(5)


@pytest.mark.parametrize("life", [login(6), full_profile(6)], ids=["interactive login", "read of the user"])
def test_a_later_proof_of_life_lifts_the_tombstone(database: Database, life: User) -> None:
    upsert(database, login(1), delete(5), life)

    assert only_row(database)["deleted_at"] is None


@pytest.mark.parametrize("order", [1, -1])
def test_a_proof_of_life_at_the_very_time_of_the_deletion_is_none(database: Database, order: int) -> None:
    upsert(database, *[delete(5), login(5)][::order])

    assert only_row(database)["deleted_at"] == at(5)


def test_only_clocks_make_a_tombstone_in_a_write_of_the_service(database: Database) -> None:
    upsert(database, refresh(1))

    database.execute("update users set deleted_at = now(), write_id = %s", [str(uuid4())])

    assert only_row(database)["deleted_at"] is None


@pytest.mark.parametrize("sign", [refresh(6), record(6), block(6)], ids=["refresh", "record", "event"])
def test_what_proves_no_life_leaves_the_tombstone(database: Database, sign: User) -> None:
    upsert(database, login(1), delete(5), sign)

    assert only_row(database)["deleted_at"] == at(5)


def test_a_newer_incarnation_lifts_the_tombstone_and_starts_from_nothing(database: Database) -> None:
    upsert(database, full_profile(1, blocked=True, count=9), delete(5), refresh(11, name="again", born=10))

    row = only_row(database)
    assert (row["deleted_at"], row["name"], row["blocked"]) == (None, "again", False)
    assert (row["app_metadata"], row["last_login"], row["logins_count"]) == (None, None, None)


def test_what_an_earlier_incarnation_left_behind_is_ignored(database: Database) -> None:
    upsert(database, refresh(11, name="again", born=10))
    before = only_row(database)

    upsert(database, login(1, roles=["old"], count=8), block(2), delete(5), record(3))

    assert only_row(database) == before


def test_a_redelivery_changes_nothing(database: Database) -> None:
    write = write_for(login(1), write_id=uuid4())
    upsert_write(database, write)
    before = only_row(database)

    upsert_write(database, write)
    upsert(database, login(1))

    assert only_row(database) == before


def test_a_stale_write_still_returns_the_row_and_notes_when_it_came(database: Database) -> None:
    upsert(database, login(2), block(3))
    before = database.execute("select synced_at from users").fetchone()

    upsert(database, login(1))

    row = database.execute("select blocked, synced_at from users").fetchone()
    assert row is not None
    assert before is not None
    assert row["blocked"] is True
    assert row["synced_at"] > before["synced_at"]


class TestWritesByHand:
    """The tutorial's mutation, the console, SQL: no write_id, so a null clock."""

    def test_the_tutorials_row_is_updated_by_a_login(self, database: Database) -> None:
        database.execute(TUTORIAL, ["auth0|ann", "tutorial"])
        row = only_row(database)
        assert (row["user_name"], row["clocks"]) == ("tutorial", {})
        assert row["last_seen"] is not None

        upsert(database, login(1))

        row = only_row(database)
        assert (row["user_name"], row["name"], row["last_seen"]) == (None, "ann", at(1))

    def test_the_tutorials_mutation_cannot_undo_a_login(self, database: Database) -> None:
        upsert(database, login(1))
        before = only_row(database)

        database.execute(TUTORIAL, ["auth0|ann", "tutorial"])

        assert only_row(database) == before

    def test_an_edit_passes_where_no_clock_is_and_reverts_where_one_is(self, database: Database) -> None:
        upsert(database, login(1))

        database.execute("update users set name = 'edited', app_metadata = '{}', blocked = true")

        row = only_row(database)
        assert (row["name"], row["app_metadata"], row["blocked"]) == ("ann", {"plan": "ann"}, True)

    def test_a_login_leaves_a_block_by_hand(self, database: Database) -> None:
        database.execute("insert into users (user_id, blocked) values ('auth0|ann', true)")

        upsert(database, login(1))

        assert only_row(database)["blocked"] is True

    def test_a_tombstone_by_hand_holds_until_a_proof_of_life(self, database: Database) -> None:
        upsert(database, refresh(1))
        database.execute("update users set deleted_at = %s", [at(2)])
        upsert(database, refresh(3))
        assert only_row(database)["deleted_at"] == at(2)

        upsert(database, login(4))

        assert only_row(database)["deleted_at"] is None

    def test_a_tombstone_of_auth0_cannot_be_lifted_by_hand(self, database: Database) -> None:
        upsert(database, login(1), delete(2))

        database.execute("update users set deleted_at = null")

        assert only_row(database)["deleted_at"] == at(2)

    def test_the_bookkeeping_cannot_be_edited(self, database: Database) -> None:
        upsert(database, login(1))
        before = only_row(database)

        database.execute("update users set clocks = '{}', write_id = null, synced_at = null")
        database.execute("update users set clocks = '{\"profile\": 5}'")

        assert only_row(database) == before


LIVE_CLOCK = {"at": "2026-03-01T12:00:00Z", "source": "login", "born": None}


@pytest.mark.parametrize(
    "clocks",
    [
        [],
        5,
        {"profile": None},
        {"profile": 5},
        {"profile": {}},
        {"profile": {**LIVE_CLOCK, "at": None}},
        {"profile": {**LIVE_CLOCK, "at": "now"}},
        {"profile": {**LIVE_CLOCK, "at": "infinity"}},
        {"profile": {**LIVE_CLOCK, "at": "2026-03-01T12:00:00"}},
        {"profile": {**LIVE_CLOCK, "at": 1772366400}},
        {"profile": {**LIVE_CLOCK, "at": "2026-13-01T12:00:00Z"}},
        {"profile": {**LIVE_CLOCK, "born": "yesterday"}},
        {"profile": {**LIVE_CLOCK, "source": "admin"}},
        {"profile": {"at": LIVE_CLOCK["at"]}},
        {"count": LIVE_CLOCK},
        {"favourites": LIVE_CLOCK},
        {"incarnation": {"at": "2026-03-01T12:00:00Z"}},
    ],
    ids=json.dumps,
)
def test_malformed_clocks_are_refused_and_change_nothing(database: Database, clocks: object) -> None:
    upsert(database, login(1))
    before = only_row(database)

    with pytest.raises(errors.DataError):
        database.execute(
            "update users set name = 'x', clocks = %s, write_id = %s", [Jsonb(clocks), str(uuid4())]
        )
    with pytest.raises(errors.DataError):
        database.execute(
            "insert into users (user_id, clocks, write_id) values ('b', %s, %s)",
            [Jsonb(clocks), str(uuid4())],
        )

    assert only_row(database) == before


class TestRoles:
    """Materialised from auth0_roles, next to what people grant."""

    def grants(self, database: Database) -> list[tuple[str, str]]:
        rows = database.execute("select role, source from user_roles order by role, source").fetchall()
        return [(row["role"], row["source"]) for row in rows]

    def test_roles_follow_the_newest_login(self, database: Database) -> None:
        upsert(database, login(1, roles=["editor", "viewer"]), login(2, roles=["viewer", "owner"]))

        assert self.grants(database) == [("owner", "auth0"), ("viewer", "auth0")]

    def test_a_stale_login_brings_no_role_back(self, database: Database) -> None:
        upsert(database, login(2, roles=[]), login(1, roles=["editor"]))

        assert self.grants(database) == []

    def test_grants_by_people_survive(self, database: Database) -> None:
        upsert(database, login(1, roles=["editor"]))
        database.execute("insert into roles (name) values ('support')")
        database.execute("insert into user_roles (user_id, role) values ('auth0|ann', 'support')")
        database.execute("insert into user_roles (user_id, role) values ('auth0|ann', 'editor')")

        upsert(database, login(2, roles=[]))

        assert self.grants(database) == [("editor", "hasura"), ("support", "hasura")]

    def test_a_login_without_authorization_changes_no_role(self, database: Database) -> None:
        upsert(database, login(1, roles=["editor"]), login(2, roles=None))

        assert self.grants(database) == [("editor", "auth0")]

    def test_a_newer_incarnation_has_none_of_the_roles_before(self, database: Database) -> None:
        upsert(database, login(1, roles=["editor"]), login(11, born=10, roles=None))

        assert self.grants(database) == []

    def test_a_name_that_no_key_holds_does_not_fail_the_login(self, database: Database) -> None:
        upsert(database, login(1, roles=["", "x" * 401, "editor"]))

        assert self.grants(database) == [("editor", "auth0")]


def test_two_tenants_with_the_same_user_id_stay_apart(database: Database) -> None:
    upsert(database, login(2, name="here"), login(1, name="there", tenant="other", roles=["guest"]))

    names = database.execute("select tenant, name from users order by tenant").fetchall()
    roles = database.execute("select tenant, role from user_roles order by tenant").fetchall()
    assert [tuple(row.values()) for row in names] == [("default", "here"), ("other", "there")]
    assert [tuple(row.values()) for row in roles] == [("default", "editor"), ("other", "guest")]


def test_equal_clocks_are_decided_alike_in_every_session(database: Database) -> None:
    """In Berlin's hour that comes twice, local times order otherwise than instants; the rule must not see them."""
    night = datetime(2026, 10, 25, tzinfo=UTC)
    payloads = [
        replace(login(1), profile=Stamped(Profile(updated_at=night + timedelta(minutes=minutes)), at(1)))
        for minutes in (30, 70)
    ]
    ends: list[dict[str, Any]] = []
    for zone, order in (("UTC", payloads), ("Europe/Berlin", payloads), ("Europe/Berlin", payloads[::-1])):
        database.execute("delete from users")
        database.execute("select set_config('timezone', %s, false)", [zone])
        upsert(database, *order)
        database.execute("set timezone to 'UTC'")
        ends.append(only_row(database))

    assert ends[0] == ends[1] == ends[2]


def test_a_group_carries_the_time_that_it_was_sent_with(database: Database) -> None:
    upsert(database, record(1))

    clocks = only_row(database)["clocks"]
    assert clocks["seen"] == {
        "at": "2026-03-01T12:01:00.000000Z",
        "source": Source.RECORD.value,
        "born": None,
    }
    assert datetime.fromisoformat(clocks["seen"]["at"]) == at(1)
