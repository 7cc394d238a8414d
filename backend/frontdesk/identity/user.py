"""The one representation of a user, from every way in.

A payload carries some groups of a user's columns, each with the time at its source; a group that it does not
carry is None here and is left alone in the database. docs/architecture.md, "Tables", names the groups.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Generic, TypeVar

JsonValue = None | bool | int | float | str | Sequence["JsonValue"] | Mapping[str, "JsonValue"]
JsonObject = Mapping[str, JsonValue]

T = TypeVar("T")


class Source(StrEnum):
    """What kind of payload a group came from; decides between equal times, in this order."""

    RECORD = "record"
    LOGIN = "login"
    PROFILE = "profile"


@dataclass(frozen=True)
class Stamped(Generic[T]):
    """A group's value and its time at the source (aware, UTC)."""

    value: T
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Identity:
    """One of Auth0's identities of a user: these five fields, never an upstream token."""

    connection: str | None = None
    provider: str | None = None
    user_id: str | None = None
    is_social: bool | None = None
    profile_data: JsonObject | None = None


@dataclass(frozen=True, kw_only=True)
class Profile:
    """Auth0's profile; a field that Auth0 left unset is None, and clears the column.

    A partial one names the fields that it carries in `sent`; the others are left alone.
    """

    user_name: str | None = None
    email: str | None = None
    email_verified: bool | None = None
    name: str | None = None
    given_name: str | None = None
    family_name: str | None = None
    nickname: str | None = None
    picture: str | None = None
    phone_number: str | None = None
    phone_verified: bool | None = None
    connection: str | None = None
    identities: tuple[Identity, ...] = ()
    created_at: datetime | None = None
    updated_at: datetime | None = None
    sent: frozenset[str] | None = None


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What a signed call tells of the session; its time is `last_seen`."""

    organization_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class Login:
    """What an interactive login tells; its time is `last_login`."""

    last_ip: str | None = None


@dataclass(frozen=True, kw_only=True)
class User:
    """A user as one payload tells of them. None in a group: the payload did not carry it.

    `born` is the payload's own `created_at`: it tells apart two incarnations of one user id.
    `deleted` and `alive` are times of a deletion and of a proof of life.
    """

    tenant: str
    user_id: str
    source: Source
    born: datetime | None = None
    profile: Stamped[Profile] | None = None
    app_metadata: Stamped[JsonObject | None] | None = None
    user_metadata: Stamped[JsonObject | None] | None = None
    roles: Stamped[tuple[str, ...]] | None = None
    seen: Stamped[Seen] | None = None
    login: Stamped[Login] | None = None
    logins_count: int | None = None
    blocked: Stamped[bool] | None = None
    deleted: datetime | None = None
    alive: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class StoredUser:
    """What the database says of a user after a write, whether or not the write changed anything.

    `granted_roles` are the grants whose source is not Auth0.
    """

    blocked: bool
    deleted_at: datetime | None
    granted_roles: tuple[str, ...]
