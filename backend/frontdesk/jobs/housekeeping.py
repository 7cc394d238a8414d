"""What keeps the jobs themselves in order: a thread beside them that takes up those of killed workers, and old ones go.

No job takes up the jobs of killed workers: it would wait for a place behind the others.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import structlog
from procrastinate import App
from procrastinate.job_context import JobContext

from frontdesk.errors import StoreError
from frontdesk.store.database import Database
from frontdesk.store.running_jobs import SIGN_OF_LIFE_S, take_up_stalled_jobs

EVERY_NIGHT = "23 3 * * *"
KEPT_HOURS = 30 * 24  # of failed jobs; those that succeeded are deleted at once
STOP_BUDGET_S = 10.0

_log = structlog.stdlib.get_logger(__name__)


def register(app: App) -> None:
    """Add the tasks to `app`."""

    @app.periodic(cron=EVERY_NIGHT)
    @app.task(name="drop_old_jobs", pass_context=True, queueing_lock="drop_old_jobs")
    async def drop_old_jobs(context: JobContext, timestamp: int) -> None:
        """Delete what ended long ago."""
        await context.app.job_manager.delete_old_jobs(
            KEPT_HOURS, include_failed=True, include_cancelled=True, include_aborted=True
        )


@contextmanager
def housekeeper(database: Database, also: Sequence[Callable[[], None]] = ()) -> Iterator[None]:
    """Keep the jobs in order as long as the block runs, and do what else is to be done every few seconds.

    Each of `also` may raise StoreError, and is done once more at the end.
    """
    stopped = threading.Event()

    def keep() -> None:
        while not stopped.wait(SIGN_OF_LIFE_S):
            _keep_order(database)
            _do_each(also)
        _do_each(also)

    thread = threading.Thread(target=keep, name="housekeeper", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join(STOP_BUDGET_S)


def _keep_order(database: Database) -> None:
    try:
        taken_up = take_up_stalled_jobs(database)
    except Exception as error:  # noqa: BLE001 - whatever it is, the next look may find it gone
        if not isinstance(error, StoreError):
            _log.exception("housekeeper.failed")
        return
    if taken_up:
        _log.warning("jobs.taken_up", jobs=taken_up)


def _do_each(acts: Sequence[Callable[[], None]]) -> None:
    for act in acts:
        try:
            act()
        except StoreError:
            continue  # what it has to tell is told at its next turn
        except Exception:  # noqa: BLE001 - the others are to be done
            _log.exception("housekeeper.failed")
