"""What a user's own call may change at Auth0, checked before anything is asked of Auth0.

A change is Auth0's PATCH: a root field replaces, null unsets it, metadata merges at its first level and a key that is
null goes. `{}` would erase all metadata of its kind, which nobody means by accident: that takes `clear`.
Source: Management OpenAPI, `POST /users`, `PATCH /users/{id}`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from frontdesk.auth0.json_body import MAX_FAULTS, parse_object, shown_field
from frontdesk.errors import FieldFault, PayloadInvalid

Name = Annotated[str, Field(max_length=300)]
ShortName = Annotated[str, Field(max_length=150)]
Metadata = Literal["app_metadata", "user_metadata"]
# Auth0 takes one of each pair in a call, and answers 400 to both.
_NOT_TOGETHER = (
    ("password", "email"),
    ("password", "email_verified"),
    ("username", "email"),
    ("username", "email_verified"),
    ("username", "password"),
)
# What only tells how to carry out a change.
_HOW = frozenset({"verify_email", "verify_phone_number", "connection", "client_id", "clear"})
MAX_NAMES, MAX_NAME_CHARS = 100, 200  # of what one line of the audit names
# A name in metadata that Auth0 refuses, or keeps and cannot search.
_BAD_KEY = "names in metadata without a dot and without $ at the beginning"


class _Fields(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)

    email: Annotated[str, Field(min_length=1, max_length=320)] | None = None
    email_verified: bool | None = None
    username: Annotated[str, Field(min_length=1, max_length=128)] | None = None
    phone_number: Annotated[str, Field(pattern=r"^\+[0-9]{1,15}\z")] | None = None
    phone_verified: bool | None = None
    name: Name | None = None
    given_name: ShortName | None = None
    family_name: ShortName | None = None
    nickname: Name | None = None
    picture: Annotated[str, Field(max_length=2048)] | None = None
    blocked: bool | None = None
    verify_email: bool | None = None
    password: SecretStr | None = None
    app_metadata: dict[str, Any] | None = None
    user_metadata: dict[str, Any] | None = None


class UserChange(_Fields):
    """A change of one user. `clear` names the metadata to erase whole."""

    verify_phone_number: bool | None = None
    connection: Annotated[str, Field(min_length=1, max_length=128)] | None = None
    client_id: Annotated[str, Field(min_length=1, max_length=128)] | None = None
    clear: tuple[Metadata, ...] = Field((), strict=False)

    @classmethod
    def parse(cls, body: bytes) -> UserChange:
        """Return the change in a JSON body. Raises PayloadInvalid naming each wrong field."""
        return cls.of(parse_object(body))

    @classmethod
    def of(cls, fields: Mapping[str, Any]) -> UserChange:
        """Return the change that these fields make. Raises PayloadInvalid naming each wrong field."""
        change = _parsed(cls, fields)
        _refuse([*_pair_faults(change), *_metadata_faults(change), *_empty_faults(change)])
        return change

    def body(self) -> dict[str, Any]:
        """Return the body of Auth0's PATCH; it may hold a password."""
        return _sent(self, leave_out={"clear"}) | {name: {} for name in self.clear}

    def names(self) -> list[str]:
        """Return the names of what changes, metadata with its first level: for the audit, which keeps no values."""
        return [*_names(self), *(f"{name} (cleared)" for name in self.clear)]


class NewUser(_Fields):
    """A user to create. `user_id` is the part after `auth0|`."""

    connection: Annotated[str, Field(min_length=1, max_length=128)]
    user_id: Annotated[str, Field(min_length=1, max_length=255, pattern=r"^\S*\z")] | None = None

    @classmethod
    def parse(cls, body: bytes) -> NewUser:
        """Return the user in a JSON body. Raises PayloadInvalid naming each wrong field."""
        return cls.of(parse_object(body))

    @classmethod
    def of(cls, fields: Mapping[str, Any]) -> NewUser:
        """Return the user that these fields make. Raises PayloadInvalid naming each wrong field."""
        user = _parsed(cls, fields)
        _refuse(list(_metadata_faults(user)))
        return user

    def body(self) -> dict[str, Any]:
        """Return the body of Auth0's POST, without what is null; it may hold a password."""
        return {name: value for name, value in _sent(self, leave_out=set()).items() if value is not None}

    def names(self) -> list[str]:
        """Return the names of what is set, for the audit."""
        return _names(self)


