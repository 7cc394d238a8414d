"""Fields of records of streams, taken without trust: what is optional and of another type counts as absent."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from frontdesk.auth0.api_operations import is_id
from frontdesk.errors import FieldFault, PayloadInvalid

MAX_KEY_CHARS = 512  # of an id; a longer one is none of Auth0's, and a part of an id is another id
MAX_TEXT_CHARS = 2048  # of text for people, which is cut
MAX_ID_BYTES = 512  # of the id of a record, as in the table of activities
MAX_KEPT_BYTES = 256 * 1024  # of a record's JSON in a row, roughly


def part(value: Any, *names: str) -> Mapping[str, Any]:
    """Return the object that stands below these names; an empty one when there is none."""
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def text(value: Any) -> str | None:
    """Return text, cut to its bound; None for an empty one."""
    return value[:MAX_TEXT_CHARS] if isinstance(value, str) and value else None


def key(value: Any) -> str | None:
    """Return an id or a name by which things are found; None for an empty one, and for one too long."""
    return value if isinstance(value, str) and 0 < len(value) <= MAX_KEY_CHARS else None


def user_key(value: Any) -> str | None:
    """Return a user's id; None for what cannot be one, such as something long that was typed."""
    return value if is_id(value) else None


def record_id(*values: Any) -> str:
    """Return the first id among these. Raises PayloadInvalid when there is none, or it is too long."""
    for value in values:
        if isinstance(value, str) and value:
            if len(value.encode()) > MAX_ID_BYTES:
                raise _fault("id", f"at most {MAX_ID_BYTES} bytes")
            return value
    raise _fault("id", "a text")


def record_type(value: Any) -> str:
    """Return the type of a record. Raises PayloadInvalid when there is none."""
    if (found := key(value)) is None:
        raise _fault("type", f"a text of at most {MAX_KEY_CHARS} characters")
    return found


def moment(name: str, value: Any) -> datetime | None:
    """Return an ISO 8601 time in UTC, None for an absent one. Raises PayloadInvalid naming the field."""
    if value is None or value == "":
        return None
    try:
        parsed = datetime.fromisoformat(value)
        # A time without a zone is Auth0's, which writes UTC.
        return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        raise _fault(name, "an ISO 8601 date-time") from None


def _fault(field: str, expected: str) -> PayloadInvalid:
    return PayloadInvalid([FieldFault(field, expected)])
