"""The body of a stream's delivery, split into its records: slices of the bytes as they came, not parsed further.

Log streams send a JSON array, JSON lines or one object, older senders `{"logs": […]}`. A record that is no JSON object
is one bad record, and costs the others nothing.
Source: Auth0 docs, "Custom Log Streams"; rudder-transformer's receiver for objects with `logs`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import msgspec

from frontdesk.errors import FieldFault, PayloadInvalid

# Of Auth0's records the smallest has some 300 bytes, and 16 MiB are the most that comes at once.
MAX_RECORDS = 100_000
# An array with more commas, or with so few bytes to each, is counted as it is split: all its elements at once take
# a hundred times the memory of the body.
DENSE_COMMAS, DENSE_BYTES = 1_000_000, 16
MAX_NESTING = 100_000  # deeper than what any parser reads; a body of nothing but brackets is left there
NO_JSON, NO_OBJECT, TOO_DEEP = "is no JSON", "is no JSON object", "is nested too deeply"
EXPECTED = "a JSON array of records, a record on each line, one record, or an object with a list `logs`"

_BOM = b"\xef\xbb\xbf"
_SPACE = b" \t\r\n"
_LINE = re.compile(rb"[^\s][^\n]*")
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*+"|[\[\]{},"]', re.DOTALL)
_ANY = msgspec.json.Decoder(msgspec.Raw)
_ARRAY = msgspec.json.Decoder(list[msgspec.Raw])


class _Wrapped(msgspec.Struct):
    logs: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


class _CloudEvent(msgspec.Struct):
    id: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    type: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


_WRAPPED, _CLOUD_EVENT = msgspec.json.Decoder(_Wrapped), msgspec.json.Decoder(_CloudEvent)


@dataclass(frozen=True, slots=True)
class RecordSlice:
    """One record of a body: its number from 1, its bytes within the body, and what is wrong with it, if anything."""

    number: int
    content: memoryview = field(repr=False)
    fault: str | None = None


def split(body: bytes) -> Sequence[RecordSlice]:
    """Return the records of a body in their order; none of an empty body, and of an empty array.

    Raises PayloadInvalid when nothing in it is JSON, when an array in it does not end, and above MAX_RECORDS records.
    """
    whole = memoryview(body)[len(_BOM) :] if body.startswith(_BOM) else memoryview(body)
    first = _first_byte(whole)
    if first is None:
        return []
    if first == b"[":
        contents: Iterable[memoryview] | None = _elements(whole)
    else:
        contents = _wrapped(whole) if first == b"{" else None
    records = _records(_lines(whole) if contents is None else contents)
    if records and all(record.fault == NO_JSON for record in records):
        raise _invalid("body", EXPECTED)
    return records


def split_event(body: bytes) -> Sequence[RecordSlice]:
    """Return the one CloudEvent of a body; nothing of an empty array, with which somebody asks whether we answer.

    Raises PayloadInvalid naming what no CloudEvent lacks.
    """
    whole = memoryview(body)[len(_BOM) :] if body.startswith(_BOM) else memoryview(body)
    if _first_byte(whole) == b"[" and not list(_elements(whole)):
        return []
    try:
        event = _CLOUD_EVENT.decode(whole)
    except (msgspec.MsgspecError, RecursionError):
        raise _invalid("body", "one CloudEvent as a JSON object") from None
    faults = [
        FieldFault(name, "a string that is not empty")
        for name, value in (("id", event.id), ("type", event.type))
        if not _is_text(value)
    ]
    if faults:
        raise PayloadInvalid(faults)
    return [RecordSlice(1, whole)]


def _records(contents: Iterable[memoryview]) -> list[RecordSlice]:
    records = []
    for number, content in enumerate(contents, 1):
        if number > MAX_RECORDS:
            raise _invalid("body", f"at most {MAX_RECORDS} records")
        records.append(RecordSlice(number, content, _fault(content)))
    return records


def _fault(content: memoryview) -> str | None:
    try:
        _ANY.decode(content)
    except msgspec.MsgspecError:
        if not _is_json_with_half_pairs(content):
            return NO_JSON
    except RecursionError:
        return TOO_DEEP
    return None if _first_byte(content) == b"{" else NO_OBJECT


def _is_json_with_half_pairs(content: memoryview) -> bool:
    """Tell whether it is JSON all the same: half a surrogate pair is written as JSON, and is no text to msgspec."""
    if b"\\u" not in bytes(content):
        return False
    try:
        json.loads(bytes(content), parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return False
    return True


def _no_constant(name: str) -> None:
    raise ValueError(name)


def _elements(array: memoryview) -> Iterable[memoryview]:
    """Return the elements of an array; when one of them is wrong, as it is split by its brackets and commas alone."""
    if not _is_dense(array):
        try:
            return map(memoryview, _ARRAY.decode(array))
        except (msgspec.MsgspecError, RecursionError):
            pass  # the other elements may be right
    return _elements_by_brackets(array)


def _is_dense(array: memoryview) -> bool:
    base = array.obj
    if not isinstance(base, bytes):
        return False
    commas = base.count(b",")
    return commas >= DENSE_COMMAS or (commas > MAX_RECORDS and commas * DENSE_BYTES > len(base))


def _elements_by_brackets(array: memoryview) -> Iterator[memoryview]:
    depth, start = 0, 0
    for found in _TOKEN.finditer(array):
        token = found.group()
        if token == b'"' or depth > MAX_NESTING:  # a string that does not end, and everything is in it
            break
        if token in (b"[", b"{"):
            depth += 1
            start = found.end() if depth == 1 else start
        elif token in (b"]", b"}"):
            depth -= 1
        if depth == 0:
            last = array[start : found.start()]
            if _first_byte(last) is not None:
                yield last
            if _first_byte(array[found.end() :]) is not None:
                break
            return
        if depth == 1 and token == b",":
            yield array[start : found.start()]
            start = found.end()
    raise _invalid("body", "an array that ends, and nothing after it")


def _wrapped(whole: memoryview) -> Iterable[memoryview] | None:
    """Return the elements of `logs`, or the object alone; None when the body is not one object."""
    try:
        logs = _WRAPPED.decode(whole).logs
    except (msgspec.MsgspecError, RecursionError):
        return None
    if isinstance(logs, msgspec.UnsetType):
        return [whole]
    within = memoryview(logs)
    return _elements(within) if _first_byte(within) == b"[" else [whole]


def _lines(whole: memoryview) -> Iterator[memoryview]:
    for line in _LINE.finditer(whole):
        yield whole[line.start() : line.end()]


def _first_byte(content: memoryview) -> bytes | None:
    """Return the first byte that is no white space."""
    found = _LINE.search(content)
    return None if found is None else bytes(content[found.start() : found.start() + 1])


def _is_text(value: msgspec.Raw | msgspec.UnsetType) -> bool:
    if isinstance(value, msgspec.UnsetType):
        return False
    content = bytes(memoryview(value)).strip(_SPACE)
    return content.startswith(b'"') and len(content) > 2


def _invalid(field: str, expected: str) -> PayloadInvalid:
    return PayloadInvalid([FieldFault(field, expected)])
