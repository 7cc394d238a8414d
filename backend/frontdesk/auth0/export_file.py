"""Reading everybody from a file that somebody has already: an export, or a rejects file that was mended."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import IO, Any

from frontdesk.auth0.export_lines import FileUnreadable, Line, is_at_line_start, lines, unpacked
from frontdesk.auth0.reading import RawRecord, Reading, Way
from frontdesk.identity import JsonObject

# What an export can have of a user. Source: Auth0 docs, "Bulk User Exports", user profile attributes.
EXPORT_FIELDS = (
    "app_metadata",
    "blocked",
    "created_at",
    "email",
    "email_verified",
    "family_name",
    "given_name",
    "identities",
    "last_ip",
    "last_login",
    "last_password_reset",
    "logins_count",
    "multifactor",
    "multifactor_last_modified",
    "name",
    "nickname",
    "phone_number",
    "phone_verified",
    "picture",
    "updated_at",
    "user_id",
    "user_metadata",
    "username",
)
_KNOWN = frozenset(EXPORT_FIELDS)
PEEK_RECORDS = 1000  # that tell which fields an export was asked for
PEEK_BYTES = 64 * 1024 * 1024
STDIN = Path("-")


class FileReading(Reading):
    """Everybody in a file. It is complete when the file ends as a file does; what was left out of it shows nowhere.

    It goes on after a record only while the file is the same (size and time of change); otherwise from its beginning.
    `read_at` is the file's time, because an export shows nothing newer.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(
            Way.FILE, f"{_shown(path)} was named", total=None, read_at=datetime.fromtimestamp(0, tz=UTC)
        )
        self._name = _shown(path)
        self._path = path
        self._file: IO[bytes] | None = None

    @property
    def can_resume(self) -> bool:
        """Whether the same command can go on where it left off: standard input is gone once it is read."""
        return self._path != STDIN

    def records(self, resume: JsonObject | None = None) -> Iterator[RawRecord]:
        resume = resume or {}
        file = self._open()
        self.read_at = file_time(file)
        is_same = self.can_resume and resume.get("file") == _identity(file)
        offset, number = int_in(resume, "offset") if is_same else 0, int_in(resume, "number")
        carried = _names_in(resume.get("carried")) if is_same else frozenset()
        with closing(unpacked(file)) as stream:
            self.carried = carried | _fields_of_the_first(stream, self._name)
            if not is_at_line_start(stream, offset):
                offset = 0
            base = {"way": Way.FILE.value, "file": _identity(file), "carried": sorted(self.carried)}
            for raw in records_of(lines(stream, self._name, offset=offset, number=number), base, number):
                self._take_note(raw, base)
                yield raw
        self.complete = True

    def close(self) -> None:
        if self._file is not None:
            self._file.close()

    def _take_note(self, raw: RawRecord, base: dict[str, Any]) -> None:
        known = self.carried or frozenset()
        if raw.record is not None and (more := (_KNOWN & raw.record.keys()) - known):
            self.carried = known | more
            base["carried"] = sorted(self.carried)

    def _open(self) -> IO[bytes]:
        try:
            self._file = _spooled_stdin() if self._path == STDIN else self._path.open("rb")
        except OSError as error:
            raise FileUnreadable(f"{self._name} cannot be read: {error.strerror}") from error
        return self._file


def records_of(found: Iterable[Line], base: JsonObject, number: int) -> Iterator[RawRecord]:
    """Give lines as records; `base` is what `resume` says of the file, and is read anew for each."""
    for place, line in enumerate(found, number + 1):
        yield RawRecord(
            number=place,
            record=line.record,
            fault=line.fault,
            raw=line.raw,
            size=line.size,
            resume={**base, "number": place, "offset": line.offset},
        )


def int_in(resume: JsonObject, key: str) -> int:
    """Return a number of a position; 0 where it has none."""
    found = resume.get(key)
    return found if isinstance(found, int) and found > 0 else 0


def file_time(file: IO[bytes]) -> datetime:
    """Return when the file was written: an export shows nothing newer. gzip keeps that over a download."""
    head = file.read(8)
    file.seek(0)
    packed = int.from_bytes(head[4:8], "little") if head[:2] == b"\x1f\x8b" and len(head) == 8 else 0
    times = [
        datetime.now(tz=UTC).timestamp(),
        os.fstat(file.fileno()).st_mtime,
        *([packed] if packed else []),
    ]
    return datetime.fromtimestamp(min(times), tz=UTC)


def _identity(file: IO[bytes]) -> str:
    facts = os.fstat(file.fileno())
    return f"{facts.st_size}-{facts.st_mtime_ns}"


def _shown(path: Path) -> str:
    return "standard input" if path == STDIN else path.name


def _names_in(names: object) -> frozenset[str]:
    return _KNOWN & frozenset(names) if isinstance(names, list) else frozenset()


def _spooled_stdin() -> IO[bytes]:
    """Return standard input as a file without a name: it goes when the process does, and nobody else opens it."""
    spool = tempfile.TemporaryFile()  # noqa: SIM115 - closed by whoever reads it
    shutil.copyfileobj(sys.stdin.buffer, spool)
    spool.seek(0)
    return spool


def _fields_of_the_first(stream: IO[bytes], name: str) -> frozenset[str]:
    found: set[str] = set()
    left = PEEK_BYTES
    for line in islice(_readable(stream, name), PEEK_RECORDS):
        found |= _KNOWN & (line.record or {}).keys()
        left -= line.size
        if left < 0:
            break
    return frozenset(found)


def _readable(stream: IO[bytes], name: str) -> Iterator[Line]:
    """Give lines for a look ahead: where the file breaks off is told when its records are read."""
    try:
        yield from lines(stream, name)
    except FileUnreadable:
        return
