"""A tenant's log record, as log streams, the webhook extension and `GET /logs` give it, and what it comes to.

Streams wrap it in `{"log_id", "data"}`; the other two send it flat, with `_id`, nulls and `isMobile`.
Source: Auth0 docs, "Log Streams", "Retrieve Log Events"; auth0/auth0-log-schemas; the extension's source.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from frontdesk.auth0 import record_fields as take
from frontdesk.auth0.api_operations import ApiOperation, operation_of
from frontdesk.auth0.kept_json import Keeper
from frontdesk.errors import FieldFault, PayloadInvalid
from frontdesk.identity import Activity, Incoming, JsonObject, Refresh, RefreshKind, Source, User
from frontdesk.identity.log_codes import (
    API_OPERATION,
    DELETED,
    MEMBER_ADDED,
    REASONS,
    activity_of,
    tells_a_reason,
)

# After these a user's profile or roles are others, and the record tells a part of that at most. A sign-up's profile is
# partial, and an Action may have written metadata since. A login is not among them: its check-in told the whole.
_CHANGES_A_USER = frozenset(
    {
        "signup",
        "email_changed",
        "password_changed",
        "phone_changed",
        "username_changed",
        "verified",
        "provisioned",
    }
)
_CHANGES_MEMBERSHIPS = frozenset({MEMBER_ADDED, "invitation_accepted"})
# Auth0's ids begin with 900 and the time at which the record was taken in, to the millisecond.
_TIME_IN_ID = re.compile(r"900(\d{14})(\d{3})\d")


def incoming_from_log(record: JsonObject, *, tenant: str, way: str, received_at: datetime) -> Incoming:
    """Return the activity of a log record and what it says of users.

    A field that is optional at Auth0 may be missing, null, empty or of another type; raises PayloadInvalid for a record
    without an id or a type, with a date that is none, or nested too deeply.
    """
    told = record.get("data", record)
    if not isinstance(told, Mapping):
        raise PayloadInvalid([FieldFault("data", "an object")])
    keeper = Keeper(redact=True)
    kept = keeper.object(record)
    data = kept if told is record else kept["data"]
    log_id = take.record_id(kept.get("log_id"), data.get("log_id"), data.get("_id"), kept.get("_id"))
    code = take.record_type(data.get("type"))
    activity = activity_of(code)
    at = take.moment("date", data.get("date")) or _time_in(log_id) or received_at
    operation = _operation(activity, told.get("details"))
    user_id = operation.about or take.user_key(data.get("user_id"))
    # Users read what is about them: the caller's name, address and place are not for them, nor are they theirs.
    about_another = operation.about is not None and operation.about != data.get("user_id")
    return Incoming(
        activity=Activity(
            tenant=tenant,
            id=log_id,
            type=code,
            activity=activity,
            source=way,
            occurred_at=at,
            counts=operation.counts,
            user_id=user_id,
            reason=_reason(code, activity, data),
            **_columns(data, operation),
            **({} if about_another else _caller(data)),
            **_documents(kept, data, keeper.size, with_place=not about_another),
        ),
        users=_users(activity, operation, user_id, tenant, at),
        refreshes=operation.refreshes | _hints(activity, user_id),
    )


def _columns(data: Mapping[str, Any], operation: ApiOperation) -> dict[str, Any]:
    """Return what a record tells in fields of its own, by the names of an activity."""
    return {
        "connection": take.key(data.get("connection")),
        "connection_id": take.key(data.get("connection_id")),
        "client_id": take.key(data.get("client_id")),
        "client_name": take.text(data.get("client_name")),
        "organization_id": take.key(data.get("organization_id")) or take.key(operation.organization_id),
        "hostname": take.key(data.get("hostname")),
        "description": take.text(data.get("description")),
    }


def _caller(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return who did it from where, by the names of an activity."""
    return {
        "user_name": take.text(data.get("user_name")),
        "ip": take.key(data.get("ip")) or take.key(data.get("client_ip")),
        "user_agent": take.text(data.get("user_agent")),
    }


def _documents(kept: dict[str, Any], data: dict[str, Any], size: int, *, with_place: bool) -> dict[str, Any]:
    """Return the record's own JSON: its details, its location, and all the rest of it."""
    if size > take.MAX_KEPT_BYTES:
        return {"raw": {"omitted": f"the record is larger than {take.MAX_KEPT_BYTES} bytes"}}
    place = data.get("location_info") if with_place else None
    documents = {"details": data.get("details"), "location_info": place}
    told_apart = {name: value for name, value in documents.items() if isinstance(value, dict) and value}
    rest = {name: value for name, value in data.items() if name not in told_apart}
    return {
        "details": told_apart.get("details"),
        "location": told_apart.get("location_info"),
        "raw": kept | {"data": rest} if data is not kept else rest,
    }


def _operation(activity: str | None, details: Any) -> ApiOperation:
    return operation_of(details) if activity == API_OPERATION else ApiOperation()


def _reason(code: str, activity: str | None, data: Mapping[str, Any]) -> str | None:
    """Return why something failed or came about: our word where the code says it, else Auth0's words."""
    if code in REASONS:
        return REASONS[code]
    details = take.part(data, "details")
    if activity == MEMBER_ADDED:
        return take.text(details.get("reason"))
    if not tells_a_reason(activity):
        return None
    error = details.get("error")
    told = take.part(details, "error")
    candidates = (
        told.get("message"),
        told.get("reason"),
        error,
        details.get("failure_reason"),
        details.get("reason"),
    )
    return next(filter(None, map(take.text, candidates)), None) or take.text(data.get("description"))


def _users(
    activity: str | None, operation: ApiOperation, user_id: str | None, tenant: str, at: datetime
) -> tuple[User, ...]:
    deleted = operation.deleted or (user_id if activity == DELETED else None)
    if deleted is None:
        return ()
    return (User(tenant=tenant, user_id=deleted, source=Source.RECORD, deleted=at),)


def _hints(activity: str | None, user_id: str | None) -> frozenset[Refresh]:
    if user_id is None:
        return frozenset()
    if activity in _CHANGES_A_USER:
        return frozenset({Refresh(RefreshKind.USER, user_id)})
    if activity in _CHANGES_MEMBERSHIPS:
        return frozenset({Refresh(RefreshKind.MEMBERSHIPS, user_id)})
    return frozenset()


def _time_in(log_id: str) -> datetime | None:
    """Return the time in an id of Auth0's, to the millisecond."""
    found = _TIME_IN_ID.match(log_id)
    if found is None:
        return None
    try:
        parsed = datetime.strptime(found[1], "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return None
    return parsed.replace(microsecond=int(found[2]) * 1000)
