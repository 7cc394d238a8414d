"""What the post-user-registration and post-change-password Actions send: a partial profile, and an activity.

Both come after the fact and may be late. Their profile is partial: an absent field is not known to be unset.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from frontdesk.auth0 import hook_body
from frontdesk.auth0.hook_body import Edge, Moment, UserFields, UserId
from frontdesk.auth0.signatures import SignedCall
from frontdesk.errors import FieldFault, PayloadInvalid
from frontdesk.identity import Activity, JsonObject, Profile, Source, Stamped, User

MAX_ACTIVITY_ID_BYTES = 512  # as in the table of activities
# Older than every profile that tells its time: it fills a new row and overwrites nothing.
_TIMELESS = datetime(1970, 1, 1, tzinfo=UTC)
_PROFILE_FIELDS = tuple(name for name in UserFields.model_fields if not name.endswith("_metadata"))
_FIELDS = {"username": "user_name"}  # where ours has another name than Auth0's


@dataclass(frozen=True, kw_only=True)
class AccountEventKind:
    """One kind of account event: its trigger, Auth0's type code of the log, and what that means in a word."""

    trigger: str
    type: str
    activity: str


# Source of the codes: Auth0 docs, "Log Event Type Codes".
REGISTRATION = AccountEventKind(trigger="post-user-registration", type="ss", activity="signup")
PASSWORD_CHANGE = AccountEventKind(trigger="post-change-password", type="scp", activity="password_changed")


class _User(UserFields):
    user_id: UserId | None = None
    last_password_reset: Moment = None


class _Connection(hook_body.Connection):
    id: str | None = None


class _Request(hook_body.Request):
    user_agent: str | None = None


class AccountEvent(Edge):
    """One call of such an Action, with its types checked."""

    version: Literal[1] | None = None
    trigger: str | None = None
    tenant: str | None = None
    user: _User | None = None
    connection: _Connection | None = None
    request: _Request | None = None
    omitted: list[str] | None = None


def parse_account_event(body: bytes, kind: AccountEventKind) -> AccountEvent:
    """Return the call of this kind in `body`. Raises PayloadInvalid naming each wrong field."""
    event = hook_body.parse_body(body, AccountEvent)
    hook_body.refuse_other_trigger(event.trigger, kind.trigger)
    return event


def user_from_account_event(event: AccountEvent, *, tenant: str) -> User | None:
    """Return what the call tells of its user; None when it does not say who that is.

    Its time is that of the profile or of the change, never that of the call: a login right after the change reports
    the profile with a time before the call's, and must win.
    """
    user = event.user
    if user is None or user.user_id is None:
        return None
    at = user.updated_at or user.last_password_reset or user.created_at or _TIMELESS
    profile = _profile(user, event.connection)
    return User(
        tenant=tenant,
        user_id=user.user_id,
        source=Source.RECORD,
        born=user.created_at,
        profile=Stamped(profile, at) if profile.sent else None,
        app_metadata=_metadata(user.app_metadata, at),
        user_metadata=_metadata(user.user_metadata, at),
    )


def activity_from_account_event(
    event: AccountEvent, kind: AccountEventKind, call: SignedCall, *, tenant: str
) -> Activity:
    """Return the activity of a call; a repeated call gives the same. Raises PayloadInvalid for an id too long."""
    if len(call.id.encode()) > MAX_ACTIVITY_ID_BYTES:
        raise PayloadInvalid([FieldFault("webhook-id", f"at most {MAX_ACTIVITY_ID_BYTES} bytes")])
    user, connection, request = (
        event.user or _User(),
        event.connection or _Connection(),
        event.request or _Request(),
    )
    return Activity(
        tenant=tenant,
        id=call.id,
        type=kind.type,
        activity=kind.activity,
        source=kind.trigger,
        occurred_at=call.at,
        counts=False,  # the log tells the same once more
        user_id=user.user_id,
        user_name=user.email or user.username or user.phone_number,
        connection=connection.name,
        connection_id=connection.id,
        ip=request.ip,
        user_agent=request.user_agent,
    )


def _profile(user: _User, connection: _Connection | None) -> Profile:
    fields = {_FIELDS.get(name, name): getattr(user, name) for name in _PROFILE_FIELDS}
    fields["connection"] = connection.name if connection else None
    sent = frozenset(name for name, value in fields.items() if value is not None)
    return Profile(**fields, sent=sent)


def _metadata(value: JsonObject | None, at: datetime) -> Stamped[JsonObject | None] | None:
    return None if value is None else Stamped(value, at)
