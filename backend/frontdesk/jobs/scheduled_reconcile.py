"""The scheduled reconcile: one job for each tenant at each due time, and never two at once for a tenant.

Arguments: `tenant`, its key; `timestamp`, the due time. Done twice it changes nothing: a pass that was killed is gone
on with, and a second one finds what the first has left.
"""

from __future__ import annotations

import structlog
from procrastinate import App
from procrastinate.exceptions import JobAborted
from procrastinate.job_context import JobContext

from frontdesk.errors import FrontdeskError, TenantBusy
from frontdesk.jobs.retrying import AGAIN, Attempts
from frontdesk.settings import Settings
from frontdesk.store.database import Database
from frontdesk.sync.reconcile import Order, Report, place_of, reconcile

TASK = "reconcile_tenant"
_log = structlog.stdlib.get_logger(__name__)


def register(app: App, settings: Settings, database: Database) -> None:
    """Add the task to `app`, due by the settings' schedule; without one it runs when somebody defers it."""

    attempts = Attempts(database, settings.queue.give_up_after_h, long=True)

    @app.task(name=TASK, pass_context=True, retry=AGAIN, task_middleware=[attempts])
    def reconcile_tenant(context: JobContext, timestamp: int, tenant: str) -> None:
        if tenant not in settings.tenants:
            _log.warning("reconcile.skipped", tenant=tenant, reason="no such tenant in the settings")
            return
        _reconciled(context, settings, database, tenant)

    if settings.reconcile.schedule:
        for tenant in settings.tenants:
            app.periodic(
                cron=settings.reconcile.schedule,
                periodic_id=tenant,
                lock=lock_of(tenant),
                queueing_lock=lock_of(tenant),
                task_kwargs={"tenant": tenant},
            )(reconcile_tenant)


def lock_of(tenant: str) -> str:
    """Return the lock of a tenant's jobs: one runs at a time, and one waits at most."""
    return f"{TASK}:{tenant}"


def _reconciled(context: JobContext, settings: Settings, database: Database, tenant: str) -> None:
    log = _log.bind(tenant=tenant, job_id=context.job.id)

    def stop_when_asked(_phase: str, _done: int, _total: int | None) -> None:
        if context.should_abort():
            raise JobAborted

    try:
        with place_of(settings, tenant, database, tell=stop_when_asked) as place:
            report = reconcile(place, Order(repair=settings.reconcile.repair))
    except TenantBusy as busy:
        log.info("reconcile.skipped", reason=busy.detail)
    except FrontdeskError as error:
        log.warning("reconcile.failed", reason=error.detail)
        raise  # tried again, when that is of use
    else:
        _tell(log, report)


def _tell(log: structlog.stdlib.BoundLogger, report: Report) -> None:
    facts = {
        "read": report.read,
        "rows": report.rows,
        "found": report.found.total,
        "left": report.left.total,
        "repaired": report.repaired,
        "seconds": report.seconds,
    }
    if report.refused is None:
        log.info("reconcile.done", **facts)
    else:
        log.warning("reconcile.refused", reason=report.refused, **facts)
