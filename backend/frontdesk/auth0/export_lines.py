"""The records of an export's file, line by line, in flat memory: NDJSON as Auth0 writes it, plain or gzipped.

What is wrong with one line is that line's fault, and the file goes on. What is wrong with the file as a whole is an
error with the sentence that its reader needs; it comes after every record that could be read.

Source: Auth0 docs, "Bulk User Exports"; whether the file is gzipped is no part of the contract, so its first bytes
tell.
"""

from __future__ import annotations

import gzip
import io
import json
import math
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any

from frontdesk.errors import FrontdeskError

MAX_LINE_BYTES = 16 * 1024 * 1024  # a profile of 1 MB, and as much again of what nobody expects
MAX_KEPT_CHARS = 65_536  # of a line that cannot be read
_CHUNK_BYTES = 256 * 1024
_BOM = b"\xef\xbb\xbf"
_GZIP = b"\x1f\x8b"
_OF_REJECTS = frozenset({"number", "user_id", "reason", "record"})
_OTHER_BEGINNINGS = {
    b"PK\x03\x04": "a zip archive",
    b"\x28\xb5\x2f\xfd": "compressed with zstd",
    b"\xfd7zXZ": "compressed with xz",
    b"BZh": "compressed with bzip2",
    b"\xff\xfe": "text in UTF-16",
    b"\xfe\xff": "text in UTF-16",
}


class FileUnreadable(FrontdeskError):
    """The file of users cannot be read."""

    type = "urn:frontdesk:problem:users-file"
    status = 422


class FileEndsEarly(FileUnreadable):
    """The file of users ends before its end."""

    type = "urn:frontdesk:problem:users-file-ends-early"


@dataclass(frozen=True, slots=True)
class Line:
    """One line that is not blank: its object or its fault, its length, and the place in the unpacked file after it."""

    record: dict[str, Any] | None
    fault: str | None
    raw: str
    size: int
    offset: int


def unpacked(file: IO[bytes]) -> IO[bytes]:
    """Return what the file holds, unpacked where it is gzipped; it can be moved forward to an offset."""
    head = file.read(len(_GZIP))
    file.seek(0)
    if head != _GZIP:
        return file
    # GzipFile itself is read in small pieces otherwise, each through several calls.
    return io.BufferedReader(gzip.GzipFile(fileobj=file, mode="rb"), _CHUNK_BYTES)


def lines(stream: IO[bytes], name: str, *, offset: int = 0, number: int = 0) -> Iterator[Line]:
    """Give the lines from `offset` on; `name` and `number`, of records so far, are for sentences.

    Raises FileUnreadable, and FileEndsEarly when the file was cut off.
    """
    try:
        yield from _lines(stream, name, offset, number)
    except OSError as error:
        if isinstance(error, gzip.BadGzipFile):
            raise FileUnreadable(f"{name} is damaged: {error}; get the file again") from error
        raise FileUnreadable(f"{name} cannot be read: {error.strerror or error}") from error


def is_at_line_start(stream: IO[bytes], offset: int) -> bool:
    """Tell whether a line begins at the offset, as it has to where somebody left off. Moves the stream there."""
    try:
        if offset == 0:
            return stream.seek(0) == 0
        stream.seek(offset - 1)
        return stream.read(1) == b"\n"
    except (OSError, EOFError, zlib.error):
        return False


def _lines(stream: IO[bytes], name: str, offset: int, number: int) -> Iterator[Line]:
    stream.seek(offset)
    looked = offset > 0
    while True:
        try:
            text, size = _next(stream)
            if not looked:
                _refuse_other_formats(text, stream, name)
                looked = True
        except EOFError as error:
            raise FileEndsEarly(_ends_early(name, number)) from error
        except zlib.error as error:
            raise FileUnreadable(f"{name} is damaged after {number:,} records; get the file again") from error
        if not text:
            return
        offset += size
        line = _line(text, size, offset)
        if line is None:
            continue
        if line.fault is not None and not text.endswith(b"\n") and size <= MAX_LINE_BYTES:
            raise FileEndsEarly(_ends_early(name, number))
        number += 1
        yield line


def _ends_early(name: str, number: int) -> str:
    return (
        f"{name} ends in the middle of a record, after {number:,} whole ones; it was cut off. What came is kept: get "
        f"the file again and repeat the command"
    )


