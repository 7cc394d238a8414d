"""When a job that failed is tried again: one policy for all tasks, by the kind of error.

A task of ours is registered with `retry=AGAIN` and an `Attempts` among its middleware; it raises what went wrong.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any

import psycopg
import structlog
from procrastinate.exceptions import JobAborted
from procrastinate.job_context import JobContext
from procrastinate.jobs import Job
from procrastinate.retry import BaseRetryStrategy, RetryDecision
from procrastinate.worker import Worker

from frontdesk.errors import (
    Auth0CredentialsRefused,
    Auth0ScopeMissing,
    FrontdeskError,
    HasuraRejected,
    StoreError,
    StoreOutdated,
    StoreUnavailable,
)
from frontdesk.store.database import Database
from frontdesk.store.job_errors import JobErrors
from frontdesk.store.running_jobs import due_for_s

FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 60.0
FEW_TRIES = 6  # about a minute: enough for what a restart or a deadlock explains
# Of jobs that last for minutes, in one worker: the others have to find a place beside them.
LONG_JOBS_AT_ONCE = 3
PLACE_WAIT_S = 5.0

_log = structlog.stdlib.get_logger(__name__)
_places = threading.BoundedSemaphore(LONG_JOBS_AT_ONCE)


class Trouble(Enum):
    """What an error says of another try."""

    PASSES = (
        "passes"  # somebody is away, or has something to put right: tried until the job is of no use any more
    )
    UNEXPLAINED = "unexplained"  # a few more tries
    FINAL = "final"  # it can never be right


# Retrying helps as soon as an operator has put the application, its scopes, or the schema in order.
_PUT_RIGHT = (Auth0CredentialsRefused, Auth0ScopeMissing, StoreOutdated)


def trouble_of(error: BaseException) -> Trouble:
    """Return what an error says of another try."""
    if isinstance(error, FrontdeskError):
        if error.retryable or isinstance(error, _PUT_RIGHT):
            return Trouble.PASSES
        # A metadata that was not applied yet looks like a row that Hasura never takes.
        return Trouble.UNEXPLAINED if isinstance(error, HasuraRejected) else Trouble.FINAL
    return Trouble.PASSES if isinstance(error, psycopg.OperationalError) else Trouble.UNEXPLAINED


def wait_s(attempts: int, longest_s: float = LONGEST_WAIT_S) -> float:
    """Return how long to wait after so many attempts before: twice as long each time, and nobody at the same moment."""
    longest: float = min(FIRST_WAIT_S * 2 ** min(attempts, 16), longest_s)
    return longest * random.uniform(0.7, 1.0)  # noqa: S311 - spreads jobs in time, and keeps nothing secret


class TryAgain(Exception):
    """A job did not get through, and is tried again after `delay_s`."""

    def __init__(self, delay_s: float) -> None:
        super().__init__(f"tried again in {delay_s:.1f} s")
        self.delay_s = delay_s


class _Again(BaseRetryStrategy):
    """Does what `Attempts` has decided; a job that was asked to stop goes on with the next worker."""

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        """Return when the job runs again; None: it has failed."""
        match exception:
            case TryAgain():
                return RetryDecision(retry_at=datetime.now(UTC) + timedelta(seconds=exception.delay_s))
            case JobAborted():
                return RetryDecision(retry_at=datetime.now(UTC))
            case _:
                return None


AGAIN = _Again()


class Attempts:
    """Middleware of a task: turns what goes wrong into another try, or into the job's failure.

    `gives_up` hears of a failure, with the job's arguments and the reason. Of tasks that are `long`, a worker runs a
    few at once. Two tries are `longest_wait_s` apart at most.
    """

    def __init__(
        self,
        database: Database,
        give_up_after_h: float,
        *,
        gives_up: Callable[[dict[str, Any], str], None] | None = None,
        long: bool = False,
        longest_wait_s: float = LONGEST_WAIT_S,
    ) -> None:
        self._database, self._errors = database, JobErrors(database)
        self._give_up_after_s = give_up_after_h * 3600
        self._gives_up, self._long = gives_up, long
        self._longest_wait_s = longest_wait_s

    def __call__(self, call_next: Callable[[], Any], context: JobContext, worker: Worker) -> Any:
        """Run the job. Raises TryAgain, JobAborted, or what it has failed for."""
        job = context.job
        with structlog.contextvars.bound_contextvars(job_id=job.id, task=job.task_name):
            if self._long and not _places.acquire(blocking=False):
                raise TryAgain(PLACE_WAIT_S * random.uniform(0.7, 1.0))  # noqa: S311 - as above
            try:
                return call_next()
            except (JobAborted, TryAgain):
                raise
            except Exception as error:
                self._again_or_not(job, error)
                raise
            finally:
                if self._long:
                    _places.release()

    def _again_or_not(self, job: Job, error: Exception) -> None:
        reason = _reason(error)
        trouble, since_s = trouble_of(error), self._noted(job, reason)
        if (trouble is Trouble.PASSES and since_s < self._give_up_after_s) or (
            trouble is Trouble.UNEXPLAINED and job.attempts + 1 < FEW_TRIES
        ):
            again = TryAgain(wait_s(job.attempts, self._longest_wait_s))
            _log.warning(
                "job.again", reason=reason, attempts=job.attempts + 1, wait_s=round(again.delay_s, 1)
            )
            raise again from error
        if self._gives_up is not None:
            try:
                self._gives_up(dict(job.task_kwargs), reason)
            except StoreUnavailable:
                raise TryAgain(wait_s(job.attempts, self._longest_wait_s)) from error
        _log.error("job.failed", reason=reason, attempts=job.attempts + 1)

    def _noted(self, job: Job, reason: str) -> float:
        """Keep the reason, and return since how many seconds the job is being tried."""
        job_id = job.id or 0
        try:
            self._errors.note(job_id, reason)
            return due_for_s(self._database, job_id)
        except (StoreError, psycopg.Error):
            return 0.0  # away itself: that passes too


def _reason(error: Exception) -> str:
    """Return a sentence without row values: the text of a foreign exception may hold what it choked on."""
    if isinstance(error, FrontdeskError):
        faults = getattr(error, "faults", ())
        fields = ", ".join(f"{fault.place} ({fault.expected})" for fault in faults if hasattr(fault, "place"))
        return f"{error.detail} {fields}".strip()
    return f"an unexpected {type(error).__name__}"
