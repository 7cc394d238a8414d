"""Why a job did not get through: the newest reason, as long as the job is there."""

from __future__ import annotations

from frontdesk.store.database import Database
from frontdesk.store.job_errors import MAX_REASON_CHARS, JobErrors
from frontdesk.store.queue import Queue


def test_the_newest_reason_stays_and_goes_with_its_job(store_url: str) -> None:
    with Database(store_url, max_connections=1) as database:
        job = Queue(database).defer("drain_inbox", {"tenant": "default"})
        assert job is not None
        errors = JobErrors(database)
        errors.note(job, "Hasura gave no answer")
        errors.note(job, "x" * (MAX_REASON_CHARS + 1) + "\x00")
        errors.note(job + 1, "of a job that is gone")
        with database.transaction() as connection:
            rows = connection.execute("SELECT job_id, reason FROM job_errors").fetchall()
            connection.execute("DELETE FROM procrastinate_jobs")
            left = connection.execute("SELECT count(*) FROM job_errors").fetchone()
    assert rows == [(job, "x" * MAX_REASON_CHARS)]
    assert left == (0,)
