"""A hook's body as JSON that PostgreSQL can store: bounded in depth, without NUL, lone surrogates and NaN."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from typing import Any

from frontdesk.errors import FieldFault, PayloadInvalid

# PostgreSQL's and Python's own limits are far higher; a profile that needs more is no profile.
MAX_DEPTH = 64
MAX_FAULTS = 20
MAX_FIELD_CHARS = 200
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def parse_object(body: bytes) -> dict[str, Any]:
    """Return the JSON object in `body`. Raises PayloadInvalid naming what is wrong, field by field."""
    try:
        parsed = json.loads(body, parse_constant=_refuse_constant, parse_float=_finite)
    except (ValueError, RecursionError):
        # ValueError: no JSON, no UTF-8, NaN, or a number of thousands of digits.
        raise PayloadInvalid([FieldFault("body", "JSON without NaN and Infinity")]) from None
    if not isinstance(parsed, dict):
        raise PayloadInvalid([FieldFault("body", "a JSON object")])
    faults = storable_faults(parsed)
    if faults:
        raise PayloadInvalid(faults)
    return parsed


def shown_field(path: tuple[str, ...]) -> str:
    """Return a dotted field name that is safe to print: bounded, without control characters."""
    dotted = ".".join(path)[:MAX_FIELD_CHARS]
    return "".join(c if c.isprintable() else "�" for c in dotted) or "body"


def _refuse_constant(name: str) -> None:
    raise ValueError(name)


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("the number is too large")
    return number


def storable_faults(parsed: dict[str, Any]) -> list[FieldFault]:
    """Return what of a JSON object PostgreSQL could not store, by field; of many faults the first ones."""
    faults: list[FieldFault] = []
    for path, value in _walk(parsed):
        if len(path) > MAX_DEPTH:
            return [FieldFault(shown_field(path[:4]), f"at most {MAX_DEPTH} levels of nesting")]
        if _UNSTORABLE.search(path[-1]) or (isinstance(value, str) and _UNSTORABLE.search(value)):
            faults.append(FieldFault(shown_field(path), "text without NUL characters and lone surrogates"))
        elif isinstance(value, float) and not math.isfinite(value):
            faults.append(FieldFault(shown_field(path), "a finite number"))
        if len(faults) >= MAX_FAULTS:
            break
    return faults


def _walk(parsed: dict[str, Any]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Give every value with its path, without recursion: the depth is the caller's to judge."""
    pending: list[tuple[tuple[str, ...], Any]] = [((key,), value) for key, value in parsed.items()]
    while pending:
        path, value = pending.pop()
        yield path, value
        if isinstance(value, dict):
            pending += [((*path, key), inner) for key, inner in value.items()]
        elif isinstance(value, list):
            pending += [((*path, str(index)), inner) for index, inner in enumerate(value)]
