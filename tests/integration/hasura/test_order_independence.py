"""Whatever order payloads arrive in, and however often: the row and its grants end the same."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import psycopg
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from psycopg.rows import DictRow
from tests.integration.hasura.conftest import only_row
from tests.integration.hasura.engine import Engine
from tests.integration.hasura.histories import (
    block,
    delete,
    full_profile,
    login,
    record,
    refresh,
)

from frontdesk.identity.user import User

Rows = psycopg.Connection[DictRow]
on_rows = settings(
    max_examples=80,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

NAMES = st.sampled_from(["ann", "bea"])
COUNTS = st.sampled_from([None, 1, 2])
ROLES = st.sampled_from([None, (), ("editor",), ("viewer", "editor")])


def payloads(born: int, until: int, *, first: int | None = None) -> st.SearchStrategy[User]:
    """Return payloads of one incarnation. Whole minutes, so that equal times are common."""
    minutes = st.integers(born if first is None else first, until)
    borns = st.sampled_from([born, born, None])
    return st.one_of(
        st.builds(login, minutes, name=NAMES, born=borns, roles=ROLES, omitted=st.booleans(), count=COUNTS),
        st.builds(refresh, minutes, name=NAMES, born=borns),
        st.builds(record, minutes, name=NAMES),
        st.builds(full_profile, minutes, name=NAMES, born=borns, blocked=st.booleans(), count=COUNTS),
        st.builds(block, minutes, blocked=st.booleans(), born=borns),
        st.builds(delete, minutes, born=borns),
    )


@st.composite
def two_arrivals(draw: st.DrawFn, kinds: st.SearchStrategy[User]) -> tuple[list[User], list[User]]:
    """Return a history, and the same payloads in another order with some of them delivered again."""
    history = draw(st.lists(kinds, min_size=1, max_size=7))
    again = draw(st.lists(st.sampled_from(history), max_size=3))
    return history, draw(st.permutations(history + again))


def outcome(engine: Engine, rows: Rows, arrivals: Sequence[User], *, by_hand: bool = False) -> dict[str, Any]:
    """Write the payloads to an empty table, or one with a row made by hand, and return what stands there."""
    rows.execute("delete from users")
    if by_hand:
        rows.execute(
            "insert into users (user_id, user_name, app_metadata, blocked, last_seen)"
            " values ('auth0|ann', 'tutorial', '{}', true, null)"
        )
    engine.upsert(*arrivals)
    grants = rows.execute("select role, source from user_roles order by role").fetchall()
    return {**only_row(rows), "grants": grants}


@on_rows
@given(two_arrivals(payloads(0, 6)))
@example(([login(1, name="ann"), login(1, name="bea")], [login(1, name="bea"), login(1, name="ann")]))
def test_one_incarnation(engine: Engine, rows: Rows, arrivals: tuple[list[User], list[User]]) -> None:
    first, second = arrivals

    assert outcome(engine, rows, first) == outcome(engine, rows, second)


@on_rows
@given(two_arrivals(payloads(0, 6, first=1)))
def test_one_incarnation_over_a_row_made_by_hand(
    engine: Engine, rows: Rows, arrivals: tuple[list[User], list[User]]
) -> None:
    first, second = arrivals

    assert outcome(engine, rows, first, by_hand=True) == outcome(engine, rows, second, by_hand=True)


@on_rows
@given(two_arrivals(st.one_of(payloads(0, 4), payloads(4, 8), payloads(8, 10))))
@example(([refresh(9, born=8), delete(3), login(2)], [login(2), delete(3), refresh(9, born=8)]))
@example(
    # A log record at the very minute of the next creation: of the life that ended, however it arrives.
    (
        [record(4), refresh(4, born=0), block(5, born=4)],
        [block(5, born=4), record(4), refresh(4, born=0)],
    )
)
def test_three_incarnations_of_one_user_id(
    engine: Engine, rows: Rows, arrivals: tuple[list[User], list[User]]
) -> None:
    first, second = arrivals

    assert outcome(engine, rows, first) == outcome(engine, rows, second)
