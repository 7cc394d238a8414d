"""What one `User` becomes in GraphQL: the object, the columns that it may change, and its clocks.

Only the groups that the payload carried appear, so a partial payload never clears what it did not see.
docs/architecture.md, "The ordering rule", says what the database makes of the clocks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

import structlog

from frontdesk.identity.fields import NO_RULES, FieldRules
from frontdesk.identity.user import Identity, Profile, User

_log = structlog.stdlib.get_logger(__name__)
BOOKKEEPING = ("clocks", "writeId")


@dataclass(frozen=True, kw_only=True)
class UserWrite:
    """One row of an upsert. `columns` are GraphQL names, sorted; rows share a mutation only if they are equal.

    `request_id` is that of the login it is for.
    """

    tenant: str
    user_id: str
    object: dict[str, Any]
    columns: tuple[str, ...]
    request_id: str | None = None


def write_for(user: User, *, write_id: UUID, rules: FieldRules = NO_RULES) -> UserWrite:
    """Return the upsert of one payload. `write_id` must be fresh: it is what makes the write a clocked one.

    A column that the application owns is not in it, and one of owner first_write is in the object alone.
    """
    groups = _groups(user)
    if rules.rules:
        groups = _ruled(groups, user, rules)
    columns = {name: value for group in groups.values() for name, value in group.values.items()}
    clocks = _clocks(user, groups)
    # The column's default, the present time, is for rows made by hand; a payload that saw nobody says so.
    unseen = {} if "lastSeen" in columns or "lastSeen" in rules.unsent else {"lastSeen": None}
    return UserWrite(
        tenant=user.tenant,
        user_id=user.user_id,
        object={"userId": user.user_id, **unseen, **columns, "clocks": clocks, "writeId": str(write_id)},
        columns=_update_columns(tuple(columns), rules.unchanged),
    )


@lru_cache(maxsize=256)
def _update_columns(sent: tuple[str, ...], unchanged: frozenset[str]) -> tuple[str, ...]:
    """Return the columns that a write may change. Payloads are of few kinds, so of all rows few are sorted."""
    return tuple(sorted((*(set(sent) - unchanged), *BOOKKEEPING)))


def _ruled(groups: dict[str, _Group], user: User, rules: FieldRules) -> dict[str, _Group]:
    """Return the groups with mapped columns, and without those of the application.

    A group that has lost all its columns goes without a clock: nothing of it was told.
    """
    fed: dict[str, dict[str, Any]] = {}
    for rule, value in rules.values(user):
        fed.setdefault(rule.group or "", {})[rule.graphql_name] = value
    _tell_mistyped(rules)
    ruled = {}
    for name, group in groups.items():
        values = {column: value for column, value in group.values.items() if column not in rules.unsent}
        values |= fed.get(name, {})
        if values or not group.values:
            ruled[name] = _Group(group.at, values)
    return ruled


def _tell_mistyped(rules: FieldRules) -> None:
    """Log a column once whose values are of another type; a login never fails over it."""
    for rule in rules.newly_mistyped():
        _log.warning("fields.mistyped", column=rule.column, expected=rule.type.value)


@dataclass(frozen=True)
class _Group:
    at: datetime | None
    values: dict[str, Any]


def _groups(user: User) -> dict[str, _Group]:
    """Return the groups that the payload carried, by the names that the clocks use."""
    groups: dict[str, _Group] = {}
    if user.profile is not None:
        groups["profile"] = _Group(user.profile.at, _profile(user.profile.value))
    if user.app_metadata is not None:
        groups["app_metadata"] = _Group(user.app_metadata.at, {"appMetadata": user.app_metadata.value})
    if user.user_metadata is not None:
        groups["user_metadata"] = _Group(user.user_metadata.at, {"userMetadata": user.user_metadata.value})
    if user.roles is not None:
        groups["roles"] = _Group(user.roles.at, {"auth0Roles": sorted(set(user.roles.value))})
    if user.blocked is not None:
        groups["account"] = _Group(user.blocked.at, {"blocked": user.blocked.value})
    return groups | _session_groups(user) | _life_groups(user)


def _session_groups(user: User) -> dict[str, _Group]:
    groups: dict[str, _Group] = {}
    if user.seen is not None:
        values = {"lastSeen": _text(user.seen.at), "organizationId": user.seen.value.organization_id}
        groups["seen"] = _Group(user.seen.at, values)
    if user.login is not None:
        values = {"lastLogin": _text(user.login.at), "lastIp": user.login.value.last_ip}
        groups["login"] = _Group(user.login.at, values)
    if user.logins_count is not None:
        groups["count"] = _Group(None, {"loginsCount": user.logins_count})
    return groups


def _life_groups(user: User) -> dict[str, _Group]:
    """Return deletion and proof of life; they have no column, `deleted_at` follows from their clocks."""
    times = {"tombstone": user.deleted, "alive": user.alive}
    return {name: _Group(at, {}) for name, at in times.items() if at is not None}


_PROFILE_COLUMNS = {
    "user_name": "userName",
    "email": "email",
    "email_verified": "emailVerified",
    "name": "name",
    "given_name": "givenName",
    "family_name": "familyName",
    "nickname": "nickname",
    "picture": "picture",
    "phone_number": "phoneNumber",
    "phone_verified": "phoneVerified",
    "connection": "connection",
    "identities": "identities",
    "created_at": "createdAt",
    "updated_at": "updatedAt",
}


def _profile(profile: Profile) -> dict[str, Any]:
    """Return the columns of a whole profile, or of what a partial one carried."""
    told = vars(profile)
    values = {
        column: told[field]
        for field, column in _PROFILE_COLUMNS.items()
        if profile.sent is None or field in profile.sent
    }
    for column, converted in _CONVERTED.items():
        if column in values:
            values[column] = converted(values[column])
    return values


def _identity(identity: Identity) -> dict[str, Any]:
    """Return an identity under Auth0's own names, without the fields that Auth0 did not set."""
    fields = {
        "connection": identity.connection,
        "provider": identity.provider,
        "user_id": identity.user_id,
        "isSocial": identity.is_social,
        "profileData": identity.profile_data,
    }
    return {name: value for name, value in fields.items() if value is not None}


def _clocks(user: User, groups: Mapping[str, _Group]) -> dict[str, dict[str, str | None]]:
    """Return the clock of each group. Those of one payload mostly share their times: each is written out once."""
    source, born = user.source.value, _clock_text(user.born)
    texts = {at: _clock_text(at) for at in {group.at for group in groups.values()}}
    return {name: {"at": texts[group.at], "source": source, "born": born} for name, group in groups.items()}


def _clock_text(time: datetime | None) -> str | None:
    """Return the notation in which the database keeps clocks; any other one costs it a conversion."""
    return None if time is None else time.astimezone(UTC).isoformat(timespec="microseconds")[:-6] + "Z"


def _identities(identities: tuple[Identity, ...]) -> list[dict[str, Any]]:
    return list(map(_identity, identities))


def _text(time: datetime | None) -> str | None:
    return None if time is None else time.astimezone(UTC).isoformat()


# The columns of a profile whose values JSON has no type for.
_CONVERTED: Mapping[str, Callable[[Any], Any]] = {
    "identities": _identities,
    "createdAt": _text,
    "updatedAt": _text,
}
