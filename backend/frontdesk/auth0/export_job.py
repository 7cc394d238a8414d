"""Reading everybody by an export job: asked for, waited for, spooled to disk, and read from there.

The link to the file lives for 60 seconds, and whoever reads it may be slow; so it is fetched at once, whole, and
looked through before its first record counts. A broken download is tried again with a fresh link. The job keeps its
file for 24 hours; when it is gone, another job is asked for and its file is read from the beginning: its order may be
another one, so no place in it means what it meant before, and to write a record again changes nothing.

Source: Auth0 docs, "Bulk User Exports"; `GET /jobs/{id}`. A status that is not documented counts as running.
"""

from __future__ import annotations

import tempfile
import time
import zlib
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import IO, Any
from urllib.parse import urlsplit

import httpx
from auth0.management.types import CreateExportUsersFields

from frontdesk.auth0.export_file import EXPORT_FIELDS, int_in, records_of
from frontdesk.auth0.export_lines import is_at_line_start, lines, unpacked
from frontdesk.auth0.listing import unreadable_is_told
from frontdesk.auth0.management import ManagementApi
from frontdesk.auth0.pace import jitter
from frontdesk.auth0.reading import RawRecord, Reading, Way
from frontdesk.errors import Auth0Error, Auth0Rejected, Auth0Unavailable
from frontdesk.identity import JsonObject

FIRST_POLL_S = 0.5
POLL_GROWTH = 1.5
MAX_POLL_S = 20.0
MAX_DOWNLOADS = 6
SPARE_RECORDS, SPARE_PART = 10, 0.01  # by how much an export may fall short of what was counted before it
RETRY_PAUSE_S = 0.25  # before the second download; twice as long before each further one
MAX_JOBS = 3  # of one reading, each in place of one that is gone
READ_TIMEOUT_S = 30.0  # between two pieces of the file
_CHUNK_BYTES = 1024 * 1024


class JobFailed(Auth0Error):
    """The export job failed at Auth0."""

    type = "urn:frontdesk:problem:export-failed"


class JobUnfinished(Auth0Error):
    """The export job is not done yet."""

    type = "urn:frontdesk:problem:export-unfinished"
    retryable = True


class DownloadBroken(Auth0Error):
    """The file of the export did not come whole."""

    type = "urn:frontdesk:problem:export-download"
    status = 503
    retryable = True


class _JobGone(Exception):
    """Auth0 knows the job no more."""


class JobReading(Reading):
    """Everybody by an export job, which may take `wait_s`. All attributes that can be exported are asked for."""

    def __init__(
        self,
        api: ManagementApi,
        why: str,
        *,
        total: int | None,
        wait_s: float,
        retry_pause_s: float = RETRY_PAUSE_S,
    ) -> None:
        super().__init__(Way.JOB, why, total=total, read_at=datetime.now(tz=UTC))
        self.carried = frozenset(EXPORT_FIELDS)
        self._api = api
        self._wait_s = wait_s
        self._retry_pause_s = retry_pause_s
        self._asked: set[str] = set()  # jobs of this reading
        self._spool: IO[bytes] | None = None

    def begin(self, resume: JsonObject | None = None) -> JsonObject:
        """Ask for the export where that has not happened yet, and return the position that names the job."""
        resume = resume or {}
        if isinstance(resume.get("job"), str):
            return resume
        self.read_at = datetime.now(tz=UTC)
        job_id = _asked_for(self._api)
        self._asked.add(job_id)
        return {
            "way": Way.JOB.value,
            "job": job_id,
            "read_at": self.read_at.isoformat(),
            "number": int_in(resume, "number"),
            "before": int_in(resume, "number"),
            "offset": 0,
        }

    def records(self, resume: JsonObject | None = None) -> Iterator[RawRecord]:
        position, spool = self._fetched(self.begin(resume))
        self.read_at = datetime.fromisoformat(str(position["read_at"]))
        base = {key: position.get(key) for key in ("way", "job", "read_at", "before")}
        number, offset = int_in(position, "number"), int_in(position, "offset")
        name = f"the file of {position['job']}"
        with closing(unpacked(spool)) as stream:
            if not is_at_line_start(stream, offset):
                offset, base["before"] = 0, number
            for raw in records_of(lines(stream, name, offset=offset, number=number), base, number):
                number = raw.number
                yield raw
        self._judge(number - int_in(base, "before"))

    def close(self) -> None:
        if self._spool is not None:
            self._spool.close()

    def _judge(self, records: int) -> None:
        """Say whether a file of so many records can be everybody: some may have gone since they were counted."""
        missing = (self.total or 0) - records
        self.complete = missing <= max(SPARE_RECORDS, records * SPARE_PART)
        if not self.complete:
            self.shortfall = (
                f"the export has {records:,} records, and Auth0 counted {self.total:,} users before it; repeat the "
                f"command"
            )

    def _fetched(self, position: JsonObject) -> tuple[JsonObject, IO[bytes]]:
        """Return the job's file, and the position in it; another job's where the one of the position is gone."""
        for _ in range(MAX_JOBS):
            job_id = str(position["job"])
            try:
                self._wait(job_id)
                return position, self._download(job_id)
            except _JobGone:
                position = self.begin({"number": int_in(position, "number")})
            except JobFailed:
                if job_id in self._asked:
                    raise
                # It failed after somebody had left; what they asked for is asked for again.
                position = self.begin({"number": int_in(position, "number")})
        raise JobUnfinished("Auth0 lost the export job more than once; repeat the command later")

    def _wait(self, job_id: str) -> None:
        give_up_at = time.monotonic() + self._wait_s
        poll_s = FIRST_POLL_S
        while not _is_completed(job := _job(self._api, job_id)):
            if time.monotonic() + poll_s > give_up_at:
                raise JobUnfinished(
                    f"the export job {job_id} is still {job.get('status')!r} after {self._wait_s:.0f} s; repeat the "
                    f"command to go on waiting for it"
                )
            time.sleep(poll_s * jitter(0.8, 1.0))
            poll_s = min(poll_s * POLL_GROWTH, MAX_POLL_S)

    def _download(self, job_id: str) -> IO[bytes]:
        """Return the job's file, spooled and looked through. It has no name, so it goes when the process does."""
        trouble = "it has no link"
        for tried in range(MAX_DOWNLOADS):
            if tried:
                time.sleep(min(self._retry_pause_s * 2**tried, MAX_POLL_S) * jitter(0.5, 1.0))
            link = _job(self._api, job_id).get("location")
            if not isinstance(link, str):
                continue
            _refuse_lesser_link(link, self._api.url)
            self.close()
            self._spool = tempfile.TemporaryFile()  # noqa: SIM115 - closed in close()
            try:
                _fetch(link, self._spool)
            except (httpx.HTTPError, httpx.InvalidURL, zlib.error, _Broken) as error:
                trouble = str(error) or type(error).__name__
                continue
            except OSError as error:
                raise DownloadBroken(
                    f"the file of the export job cannot be kept in {tempfile.gettempdir()}: {error.strerror}; make "
                    f"room, or set TMPDIR to a folder with room"
                ) from error
            self._spool.seek(0)
            return self._spool
        raise DownloadBroken(
            f"the file of the export job {job_id} did not come whole in {MAX_DOWNLOADS} tries: {trouble}. Repeat the "
            f"command: the job keeps its file for 24 hours"
        )


