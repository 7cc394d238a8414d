"""An event of Event Streams (a CloudEvent), and what it comes to.

A user's event carries the whole profile; what it tells of organizations and memberships is a hint to read them again,
since events come in any order. Source: Auth0 docs, event catalog, "Events best practices".
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from frontdesk.auth0 import record_fields as take
from frontdesk.auth0.hook_body import UserFields
from frontdesk.auth0.kept_json import Keeper, storable
from frontdesk.auth0.management_user import ROOT_FIELDS, user_from_management
from frontdesk.errors import FieldFault, PayloadInvalid
from frontdesk.identity import Activity, Incoming, JsonObject, Refresh, RefreshKind, Source, User
from frontdesk.identity.log_codes import EVENTS

# Of a user's event these may be missing although the user has them; what else is missing is unset.
_ONLY_WHEN_SENT = ("app_metadata", "user_metadata", "blocked")
_TEST = "test"


def incoming_from_event(record: JsonObject, *, tenant: str, way: str, received_at: datetime) -> Incoming:
    """Return the activity of an event and what it says of users and organizations. An event for a test has neither.

    Raises PayloadInvalid for an event without an id or a type, with a time that is none, or nested too deeply, and for
    a user's event whose profile is none.
    """
    if record.get("a0purpose") == _TEST:
        return Incoming(test=True)
    event = storable(record)
    event_id, kind = take.record_id(event.get("id")), take.record_type(event.get("type"))
    at = take.moment("time", event.get("time")) or received_at
    told = take.part(event, "data", "object")
    users = _users(kind, told, tenant, at)
    refreshes = _refreshes(kind, told)
    return Incoming(
        activity=_activity(event, kind, _about(kind, told), id=event_id, tenant=tenant, way=way, at=at),
        users=users,
        refreshes=refreshes,
    )


def _activity(
    event: Mapping[str, Any], kind: str, about: str | None, *, id: str, tenant: str, way: str, at: datetime
) -> Activity:
    activity, counts = EVENTS.get(kind, (None, True))
    told, context = take.part(event, "data", "object"), take.part(event, "data", "context")
    connection, client, request = (take.part(context, name) for name in ("connection", "client", "request"))
    keeper = Keeper(redact=True)
    kept = keeper.object(event)
    return Activity(
        tenant=tenant,
        id=id,
        type=kind,
        activity=activity,
        source=way,
        occurred_at=at,
        counts=counts,
        user_id=about,
        user_name=_user_name(told) if kind.startswith("user.") else None,
        connection=take.key(connection.get("name")) or _connection(told),
        connection_id=take.key(connection.get("id")) or take.key(take.part(told, "connection").get("id")),
        client_id=take.key(client.get("id")),
        client_name=take.text(client.get("name")),
        organization_id=_organization_id(kind, told),
        ip=take.key(request.get("ip")),
        user_agent=take.text(request.get("user_agent")),
        hostname=take.key(request.get("hostname")),
        location=dict(geo) if (geo := take.part(request, "geo")) else None,
        raw=kept
        if keeper.size <= take.MAX_KEPT_BYTES
        else {"omitted": f"larger than {take.MAX_KEPT_BYTES} bytes"},
    )


def _users(kind: str, told: Mapping[str, Any], tenant: str, at: datetime) -> tuple[User, ...]:
    match kind:
        case "user.created" | "user.updated":
            carried = {name for name in _CARRIED if name not in _ONLY_WHEN_SENT or told.get(name) is not None}
            return (user_from_management(told, tenant=tenant, read_at=at, carried=carried),)
        case "user.deleted":
            user_id = take.user_key(told.get("user_id"))
            if user_id is None:
                raise PayloadInvalid([FieldFault("data.object.user_id", "the id of a user")])
            deleted = take.moment("data.object.deleted_at", told.get("deleted_at")) or at
            born = take.moment("data.object.created_at", told.get("created_at"))
            return (User(tenant=tenant, user_id=user_id, source=Source.PROFILE, born=born, deleted=deleted),)
        case _:
            return ()


_CARRIED = frozenset(UserFields.model_fields) | ROOT_FIELDS


def _refreshes(kind: str, told: Mapping[str, Any]) -> frozenset[Refresh]:
    """Return what is to be read again; nothing for what frontdesk has no rows of, such as connections."""
    match kind.split("."):
        case ["organization", "created" | "updated" | "deleted"]:
            return _hint(RefreshKind.ORGANIZATION, take.user_key(told.get("id")))
        case ["organization", "member", *_]:
            return _hint(RefreshKind.MEMBERSHIPS, _about(kind, told))
        case ["group", "member", *_]:
            # A group may give roles, in the tenant or in an organization.
            member = _about(kind, told)
            return _hint(RefreshKind.USER, member) | _hint(RefreshKind.MEMBERSHIPS, member)
        case _:
            return frozenset()


def _hint(kind: RefreshKind, id: str | None) -> frozenset[Refresh]:
    return frozenset() if id is None else frozenset({Refresh(kind, id)})


def _about(kind: str, told: Mapping[str, Any]) -> str | None:
    """Return the user that an event is about; None when it is about none."""
    match kind.split("."):
        case ["user", *_]:
            return take.user_key(told.get("user_id"))
        case ["group", "member", *_]:
            member = take.part(told, "member")
            found = take.user_key(member.get("id")) if member.get("member_type") == "user" else None
            # The catalog's example is an address, which names nobody.
            return found if found and "|" in found else None
        case _:
            return take.user_key(take.part(told, "user").get("user_id"))


def _organization_id(kind: str, told: Mapping[str, Any]) -> str | None:
    if kind in ("organization.created", "organization.updated", "organization.deleted"):
        return take.key(told.get("id"))
    return take.key(take.part(told, "organization").get("id")) or take.key(
        take.part(told, "group").get("organization_id")
    )


def _user_name(told: Mapping[str, Any]) -> str | None:
    return next(
        filter(None, (take.text(told.get(name)) for name in ("email", "username", "phone_number"))), None
    )


def _connection(told: Mapping[str, Any]) -> str | None:
    """Return the connection of an event without a context: the user's first one, or the one that it is about."""
    identities = told.get("identities")
    if isinstance(identities, list) and identities:
        return take.key(take.part({"first": identities[0]}, "first").get("connection"))
    return take.key(take.part(told, "connection").get("name"))
