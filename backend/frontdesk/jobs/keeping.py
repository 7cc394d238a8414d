"""What the library keeps of a job's end, also when PostgreSQL is away for a while or the same work waits already."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import datetime

import psycopg
import structlog
from procrastinate import jobs, manager
from procrastinate.exceptions import ConnectorException, UniqueViolation

PATIENCE_S = 120.0  # afterwards the job counts as one of a worker that is gone, and runs again
LONGEST_WAIT_S = 5.0

_WAIT_AS_LONG = """
UPDATE procrastinate_jobs other
SET scheduled_at = greatest(other.scheduled_at, %(retry_at)s), attempts = greatest(other.attempts, job.attempts + 1)
FROM procrastinate_jobs job
WHERE job.id = %(job_id)s AND other.queueing_lock = job.queueing_lock AND other.status = 'todo'
"""

_log = structlog.stdlib.get_logger(__name__)


class KeptJobs(manager.JobManager):
    """The library's own, but a job's end is not lost with a connection.

    Without it a job would stay in the state of running, as long as its worker lives.
    """

    async def finish_job_by_id_async(self, job_id: int, status: jobs.Status, delete_job: bool) -> None:
        """Mark a job as ended, as soon as PostgreSQL answers."""
        await _kept(lambda: super(KeptJobs, self).finish_job_by_id_async(job_id, status, delete_job), job_id)

    async def retry_job_by_id_async(
        self,
        job_id: int,
        retry_at: datetime,
        priority: int | None = None,
        queue: str | None = None,
        lock: str | None = None,
    ) -> None:
        """Let a job wait again, as soon as PostgreSQL answers.

        Where the same work waits already this one goes, and that one waits as long: otherwise what is put in during an
        outage would be tried at once each time, and never less often.
        """
        try:
            await _kept(
                lambda: super(KeptJobs, self).retry_job_by_id_async(job_id, retry_at, priority, queue, lock),
                job_id,
            )
        except UniqueViolation:
            await _kept(
                lambda: self.connector.execute_query_async(_WAIT_AS_LONG, job_id=job_id, retry_at=retry_at),
                job_id,
            )
            await self.finish_job_by_id_async(job_id, jobs.Status.FAILED, delete_job=True)


async def _kept(act: Callable[[], Awaitable[None]], job_id: int) -> None:
    give_up_at, wait_s = time.monotonic() + PATIENCE_S, 0.1
    while True:
        try:
            return await act()
        except ConnectorException as error:
            if _says_that_it_moved_on(error):
                # Given to another worker meanwhile, or dropped by somebody: there it ends.
                _log.warning("job.not_ours_any_more", job_id=job_id)
                return None
            if isinstance(error, UniqueViolation) or time.monotonic() + wait_s > give_up_at:
                raise
        await asyncio.sleep(wait_s)
        wait_s = min(wait_s * 2, LONGEST_WAIT_S)


def _says_that_it_moved_on(error: ConnectorException) -> bool:
    """Tell whether PostgreSQL answered that the job is in no state for this. Source: the functions of the library."""
    return isinstance(error.__cause__, psycopg.errors.RaiseException)
