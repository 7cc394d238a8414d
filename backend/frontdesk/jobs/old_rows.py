"""What is kept for a while goes every night: finished deliveries, activities, and numbers that nobody tells."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import structlog
from procrastinate import App
from procrastinate.job_context import JobContext

from frontdesk.jobs.places import Places
from frontdesk.jobs.retrying import AGAIN, Attempts
from frontdesk.settings import Settings
from frontdesk.store.database import Database
from frontdesk.store.worker_numbers import drop_old_numbers

AT_NIGHT, LATER_AT_NIGHT = "37 3 * * *", "47 3 * * *"
STEP_BUDGET_S = 20.0  # then it looks whether it should stop

_log = structlog.stdlib.get_logger(__name__)


def register(app: App, settings: Settings, database: Database, places: Places) -> None:
    """Add the tasks to `app`."""
    attempts = Attempts(database, settings.queue.give_up_after_h)

    @app.periodic(cron=AT_NIGHT)
    @app.task(
        name="drop_old_deliveries",
        queueing_lock="drop_old_deliveries",
        retry=AGAIN,
        task_middleware=[attempts],
    )
    def drop_old_deliveries(timestamp: int) -> None:
        """Delete the bodies that nobody will replay any more, and marks and numbers that nobody reads."""
        dropped = places.inbox.drop_old(settings.queue.keep_days)
        places.marks.drop_old(datetime.now(UTC))
        drop_old_numbers(database)
        _log.info("deliveries.dropped", deliveries=dropped)

    @app.periodic(cron=LATER_AT_NIGHT)
    @app.task(
        name="drop_old_activities",
        queueing_lock="drop_old_activities",
        pass_context=True,
        retry=AGAIN,
        task_middleware=[attempts],
    )
    def drop_old_activities(context: JobContext, timestamp: int) -> None:
        """Delete activities that are older than the settings keep them; the next run goes on where one stopped."""
        before = datetime.now(UTC) - timedelta(days=settings.streams.activities_days)
        for tenant in settings.tenants:
            dropped = step = 0
            while not context.should_abort():
                step = places.activities().drop_older(tenant, before, budget_s=STEP_BUDGET_S)
                dropped += step
                if not step:
                    break
            _log.info("activities.dropped", tenant=tenant, activities=dropped)
