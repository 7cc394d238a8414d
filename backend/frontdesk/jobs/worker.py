"""The worker: one procrastinate application with all tasks, and what a stop does to the jobs that run.

Any number of workers share the work: a job is taken once, a due time makes one job, and locks in PostgreSQL keep two
jobs of a tenant apart.
"""

from __future__ import annotations

import asyncio
import logging
import random
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from types import FrameType

import structlog
from procrastinate import App, PsycopgConnector
from procrastinate.jobs import DeleteJobCondition
from procrastinate.worker import Worker

from frontdesk.jobs import (
    catch_up,
    drains,
    housekeeping,
    imports,
    old_rows,
    refreshes,
    scheduled_reconcile,
)
from frontdesk.jobs.keeping import KeptJobs
from frontdesk.jobs.places import Places
from frontdesk.logs import configure_logging
from frontdesk.settings import Settings
from frontdesk.store.database import CONNECT_BUDGET_S, Database, connection_arguments
from frontdesk.store.pools import RECONNECT_S, AsyncPromptPool
from frontdesk.store.running_jobs import GONE_AFTER_S, SIGN_OF_LIFE_S
from frontdesk.store.worker_numbers import WorkerNumbers

JOBS_AT_ONCE = 8  # each is a thread that mostly waits for others
# After it a job is asked to stop where it stands: at its next batch, from which the next run goes on.
GRACE_S = 5.0
CONNECTIONS = JOBS_AT_ONCE * 2 + 2  # a job may hold one and ask for another; the housekeeper has its own
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 10.0

_log = structlog.stdlib.get_logger(__name__)


def run_worker(settings: Settings, database_url: str) -> None:
    """Work until a signal ends the process; while PostgreSQL is away, until it is back.

    Raises StoreOutdated for another schema, and StoreUnavailable when there is no database to begin with.
    """
    configure_logging(settings.log.level, settings.log.format)
    # Its lines of each job say what ours say, and a failure is in both.
    logging.getLogger("procrastinate").setLevel(max(logging.WARNING, logging.getLogger().level))
    with Database(database_url, max_connections=CONNECTIONS) as database:
        database.refuse_other_revision()
        _log.info("worker.started", tenants=sorted(settings.tenants), schedule=settings.reconcile.schedule)
        with (
            Places(settings, database, WorkerNumbers(database)) as places,
            housekeeping.housekeeper(database, [places.tell_numbers]),
        ):
            _work_until_stopped(settings, database_url, database, places)
    _log.info("worker.stopped")


def worker_app(
    settings: Settings, database_url: str, database: Database, places: Places | None = None
) -> App:
    """Return the application with every task; `database` is open as long as it works.

    Without `places` it makes its own, which are open from the first job that needs them to the end of the process.
    """
    connector = PsycopgConnector(
        conninfo=database_url,
        kwargs=connection_arguments(database_url),
        timeout=CONNECT_BUDGET_S,
        pool_factory=AsyncPromptPool,
        reconnect_timeout=RECONNECT_S,
    )
    app = App(connector=connector)
    app.job_manager = KeptJobs(connector)
    places = places or Places(settings, database, WorkerNumbers(database))
    housekeeping.register(app)
    old_rows.register(app, settings, database, places)
    scheduled_reconcile.register(app, settings, database)
    drains.register(app, settings, database, places)
    refreshes.register(app, settings, database, places)
    imports.register(app, settings, database)
    catch_up.register(app, settings, database, places)
    return app


def _work_until_stopped(settings: Settings, url: str, database: Database, places: Places) -> None:
    """Start the library's worker again whenever it ends without being asked to, which it does with its connection."""
    stop, pause_s = _Stop(), FIRST_PAUSE_S
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    while not stop.asked.is_set():
        began = time.monotonic()
        try:
            asyncio.run(_work(worker_app(settings, url, database, places), stop))
        except Exception:  # noqa: BLE001 - whatever ended it, the jobs are to go on
            if stop.asked.is_set():
                # Its jobs are as they were, for other workers or the next start.
                _log.warning("worker.interrupted", exc_info=True)
                return
            _log.warning("worker.interrupted", pause_s=pause_s, exc_info=True)
        if time.monotonic() - began > LONGEST_PAUSE_S * 2:
            pause_s = FIRST_PAUSE_S  # it has worked, so this is another trouble than the last one
        stop.asked.wait(pause_s * random.uniform(0.5, 1.0))  # noqa: S311 - so that not all come at once
        pause_s = min(pause_s * 2, LONGEST_PAUSE_S)


async def _work(app: App, stop: _Stop) -> None:
    # asyncio's own has fewer threads on a small machine, and a job that has begun must not wait for one.
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(JOBS_AT_ONCE, "job"))
    async with app.open_async():
        worker = Worker(
            app,
            concurrency=JOBS_AT_ONCE,
            shutdown_graceful_timeout=GRACE_S,
            delete_jobs=DeleteJobCondition.SUCCESSFUL,
            install_signal_handlers=False,
            update_heartbeat_interval=SIGN_OF_LIFE_S,
            stalled_worker_timeout=GONE_AFTER_S,
            fetch_job_polling_interval=1.0,
        )
        with stop.ends(worker):
            await worker.run()  # type: ignore[no-untyped-call]


class _Stop:
    """What a signal sets, whether the library's worker runs at that moment or not."""

    def __init__(self) -> None:
        self.asked = threading.Event()

    def __call__(self, _number: int = 0, _frame: FrameType | None = None) -> None:
        self.asked.set()

    @contextmanager
    def ends(self, worker: Worker) -> Iterator[None]:
        """Let a signal stop this worker as long as the block runs; a second one ends the process at once."""
        loop, numbers = asyncio.get_running_loop(), (signal.SIGTERM, signal.SIGINT)

        def stop() -> None:
            for number in numbers:
                loop.remove_signal_handler(number)
            self.asked.set()
            worker.stop()  # type: ignore[no-untyped-call]

        for number in numbers:
            loop.add_signal_handler(number, stop)
        try:
            yield
        finally:
            if not self.asked.is_set():
                for number in numbers:
                    loop.remove_signal_handler(number)
                    signal.signal(number, self)
