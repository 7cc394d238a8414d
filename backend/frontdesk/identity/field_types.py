"""The types of mapped columns: what a JSON value has to be, and what of PostgreSQL holds it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

_MAX_BIGINT = 2**63 - 1
_MAX_DOUBLE = 1.7976931348623157e308
# What `as_typed` gives for a value of another type.
NOTHING: Any = object()


class FieldType(StrEnum):
    """The types that settings may name."""

    TEXT = "text"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    TIMESTAMP = "timestamp"
    JSON = "json"
    TEXT_LIST = "text[]"

    @property
    def sql(self) -> str:
        """PostgreSQL's name of the type, as its catalog spells it."""
        return _SQL[self]


# Auth0's numbers are those of JavaScript, which a double holds exactly.
_SQL: Mapping[FieldType, str] = {
    FieldType.TEXT: "text",
    FieldType.INTEGER: "bigint",
    FieldType.NUMBER: "double precision",
    FieldType.BOOLEAN: "boolean",
    FieldType.TIMESTAMP: "timestamp with time zone",
    FieldType.JSON: "jsonb",
    FieldType.TEXT_LIST: "text[]",
}


def as_typed(kind: FieldType, value: Any) -> Any:
    """Return a value as the column takes it, or NOTHING when it is of another type. Nothing is read into a value:
    the text `5` is no number.
    """
    return _CONVERSIONS[kind](value)


def _text(value: Any) -> Any:
    return value if isinstance(value, str) else NOTHING


def _integer(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return NOTHING
    if isinstance(value, float) and not value.is_integer():
        return NOTHING
    return int(value) if -_MAX_BIGINT - 1 <= value <= _MAX_BIGINT else NOTHING


def _number(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return NOTHING
    return float(value) if -_MAX_DOUBLE <= value <= _MAX_DOUBLE else NOTHING


def _boolean(value: Any) -> Any:
    return value if isinstance(value, bool) else NOTHING


def _timestamp(value: Any) -> Any:
    """Return an instant as UTC text. Without a zone it would be another instant in every session."""
    try:
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(value)
        return NOTHING if moment.tzinfo is None else moment.astimezone(UTC).isoformat()
    except (TypeError, ValueError, OverflowError):
        return NOTHING


def _json(value: Any) -> Any:
    return value


def _text_list(value: Any) -> Any:
    if isinstance(value, list | tuple) and all(isinstance(element, str) for element in value):
        return list(value)
    return NOTHING


_CONVERSIONS: Mapping[FieldType, Callable[[Any], Any]] = {
    FieldType.TEXT: _text,
    FieldType.INTEGER: _integer,
    FieldType.NUMBER: _number,
    FieldType.BOOLEAN: _boolean,
    FieldType.TIMESTAMP: _timestamp,
    FieldType.JSON: _json,
    FieldType.TEXT_LIST: _text_list,
}
