"""Fingerprints of users: what counts as a difference between a record and its row, and what does not."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from frontdesk.hasura.fingerprint import OUR_COLUMNS, Column, Form, Layout
from frontdesk.hasura.user_write import write_for
from frontdesk.identity.user import Identity, Login, Profile, Source, Stamped, User

CREATED = datetime(2026, 1, 1, 8, 0, 0, 123000, tzinfo=UTC)
UPDATED = datetime(2026, 3, 1, 8, 0, 0, 456000, tzinfo=UTC)
READ = datetime(2026, 3, 2, 8, 0, 0, 789123, tzinfo=UTC)
LAYOUT = Layout()
ONE = timedelta(microseconds=1)

PERSON = User(
    tenant="default",
    user_id="auth0|1",
    source=Source.PROFILE,
    born=CREATED,
    profile=Stamped(
        Profile(
            email="ada@example.com",
            email_verified=True,
            name="Ada 🌷",
            connection="Users",
            identities=(
                Identity(connection="Users", provider="auth0", user_id="1", profile_data={"a": 1, "b": 2}),
            ),
            created_at=CREATED,
            updated_at=UPDATED,
        ),
        UPDATED,
    ),
    app_metadata=Stamped({"plan": "pro", "seats": [1, 2.5, None]}, UPDATED),
    user_metadata=Stamped(None, UPDATED),
    roles=Stamped(("viewer", "editor"), READ),
    blocked=Stamped(False, READ),
    login=Stamped(Login(last_ip="10.0.0.1"), UPDATED),
    logins_count=3,
)


def written(user: User) -> Any:
    return write_for(user, write_id=UUID(int=1))


def row_of(user: User) -> dict[str, Any]:
    """Return the row after the write of `user`, as Hasura's JSON gives it."""
    row: dict[str, Any] = json.loads(json.dumps(written(user).object))
    incarnation = {"incarnation": user.born.isoformat()} if user.born else {}
    return {**row, "clocks": {**row["clocks"], **incarnation}}


def compared(user: User, row: dict[str, Any], layout: Layout = LAYOUT) -> tuple[Any, ...]:
    comparison = layout.compare(layout.fingerprint(written(user)), row, row["clocks"])
    return comparison.different, comparison.ahead, comparison.step_us


def without_profile(**changes: Any) -> User:
    assert PERSON.profile is not None
    return replace(PERSON, profile=replace(PERSON.profile, value=replace(PERSON.profile.value, **changes)))


def test_a_row_as_it_was_written_has_no_difference() -> None:
    assert compared(PERSON, row_of(PERSON)) == ((), (), 0)


@pytest.mark.parametrize("column", sorted(column.name for column in OUR_COLUMNS))
def test_a_change_of_any_column_is_seen_by_its_name(column: str) -> None:
    row = row_of(PERSON)
    kinds = {str: "other", bool: not row[column], int: 1, list: [], dict: {}, type(None): "was null"}
    change: Any = "2001-01-01T00:00:00+00:00" if column in {"createdAt", "updatedAt", "lastLogin"} else None

    different, ahead, _ = compared(PERSON, {**row, column: change or kinds[type(row[column])]})

    assert (different, ahead) == ((column,), ())


@pytest.mark.parametrize(
    ("column", "same"),
    [
        ("updatedAt", "2026-03-01T08:00:00.456Z"),
        ("updatedAt", "2026-03-01T09:00:00.456000+01:00"),
        ("appMetadata", {"seats": [1, 2.5, None], "plan": "pro"}),
        ("lastLogin", "2026-03-01T08:00:00.456007+00:00"),
    ],
)
def test_another_notation_of_the_same_is_no_difference(column: str, same: Any) -> None:
    assert compared(PERSON, {**row_of(PERSON), column: same})[0] == ()


@pytest.mark.parametrize(
    ("ours", "postgres"),
    [("1e23", "100000000000000000000000"), ("-0.0", "0.0"), ("1.0", "1"), ("1e-7", "0.0000001")],
)
def test_numbers_in_json_are_compared_by_value(ours: str, postgres: str) -> None:
    user = replace(PERSON, app_metadata=Stamped({"n": json.loads(ours)}, UPDATED))

    assert compared(user, {**row_of(user), "appMetadata": {"n": json.loads(postgres)}})[0] == ()
    assert compared(user, {**row_of(user), "appMetadata": {"n": "1"}})[0] == ("appMetadata",)


def test_a_mapped_number_may_come_as_text() -> None:
    seats = Column("seats", "app_metadata", Form.NUMBER)
    layout = Layout((*OUR_COLUMNS, seats))
    write = written(PERSON)
    write = replace(write, object={**write.object, "seats": 12}, columns=(*write.columns, "seats"))

    same = layout.compare(layout.fingerprint(write), {**row_of(PERSON), "seats": "12"}, {})
    other = layout.compare(layout.fingerprint(write), {**row_of(PERSON), "seats": 13}, {})

    assert (same.different, other.different) == ((), ("seats",))
    assert layout.name != LAYOUT.name


def test_what_the_record_did_not_carry_is_not_compared() -> None:
    user = replace(PERSON, app_metadata=None, roles=None)

    assert compared(user, row_of(PERSON)) == ((), (), 0)


def test_a_newer_row_is_ahead_and_an_older_one_differs() -> None:
    older = without_profile(name="Old name", updated_at=UPDATED)
    assert older.profile is not None
    older = replace(older, profile=replace(older.profile, at=UPDATED - timedelta(milliseconds=1)))

    assert compared(older, row_of(PERSON)) == ((), ("profile",), 0)
    assert compared(PERSON, row_of(older)) == (("name",), (), 0)


@pytest.mark.parametrize(("steps", "needed"), [(0, 1), (1, 2), (998, 999), (999, 999)])
def test_at_an_equal_clock_a_repair_has_to_go_on_from_the_last_one(steps: int, needed: int) -> None:
    row = {**row_of(PERSON), "name": "by hand"}
    row["clocks"]["profile"]["at"] = (UPDATED + steps * ONE).isoformat()

    assert compared(PERSON, row) == (("name",), (), needed)


def test_a_row_without_a_clock_differs_whatever_its_time() -> None:
    assert compared(PERSON, {**row_of(PERSON), "name": "by hand", "clocks": {}}) == (("name",), (), 0)


@pytest.mark.parametrize(
    ("row_count", "expected"),
    [(2, (("loginsCount",), ())), (4, ((), ("count",))), (None, (("loginsCount",), ()))],
)
def test_the_greater_count_wins(row_count: int | None, expected: Any) -> None:
    assert compared(PERSON, {**row_of(PERSON), "loginsCount": row_count})[:2] == expected


def test_a_newer_incarnation_differs_however_late_the_older_one_was_seen() -> None:
    assert PERSON.profile is not None
    before = replace(
        PERSON,
        born=CREATED - timedelta(days=9),
        logins_count=50,
        profile=Stamped(replace(PERSON.profile.value, name="Before"), UPDATED + timedelta(days=1)),
    )

    different, ahead, _ = compared(PERSON, row_of(before))

    assert (different, ahead) == (("name", "loginsCount"), ())
    assert compared(before, row_of(PERSON))[:2] == ((), ("profile", "count"))
