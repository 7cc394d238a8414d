"""A user as the Management API and its exports tell of one, and the `User` in it.

Unset members are absent there; null counts as absent, and root fields that are not named here are ignored, since raw
attributes of upstream providers stand among them.
Source: Auth0 Management API, "Get a user"; Auth0 docs, "Bulk user exports".
"""

from __future__ import annotations

import json
from collections.abc import Set
from dataclasses import fields
from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from frontdesk.auth0.hook_body import MAX_LOGINS_COUNT, Moment, UserFields, UserId, validated
from frontdesk.auth0.identity_fields import IdentityFields, identity_from
from frontdesk.auth0.json_body import MAX_DEPTH, storable_faults
from frontdesk.errors import PayloadInvalid
from frontdesk.identity import JsonObject, Login, Profile, Source, Stamped, User

# The root field that each field of a profile comes from.
_PROFILE_FIELDS = {field.name: field.name for field in fields(Profile) if field.name != "sent"} | {
    "user_name": "username",
    "connection": "identities",
}


class _Record(UserFields):
    user_id: UserId
    identities: list[IdentityFields] | None = None
    blocked: bool | None = None
    last_login: Moment = None
    last_ip: str | None = None
    logins_count: Annotated[int, Field(ge=0, le=MAX_LOGINS_COUNT)] | None = None


ROOT_FIELDS = frozenset(_Record.model_fields)


def user_from_management(
    record: JsonObject,
    *,
    tenant: str,
    read_at: datetime,
    carried: Set[str] | None = None,
    alive: bool = False,
) -> User:
    """Return the user that a record tells of; `read_at` is when Auth0 was asked, before its answer.

    `carried` names the root fields that this kind of record can have at all (None: all): of the others nothing is
    known, so nothing of them is sent. `alive` is for a read of this single user, which proves that they are there.
    Raises PayloadInvalid naming each wrong or missing field.
    """
    given = {name: value for name, value in record.items() if name in ROOT_FIELDS}
    _refuse_unstorable(given)
    told = validated(given, _Record)
    profile_at = told.updated_at or read_at
    return User(
        tenant=tenant,
        user_id=told.user_id,
        source=Source.PROFILE,
        born=told.created_at,
        profile=_profile(told, carried, profile_at),
        app_metadata=Stamped(told.app_metadata, profile_at) if _has(carried, "app_metadata") else None,
        user_metadata=Stamped(told.user_metadata, profile_at) if _has(carried, "user_metadata") else None,
        login=Stamped(Login(last_ip=told.last_ip), told.last_login) if told.last_login else None,
        logins_count=told.logins_count,
        blocked=Stamped(told.blocked is True, read_at) if _has(carried, "blocked") else None,
        alive=read_at if alive else None,
    )


def _has(carried: Set[str] | None, field: str) -> bool:
    return carried is None or field in carried


def _profile(told: _Record, carried: Set[str] | None, at: datetime) -> Stamped[Profile] | None:
    """Return the profile: a whole one, unless this kind of record lacks some of its fields."""
    sent = None
    if carried is not None and not carried >= set(_PROFILE_FIELDS.values()):
        sent = frozenset(name for name, root in _PROFILE_FIELDS.items() if root in carried)
        if not sent:
            return None
    identities = tuple(map(identity_from, told.identities or ()))
    profile = Profile(
        user_name=told.username,
        email=told.email,
        email_verified=told.email_verified,
        name=told.name,
        given_name=told.given_name,
        family_name=told.family_name,
        nickname=told.nickname,
        picture=told.picture,
        phone_number=told.phone_number,
        phone_verified=told.phone_verified,
        connection=identities[0].connection if identities else None,
        identities=identities,
        created_at=told.created_at,
        updated_at=told.updated_at,
        sent=sent,
    )
    return Stamped(profile, at)


def _refuse_unstorable(given: dict[str, Any]) -> None:
    """Raise PayloadInvalid for what PostgreSQL cannot store, such as U+0000.

    The text of the whole record tells in a fraction of the time of a walk whether a walk is worth it.
    """
    try:
        text = json.dumps(given, ensure_ascii=False, allow_nan=False)
        text.encode()
    except (ValueError, RecursionError):
        pass  # NaN, a lone surrogate, or too deep: the walk names the field
    else:
        if "\\u0000" not in text and text.count("{") + text.count("[") <= MAX_DEPTH:
            return
    if faults := storable_faults(given):
        raise PayloadInvalid(faults)
