"""What the library keeps of a job's end, also when PostgreSQL is away for a while or the same work waits already."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import structlog
from procrastinate import jobs, manager
from procrastinate.exceptions import ConnectorException, UniqueViolation

PATIENCE_S = 120.0  # afterwards the job counts as one of a worker that is gone, and runs again
LONGEST_WAIT_S = 5.0

# Locked first, so that it cannot become another worker's in between.
_OF_THIS_WORKER = """
WITH mine AS MATERIALIZED (
    SELECT id FROM procrastinate_jobs
    WHERE id = %(job_id)s AND status = 'doing' AND (worker_id IS NULL OR worker_id = %(worker_id)s) FOR UPDATE
)
"""
_FINISH = "SELECT procrastinate_finish_job_v1(id, %(status)s, %(delete_job)s) FROM mine"
_RETRY = "SELECT procrastinate_retry_job_v2(id, %(retry_at)s, %(priority)s, %(queue)s, %(lock)s) FROM mine"
_WAIT_AS_LONG = """
UPDATE procrastinate_jobs other
SET scheduled_at = greatest(other.scheduled_at, %(retry_at)s), attempts = greatest(other.attempts, job.attempts + 1)
FROM procrastinate_jobs job
WHERE job.id = %(job_id)s AND other.queueing_lock = job.queueing_lock AND other.status = 'todo'
"""

_log = structlog.stdlib.get_logger(__name__)


class KeptJobs(manager.JobManager):
    """The library's own, but a job's end is not lost with a connection, and only who runs a job ends it.

    Without the first a job would stay in the state of running, as long as its worker lives. Without the second a worker
    that was taken for gone would end the job that another one has by then, and with it what was asked for since.
    """

    async def finish_job(self, job: jobs.Job, status: jobs.Status, delete_job: bool) -> None:
        """Mark a job as ended, as soon as PostgreSQL answers."""
        await self._ended(job, _FINISH, status=status.value, delete_job=delete_job)

    async def retry_job(
        self,
        job: jobs.Job,
        retry_at: datetime | None = None,
        priority: int | None = None,
        queue: str | None = None,
        lock: str | None = None,
    ) -> None:
        """Let a job wait again, as soon as PostgreSQL answers.

        Where the same work waits already this one goes, and that one waits as long: otherwise what is put in during an
        outage would be tried at once each time, and never less often.
        """
        at = retry_at or datetime.now(UTC)
        try:
            await self._ended(job, _RETRY, retry_at=at, priority=priority, queue=queue, lock=lock)
        except UniqueViolation:
            await _kept(lambda: self.connector.execute_query_async(_WAIT_AS_LONG, job_id=job.id, retry_at=at))
            await self.finish_job(job, jobs.Status.FAILED, delete_job=True)

    async def _ended(self, job: jobs.Job, query: str, **values: Any) -> None:
        async def end() -> None:
            mine = await self.connector.execute_query_all_async(
                _OF_THIS_WORKER + query, job_id=job.id, worker_id=job.worker_id, **values
            )
            if not mine:
                # Given to another worker meanwhile, or dropped by somebody: there it ends.
                _log.warning("job.not_ours_any_more", job_id=job.id)

        await _kept(end)


async def _kept(act: Callable[[], Awaitable[None]]) -> None:
    give_up_at, wait_s = time.monotonic() + PATIENCE_S, 0.1
    while True:
        try:
            return await act()
        except ConnectorException as error:
            if isinstance(error, UniqueViolation) or time.monotonic() + wait_s > give_up_at:
                raise
        await asyncio.sleep(wait_s)
        wait_s = min(wait_s * 2, LONGEST_WAIT_S)
