"""The worker: one procrastinate application with all tasks, and what a stop does to the jobs that run.

Any number of workers share the work: a job is taken once, a due time makes one job, and locks in PostgreSQL keep two
jobs of a tenant apart.
"""

from __future__ import annotations

import structlog
from procrastinate import App, PsycopgConnector
from procrastinate.jobs import DeleteJobCondition

from frontdesk.jobs import housekeeping, scheduled_reconcile
from frontdesk.logs import configure_logging
from frontdesk.settings import Settings
from frontdesk.store.database import Database, connection_arguments

JOBS_AT_ONCE = 4  # each is a thread that mostly waits for others
# After it a job is asked to stop where it stands: at its next batch, from which the next run goes on.
GRACE_S = 5.0

_log = structlog.stdlib.get_logger(__name__)


def run_worker(settings: Settings, database_url: str) -> None:
    """Work until a signal ends the process. Raises StoreOutdated for another schema, StoreUnavailable."""
    configure_logging(settings.log.level, settings.log.format)
    with Database(database_url) as database:
        database.refuse_other_revision()
        _log.info("worker.started", tenants=sorted(settings.tenants), schedule=settings.reconcile.schedule)
        worker_app(settings, database_url, database).run_worker(
            concurrency=JOBS_AT_ONCE,
            shutdown_graceful_timeout=GRACE_S,
            delete_jobs=DeleteJobCondition.SUCCESSFUL,
        )
    _log.info("worker.stopped")


def worker_app(settings: Settings, database_url: str, database: Database) -> App:
    """Return the application with every task; `database` is open as long as it works."""
    connector = PsycopgConnector(
        conninfo=database_url,
        kwargs=connection_arguments(database_url),
    )
    app = App(connector=connector)
    housekeeping.register(app)
    scheduled_reconcile.register(app, settings, database)
    return app
