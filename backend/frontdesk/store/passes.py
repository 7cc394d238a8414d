"""Passes: the runs of imports and reconciles, where they stand, whom they have seen, and what they set aside.

A pass outlives its process. Whoever is killed finds it with `Passes.running` and goes on from its `position`; the lock
`import:<tenant>` (`lock_name`) keeps a second process of the same tenant away, so one process alone moves a pass.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, LiteralString
from uuid import UUID, uuid4

from psycopg import sql
from psycopg.types.json import Jsonb

from frontdesk.store.database import Connection, Database

KEPT_PASSES = 20  # ended ones, per tenant and kind; older ones go, with what they set aside
MAX_KEPT_RECORD_CHARS = 2 * 1024 * 1024  # of a reject: a record with a megabyte of metadata can be corrected
MAX_KEY_BYTES = 2048  # what a user id may have to stand in a key
TENANT_SOURCE = "tenant"  # a pass over what Auth0 says now; any other source is the path of a file


class PassKind(StrEnum):
    """What a pass is for."""

    IMPORT = "import"
    RECONCILE = "reconcile"


class PassStatus(StrEnum):
    """How a pass ended, or that it has not."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    DROPPED = "dropped"


@dataclass(frozen=True, kw_only=True, slots=True)
class SeenUser:
    """Somebody whom a pass has read; `state` is a number of the use case's own, `digests` what a reconcile compares."""

    user_id: str
    state: int = 0
    digests: bytes | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Reject:
    """A record that was set aside: the `number`-th of its reading, why, and the record as it came."""

    number: int
    user_id: str | None
    reason: str
    record: str


@dataclass(frozen=True, kw_only=True)
class PassFacts:
    """What is known of a pass, running or ended."""

    id: UUID
    tenant: str
    kind: PassKind
    source: str
    way: str | None
    phase: str
    status: PassStatus
    position: Mapping[str, Any]
    counts: Mapping[str, int]
    detail: Mapping[str, Any]
    started_at: datetime
    updated_at: datetime
    finished_at: datetime | None


def lock_name(tenant: str) -> str:
    """Return the name of the lock (`Database.lock`) that imports and reconciles of a tenant share."""
    return f"import:{tenant}"


