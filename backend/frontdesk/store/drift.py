"""What a reconcile keeps of everybody between reading and repair: who was read, and what is wrong with whom.

It begins as the fingerprints of everybody whom a pass has read (`RunningPass.advance`). A row that equals its record
takes both away, so what is left at the end is what is missing, and nothing has to be marked a million times.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import Any

from psycopg.types.json import Jsonb

from frontdesk.store.database import Connection, Database
from frontdesk.store.passes import TENANT_SOURCE, RunningPass


class State(IntEnum):
    """What a pass knows of a user."""

    READ = 0  # at Auth0; after all rows are compared: missing in Hasura
    FILTERED = 1  # at Auth0, and left out by `[filter]`
    REJECTED = 2  # at Auth0, with a record that could not be taken
    DIFFERENT = 3
    DELETED = 4  # with a tombstone, and at Auth0 all the same
    EXTRA = 5  # a row that nobody at Auth0 belongs to


@dataclass(frozen=True, kw_only=True, slots=True)
class Mark:
    """A finding about one user; `step_us` is how far a repair has to go on past the clock that stands there."""

    user_id: str
    state: State
    step_us: int = 0


class DriftMarks:
    """The marks of one pass. All methods may raise StoreUnavailable."""

    def __init__(self, run: RunningPass) -> None:
        self._run = run

    def known(self, user_ids: Collection[str]) -> dict[str, tuple[State, bytes | None]]:
        """Return the state and fingerprint of those of `user_ids` whom the pass has read."""
        with self._run.database.transaction() as connection:
            rows = connection.execute(
                "SELECT user_id, state, digests FROM pass_users WHERE pass_id = %s AND user_id = ANY(%s)",
                (self._run.id, list(user_ids)),
            ).fetchall()
        return {user_id: (State(state), digests) for user_id, state, digests in rows}

    def compared(
        self,
        *,
        settled: Collection[str],
        marks: Sequence[Mark],
        added: Mapping[str, int],
        position: Mapping[str, Any],
    ) -> None:
        """Keep what a page of rows came to: whose record is settled, the findings, the counts, and the position.

        In one transaction, so that a killed process did all of it or none.
        """
        run = self._run
        counts = Counter(run.counts)
        counts.update(added)
        with run.database.transaction() as connection:
            _forget(connection, run, settled)
            connection.execute(
                "INSERT INTO pass_users (pass_id, user_id, state, step_us)"
                " SELECT %s, m.id, m.state, m.step FROM unnest(%s::text[], %s::smallint[], %s::smallint[])"
                " AS m (id, state, step)"
                " ON CONFLICT (pass_id, user_id) DO UPDATE SET state = EXCLUDED.state, step_us = EXCLUDED.step_us",
                (
                    run.id,
                    [mark.user_id for mark in marks],
                    [mark.state for mark in marks],
                    [mark.step_us for mark in marks],
                ),
            )
            connection.execute(
                "UPDATE passes SET position = %s, counts = %s, updated_at = now() WHERE id = %s",
                (Jsonb(dict(position)), Jsonb(dict(counts)), run.id),
            )
        run.counts, run.position = counts, dict(position)

    def count(self) -> Counter[State]:
        """Return how many users are in each state."""
        with self._run.database.transaction() as connection:
            rows = connection.execute(
                "SELECT state, count(*) FROM pass_users WHERE pass_id = %s GROUP BY state", (self._run.id,)
            ).fetchall()
        return Counter({State(state): number for state, number in rows})

    def page(self, states: Collection[State], *, after: str = "", limit: int) -> list[Mark]:
        """Return the next users in one of `states`, by key."""
        with self._run.database.transaction() as connection:
            rows = connection.execute(
                "SELECT user_id, state, step_us FROM pass_users"
                " WHERE pass_id = %s AND state = ANY(%s) AND user_id > %s ORDER BY user_id LIMIT %s",
                (self._run.id, list(states), after, limit),
            ).fetchall()
        return [Mark(user_id=user_id, state=State(state), step_us=step) for user_id, state, step in rows]

    def first(self, state: State, number: int) -> tuple[str, ...]:
        """Return the first ids in a state, by key."""
        return tuple(mark.user_id for mark in self.page((state,), limit=number))

    def marked(self, user_ids: Collection[str], states: Collection[State]) -> dict[str, Mark]:
        """Return the marks of those of `user_ids` who are in one of `states`."""
        with self._run.database.transaction() as connection:
            rows = connection.execute(
                "SELECT user_id, state, step_us FROM pass_users"
                " WHERE pass_id = %s AND user_id = ANY(%s) AND state = ANY(%s)",
                (self._run.id, list(user_ids), list(states)),
            ).fetchall()
        return {
            user_id: Mark(user_id=user_id, state=State(state), step_us=step) for user_id, state, step in rows
        }

    def members(self, keys: Sequence[tuple[str, str]]) -> dict[tuple[str, str], tuple[str, ...]]:
        """Return the roles of those memberships (organization and user) that the pass has read."""
        with self._run.database.transaction() as connection:
            rows = connection.execute(
                "SELECT m.organization_id, m.user_id, m.roles FROM pass_members m"
                " JOIN unnest(%s::text[], %s::text[]) AS k (organization_id, user_id)"
                " USING (organization_id, user_id) WHERE m.pass_id = %s",
                ([key[0] for key in keys], [key[1] for key in keys], self._run.id),
            ).fetchall()
        return {(organization, user_id): tuple(roles) for organization, user_id, roles in rows}

    def count_members(self, *, without: Collection[State]) -> int:
        """Return how many memberships the pass has read, those of users in these states left out."""
        with self._run.database.transaction() as connection:
            row = connection.execute(
                "SELECT count(*) FROM pass_members m WHERE m.pass_id = %s AND NOT EXISTS (SELECT FROM pass_users u"
                " WHERE u.pass_id = m.pass_id AND u.user_id = m.user_id AND u.state = ANY(%s))",
                (self._run.id, list(without)),
            ).fetchone()
        return 0 if row is None else int(row[0])

    def member_page(
        self, *, after: tuple[str, str] = ("", ""), without: Collection[State], limit: int
    ) -> list[tuple[str, str, tuple[str, ...]]]:
        """Return the next memberships by key, as organization, user and roles, but those of users in these states."""
        with self._run.database.transaction() as connection:
            rows = connection.execute(
                "SELECT m.organization_id, m.user_id, m.roles FROM pass_members m"
                " WHERE m.pass_id = %s AND (m.organization_id, m.user_id) > (%s, %s)"
                " AND NOT EXISTS (SELECT FROM pass_users u"
                " WHERE u.pass_id = m.pass_id AND u.user_id = m.user_id AND u.state = ANY(%s))"
                " ORDER BY m.organization_id, m.user_id LIMIT %s",
                (self._run.id, *after, list(without), limit),
            ).fetchall()
        return [(organization, user_id, tuple(roles)) for organization, user_id, roles in rows]


def _forget(connection: Connection, run: RunningPass, user_ids: Collection[str]) -> None:
    connection.execute(
        "DELETE FROM pass_users WHERE pass_id = %s AND user_id = ANY(%s)", (run.id, list(user_ids))
    )


@dataclass(frozen=True, kw_only=True)
class Look:
    """What the newest finished reconcile of a tenant has left, by kind, and when it ended."""

    tenant: str
    ended_at: datetime
    left: Mapping[str, int]


def newest_looks(database: Database) -> tuple[Look, ...]:
    """Return the newest look at each tenant; comparisons with files do not count. Raises StoreUnavailable."""
    with database.transaction() as connection:
        rows = connection.execute(
            "SELECT DISTINCT ON (tenant) tenant, finished_at, detail -> 'left' FROM passes"
            " WHERE kind = 'reconcile' AND status = 'done' AND source = %s ORDER BY tenant, finished_at DESC",
            (TENANT_SOURCE,),
        ).fetchall()
    return tuple(Look(tenant=tenant, ended_at=at, left=left or {}) for tenant, at, left in rows)
