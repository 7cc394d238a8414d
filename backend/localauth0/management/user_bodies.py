"""Bodies of calls that make and change users, and what Auth0 says about wrong ones.

Source: the Management OpenAPI, `POST /users`, `PATCH /users/{id}`; Auth0 docs, "Metadata Field Names and Data Types".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, StringConstraints

from localauth0.errors import ManagementError
from localauth0.management.http import Body, invalid_body
from localauth0.tenant import Connection

MAX_PASSWORD_BYTES = 72

_FORBIDDEN_KEYS = frozenset({
    "__tenant", "_id", "blocked", "clientID", "created_at", "email_verified", "email", "globalClientID",
    "global_client_id", "identities", "lastIP", "lastLogin", "loginsCount", "metadata", "multifactor_last_modified",
    "multifactor", "updated_at", "user_id",
})  # fmt: skip
_NOT_TOGETHER = (
    ("password", "email"), ("password", "email_verified"), ("username", "email"), ("username", "email_verified"),
    ("username", "password"),
)  # fmt: skip


def _address(value: str) -> str:
    local, _, domain = value.rpartition("@")
    if not local or not domain or len(local) > 64 or any(letter.isspace() for letter in value):
        raise ValueError("Object didn't pass validation for format email")
    return value


def _uri(value: str) -> str:
    if not urlsplit(value).scheme:
        raise ValueError("Object didn't pass validation for format absolute-uri-or-empty")
    return value


def _password(value: str) -> str:
    if not 1 <= len(value.encode()) <= MAX_PASSWORD_BYTES:
        raise ValueError(f"The password must have 1 to {MAX_PASSWORD_BYTES} bytes")
    return value


def _app_metadata(value: dict[str, Any]) -> dict[str, Any]:
    forbidden = sorted(value.keys() & _FORBIDDEN_KEYS)
    if forbidden:
        raise ValueError(f"Metadata has keys that are reserved: {', '.join(forbidden)}")
    return _metadata(value)


def _metadata(value: dict[str, Any]) -> dict[str, Any]:
    faulty = _faulty_key(value)
    if faulty is not None:
        raise ValueError(f"Metadata keys must not contain a dot or start with a dollar sign: {faulty}")
    return value


def _faulty_key(value: Any) -> str | None:
    if isinstance(value, list):
        return next((found for one in value if (found := _faulty_key(one)) is not None), None)
    if not isinstance(value, Mapping):
        return None
    for key, one in value.items():
        if "." in key or key.startswith("$"):
            return str(key)
        if (found := _faulty_key(one)) is not None:
            return found
    return None


_Email = Annotated[str, StringConstraints(max_length=254), AfterValidator(_address)]
_Phone = Annotated[str, StringConstraints(pattern=r"^\+[0-9]{1,15}$")]
_Username = Annotated[str, StringConstraints(min_length=1, max_length=128)]
_Name = Annotated[str, StringConstraints(max_length=300)]
_ShortName = Annotated[str, StringConstraints(max_length=150)]
_Picture = Annotated[str, AfterValidator(_uri)]
_Password = Annotated[str, AfterValidator(_password)]
_OwnMetadata = Annotated[dict[str, Any], AfterValidator(_metadata)]
_AppMetadata = Annotated[dict[str, Any], AfterValidator(_app_metadata)]


class NewUserBody(Body):
    connection: Annotated[str, StringConstraints(min_length=1)]
    user_id: Annotated[str, StringConstraints(max_length=255, pattern=r"^\S*$")] = ""
    email: _Email | None = None
    email_verified: bool = False
    verify_email: bool = False
    username: _Username | None = None
    phone_number: _Phone | None = None
    phone_verified: bool = False
    password: _Password | None = Field(default=None, repr=False)
    name: _Name | None = None
    nickname: _Name | None = None
    given_name: _ShortName | None = None
    family_name: _ShortName | None = None
    picture: _Picture | None = None
    blocked: bool = False
    user_metadata: _OwnMetadata = Field(default_factory=dict)
    app_metadata: _AppMetadata = Field(default_factory=dict)

    def attributes(self) -> dict[str, Any]:
        """What the profile gets; names to log in with are kept in small letters."""
        unset = {"connection", "user_id", "verify_email", "password"}
        given = {name: value for name, value in self.set_values().items() if name not in unset}
        return small_letters({name: value for name, value in given.items() if value != {}})

    def refuse_for(self, connection: Connection) -> None:
        """Raise ManagementError when users of the connection cannot be like that."""
        if connection.is_database:
            _require(self, "password")
            if self.email is None and self.username is None and self.phone_number is None:
                _require(self, "email")
        elif connection.is_passwordless:
            _require(self, "email" if connection.strategy == "email" else "phone_number")
        else:
            text = (
                "Connection does not support user creation through the API. "
                "It must either be a database or passwordless connection."
            )
            raise ManagementError(400, text, "operation_not_supported")
        refuse_username(self.username, connection)


class UserChangeBody(Body):
    blocked: bool | None = None
    email: _Email | None = None
    email_verified: bool | None = None
    verify_email: bool = False
    phone_number: _Phone | None = None
    phone_verified: bool | None = None
    verify_phone_number: bool = False
    username: _Username | None = None
    password: _Password | None = Field(default=None, repr=False)
    name: _Name | None = None
    nickname: _Name | None = None
    given_name: _ShortName | None = None
    family_name: _ShortName | None = None
    picture: _Picture | None = None
    connection: Annotated[str, StringConstraints(min_length=1)] | None = None
    client_id: str | None = None
    user_metadata: _OwnMetadata = Field(default_factory=dict)
    app_metadata: _AppMetadata = Field(default_factory=dict)

    def refuse_pairs(self) -> None:
        """Raise ManagementError when two attributes came that cannot be changed together."""
        for first, second in _NOT_TOGETHER:
            if {first, second} <= self.model_fields_set:
                raise invalid_body(f"Cannot update {first} and {second} simultaneously")


def small_letters(given: dict[str, Any]) -> dict[str, Any]:
    """The attributes with e-mail address and username as a database keeps them."""
    lowered = {name: given[name].lower() for name in ("email", "username") if given.get(name) is not None}
    return given | lowered


def refuse_username(username: str | None, connection: Connection) -> None:
    if username is not None and connection.usernames == "refused":
        raise ManagementError(400, "Cannot set username for connection without requires_username.")


def _require(body: NewUserBody, name: str) -> None:
    if getattr(body, name) is None:
        raise invalid_body(f"Payload validation error: 'Missing required property: {name}'.")