class Passes:
    """The passes of all tenants. All methods may raise StoreUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def running(self, tenant: str, kind: PassKind) -> tuple[RunningPass, ...]:
        """Return the unfinished passes of a tenant, of every source; go on with one, or `drop` it."""
        facts = self._facts(
            "tenant = %s AND kind = %s AND status = 'running' ORDER BY started_at", tenant, kind
        )
        return tuple(RunningPass(self._database, each) for each in facts)

    def begin(
        self,
        tenant: str,
        kind: PassKind,
        *,
        source: str = TENANT_SOURCE,
        way: str | None = None,
        phase: str,
        detail: Mapping[str, Any] | None = None,
    ) -> RunningPass:
        """Begin a pass; the caller holds the lock, and knows that none of this source is running."""
        pass_id = uuid4()
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT INTO passes (id, tenant, kind, source, way, phase, detail) VALUES (%s, %s, %s, %s, %s, %s, %s)",
                (pass_id, tenant, kind, source, way, phase, Jsonb(dict(detail or {}))),
            )
            connection.execute(
                "DELETE FROM passes WHERE id IN (SELECT id FROM passes WHERE tenant = %s AND kind = %s"
                " AND status <> 'running' ORDER BY started_at DESC OFFSET %s)",
                (tenant, kind, KEPT_PASSES),
            )
        (facts,) = self._facts("id = %s", pass_id)
        return RunningPass(self._database, facts)

    def _facts(self, where: LiteralString, *values: Any) -> list[PassFacts]:
        query = sql.SQL(
            "SELECT id, tenant, kind, source, way, phase, status, position, counts, detail, started_at,"
            " updated_at, finished_at FROM passes WHERE {}"
        ).format(sql.SQL(where))
        with self._database.transaction() as connection:
            rows = connection.execute(query, values).fetchall()
        return [_facts_of(row) for row in rows]


@dataclass
class RunningPass:
    """A pass that goes on in this process; what it holds is what PostgreSQL holds, after every call.

    One thread at a time moves it (`advance`, `enter`, `note`, `end`); the readers (`roles_of`, …) are for any thread.
    """

    database: Database = field(repr=False)
    facts: PassFacts
    counts: Counter[str] = field(init=False)
    position: dict[str, Any] = field(init=False)
    detail: dict[str, Any] = field(init=False)
    phase: str = field(init=False)

    def __post_init__(self) -> None:
        self.counts = Counter(dict(self.facts.counts))
        self.position = dict(self.facts.position)
        self.detail = dict(self.facts.detail)
        self.phase = self.facts.phase

    @property
    def id(self) -> UUID:
        """The pass's id."""
        return self.facts.id

    def enter(self, phase: str, **detail: Any) -> None:
        """Go over to another phase, which begins with an empty position; `detail` is added to what is there."""
        merged = {**self.detail, **detail}
        with self.database.transaction() as connection:
            connection.execute(
                "UPDATE passes SET phase = %s, position = '{}', detail = %s, updated_at = now() WHERE id = %s",
                (phase, Jsonb(merged), self.id),
            )
        self.phase, self.position, self.detail = phase, {}, merged

    def note(self, **detail: Any) -> None:
        """Add to the pass's detail."""
        merged = {**self.detail, **detail}
        with self.database.transaction() as connection:
            connection.execute(
                "UPDATE passes SET detail = %s, updated_at = now() WHERE id = %s", (Jsonb(merged), self.id)
            )
        self.detail = merged

    def advance(
        self,
        *,
        position: Mapping[str, Any],
        seen: Sequence[SeenUser] = (),
        rejects: Sequence[Reject] = (),
        states: Mapping[int, str] | None = None,
        added: Mapping[str, int] | None = None,
    ) -> None:
        """Keep, in one transaction: the position, whom a batch had, what it set aside, and the counts.

        `added` is added to the counts. With `states`, everybody who is new to the pass adds one to the count that
        `states` names for their state, and everybody else one to `repeated`. Digests of somebody known replace theirs.
        Done twice for one batch it changes nothing but the counts, and a killed process does it once or not at all.
        """
        counts = Counter(self.counts)
        counts.update(added or {})
        with self.database.transaction() as connection:
            fresh = _add_seen(connection, self.id, seen)
            for state, name in (states or {}).items():
                counts[name] += fresh[state]
            if states is not None:
                counts["repeated"] += len(seen) - sum(fresh.values())
            _add_rejects(connection, self.facts, rejects)
            connection.execute(
                "UPDATE passes SET position = %s, counts = %s, updated_at = now() WHERE id = %s",
                (Jsonb(dict(position)), Jsonb(dict(counts)), self.id),
            )
        self.counts, self.position = counts, dict(position)

    def end(self, status: PassStatus, **detail: Any) -> None:
        """End the pass, and let go of whom it has seen; counts, detail and rejects stay."""
        merged = {**self.detail, **detail}
        with self.database.transaction() as connection:
            connection.execute(
                "UPDATE passes SET status = %s, detail = %s, updated_at = now(), finished_at = now() WHERE id = %s",
                (status, Jsonb(merged), self.id),
            )
            for table in ("pass_users", "pass_roles", "pass_members"):
                forget = sql.SQL("DELETE FROM {} WHERE pass_id = %s").format(sql.Identifier(table))
                connection.execute(forget, (self.id,))
        self.detail = merged

    def drop(self) -> None:
        """End the pass unfinished: the next one begins from the start."""
        self.end(PassStatus.DROPPED)

    def rejects(self) -> Iterator[Reject]:
        """Give what was set aside, by number, a page at a time."""
        after = -1
        while True:
            with self.database.transaction() as connection:
                rows = connection.execute(
                    "SELECT number, user_id, reason, record FROM rejects WHERE pass_id = %s AND number > %s"
                    " ORDER BY number LIMIT 100",
                    (self.id, after),
                ).fetchall()
            for number, user_id, reason, record in rows:
                yield Reject(number=number, user_id=user_id, reason=reason, record=record)
            if not rows:
                return
            after = rows[-1][0]

    def forget_role(self, role: str) -> None:
        """Take back what was read of a role's members."""
        with self.database.transaction() as connection:
            connection.execute("DELETE FROM pass_roles WHERE pass_id = %s AND role = %s", (self.id, role))

    def add_role_members(self, role: str, user_ids: Collection[str]) -> None:
        """Keep who has a role."""
        with self.database.transaction() as connection:
            connection.execute(
                "INSERT INTO pass_roles (pass_id, user_id, role) SELECT %s, id, %s FROM unnest(%s::text[]) AS id"
                " ON CONFLICT DO NOTHING",
                (self.id, role, [user_id for user_id in user_ids if fits_a_key(user_id)]),
            )

    def roles_of(self, user_ids: Collection[str]) -> dict[str, tuple[str, ...]]:
        """Return the roles of those of `user_ids` who have any, sorted."""
        with self.database.transaction() as connection:
            rows = connection.execute(
                "SELECT user_id, array_agg(role ORDER BY role) FROM pass_roles"
                " WHERE pass_id = %s AND user_id = ANY(%s) GROUP BY user_id",
                (self.id, [user_id for user_id in user_ids if fits_a_key(user_id)]),
            ).fetchall()
        return {user_id: tuple(roles) for user_id, roles in rows}

    def forget_members(self, organization_id: str) -> None:
        """Take back what was read of an organization's members."""
        with self.database.transaction() as connection:
            connection.execute(
                "DELETE FROM pass_members WHERE pass_id = %s AND organization_id = %s",
                (self.id, organization_id),
            )

    def add_members(self, organization_id: str, members: Iterable[tuple[str, Sequence[str]]]) -> None:
        """Keep who is in an organization, each with the roles that they have there."""
        # By user: one statement may not meet a key twice.
        rows = {user_id: Jsonb(list(roles)) for user_id, roles in members if fits_a_key(user_id)}
        with self.database.transaction() as connection:
            connection.execute(
                "INSERT INTO pass_members (pass_id, organization_id, user_id, roles)"
                " SELECT %s, %s, m.id, m.roles FROM unnest(%s::text[], %s::jsonb[]) AS m (id, roles)"
                " ON CONFLICT (pass_id, organization_id, user_id) DO UPDATE SET roles = EXCLUDED.roles",
                (self.id, organization_id, list(rows), list(rows.values())),
            )

    def members(
        self, *, states: Collection[int], after: tuple[str, str] = ("", ""), limit: int = 500
    ) -> list[tuple[str, str, tuple[str, ...]]]:
        """Return the next members by key (organization, user, roles): those whom the pass saw in one of `states`."""
        with self.database.transaction() as connection:
            rows = connection.execute(
                "SELECT m.organization_id, m.user_id, m.roles FROM pass_members m"
                " JOIN pass_users u ON u.pass_id = m.pass_id AND u.user_id = m.user_id AND u.state = ANY(%s)"
                " WHERE m.pass_id = %s AND (m.organization_id, m.user_id) > (%s, %s)"
                " ORDER BY m.organization_id, m.user_id LIMIT %s",
                (list(states), self.id, *after, limit),
            ).fetchall()
        return [(organization, user_id, tuple(roles)) for organization, user_id, roles in rows]


