"""Jobs that run: since when each is due, and how those of killed workers come to others."""

from __future__ import annotations

import psycopg

from frontdesk.store.database import Connection, Database

# A worker gives a sign of life every three seconds; five that are missed in a row mean that it is gone, or that it
# has lost the database. It may also be slow: then a job runs twice, which changes nothing.
SIGN_OF_LIFE_S = 3.0
GONE_AFTER_S = 15.0

_STALLED = """
SELECT job.id FROM procrastinate_jobs job LEFT JOIN procrastinate_workers worker ON worker.id = job.worker_id
WHERE job.status = 'doing'
  AND (worker.id IS NULL OR worker.last_heartbeat < now() - make_interval(secs => %s))
ORDER BY job.id FOR UPDATE OF job SKIP LOCKED
"""


def take_up_stalled_jobs(database: Database) -> int:
    """Let the jobs of workers without a sign of life wait again, and return how many. Raises StoreUnavailable.

    Any number of workers may do it at once: each job is given back by one of them, and none that runs again already.
    """
    with database.transaction() as connection:
        stalled = [row[0] for row in connection.execute(_STALLED, (GONE_AFTER_S,))]
        for job_id in stalled:
            _give_back(connection, job_id)
    return len(stalled)


def _give_back(connection: Connection, job_id: int) -> None:
    try:
        with connection.transaction():
            connection.execute("SELECT procrastinate_retry_job_v2(%s, now(), NULL, NULL, NULL)", (job_id,))
    except psycopg.errors.UniqueViolation:
        # The same work waits already. Left as it is, this job would be in the way of every later one.
        connection.execute("SELECT procrastinate_finish_job_v1(%s, 'failed', true)", (job_id,))


def due_for_s(database: Database, job_id: int) -> float:
    """Return since how many seconds a job is being tried, from when somebody asked for it, or asked again."""
    with database.transaction() as connection:
        row = connection.execute(
            "SELECT extract(epoch FROM now() - max(at))::float8 FROM procrastinate_events"
            " WHERE job_id = %s AND type IN ('deferred', 'retried')",
            (job_id,),
        ).fetchone()
    return 0.0 if row is None or row[0] is None else float(row[0])
