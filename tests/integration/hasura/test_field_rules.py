"""Columns beside frontdesk's own, and who owns a column: the ordering rule under `users_field_rules`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from hypothesis import HealthCheck, example, given, settings
from psycopg import sql
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
from tests.integration.hasura.test_order_independence import payloads, two_arrivals

from frontdesk.hasura.user_write import write_for
from frontdesk.identity.fields import FieldRule, FieldRules
from frontdesk.identity.user import User

Database = psycopg.Connection[dict[str, Any]]
RULES = FieldRules(
    FieldRule.parse(column, said)
    for column, said in {
        "plan": {"path": "app_metadata.plan"},
        "colour": {"path": "user_metadata.colour"},
        "full_name": {"path": "user.name"},
        "first_plan": {"path": "app_metadata.plan", "owner": "first_write"},
        "points": {"owner": "app", "type": "integer"},
        "nickname": {"owner": "app"},
        "email": {"owner": "first_write"},
    }.items()
)
on_rows = settings(
    max_examples=60,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def say(database: Database, rules: FieldRules) -> None:
    """Let the database know who owns what, as the migration of `frontdesk fields plan` does."""
    text = Jsonb(rules.for_database())
    database.execute(
        sql.SQL(
            "create or replace function public.users_field_rules() returns jsonb language sql stable"
            " as $$ select {}::jsonb $$"
        ).format(sql.Literal(text))
    )


@pytest.fixture
def ruled(database: Database) -> Database:
    """A database whose users have columns of their own, and rules for them."""
    database.execute(
        "alter table users add plan text, add colour text, add full_name text, add first_plan text, add points bigint"
    )
    say(database, RULES)
    return database


def write(database: Database, *users: User, rules: FieldRules = RULES) -> None:
    for user in users:
        upsert_write(database, write_for(user, write_id=uuid4(), rules=rules))


def test_a_mapped_column_is_as_new_as_what_it_comes_from(ruled: Database) -> None:
    write(ruled, login(2, name="new"), login(1, name="old"), login(3, name="omitted", omitted=True))

    row = only_row(ruled)
    assert (row["plan"], row["colour"], row["full_name"]) == ("new", "new", "omitted")


def test_an_edit_of_a_mapped_column_reverts_at_once(ruled: Database) -> None:
    write(ruled, login(1))

    ruled.execute("update users set plan = 'edited', full_name = 'edited'")

    assert only_row(ruled)["plan"] == only_row(ruled)["full_name"] == "ann"


def test_a_column_that_is_mapped_later_is_filled_by_the_same_payload_again(ruled: Database) -> None:
    upsert(ruled, login(1))
    assert only_row(ruled)["plan"] is None

    write(ruled, login(1))

    assert only_row(ruled)["plan"] == "ann"


def test_a_filled_column_is_a_change_and_the_same_once_more_is_none(ruled: Database) -> None:
    ids = []
    upsert(ruled, login(1))
    for _ in range(3):
        ids.append(ruled.execute("select write_id from users").fetchone())
        write(ruled, login(1))

    assert ids[0] != ids[1] == ids[2]


def test_a_newer_incarnation_starts_with_empty_mapped_columns(ruled: Database) -> None:
    write(ruled, login(1), refresh(11, name="again", born=10))

    row = only_row(ruled)
    assert (row["plan"], row["colour"], row["full_name"]) == (None, None, "again")


def test_a_reset_gives_the_default_that_the_rules_name(ruled: Database) -> None:
    said = {"plan": {"owner": "auth0", "group": "app_metadata", "default": "free"}}
    ruled.execute(
        sql.SQL(
            "create or replace function public.users_field_rules() returns jsonb language sql stable"
            " as $$ select {}::jsonb $$"
        ).format(sql.Literal(Jsonb(said)))
    )

    write(ruled, login(1), refresh(11, born=10))

    assert only_row(ruled)["plan"] == "free"


def test_what_auth0_fills_once_stays_as_people_leave_it(ruled: Database) -> None:
    write(ruled, login(1, name="first"))
    ruled.execute("update users set email = 'edited@example.com', first_plan = 'edited'")

    write(ruled, login(2, name="second"), block(3))

    row = only_row(ruled)
    assert (row["email"], row["first_plan"]) == ("edited@example.com", "edited")
    assert (row["name"], row["plan"]) == ("second", "second")


def test_what_auth0_fills_once_comes_with_the_row(ruled: Database) -> None:
    write(ruled, login(1, name="first"), login(2, name="second"))

    row = only_row(ruled)
    assert (row["email"], row["first_plan"]) == ("first@example.com", "first")


def test_what_the_application_owns_is_never_touched(ruled: Database) -> None:
    write(ruled, login(1))
    ruled.execute("update users set points = 7, nickname = 'annie'")

    write(ruled, login(2), full_profile(3), delete(4), refresh(11, born=10), login(1))

    row = only_row(ruled)
    assert (row["points"], row["nickname"]) == (7, "annie")


def test_an_edit_of_the_applications_column_beside_a_guarded_one_passes_alone(ruled: Database) -> None:
    write(ruled, login(1))

    ruled.execute("update users set points = 7, name = 'edited'")

    row = only_row(ruled)
    assert (row["points"], row["name"]) == (7, "ann")


def test_rules_that_are_replaced_hold_at_once_in_a_session_that_knew_others(ruled: Database) -> None:
    write(ruled, login(1))
    for _ in range(8):  # PostgreSQL keeps a plan from the sixth time on
        ruled.execute("update users set points = 1")

    say(ruled, FieldRules([FieldRule.parse("name", {"owner": "app"})]))
    ruled.execute("update users set name = 'edited'")

    assert only_row(ruled)["name"] == "edited"


def outcome(database: Database, arrivals: Sequence[User]) -> dict[str, Any]:
    """Write payloads to an empty table and return the row, but for what the first write alone decides."""
    database.execute("delete from users")
    write(database, *arrivals)
    row = only_row(database)
    return {name: value for name, value in row.items() if name not in ("email", "first_plan")}


@on_rows
@given(two_arrivals(payloads(0, 6)))
@example(([login(1, name="ann"), login(1, name="bea")], [login(1, name="bea"), login(1, name="ann")]))
def test_one_incarnation_in_any_order(ruled: Database, arrivals: tuple[list[User], list[User]]) -> None:
    first, second = arrivals

    assert outcome(ruled, first) == outcome(ruled, second)


@on_rows
@given(two_arrivals(payloads(0, 4) | payloads(4, 8) | payloads(8, 10)))
@example(([record(4), refresh(4), refresh(9, born=8)], [refresh(9, born=8), refresh(4), record(4)]))
def test_several_incarnations_in_any_order(ruled: Database, arrivals: tuple[list[User], list[User]]) -> None:
    first, second = arrivals

    assert outcome(ruled, first) == outcome(ruled, second)


def test_a_delivery_of_the_write_that_stands_there_changes_nothing(database: Database) -> None:
    """Its account is stale against the row of nobody's hand, and must not pass for an edit by hand."""
    upsert(database, refresh(11, born=10))
    again = write_for(full_profile(12, born=10, blocked=False), write_id=uuid4())
    again.object["clocks"]["account"]["at"] = at(9).isoformat()
    again.object["clocks"]["account"]["born"] = None
    again.object["blocked"] = True
    upsert_write(database, again)
    before = only_row(database)

    upsert_write(database, again)

    assert before["blocked"] is False
    assert only_row(database) == before