def fits_a_key(user_id: str) -> bool:
    """Whether PostgreSQL can hold the id in a key: no U+0000, no half a surrogate pair, and no novel."""
    if "\x00" in user_id or len(user_id) > MAX_KEY_BYTES:
        return False
    try:
        return len(user_id.encode()) <= MAX_KEY_BYTES
    except UnicodeEncodeError:
        return False


def _add_seen(connection: Connection, pass_id: UUID, seen: Sequence[SeenUser]) -> Counter[int]:
    """Return how many of each state were new. Somebody who comes twice in `seen` counts by the first state."""
    rows: dict[str, SeenUser] = {}
    if not seen:
        return Counter()
    for user in seen:
        known = rows.get(user.user_id)
        rows[user.user_id] = user if known is None else _same_with_digests_of(known, user)
    fresh = connection.execute(
        "INSERT INTO pass_users AS p (pass_id, user_id, state, digests)"
        " SELECT %s, s.id, s.state, s.digests FROM unnest(%s::text[], %s::smallint[], %s::bytea[])"
        " AS s (id, state, digests)"
        " ON CONFLICT (pass_id, user_id) DO UPDATE SET digests = EXCLUDED.digests WHERE EXCLUDED.digests IS NOT NULL"
        " RETURNING state, xmax = 0",
        (
            pass_id,
            list(rows),
            [user.state for user in rows.values()],
            [user.digests for user in rows.values()],
        ),
    ).fetchall()
    return Counter(state for state, is_new in fresh if is_new)


def _same_with_digests_of(known: SeenUser, again: SeenUser) -> SeenUser:
    return SeenUser(user_id=known.user_id, state=known.state, digests=again.digests or known.digests)


def _add_rejects(connection: Connection, facts: PassFacts, rejects: Sequence[Reject]) -> None:
    if not rejects:
        return
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO rejects (pass_id, number, tenant, user_id, reason, record) VALUES (%s, %s, %s, %s, %s, %s)"
            " ON CONFLICT DO NOTHING",
            [
                (
                    facts.id,
                    each.number,
                    facts.tenant,
                    each.user_id if each.user_id is not None and fits_a_key(each.user_id) else None,
                    _storable(each.reason),
                    _storable(each.record[:MAX_KEPT_RECORD_CHARS]),
                )
                for each in rejects
            ],
        )


def _storable(text: str) -> str:
    """Return `text` without what PostgreSQL refuses; U+0000 and half surrogate pairs become their JSON escapes."""
    return text.replace("\x00", "\\u0000").encode("utf-8", "backslashreplace").decode()


def _facts_of(row: tuple[Any, ...]) -> PassFacts:
    names = (*PassFacts.__dataclass_fields__,)
    facts = dict(zip(names, row, strict=True))
    return PassFacts(**{**facts, "kind": PassKind(facts["kind"]), "status": PassStatus(facts["status"])})
