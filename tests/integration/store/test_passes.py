"""Passes: what one transaction keeps of a batch, and what the next process finds."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from frontdesk.store.database import Database
from frontdesk.store.passes import KEPT_PASSES, Passes, PassKind, PassStatus, Reject, SeenUser

STATES = {1: "written", 2: "unchanged"}


@pytest.fixture
def database(store_url: str) -> Iterator[Database]:
    """A database with frontdesk's own schema."""
    with Database(store_url) as opened:
        yield opened


def test_the_next_process_finds_where_a_pass_stands(database: Database) -> None:
    passes = Passes(database)
    begun = passes.begin("acme", PassKind.IMPORT, way="pages", phase="users", detail={"total": 3})
    begun.advance(
        position={"number": 3},
        seen=[SeenUser(user_id="a", state=1), SeenUser(user_id="b", state=2), SeenUser(user_id="a", state=2)],
        states=STATES,
        added={"read": 3},
    )

    (found,) = passes.running("acme", PassKind.IMPORT)

    assert (found.id, found.phase, found.position, found.detail) == (
        begun.id,
        "users",
        {"number": 3},
        {"total": 3},
    )
    assert found.counts == {"read": 3, "written": 1, "unchanged": 1, "repeated": 1} == begun.counts
    assert passes.running("acme", PassKind.RECONCILE) == passes.running("other", PassKind.IMPORT) == ()


def test_somebody_whom_the_pass_knows_counts_as_repeated(database: Database) -> None:
    run = Passes(database).begin("acme", PassKind.IMPORT, phase="users")
    run.advance(position={}, seen=[SeenUser(user_id="a", state=1)], states=STATES)

    run.advance(
        position={}, seen=[SeenUser(user_id="a", state=2), SeenUser(user_id="b", state=2)], states=STATES
    )

    assert run.counts == {"written": 1, "unchanged": 1, "repeated": 1}


def test_a_batch_that_cannot_be_kept_moves_nothing(database: Database, store_url: str) -> None:
    run = Passes(database).begin("acme", PassKind.IMPORT, phase="users")

    with pytest.raises(psycopg.DataError):
        run.advance(position={"number": 1}, seen=[SeenUser(user_id="\x00", state=1)], states=STATES)

    assert (run.position, run.counts) == ({}, {})
    (found,) = Passes(database).running("acme", PassKind.IMPORT)
    assert (found.position, found.counts) == ({}, {})


def test_rejects_come_back_by_number_even_when_postgresql_cannot_hold_their_text(database: Database) -> None:
    run = Passes(database).begin("acme", PassKind.IMPORT, phase="users")
    run.advance(
        position={},
        rejects=[
            Reject(number=2, user_id="\x00", reason="null byte", record='{"user_id": "\x00\ud800"}'),
            Reject(number=1, user_id="a", reason="no", record="{}"),
        ],
    )

    first, second = run.rejects()

    assert first == Reject(number=1, user_id="a", reason="no", record="{}")
    assert second == Reject(
        number=2, user_id=None, reason="null byte", record='{"user_id": "\\u0000\\ud800"}'
    )


def test_an_ended_pass_keeps_counts_and_rejects_and_nobody_whom_it_saw(
    database: Database, store_url: str
) -> None:
    run = Passes(database).begin("acme", PassKind.IMPORT, phase="users")
    run.advance(
        position={},
        seen=[SeenUser(user_id="a", digests=b"x")],
        rejects=[Reject(number=1, user_id=None, reason="no", record="{}")],
        added={"read": 1},
    )

    run.end(PassStatus.DONE, verdict="1 of 1")

    assert len(list(run.rejects())) == 1
    with psycopg.connect(store_url) as connection:
        ended = connection.execute(
            "SELECT status, counts, detail, finished_at IS NOT NULL FROM frontdesk.passes"
        ).fetchall()
        assert ended == [("done", {"read": 1}, {"verdict": "1 of 1"}, True)]
        assert connection.execute("SELECT count(*) FROM frontdesk.pass_users").fetchone() == (0,)


def test_roles_and_members_are_read_back_for_whom_the_pass_saw(database: Database) -> None:
    run = Passes(database).begin("acme", PassKind.IMPORT, phase="users")
    run.add_role_members("editor", ["a", "b", "a"])
    run.add_role_members("author", ["a"])
    run.add_role_members("ghost", ["a"])
    run.forget_role("ghost")
    run.add_members("org_1", [("a", ["lead"]), ("c", []), ("a", ["lead", "host"])])
    run.advance(position={}, seen=[SeenUser(user_id="a", state=1), SeenUser(user_id="c", state=4)])

    assert run.roles_of(["a", "b", "c"]) == {"a": ("author", "editor"), "b": ("editor",)}
    assert run.members(states=[1, 2]) == [("org_1", "a", ("lead", "host"))]
    assert run.members(states=[1, 2], after=("org_1", "a")) == []


def test_only_the_newest_ended_passes_are_kept(database: Database) -> None:
    passes = Passes(database)
    for _ in range(KEPT_PASSES + 2):
        passes.begin("acme", PassKind.IMPORT, phase="users").drop()
    passes.begin("acme", PassKind.IMPORT, phase="users")

    with database.transaction() as connection:
        kept = connection.execute("SELECT status, count(*) FROM passes GROUP BY status").fetchall()

    assert dict(kept) == {"dropped": KEPT_PASSES, "running": 1}
