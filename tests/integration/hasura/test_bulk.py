"""Many users in one call: what each came to, and that a bad one fails alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import psycopg
import pytest
from tests.integration.hasura.engine import ADMIN_SECRET, Engine
from tests.integration.hasura.histories import at, block, delete, full_profile, login

from frontdesk.errors import HasuraRejected, HasuraUnavailable
from frontdesk.hasura.bulk import RowOutcome
from frontdesk.hasura.writes import UserWriter
from frontdesk.identity.fields import FieldRule, FieldRules
from frontdesk.identity.user import Stamped, User

Rows = psycopg.Connection[dict[str, Any]]
BUDGET_S = 20.0
WRITTEN, UNCHANGED, REJECTED = RowOutcome.WRITTEN, RowOutcome.UNCHANGED, RowOutcome.REJECTED


def people(count: int, *, minutes: float = 1) -> list[User]:
    return [replace(full_profile(minutes, name=f"n{n}"), user_id=f"auth0|{n:04}") for n in range(count)]


def outcomes(writer: UserWriter, users: list[User]) -> list[RowOutcome]:
    return [result.outcome for result in writer.write_many(users, budget_s=BUDGET_S)]


def test_every_user_gets_its_result_in_order(writer: UserWriter, rows: Rows) -> None:
    users = people(1200)[::-1]

    results = writer.write_many(users, budget_s=BUDGET_S)

    assert [result.user_id for result in results] == [user.user_id for user in users]
    assert {result.outcome for result in results} == {WRITTEN}
    assert rows.execute("select count(*) from users").fetchone() == {"count": 1200}


def test_the_same_users_again_are_unchanged_and_a_changed_one_is_written(writer: UserWriter) -> None:
    outcomes(writer, people(3))

    later = people(3)
    later[1] = replace(full_profile(2, name="another"), user_id=later[1].user_id)

    assert outcomes(writer, later) == [UNCHANGED, WRITTEN, UNCHANGED]


def test_a_newer_time_with_the_same_content_is_unchanged_and_moves_the_clock(
    writer: UserWriter, rows: Rows
) -> None:
    outcomes(writer, [block(1)])
    before = rows.execute("select write_id, synced_at from users").fetchone()

    assert outcomes(writer, [block(2)]) == [UNCHANGED]

    after = rows.execute("select write_id, synced_at, clocks #>> '{account,at}' as at from users").fetchone()
    assert before is not None
    assert after is not None
    assert after["write_id"] == before["write_id"]
    assert after["synced_at"] > before["synced_at"]
    assert after["at"] == "2026-03-01T12:02:00.000000Z"


def test_payloads_of_several_kinds_and_a_key_twice_go_in_one_call(writer: UserWriter, rows: Rows) -> None:
    users = [login(2, name="new"), full_profile(1, name="old"), login(1, name="old"), delete(5)]

    results = writer.write_many(users, budget_s=BUDGET_S)

    assert len(results) == 4
    assert rows.execute("select name from users").fetchall() == [{"name": "new"}]
    assert results[3].deleted_at == at(5)


def test_a_tombstone_comes_back_with_the_result(engine: Engine, writer: UserWriter) -> None:
    engine.upsert(delete(7))

    (result,) = writer.write_many([replace(login(1), alive=None)], budget_s=BUDGET_S)

    assert (result.outcome, result.deleted_at) == (WRITTEN, at(7))


@pytest.mark.parametrize("bad", ["", "a\x00b", "x" * 2049], ids=["empty", "null byte", "too long"])
def test_bad_rows_fail_alone_with_their_reason(writer: UserWriter, rows: Rows, bad: str) -> None:
    users = people(20)
    users[3:3] = [replace(users[0], user_id=bad)]
    users[11] = replace(users[11], user_id=bad + bad)

    results = writer.write_many(users, budget_s=BUDGET_S)

    assert [n for n, result in enumerate(results) if result.outcome is REJECTED] == [3, 11]
    assert all(result.detail for result in results if result.outcome is REJECTED)
    assert rows.execute("select count(*) from users").fetchone() == {"count": 19}


def test_users_with_large_metadata_go_in_smaller_batches(writer: UserWriter, rows: Rows) -> None:
    large = {"text": "x" * 700_000}
    users = [replace(user, app_metadata=Stamped(large, at(1))) for user in people(7)]

    assert outcomes(writer, users) == [WRITTEN] * 7
    assert rows.execute("select count(*) from users").fetchone() == {"count": 7}


def test_what_refuses_every_row_is_raised_and_no_row_is_to_blame(engine: Engine) -> None:
    stranger = UserWriter(engine.url, "another-secret")

    with pytest.raises(HasuraRejected) as refusal:
        stranger.write_many(people(9), budget_s=BUDGET_S)
    stranger.close()

    assert refusal.value.code == "access-denied"


def test_a_mapped_column_that_hasura_does_not_have_is_raised_soon(engine: Engine) -> None:
    rules = FieldRules([FieldRule.parse("company", {"path": "app_metadata.company"})])
    writer = UserWriter(engine.url, ADMIN_SECRET, rules=rules)

    with pytest.raises(HasuraRejected) as refusal:
        writer.write_many(people(500), budget_s=BUDGET_S)
    writer.close()

    assert refusal.value.code == "validation-failed"


def test_no_time_left_is_hasura_unavailable(writer: UserWriter) -> None:
    with pytest.raises(HasuraUnavailable):
        writer.write_many(people(2), budget_s=0.0)