Model = TypeVar("Model", bound=BaseModel)


class Names(BaseModel):
    """A body that is one list of names, such as `{"roles": ["Editor"]}`."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)

    names: Annotated[list[Annotated[str, Field(min_length=1, max_length=500)]], Field(max_length=500)]

    @classmethod
    def parse(cls, body: bytes, key: str) -> tuple[str, ...]:
        """Return the names under `key`, each once. Raises PayloadInvalid."""
        return cls.of(parse_object(body), key)

    @classmethod
    def of(cls, fields: Mapping[str, Any], key: str) -> tuple[str, ...]:
        """Return the names under `key`, each once, in their order. Raises PayloadInvalid."""
        if list(fields) != [key]:
            raise PayloadInvalid([FieldFault("body", f"one field, {key}, with a list of names")])
        try:
            parsed = cls.model_validate({"names": fields[key]})
        except ValidationError:
            raise PayloadInvalid([FieldFault(key, "a list of at most 500 names")]) from None
        return tuple(dict.fromkeys(parsed.names))


def _parsed(model: type[Model], fields: Mapping[str, Any]) -> Model:
    try:
        return model.model_validate(dict(fields))
    except ValidationError as error:
        raise PayloadInvalid(
            [
                FieldFault(shown_field(tuple(map(str, fault["loc"]))), _expected(fault))
                for fault in error.errors(include_url=False, include_input=False)[:MAX_FAULTS]
            ]
        ) from None


def _expected(fault: Mapping[str, Any]) -> str:
    match fault["type"]:
        case "extra_forbidden":
            return "no such field; see docs/how-to/manage-users.md for those that can be given"
        case "missing":
            return "a value; it is required"
        case "string_pattern_mismatch":
            return (
                "text of the form that Auth0 takes: a phone number is + and digits, an id has no white space"
            )
        case _:
            return str(fault["msg"])


def _refuse(faults: Sequence[FieldFault]) -> None:
    if faults:
        raise PayloadInvalid(faults)


def _pair_faults(change: UserChange) -> Iterator[FieldFault]:
    for one, other in _NOT_TOGETHER:
        if {one, other} <= change.model_fields_set:
            yield FieldFault(one, f"a call of its own: Auth0 does not change {one} and {other} in one")


def _metadata_faults(fields: _Fields) -> Iterator[FieldFault]:
    for kind in ("app_metadata", "user_metadata"):
        for key in getattr(fields, kind) or {}:
            if "." in key or key.startswith("$"):
                yield FieldFault(shown_field((kind,)), _BAD_KEY)
                break


def _empty_faults(change: UserChange) -> Iterator[FieldFault]:
    for kind in ("app_metadata", "user_metadata"):
        given = getattr(change, kind)
        if kind in change.model_fields_set and not given:
            yield FieldFault(
                kind, f"at least one name; Auth0 would erase all {kind}. To do that, clear it by name"
            )
        if given and kind in change.clear:
            yield FieldFault(kind, "either values, or to be cleared; not both in one call")
    if not change.model_fields_set - _HOW and not change.clear:
        yield FieldFault("body", "at least one field to change")


def _sent(fields: _Fields, *, leave_out: set[str]) -> dict[str, Any]:
    body = fields.model_dump(exclude_unset=True, exclude=leave_out)
    if isinstance(password := body.get("password"), SecretStr):
        body["password"] = password.get_secret_value()
    return body


def _names(fields: _Fields) -> list[str]:
    names: list[str] = []
    for name in sorted(fields.model_fields_set - _HOW):
        value = getattr(fields, name)
        names += [f"{name}.{key}" for key in sorted(value)] if isinstance(value, dict) else [name]
    return [name[:MAX_NAME_CHARS] for name in names[:MAX_NAMES]]
