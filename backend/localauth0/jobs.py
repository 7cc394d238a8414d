"""The tenant's jobs: exports of users, whose file is made once, and imports, which are over when they are begun.

An export holds the users as they were when the job began. Its file lies on the disk, nameless and compressed, so that
neither making nor sending it takes memory.

Source: Auth0 docs, "Bulk User Exports", "Bulk User Imports"; recorded answers of `/jobs`.
"""

from __future__ import annotations

import gzip
import hashlib
import hmac
import math
import os
import secrets
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from localauth0.tenant import ExportJobs, random_id

Status = Literal["pending", "processing", "completed", "failed"]

_KEY_PAIR_ID = "KLOCALAUTH0"
_COMPRESSION = 1  # the fastest; nobody keeps these files
_CHUNK_BYTES = 64 * 1024
_MAX_WORKERS = 2
# A job whose time has come is completed at that very look, unless its file takes longer than this.
_FILE_WAIT_S = 5.0


class ExportFile:
    """A file that is being made in the background."""

    def __init__(self, lines: Iterable[bytes], workers: ThreadPoolExecutor) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - it stays open until it is given up
        self._is_given_up = threading.Event()
        self._made: Future[int] = workers.submit(self._write, lines)

    def size(self, *, wait_s: float) -> int | None:
        """The number of bytes, or None when it is not complete in that time. Raises what the writing raised."""
        try:
            return self._made.result(wait_s)
        except NotYet:
            return None

    def chunks(self, first_bytes: int) -> Iterator[bytes]:
        """The first bytes of the complete file, piece by piece. It may be given up meanwhile."""
        own = os.dup(self._file.fileno())
        try:
            at = 0
            while at < first_bytes:
                chunk = os.pread(own, min(_CHUNK_BYTES, first_bytes - at), at)
                at += len(chunk)
                yield chunk
        finally:
            os.close(own)

    def give_up(self) -> None:
        """Stop the writing, and let go of the file once nobody reads it."""
        self._is_given_up.set()
        if self._made.cancel():
            self._file.close()
        else:
            self._made.add_done_callback(lambda _: self._file.close())

    def _write(self, lines: Iterable[bytes]) -> int:
        with gzip.GzipFile(fileobj=self._file, mode="wb", compresslevel=_COMPRESSION, mtime=0) as packed:
            for chunk in _chunks(lines):
                if self._is_given_up.is_set():
                    break
                packed.write(chunk)
        self._file.flush()
        return self._file.tell()


@dataclass
class Job:
    """One job. `told` is what its answers say besides type, status and time.

    `errors` and `summary` are those of an import.
    """

    id: str
    type: str
    created_at: datetime
    told: Mapping[str, Any]
    file: ExportFile | None = None
    errors: list[dict[str, Any]] = field(default_factory=list)
    summary: Mapping[str, int] | None = None
    looks: int = 0


@dataclass(frozen=True)
class Progress:
    """How far a job is. `done` is from 0 to 1; `fault` says why it failed."""

    status: Status
    done: float = 0.0
    seconds_left: int = 0
    fault: str | None = None


@dataclass(frozen=True)
class Download:
    """A file on its way: as many bytes as it says it has, and as many as come."""

    chunks: Iterator[bytes]
    said_bytes: int


