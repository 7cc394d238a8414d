"""The jobs of all tasks for people who look after them: what waits, what runs, what failed, and why.

The tables are procrastinate's; a delivery that a job is about is joined to it. Of a job's arguments only those are read
whose names are known to hold no secret.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from psycopg import sql
from psycopg.rows import DictRow, class_row, dict_row

from frontdesk.store.database import Connection, Database

MAX_JOBS = 1000  # of one page
SHOWN_ARGUMENTS = frozenset(
    {"tenant", "delivery_id", "user_id", "organization_id", "timestamp", "audit", "request_id", "way"}
)
HIDDEN = "…"


class JobState(StrEnum):
    """Where a job stands, in the words of the documentation."""

    WAITING = "waiting"
    RUNNING = "running"
    RETRYING = "retrying"  # it failed, and is tried again at its time
    FAILED = "failed"  # a dead letter: nothing happens to it before somebody decides
    STOPPED = "stopped"


@dataclass(frozen=True, kw_only=True)
class DeliveryFacts:
    """The delivery that a job is about."""

    id: int
    way: str
    records: int
    bytes: int
    state: str
    rejects: int


@dataclass(frozen=True, kw_only=True)
class Job:
    """One job. `error` is the reason of its newest failure, `next_attempt_at` when it is done at the earliest."""

    id: int
    task: str
    tenant: str | None
    state: JobState
    arguments: Mapping[str, Any]
    attempts: int
    since: datetime | None
    next_attempt_at: datetime | None
    error: str | None
    error_at: datetime | None
    request_id: str | None
    delivery: DeliveryFacts | None

    def as_json(self, now: datetime) -> dict[str, Any]:
        """Return the job under its stable names."""
        return {
            "id": self.id,
            "task": self.task,
            "tenant": self.tenant,
            "state": self.state.value,
            "arguments": dict(self.arguments),
            "attempts": self.attempts,
            "since": _iso(self.since),
            "age_s": None if self.since is None else round((now - self.since).total_seconds(), 1),
            "next_attempt_at": _iso(self.next_attempt_at),
            "error": self.error,
            "error_at": _iso(self.error_at),
            "request_id": self.request_id,
            "delivery": None if self.delivery is None else asdict(self.delivery),
        }


@dataclass(frozen=True, kw_only=True)
class JobFilter:
    """Which jobs to look at; what is None does not matter."""

    tenant: str | None = None
    task: str | None = None
    state: JobState | None = None


@dataclass(frozen=True, kw_only=True)
class InboxLine:
    """What is in the inbox of a tenant by one way, in one state, and not in Hasura."""

    tenant: str
    way: str
    state: str
    deliveries: int
    records: int
    bytes: int
    oldest_at: datetime

    def as_json(self, now: datetime) -> dict[str, Any]:
        """Return the line under its stable names."""
        facts = asdict(self)
        facts["oldest_at"] = self.oldest_at.isoformat()
        return {**facts, "age_s": round((now - self.oldest_at).total_seconds(), 1)}


@dataclass(frozen=True, kw_only=True)
class RejectedRecord:
    """A record of a delivery that could not be taken; `record` is personal data."""

    number: int
    record_id: str | None
    reason: str
    record: str

    def as_json(self, *, with_record: bool) -> dict[str, Any]:
        """Return the facts under stable names, the record itself only when it is asked for."""
        facts = asdict(self)
        return facts if with_record else {name: facts[name] for name in facts if name != "record"}


@dataclass(frozen=True, kw_only=True)
class TenantReject(RejectedRecord):
    """A rejected record of any delivery, also of one that is done otherwise."""

    at: datetime
    tenant: str
    way: str
    delivery_id: int

    def as_json(self, *, with_record: bool) -> dict[str, Any]:
        """Return the facts under stable names; see RejectedRecord."""
        return {**super().as_json(with_record=with_record), "at": self.at.isoformat()}


_STATE = """CASE j.status WHEN 'doing' THEN 'running' WHEN 'failed' THEN 'failed'
    WHEN 'todo' THEN CASE WHEN j.attempts = 0 THEN 'waiting' ELSE 'retrying' END ELSE 'stopped' END"""
_JOBS = f"""
SELECT j.id, j.task_name AS task, j.args ->> 'tenant' AS tenant, {_STATE} AS state, j.args AS arguments, j.attempts,
    (SELECT min(e.at) FROM frontdesk.procrastinate_events e WHERE e.job_id = j.id AND e.type = 'deferred') AS since,
    CASE WHEN j.status = 'todo' THEN j.scheduled_at END AS next_attempt_at, f.reason AS error, f.at AS error_at,
    coalesce(j.args ->> 'request_id', d.request_id) AS request_id, d.id AS delivery_id, d.way, d.records, d.bytes,
    d.state AS delivery_state,
    (SELECT count(*) FROM frontdesk.stream_rejects r WHERE r.delivery_id = d.id) AS rejects
