"""Puts jobs into procrastinate's table, from any process: the web tier, a command, another job."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from frontdesk.store.database import Connection, Database

QUEUE = "default"  # of every job

# As the library defers one; a taken queueing lock is a unique violation.
# Source: procrastinate's schema, procrastinate_defer_jobs_v1.
_DEFER = """
SELECT unnest(procrastinate_defer_jobs_v1(ARRAY[ROW(
    %(queue)s, %(task)s, %(priority)s, %(lock)s, %(queueing_lock)s, %(args)s,
    CASE WHEN %(delay_s)s::float8 > 0 THEN now() + make_interval(secs => %(delay_s)s::float8) END
)::procrastinate_job_to_defer_v1]))
"""

_DEFER_MANY = """
SELECT procrastinate_defer_jobs_v1(array_agg(ROW(
    %(queue)s, %(task)s, %(priority)s, NULL, job.queueing_lock, job.args,
    CASE WHEN %(delay_s)s::float8 > 0 THEN now() + make_interval(secs => %(delay_s)s::float8) END
)::procrastinate_job_to_defer_v1))
FROM unnest(%(locks)s::text[], %(args)s::jsonb[]) AS job (queueing_lock, args) HAVING count(*) > 0
"""


class Queue:
    """The queue of all workers. Every call is a transaction of its own and raises StoreUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def defer(
        self,
        task: str,
        args: Mapping[str, Any],
        *,
        queueing_lock: str | None = None,
        lock: str | None = None,
        delay_s: float = 0.0,
        priority: int = 0,
    ) -> int | None:
        """Have a worker do `task` once, `delay_s` from now at the earliest, and return the job's id.

        None when a job with this queueing lock waits already: it will see what this one would.
        """
        with self._database.transaction() as connection:
            if queueing_lock is not None and _waits(connection, queueing_lock):
                return None
            values = {
                "queue": QUEUE,
                "task": task,
                "priority": priority,
                "lock": lock,
                "queueing_lock": queueing_lock,
                "args": Jsonb(dict(args)),
                "delay_s": delay_s,
            }
            try:
                with connection.transaction():
                    row = connection.execute(_DEFER, values).fetchone()
            except psycopg.errors.UniqueViolation:
                return None
        return None if row is None else int(row[0])

    def defer_many(
        self, task: str, jobs: Mapping[str, Mapping[str, Any]], *, delay_s: float = 0.0, priority: int = 0
    ) -> int:
        """Have a worker do `task` once for each of `jobs`: queueing locks and arguments. Return how many are new.

        One that waits already gets this priority when its own is lower.
        """
        with self._database.transaction() as connection:
            waiting = connection.execute(
                "SELECT queueing_lock, priority FROM procrastinate_jobs"
                " WHERE queueing_lock = ANY(%s) AND status = 'todo'",
                (list(jobs),),
            ).fetchall()
            _raise(connection, [lock for lock, own in waiting if own < priority], priority)
            new = {lock: jobs[lock] for lock in jobs.keys() - {row[0] for row in waiting}}
            values = {
                "queue": QUEUE,
                "task": task,
                "priority": priority,
                "delay_s": delay_s,
                "locks": sorted(new),
                "args": [Jsonb(dict(new[lock])) for lock in sorted(new)],
            }
            try:
                with connection.transaction():
                    connection.execute(_DEFER_MANY, values)
                return len(new)
            except psycopg.errors.UniqueViolation:
                pass  # somebody has put in one of them meanwhile
        return sum(
            self.defer(task, args, queueing_lock=lock, delay_s=delay_s, priority=priority) is not None
            for lock, args in new.items()
        )


def _waits(connection: Connection, queueing_lock: str) -> bool:
    """Look before writing: a refused insert costs a job's number and an entry in PostgreSQL's log."""
    found = connection.execute(
        "SELECT 1 FROM procrastinate_jobs WHERE queueing_lock = %s AND status = 'todo'", (queueing_lock,)
    ).fetchone()
    return found is not None


def _raise(connection: Connection, locks: list[str], priority: int) -> None:
    if locks:
        connection.execute(
            "UPDATE procrastinate_jobs SET priority = %s FROM (SELECT id FROM procrastinate_jobs"
            " WHERE queueing_lock = ANY(%s) AND status = 'todo' ORDER BY id FOR UPDATE SKIP LOCKED) AS waiting"
            " WHERE procrastinate_jobs.id = waiting.id",
            (priority, locks),
        )