class JobBoard:
    """All jobs of a tenant, for 24 hours each."""

    def __init__(self, settings: ExportJobs, clock: Callable[[], datetime]) -> None:
        self._settings, self._clock = settings, clock
        self._jobs: dict[str, Job] = {}
        self._lock = threading.Lock()
        self._workers = _new_workers()
        self._key = secrets.token_bytes(32)
        self._cuts: list[tuple[int, bool]] = []

    def begin_export(self, told: Mapping[str, Any], lines: Iterable[bytes]) -> Job:
        """Begin to write the lines into a new job's file."""
        file = ExportFile(lines, self._workers)
        return self._keep(Job(_new_id(), "users_export", self._clock(), told, file=file))

    def record_import(
        self, told: Mapping[str, Any], errors: list[dict[str, Any]], summary: Mapping[str, int]
    ) -> Job:
        """Keep an import that has been done."""
        job = Job(_new_id(), "users_import", self._clock(), told, errors=errors, summary=summary)
        return self._keep(job)

    def job(self, job_id: str) -> Job | None:
        with self._lock:
            self._forget_old()
            return self._jobs.get(job_id)

    def look_at(self, job: Job) -> Progress:
        """How far the job is; to be looked at brings it on."""
        with self._lock:
            job.looks += 1
            looks = job.looks
        limit = timedelta(seconds=self._settings.seconds)
        passed = self._clock() - job.created_at
        is_over = passed >= limit or (self._settings.looks is not None and looks >= self._settings.looks)
        if not is_over:
            return self._under_way(passed / limit, math.ceil((limit - passed).total_seconds()), looks)
        if self._settings.fails is not None:
            return Progress("failed", fault=self._settings.fails)
        try:
            if job.file is not None and job.file.size(wait_s=_FILE_WAIT_S) is None:
                return self._under_way(0.5, 1, looks)
        except (OSError, ValueError, TypeError) as err:
            return Progress("failed", fault=f"The file could not be written: {err}")
        return Progress("completed", done=1.0)

    def link(self, job: Job, file_name: str) -> str:
        """Path and query under which the job's file can be had for a minute, by everybody who knows them."""
        ends = math.ceil(self._clock().timestamp() + self._settings.link_seconds)
        path = f"/user-exports/{job.id}/{file_name}"
        return (
            f"{path}?Expires={ends}&Signature={self._signature(path, str(ends))}&Key-Pair-Id={_KEY_PAIR_ID}"
        )

    def download(self, path: str, ends: str, signature: str) -> Download | None:
        """What a link leads to; None when it has expired, or is none."""
        expected = self._signature(path, ends)
        if not hmac.compare_digest(expected.encode(), signature.encode()) or not ends.isdecimal():
            return None
        job = self.job(path.split("/")[2])
        size = job.file.size(wait_s=0) if job is not None and job.file is not None else None
        if job is None or job.file is None or size is None or self._clock().timestamp() > int(ends):
            return None
        with self._lock:
            after, is_silent = self._cuts.pop(0) if self._cuts else (size, True)
        sent = min(after, size)
        return Download(job.file.chunks(sent), sent if is_silent else size)

    def cut_next_download(self, after_bytes: int, *, silently: bool = False) -> None:
        """Let the next download end early: the connection breaks, or `silently` the file seems to be that short."""
        with self._lock:
            self._cuts.append((after_bytes, silently))

    def expire_links(self) -> None:
        """Let all links that were given out have expired."""
        self._key = secrets.token_bytes(32)

    def forget_all(self) -> None:
        """Let there be no job, and give up their files."""
        with self._lock:
            for job in self._jobs.values():
                if job.file is not None:
                    job.file.give_up()
            self._jobs.clear()
            self._cuts.clear()
            self._workers.shutdown(wait=False)
            self._workers = _new_workers()

    def _keep(self, job: Job) -> Job:
        with self._lock:
            self._forget_old()
            self._jobs[job.id] = job
        return job

    def _forget_old(self) -> None:
        oldest = self._clock() - timedelta(seconds=self._settings.kept_seconds)
        for job in [job for job in self._jobs.values() if job.created_at <= oldest]:
            del self._jobs[job.id]
            if job.file is not None:
                job.file.give_up()

    def _under_way(self, done: float, seconds_left: int, looks: int) -> Progress:
        # The first look finds a job that nobody has taken up yet.
        is_named = self._settings.processing and looks > 1
        return Progress("processing" if is_named else "pending", min(done, 0.99), seconds_left)

    def _signature(self, path: str, ends: str) -> str:
        return hmac.new(self._key, f"{path} {ends}".encode(), hashlib.sha256).hexdigest()


def _chunks(lines: Iterable[bytes]) -> Iterator[bytes]:
    """The lines in larger pieces, as many small ones are slow to compress."""
    piece = bytearray()
    for line in lines:
        piece += line
        if len(piece) >= _CHUNK_BYTES:
            yield bytes(piece)
            piece.clear()
    yield bytes(piece)


def _new_workers() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(_MAX_WORKERS, thread_name_prefix="localauth0-export")


def _new_id() -> str:
    return random_id("job_", 16)
