"""Why a job did not get through: the newest reason of each, which the library's own tables have no room for."""

from __future__ import annotations

from frontdesk.store.database import Database

MAX_REASON_CHARS = 2000


class JobErrors:
    """The reasons of all jobs; one goes with its job. Every call raises StoreUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def note(self, job_id: int, reason: str) -> None:
        """Keep a sentence about the job's newest failure, without row values; of a job that is gone it is dropped."""
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT INTO frontdesk.job_errors (job_id, reason) SELECT id, %s FROM frontdesk.procrastinate_jobs"
                " WHERE id = %s FOR KEY SHARE"
                " ON CONFLICT (job_id) DO UPDATE SET reason = EXCLUDED.reason, at = now()",
                (reason.replace("\x00", "␀")[:MAX_REASON_CHARS], job_id),
            )
