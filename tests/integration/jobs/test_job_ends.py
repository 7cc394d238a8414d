"""Only the worker that runs a job ends it: one that was taken for gone, and goes on, does nothing to the next run."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from typing import Any

import pytest
from procrastinate.jobs import Job, Status
from tests.integration.jobs.queue_house import QueueHouse
from tests.integration.jobs.working import Work, working

from frontdesk.jobs import worker_app
from frontdesk.jobs.keeping import KeptJobs
from frontdesk.store.running_jobs import take_up_stalled_jobs

LOCK = "refresh:acme:auth0|ann"
ASKED = {"tenant": "acme", "user_id": "auth0|ann"}
Ending = Callable[[KeptJobs, Job], Coroutine[Any, Any, None]]


async def finish(jobs: KeptJobs, job: Job) -> None:
    await jobs.finish_job(job, Status.SUCCEEDED, delete_job=True)


async def retry(jobs: KeptJobs, job: Job) -> None:
    await jobs.retry_job(job, retry_at=datetime(2030, 1, 1, tzinfo=UTC))


def run(work: Work, during: Callable[[Job], None], ending: Ending) -> None:
    """Fetch the job as a worker does, let something happen, and end it."""

    async def fetch_and_end() -> None:
        app = worker_app(work.settings, work.house.inner.store_url, work.house.database, work.places)
        async with app.open_async():
            worker_id = await app.job_manager.register_worker()
            job = await app.job_manager.fetch_job(queues=None, worker_id=worker_id)
            assert job is not None
            during(job)
            assert isinstance(app.job_manager, KeptJobs)
            await ending(app.job_manager, job)

    asyncio.run(fetch_and_end())


@pytest.mark.parametrize("ending", [finish, retry])
def test_what_was_asked_for_since_waits_on(house: QueueHouse, ending: Ending) -> None:
    """It was given back while its worker hung, and a new hint found it waiting: it must be read again after that."""

    def is_given_back(job: Job) -> None:
        house.sql("UPDATE procrastinate_jobs SET status = 'todo' WHERE id = %s", job.id)
        assert work.places.queue.defer("refresh_user", ASKED, queueing_lock=LOCK) is None

    with working(house) as work:
        work.places.queue.defer("refresh_user", ASKED, queueing_lock=LOCK)
        run(work, is_given_back, ending)

        (job,) = work.jobs("refresh_user")
        assert job["status"] == "todo"
        assert house.sql("SELECT scheduled_at FROM procrastinate_jobs") == [{"scheduled_at": None}]


@pytest.mark.parametrize("ending", [finish, retry])
def test_the_run_of_another_worker_goes_on(house: QueueHouse, ending: Ending) -> None:
    def another_has_it(job: Job) -> None:
        house.sql(
            "WITH other AS (INSERT INTO procrastinate_workers DEFAULT VALUES RETURNING id)"
            " UPDATE procrastinate_jobs SET worker_id = other.id FROM other WHERE procrastinate_jobs.id = %s",
            job.id,
        )

    with working(house) as work:
        work.places.queue.defer("refresh_user", ASKED, queueing_lock=LOCK)
        run(work, another_has_it, ending)

        assert [job["status"] for job in work.jobs("refresh_user")] == ["doing"]


def test_its_own_run_is_ended(house: QueueHouse) -> None:
    with working(house) as work:
        work.places.queue.defer("refresh_user", ASKED, queueing_lock=LOCK)
        run(work, lambda _: None, retry)
        assert [(job["status"], job["attempts"]) for job in work.jobs("refresh_user")] == [("todo", 1)]

        house.sql("UPDATE procrastinate_jobs SET scheduled_at = NULL")
        run(work, lambda _: None, finish)
        assert work.jobs("refresh_user") == []


def test_the_job_of_a_living_worker_is_not_given_to_another(house: QueueHouse) -> None:
    def somebody_looks(_: Job) -> None:
        assert take_up_stalled_jobs(house.database) == 0

    with working(house) as work:
        work.places.queue.defer("refresh_user", ASKED, queueing_lock=LOCK)
        run(work, somebody_looks, finish)

        assert work.jobs("refresh_user") == []