class _Broken(Exception):
    """What came is not the file."""


def _asked_for(api: ManagementApi) -> str:
    fields = [CreateExportUsersFields(name=name) for name in EXPORT_FIELDS]
    with unreadable_is_told():
        job = api.sdk.jobs.users_exports.create(format="json", fields=fields)
    if not job.id:
        raise Auth0Unavailable("Auth0 gave no id of the export job; repeat the command")
    return str(job.id)


def _job(api: ManagementApi, job_id: str) -> dict[str, Any]:
    try:
        found = api.read("jobs", job_id)
    except Auth0Rejected as refused:
        if refused.status_code == 404:
            raise _JobGone from refused
        raise
    if not isinstance(found, dict):
        raise Auth0Unavailable("Auth0 answered with something else than a job; repeat the command")
    return found


def _is_completed(job: dict[str, Any]) -> bool:
    if job.get("status") == "failed":
        said = " ".join(str(job.get("status_details") or "Auth0 says no more").split())[:300]
        raise JobFailed(
            f"the export job {job.get('id')} failed at Auth0: {said}. Repeat the command for another job, or read the "
            f"tenant with `--way windows`"
        )
    return job.get("status") == "completed"


def _refuse_lesser_link(link: str, api_url: str) -> None:
    if link.startswith("https:"):
        return
    # In the clear only where nobody listens: from this machine to itself, as the tenant is there too.
    if api_url.startswith("https:") or not _is_loopback(link):
        raise DownloadBroken("Auth0 gave a link that is not https; profiles are not fetched in the clear")


def _is_loopback(link: str) -> bool:
    try:
        parts = urlsplit(link)
        return parts.scheme == "http" and (
            parts.hostname == "localhost" or ip_address(parts.hostname or "").is_loopback
        )
    except ValueError:
        return False


def _fetch(link: str, spool: IO[bytes]) -> None:
    """Write what is at the link to the spool. It is signed, so it gets no token; nor may it lead elsewhere.

    Raises httpx.HTTPError, zlib.error and _Broken when it does not come whole.
    """
    proof = _GzipProof()
    timeout = httpx.Timeout(READ_TIMEOUT_S, connect=5.0)
    with (
        httpx.Client(timeout=timeout, trust_env=False, follow_redirects=False) as client,
        client.stream("GET", link, headers={"accept-encoding": "identity"}) as answer,
    ):
        if answer.status_code != 200:
            raise _Broken(f"its link answered with HTTP status {answer.status_code}")
        for chunk in answer.iter_raw(_CHUNK_BYTES):
            spool.write(chunk)
            proof.feed(chunk)
        length = answer.headers.get("content-length", "")
        if length.isdecimal() and int(length) != spool.tell():
            raise _Broken(f"{spool.tell()} bytes of {length} came")
    proof.end()


class _GzipProof:
    """Looks through gzipped data, keeping nothing: only its end proves that it is whole."""

    def __init__(self) -> None:
        self._is_gzip: bool | None = None
        self._head = b""
        self._member: Any = None

    def feed(self, chunk: bytes) -> None:
        if self._is_gzip is None:
            self._head += chunk
            if len(self._head) < 2:
                return
            chunk, self._is_gzip = self._head, self._head.startswith(b"\x1f\x8b")
        while self._is_gzip and chunk:
            if self._member is None:
                chunk = chunk.lstrip(b"\x00")  # padding between two members
                if not chunk:
                    return
                self._member = zlib.decompressobj(wbits=31)
            self._member.decompress(chunk, _CHUNK_BYTES)
            chunk = self._member.unconsumed_tail or self._member.unused_data
            if self._member.eof:
                self._member = None

    def end(self) -> None:
        if self._member is not None:
            raise _Broken("its compressed data breaks off")
