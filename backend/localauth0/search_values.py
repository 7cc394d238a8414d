"""What of a profile can be found by a search: the values behind a path, and how they are compared.

Source: Auth0 docs, "User Search Query Syntax": searchable fields, letter case, what is not indexed.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

Scalar = str | int | float | bool

DATES = frozenset({"created_at", "updated_at", "last_login", "date"})  # `date`: of a log record
_NOT_INDEXED = frozenset({"picture", "last_password_reset", "multifactor", "multifactor_last_modified"})
_WITHOUT_CASE = frozenset({"email", "email.domain", "name", "given_name", "family_name", "nickname"})
_FIELD = re.compile(r"[^\s.:]+(?:\.[^\s.:]+)*")
_DATE = re.compile(
    r"(?P<year>\d{4})(?:-(?P<month>\d\d)(?:-(?P<day>\d\d)(?:T(?P<hour>\d\d)(?::(?P<minute>\d\d)"
    r"(?::(?P<second>\d\d)(?:\.(?P<part>\d{1,9}))?)?)?)?)?)?(?P<zone>Z|[+-]\d\d:?\d\d)?",
    re.ASCII,
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def is_searchable(field: str) -> bool:
    """Whether the field is a path, and not one of those that Auth0 does not index."""
    return _FIELD.fullmatch(field) is not None and field not in _NOT_INDEXED


def ignores_case(field: str) -> bool:
    return field in _WITHOUT_CASE


def scalars(profile: Mapping[str, Any], field: str) -> list[Scalar]:
    """The values behind a path; lists on the way are looked through, and null is no value."""
    if field == "email.domain":
        email = profile.get("email")
        return [email.rpartition("@")[2]] if isinstance(email, str) else []
    return [value for value in _behind(profile, field) if isinstance(value, str | int | float)]


def has_value(profile: Mapping[str, Any], field: str) -> bool:
    """Whether something is there: null, empty lists and empty objects are not."""
    if field == "email.domain":
        return bool(scalars(profile, field))
    return any(_is_something(value) for value in _behind(profile, field))


def _behind(value: Any, path: str) -> Iterator[Any]:
    if isinstance(value, list):
        for one in value:
            yield from _behind(one, path)
    elif not path:
        yield value
    elif isinstance(value, Mapping):
        name, _, rest = path.partition(".")
        yield from _behind(value.get(name), rest)


def _is_something(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(_is_something(one) for one in value.values())
    if isinstance(value, list):
        return any(_is_something(one) for one in value)
    return value is not None


def text_of(value: Scalar) -> str:
    """A value as a query writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def number_of(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def span_of_date(text: str) -> tuple[int, int] | None:
    """The first and the last millisecond of a date that may end early, such as `2026-03`."""
    found = _DATE.fullmatch(text)
    if found is None:
        return None
    given = {
        name: int(found[name]) for name in ("year", "month", "day", "hour", "minute", "second") if found[name]
    }
    last = {"month": 12, "hour": 23, "minute": 59, "second": 59, **given}
    try:
        last.setdefault("day", monthrange(last["year"], last["month"])[1])
        ends = [
            _milliseconds({"month": 1, "day": 1, **given}, found["zone"]),
            _milliseconds(last, found["zone"]),
        ]
    except (ValueError, OverflowError):
        return None
    if found["part"] is None:
        return ends[0], ends[1] + 999
    part = int(found["part"].ljust(3, "0")[:3])
    return ends[0] + part, ends[1] + part


def _milliseconds(fields: Mapping[str, int], zone: str | None) -> int:
    year, month, day = (fields[name] for name in ("year", "month", "day"))
    clock = (fields.get("hour", 0), fields.get("minute", 0), fields.get("second", 0))
    return (datetime(year, month, day, *clock, tzinfo=_zone(zone)) - _EPOCH) // timedelta(milliseconds=1)


def _zone(text: str | None) -> timezone:
    if text is None or text == "Z":
        return UTC
    hours, minutes = int(text[1:3]), int(text[-2:])
    return timezone(timedelta(hours=hours, minutes=minutes) * (-1 if text[0] == "-" else 1))
