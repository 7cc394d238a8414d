"""What keeps the jobs themselves in order: those of killed workers run again, and old ones go."""

from __future__ import annotations

from procrastinate import App
from procrastinate.exceptions import UniqueViolation
from procrastinate.job_context import JobContext
from procrastinate.jobs import Status

EVERY_MINUTE, EVERY_NIGHT = "* * * * *", "23 3 * * *"
KEPT_HOURS = 30 * 24  # of failed jobs; those that succeeded are deleted at once


def register(app: App) -> None:
    """Add the tasks to `app`."""

    @app.periodic(cron=EVERY_MINUTE)
    @app.task(name="take_up_stalled_jobs", pass_context=True, queueing_lock="take_up_stalled_jobs")
    async def take_up_stalled_jobs(context: JobContext, timestamp: int) -> None:
        """Give the jobs of workers without a sign of life to others; every task may run twice."""
        jobs = context.app.job_manager
        for job in await jobs.get_stalled_jobs():
            try:
                await jobs.retry_job(job)
            except UniqueViolation:
                # The same work waits already. Left as it is, this job would be in the way of every later one.
                await jobs.finish_job(job, Status.FAILED, delete_job=True)

    @app.periodic(cron=EVERY_NIGHT)
    @app.task(name="drop_old_jobs", pass_context=True, queueing_lock="drop_old_jobs")
    async def drop_old_jobs(context: JobContext, timestamp: int) -> None:
        """Delete what ended long ago."""
        await context.app.job_manager.delete_old_jobs(
            KEPT_HOURS, include_failed=True, include_cancelled=True, include_aborted=True
        )
