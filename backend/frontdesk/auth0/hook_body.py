"""What the bodies of all hooks share: the models of their parts, their parsing, and the probe.

A field that is null counts as absent; unknown fields are ignored.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, ValidationError

from frontdesk.auth0.json_body import MAX_FAULTS, parse_object, shown_field
from frontdesk.errors import FieldFault, PayloadInvalid

# A primary key's entry in an index has to stay below a third of a page; the ids of a login stand in its token whole.
MAX_ID_BYTES = 2048
MAX_LOGINS_COUNT = 2**31 - 1


def _moment(value: Any) -> datetime | None:
    """Return an ISO 8601 date-time with a zone, in UTC."""
    if value is None:
        return None
    try:
        parsed = datetime.fromisoformat(value)
        if parsed.tzinfo is None:
            raise ValueError("no zone")
        return parsed.astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        raise ValueError("an ISO 8601 date-time with a time zone") from None


def _within_id_size(value: str) -> str:
    if not 1 <= len(value.encode()) <= MAX_ID_BYTES:
        raise ValueError(f"from 1 to {MAX_ID_BYTES} bytes")
    return value


Moment = Annotated[datetime | None, BeforeValidator(_moment)]


class Edge(BaseModel):
    """A part of a body: types as in JSON, fields that are not named here ignored."""

    model_config = ConfigDict(extra="ignore", strict=True, frozen=True, hide_input_in_errors=True)


UserId = Annotated[str, AfterValidator(_within_id_size)]


class UserFields(Edge):
    """The fields of a user that every hook names alike, but its id."""

    email: str | None = None
    email_verified: bool | None = None
    username: str | None = None
    name: str | None = None
    given_name: str | None = None
    family_name: str | None = None
    nickname: str | None = None
    picture: str | None = None
    phone_number: str | None = None
    phone_verified: bool | None = None
    created_at: Moment = None
    updated_at: Moment = None
    app_metadata: dict[str, Any] | None = None
    user_metadata: dict[str, Any] | None = None


class Connection(Edge):
    """The connection of the event."""

    name: str | None = None


class Request(Edge):
    """Where the event came from."""

    ip: str | None = None


Body = TypeVar("Body", bound=Edge)


def parse_body(body: bytes, model: type[Body]) -> Body:
    """Return the call in `body`. Raises PayloadInvalid naming each wrong or missing field."""
    return validated(parse_object(body), model)


def is_probe(body: bytes, model: type[Edge]) -> bool:
    """Say whether the call in `body` only asks if calls come through. A user may be missing in it, but not wrong.

    Raises PayloadInvalid as `parse_body` does.
    """
    if b"probe" not in body:
        return False  # what a login is spared: being parsed twice
    parsed = parse_object(body)
    if parsed.get("probe") is not True:
        return False
    if parsed.get("user") is not None:
        validated(parsed, model)
    return True


def refuse_other_trigger(named: str | None, trigger: str) -> None:
    """Raise PayloadInvalid for a call that was signed for another hook: a signature does not cover the URL.

    Actions of before may not name their trigger.
    """
    if named is not None and named != trigger:
        raise PayloadInvalid([FieldFault("trigger", trigger)])


def validated(parsed: dict[str, Any], model: type[Body]) -> Body:
    """Return the model of a JSON object. Raises PayloadInvalid naming each wrong or missing field."""
    try:
        return model.model_validate(parsed)
    except ValidationError as error:
        raise PayloadInvalid(list(_field_faults(error))[:MAX_FAULTS]) from None


_EXPECTED = {
    "missing": "a value",
    "string_type": "a string",
    "bool_type": "true or false",
    "int_type": "an integer",
    "list_type": "a list",
    "dict_type": "an object",
    "model_type": "an object",
    "model_attributes_type": "an object",
    "literal_error": "1",
    "greater_than_equal": f"an integer from 0 to {MAX_LOGINS_COUNT}",
    "less_than_equal": f"an integer from 0 to {MAX_LOGINS_COUNT}",
}


def _field_faults(error: ValidationError) -> Iterator[FieldFault]:
    for details in error.errors(include_url=False, include_input=False):
        reason = details.get("ctx", {}).get("error") if details["type"] == "value_error" else None
        expected = str(reason) if reason else _EXPECTED.get(details["type"], "another type")
        yield FieldFault(shown_field(tuple(str(part) for part in details["loc"])), expected)
