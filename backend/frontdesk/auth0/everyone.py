"""Reading everybody of a tenant: how many there are, by which way, and record by record.

    total = count(api)
    choice = choose_way(total, job_from_users=settings.imports.job_from_users)
    with read_everybody(api, choice, total=total) as reading:
        for raw in reading.records(resume):
            ...
    if reading.complete: ...

The ways: `pages` are one search of at most a thousand results; `windows` are searches by `created_at`, each from where
the last one ended; `job` is an export, spooled to disk first; `file` is an export that somebody has already.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from frontdesk.auth0.export_file import FileReading
from frontdesk.auth0.export_job import JobReading
from frontdesk.auth0.management import ManagementApi
from frontdesk.auth0.reading import RawRecord, Reading, Way
from frontdesk.auth0.search_pages import SEARCH_LIMIT, SearchReading, count
from frontdesk.errors import UsageError

__all__ = ["Choice", "RawRecord", "Reading", "Way", "choose_way", "count", "read_everybody", "read_file"]

JOB_WAIT_S = 7200.0  # Auth0 names no time; an export of a large tenant takes minutes


@dataclass(frozen=True)
class Choice:
    """A way, and why this one, as a sentence."""

    way: Way
    why: str


def choose_way(total: int, *, job_from_users: int, named: Way | None = None) -> Choice:
    """Return the way for so many users, or the one that somebody named."""
    if named is not None:
        return Choice(named, f"`{named}` was asked for")
    if total <= SEARCH_LIMIT:
        return Choice(Way.PAGES, f"{total:,} users are within the {SEARCH_LIMIT:,} that one search shows")
    if total < job_from_users:
        return Choice(
            Way.WINDOWS,
            f"{total:,} users are more than the {SEARCH_LIMIT:,} that one search shows, and fewer than the "
            f"{job_from_users:,} from which an export job is quicker",
        )
    return Choice(Way.JOB, f"{total:,} users are {job_from_users:,} or more (`imports.job_from_users`)")


def read_everybody(
    api: ManagementApi, choice: Choice, *, total: int, job_wait_s: float = JOB_WAIT_S
) -> Reading:
    """Return the reading of a tenant by the chosen way; nothing is asked before `begin` or the first record.

    `total` is what `count` said; `job_wait_s` is how long an export job may take.
    """

    def by_job(why: str) -> Reading:
        return JobReading(api, why, total=total, wait_s=job_wait_s)

    if choice.way is Way.FILE:
        raise UsageError("a file is named by its path; the ways of a tenant are pages, windows and job")
    if choice.way is Way.JOB:
        return by_job(choice.why)
    return SearchReading(api, choice.way, choice.why, total=total, job=by_job)


def read_file(path: Path) -> FileReading:
    """Return the reading of an export, NDJSON plain or gzipped; `-` is standard input, which cannot be resumed."""
    return FileReading(path)
