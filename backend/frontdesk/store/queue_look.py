"""How full the queue is: deliveries by way in and state, jobs by task and state, and how far each stream has come."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from frontdesk.store.database import Connection


@dataclass(frozen=True, kw_only=True)
class DeliveryLook:
    """The deliveries of one tenant, way and state (waiting, apart, failed); `oldest_s` is the age of the oldest."""

    tenant: str
    way: str
    state: str
    number: int
    records: int
    size_bytes: int
    oldest_s: float


@dataclass(frozen=True, kw_only=True)
class JobLook:
    """The jobs of one task and state; `late_s` is since when the first of those that wait could have run."""

    task: str
    state: str
    number: int
    late_s: float


@dataclass(frozen=True, kw_only=True)
class StreamLook:
    """When a way in brought something last, and of when the newest record in it is."""

    tenant: str
    way: str
    received_at: datetime | None
    record_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class QueueLook:
    """What there is to know of the queue at a moment."""

    deliveries: Sequence[DeliveryLook]
    jobs: Sequence[JobLook]
    streams: Sequence[StreamLook]


_DELIVERIES = """
SELECT tenant, way, state, count(*), coalesce(sum(records), 0)::bigint, coalesce(sum(bytes), 0)::bigint,
    extract(epoch FROM now() - min(received_at))::float8
FROM frontdesk.deliveries WHERE state IN ('waiting', 'apart') GROUP BY tenant, way, state
UNION ALL
SELECT tenant, way, state, count(*), coalesce(sum(records), 0)::bigint, coalesce(sum(bytes), 0)::bigint,
    extract(epoch FROM now() - min(received_at))::float8
FROM frontdesk.deliveries WHERE state = 'failed' GROUP BY tenant, way, state
ORDER BY 1, 2, 3
"""
# A job's time is when it was put in, unless it was told to wait until later.
_JOBS = """
SELECT task_name, status::text, count(*), coalesce(max(extract(epoch FROM now() - due_at)), 0)::float8 FROM (
    SELECT job.task_name, job.status, CASE WHEN job.status = 'todo' THEN coalesce(job.scheduled_at, (
        SELECT max(event.at) FROM frontdesk.procrastinate_events event
        WHERE event.job_id = job.id AND event.type <> 'scheduled'
    )) END AS due_at
    FROM frontdesk.procrastinate_jobs job WHERE job.status IN ('todo', 'doing', 'failed')
) job GROUP BY task_name, status ORDER BY task_name, status
"""


def queue_look(connection: Connection) -> QueueLook:
    """Return how full the queue is."""
    deliveries = connection.execute(_DELIVERIES).fetchall()
    jobs = connection.execute(_JOBS).fetchall()
    streams = connection.execute(
        "SELECT tenant, way, received_at, record_at FROM frontdesk.stream_state ORDER BY tenant, way"
    ).fetchall()
    return QueueLook(
        deliveries=[
            DeliveryLook(
                tenant=tenant,
                way=way,
                state=state,
                number=number,
                records=records,
                size_bytes=size,
                oldest_s=oldest_s,
            )
            for tenant, way, state, number, records, size, oldest_s in deliveries
        ],
        jobs=[
            JobLook(task=task, state=state, number=number, late_s=max(0.0, late_s))
            for task, state, number, late_s in jobs
        ],
        streams=[
            StreamLook(tenant=tenant, way=way, received_at=received_at, record_at=record_at)
            for tenant, way, received_at, record_at in streams
        ],
    )