def _next(stream: IO[bytes]) -> tuple[bytes, int]:
    """Return the next line, cut to what a line may have, and its whole length."""
    text = stream.readline(MAX_LINE_BYTES + 1)
    more = _rest_of_line(stream) if len(text) > MAX_LINE_BYTES and not text.endswith(b"\n") else 0
    return text, len(text) + more


def _rest_of_line(stream: IO[bytes]) -> int:
    """Read on to the end of a line that is too long, keeping nothing, and return how much that was."""
    size = 0
    while True:
        part = stream.readline(_CHUNK_BYTES)
        size += len(part)
        if not part or part.endswith(b"\n"):
            return size


def _line(text: bytes, size: int, offset: int) -> Line | None:
    if offset == size and text.startswith(_BOM):
        text = text[len(_BOM) :]
    if size > MAX_LINE_BYTES:
        return Line(None, f"the line is longer than {MAX_LINE_BYTES // 2**20} MB", _shown(text), size, offset)
    stripped = text.strip()
    if not stripped:
        return None
    record, fault = _parsed(stripped)
    return Line(record, fault, _shown(stripped) if record is None else "", size, offset)


def _parsed(text: bytes) -> tuple[dict[str, Any] | None, str | None]:
    try:
        found = _DECODER.decode(text.decode())
    except UnicodeDecodeError as error:
        return None, f"the line is no UTF-8 (byte {error.start + 1})"
    except json.JSONDecodeError as error:
        return None, f"the line is no JSON: {error.msg} (character {error.pos + 1})"
    except RecursionError:
        return None, "the line is no JSON: too deeply nested"
    except ValueError as error:
        return None, f"the line is no JSON: {error}"
    if not isinstance(found, dict):
        return None, "the line is no JSON object"
    return _taken_out_of_rejects(found)


def _taken_out_of_rejects(found: dict[str, Any]) -> tuple[dict[str, Any] | None, str | None]:
    """Return the record within a line of a rejects file, so that a mended one can be read as it is.

    Its keys are exactly these: a profile may have others at its root that an identity provider chose, and must not
    be somebody else's record for them.
    """
    if found.keys() != _OF_REJECTS:
        return found, None
    inner = found["record"]
    if isinstance(inner, str):
        try:
            inner = _DECODER.decode(inner)
        except (ValueError, RecursionError):
            inner = None
    if not isinstance(inner, dict):
        return None, "the line is of a rejects file, and its `record` is still no JSON object"
    return inner, None


def _refuse_other_formats(first: bytes, stream: IO[bytes], name: str) -> None:
    """Raise FileUnreadable for what people take for an export; `first` is the first line."""
    for beginning, what in _OTHER_BEGINNINGS.items():
        if first.startswith(beginning):
            raise FileUnreadable(
                f"{name} is {what}; turn it into UTF-8 text, or gzip, with one JSON object a line"
            )
    text = first.removeprefix(_BOM).strip()
    if text.startswith(b"["):
        raise FileUnreadable(
            f"{name} is one JSON list, and an export has one JSON object a line; "
            f"`jq -c '.[]' <the file> > users.ndjson` makes one of it"
        )
    if text == b"{":
        raise FileUnreadable(
            f"{name} is JSON over several lines, and an export has one JSON object a line; "
            f"`jq -c . <the file> > users.ndjson` makes one of it"
        )
    if b"," in text and b"{" not in text and not _next_is_object(stream):
        raise FileUnreadable(f"{name} looks like CSV; ask for the export as JSON (`format: json`)")


def _next_is_object(stream: IO[bytes]) -> bool:
    """Look at the next line without moving on; a broken first line of an export is followed by a whole one."""
    here = stream.tell()
    following = stream.readline(_CHUNK_BYTES)
    stream.seek(here)
    return following.lstrip().startswith(b"{")


def _shown(text: bytes) -> str:
    return text[: 4 * MAX_KEPT_CHARS].decode(errors="replace")[:MAX_KEPT_CHARS].replace("\0", "␀")


def _refused_constant(name: str) -> None:
    raise ValueError(f"{name} is no number of JSON")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("a number is too large")
    return number


_DECODER = json.JSONDecoder(parse_constant=_refused_constant, parse_float=_finite)
