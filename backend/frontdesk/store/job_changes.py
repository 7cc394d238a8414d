"""What people do with jobs that did not get through: have them tried again, or let them go."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

import psycopg

from frontdesk.store.database import Connection, Database
from frontdesk.store.queue import Queue

INGEST_TASK, DRAIN_TASK = "ingest_delivery", "drain_inbox"  # of the tables in docs/architecture.md


class Retried(StrEnum):
    """What became of a job that was to be tried again."""

    AGAIN = "again"  # a worker takes it up at once
    COVERED = "covered"  # the same work waits already, so this job is gone
    RUNNING = "running"  # nothing was changed
    GONE = "gone"


class Dropped(StrEnum):
    """What became of a job that was to be let go."""

    DROPPED = "dropped"
    RUNNING = "running"  # nothing was changed
    GONE = "gone"


class JobChanges:
    """Changes of single jobs and failed deliveries. Every call is a transaction and raises StoreUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def retry(self, job_id: int) -> Retried:
        """Have a job done now that failed, was stopped, or waits for its next attempt; its tries count anew.

        A delivery that it is about is tried again with it.
        """
        with self._database.transaction() as connection:
            found = _locked(connection, job_id)
            if found is None:
                return Retried.GONE
            if found == "doing":
                return Retried.RUNNING
            _delivery_becomes(connection, job_id, "apart")
            try:
                with connection.transaction():
                    connection.execute(
                        "UPDATE procrastinate_jobs SET status = 'todo', attempts = 0, scheduled_at = NULL,"
                        " worker_id = NULL, abort_requested = false WHERE id = %s",
                        (job_id,),
                    )
            except psycopg.errors.UniqueViolation:
                connection.execute("DELETE FROM procrastinate_jobs WHERE id = %s", (job_id,))
                return Retried.COVERED
        return Retried.AGAIN

    def drop(self, job_id: int) -> Dropped:
        """Delete a job that does not run, and mark its delivery as dropped: nobody tries that again."""
        with self._database.transaction() as connection:
            found = _locked(connection, job_id)
            if found is None:
                return Dropped.GONE
            if found == "doing":
                return Dropped.RUNNING
            _delivery_becomes(connection, job_id, "dropped")
            connection.execute("DELETE FROM procrastinate_jobs WHERE id = %s", (job_id,))
        return Dropped.DROPPED

    def failed(self, *, tenant: str | None = None, task: str | None = None) -> Sequence[int]:
        """Return the ids of all failed jobs, the oldest first."""
        with self._database.transaction() as connection:
            rows = connection.execute(
                "SELECT id FROM procrastinate_jobs WHERE status = 'failed'"
                " AND (%(tenant)s::text IS NULL OR args ->> 'tenant' = %(tenant)s)"
                " AND (%(task)s::text IS NULL OR task_name = %(task)s) ORDER BY id",
                {"tenant": tenant, "task": task},
            ).fetchall()
        return [row[0] for row in rows]

    def retry_deliveries(self, *, tenant: str | None = None) -> int:
        """Let failed deliveries whose job is gone wait again, have them taken, and return how many there were."""
        with self._database.transaction() as connection:
            rows = connection.execute(
                "UPDATE deliveries d SET state = 'waiting', error = NULL, finished_at = NULL, attempts = 0"
                " WHERE state = 'failed' AND (%(tenant)s::text IS NULL OR tenant = %(tenant)s)"
                " AND NOT EXISTS (SELECT FROM procrastinate_jobs j WHERE j.task_name = %(task)s"
                " AND j.args @> jsonb_build_object('delivery_id', d.id)) RETURNING tenant",
                {"tenant": tenant, "task": INGEST_TASK},
            ).fetchall()
        for key in sorted({row[0] for row in rows}):
            Queue(self._database).defer(DRAIN_TASK, {"tenant": key}, queueing_lock=f"drain:{key}")
        return len(rows)


def _locked(connection: Connection, job_id: int) -> str | None:
    """Return the state of a job that nobody else changes until the end of the transaction."""
    row = connection.execute(
        "SELECT status::text FROM procrastinate_jobs WHERE id = %s AND status <> 'succeeded' FOR UPDATE",
        (job_id,),
    ).fetchone()
    return None if row is None else row[0]


def _delivery_becomes(connection: Connection, job_id: int, state: str) -> None:
    connection.execute(
        "UPDATE deliveries d SET state = %(state)s, attempts = 0,"
        " error = CASE WHEN %(state)s = 'dropped' THEN d.error END,"
        " finished_at = CASE WHEN %(state)s = 'dropped' THEN now() END"
        " FROM procrastinate_jobs j WHERE j.id = %(job)s AND j.task_name = %(task)s"
        " AND jsonb_typeof(j.args -> 'delivery_id') = 'number' AND d.id = (j.args ->> 'delivery_id')::bigint"
        " AND d.state IN ('failed', 'apart')",
        {"state": state, "job": job_id, "task": INGEST_TASK},
    )