FROM frontdesk.procrastinate_jobs j
LEFT JOIN frontdesk.job_errors f ON f.job_id = j.id
LEFT JOIN frontdesk.deliveries d ON j.task_name = 'ingest_delivery'
    AND jsonb_typeof(j.args -> 'delivery_id') = 'number' AND d.id = (j.args ->> 'delivery_id')::bigint
WHERE j.status <> 'succeeded'
    AND (%(tenant)s::text IS NULL OR j.args ->> 'tenant' = %(tenant)s)
    AND (%(task)s::text IS NULL OR j.task_name = %(task)s)
    AND (%(state)s::text IS NULL OR {_STATE} = %(state)s)
    AND (%(id)s::bigint IS NULL OR j.id = %(id)s)
    AND (%(before)s::bigint IS NULL OR j.id < %(before)s)
ORDER BY j.id DESC LIMIT %(limit)s
"""  # noqa: S608 - text of ours


class Jobs:
    """The jobs of all tenants. Every method is a transaction of its own and raises StoreUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def page(self, which: JobFilter, *, before: int | None = None, limit: int = 100) -> Sequence[Job]:
        """Return jobs, the newest first, those with an id below `before`; MAX_JOBS at most."""
        return self._read(
            {
                "tenant": which.tenant,
                "task": which.task,
                "state": which.state,
                "id": None,
                "before": before,
                "limit": min(max(limit, 1), MAX_JOBS),
            }
        )

    def one(self, job_id: int) -> Job | None:
        """Return a job; None when there is none, or when it is done."""
        values = dict.fromkeys(("tenant", "task", "state", "before"))
        found = self._read({**values, "id": job_id, "limit": 1})
        return found[0] if found else None

    def inbox(self, tenant: str | None = None) -> Sequence[InboxLine]:
        """Return what is in the inbox and not in Hasura, by tenant, way and state."""
        with self._database.transaction() as connection:
            rows = connection.execute(
                "SELECT tenant, way, state, count(*), sum(records)::bigint, sum(bytes)::bigint, min(received_at)"
                " FROM frontdesk.deliveries WHERE state IN ('waiting', 'apart', 'failed')"
                " AND (%(tenant)s::text IS NULL OR tenant = %(tenant)s) GROUP BY 1, 2, 3 ORDER BY 1, 2, 3",
                {"tenant": tenant},
            ).fetchall()
        names = tuple(InboxLine.__dataclass_fields__)
        return [InboxLine(**dict(zip(names, row, strict=True))) for row in rows]

    def rejects(self, delivery_id: int, *, limit: int = 100) -> Sequence[RejectedRecord]:
        """Return the records of a delivery that could not be taken, by their number in it."""
        with self._database.transaction() as connection:
            rows = connection.execute(
                "SELECT number, record_id, reason, record FROM frontdesk.stream_rejects WHERE delivery_id = %s"
                " ORDER BY number LIMIT %s",
                (delivery_id, limit),
            ).fetchall()
        return [
            RejectedRecord(number=number, record_id=record_id, reason=reason, record=record)
            for number, record_id, reason, record in rows
        ]

    def newest_rejects(self, tenant: str | None = None, *, limit: int = 100) -> Sequence[TenantReject]:
        """Return records that could not be taken, of all deliveries that are kept, the newest first."""
        with (
            self._database.transaction() as connection,
            connection.cursor(row_factory=class_row(TenantReject)) as cursor,
        ):
            return cursor.execute(
                "SELECT r.at, r.tenant, d.way, r.delivery_id, r.number, r.record_id, r.reason, r.record"
                " FROM frontdesk.stream_rejects r JOIN frontdesk.deliveries d ON d.id = r.delivery_id"
                " WHERE %(tenant)s::text IS NULL OR r.tenant = %(tenant)s"
                " ORDER BY r.at DESC, r.delivery_id DESC, r.number LIMIT %(limit)s",
                {"tenant": tenant, "limit": limit},
            ).fetchall()

    def _read(self, values: Mapping[str, Any]) -> list[Job]:
        with self._database.transaction() as connection:
            return _jobs(connection, values)


def _jobs(connection: Connection, values: Mapping[str, Any]) -> list[Job]:
    with connection.cursor(row_factory=dict_row) as cursor:
        return [_job(row) for row in cursor.execute(sql.SQL(_JOBS), values).fetchall()]


def _job(row: DictRow) -> Job:
    delivery = None
    if row["delivery_id"] is not None:
        delivery = DeliveryFacts(
            id=row["delivery_id"],
            way=row["way"],
            records=row["records"],
            bytes=row["bytes"],
            state=row["delivery_state"],
            rejects=row["rejects"],
        )
    names = (
        "id",
        "task",
        "tenant",
        "attempts",
        "since",
        "next_attempt_at",
        "error",
        "error_at",
        "request_id",
    )
    return Job(
        **{name: row[name] for name in names},
        state=JobState(row["state"]),
        arguments=_shown(row["arguments"]),
        delivery=delivery,
    )


def _shown(arguments: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value if name in SHOWN_ARGUMENTS else HIDDEN for name, value in arguments.items()}


def _iso(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()
