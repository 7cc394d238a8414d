"""What the post-login Action sends, and the user and the login in it.

The models stay in this module: everything after it takes a `User` and a `LoginContext`. A field that is null counts
as absent; unknown fields are ignored. docs/architecture.md, "The hook", has the body.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from frontdesk.auth0.hook_body import (
    MAX_LOGINS_COUNT,
    Connection,
    Edge,
    Moment,
    Request,
    UserFields,
    UserId,
    parse_body,
    refuse_other_trigger,
)
from frontdesk.auth0.identity_fields import IdentityFields, identity_from
from frontdesk.identity import (
    JsonObject,
    Login,
    LoginContext,
    Organization,
    Profile,
    Seen,
    Source,
    Stamped,
    User,
)

TRIGGER = "post-login"
# Flows in which nobody authenticates at this moment: they move `last_seen`, and are no login.
# Source: Auth0 docs, "Post-Login event object", transaction.protocol.
NON_INTERACTIVE_PROTOCOLS = frozenset(
    {
        "oauth2-refresh-token",
        "oauth2-token-exchange",
        "oauth2-access-token",
        "oauth2-resource-owner-jwt-bearer",
    }
)


class _User(UserFields):
    user_id: UserId
    identities: list[IdentityFields] | None = None


class _Authorization(Edge):
    roles: list[str] | None = None


class _Method(Edge):
    name: str | None = None
    timestamp: Moment = None


class _Authentication(Edge):
    methods: list[_Method] | None = None


class _Organization(Edge):
    id: UserId
    name: str | None = None
    display_name: str | None = None
    metadata: dict[str, Any] | None = None


class _Stats(Edge):
    logins_count: Annotated[int, Field(ge=0, le=MAX_LOGINS_COUNT)] | None = None


class _Transaction(Edge):
    protocol: str | None = None
    prompt: list[str] | None = None


class PostLogin(Edge):
    """One call of the post-login Action, with its types checked."""

    version: Literal[1] | None = None
    trigger: str | None = None
    tenant: str | None = None
    user: _User
    authorization: _Authorization | None = None
    authentication: _Authentication | None = None
    connection: Connection | None = None
    organization: _Organization | None = None
    request: Request | None = None
    stats: _Stats | None = None
    transaction: _Transaction | None = None
    omitted: list[str] | None = None


def parse_post_login(body: bytes) -> PostLogin:
    """Return the call in `body`. Raises PayloadInvalid naming each wrong or missing field."""
    call = parse_body(body, PostLogin)
    refuse_other_trigger(call.trigger, TRIGGER)
    return call


def user_from_post_login(call: PostLogin, *, tenant: str, at: datetime) -> User:
    """Return the user that a post-login call tells of; `at` is the signed time of the call.

    A login carries a whole profile, and metadata unless the Action left it out for size. Roles are the user's own
    only outside an organization. Only an interactive login proves that the user is alive and counts as a login; its
    time is that of the newest authentication, so a session that is used again counts once.
    """
    profile_at = call.user.updated_at or at
    omitted = frozenset(call.omitted or ())
    authenticated_at = _authenticated_at(call)
    return User(
        tenant=tenant,
        user_id=call.user.user_id,
        source=Source.LOGIN,
        born=call.user.created_at,
        profile=Stamped(_profile(call), profile_at),
        app_metadata=_metadata("app_metadata", call.user.app_metadata, omitted, profile_at),
        user_metadata=_metadata("user_metadata", call.user.user_metadata, omitted, profile_at),
        roles=_own_roles(call, at),
        seen=Stamped(Seen(organization_id=call.organization.id if call.organization else None), at),
        login=Stamped(Login(last_ip=_last_ip(call)), authenticated_at) if authenticated_at else None,
        logins_count=call.stats.logins_count if call.stats and _is_interactive(call) else None,
        alive=authenticated_at,
    )


def login_context_from_post_login(call: PostLogin) -> LoginContext:
    """Return what the call tells for this login's own token."""
    organization = call.organization
    return LoginContext(
        auth0_roles=tuple(call.authorization.roles or ()) if call.authorization else (),
        organization=Organization(
            id=organization.id,
            name=organization.name,
            display_name=organization.display_name,
            metadata=organization.metadata or {},
        )
        if organization
        else None,
    )


def _profile(call: PostLogin) -> Profile:
    user = call.user
    identities = tuple(map(identity_from, user.identities or ()))
    primary = identities[0].connection if identities else None
    return Profile(
        user_name=user.username,
        email=user.email,
        email_verified=user.email_verified,
        name=user.name,
        given_name=user.given_name,
        family_name=user.family_name,
        nickname=user.nickname,
        picture=user.picture,
        phone_number=user.phone_number,
        phone_verified=user.phone_verified,
        connection=primary or (call.connection.name if call.connection else None),
        identities=identities,
        created_at=user.created_at,
        updated_at=user.updated_at,
    )


def _metadata(
    name: str, value: JsonObject | None, omitted: frozenset[str], at: datetime
) -> Stamped[JsonObject | None] | None:
    return None if name in omitted else Stamped(value, at)


def _own_roles(call: PostLogin, at: datetime) -> Stamped[tuple[str, ...]] | None:
    if call.organization is not None or call.authorization is None or call.authorization.roles is None:
        return None
    return Stamped(tuple(call.authorization.roles), at)


def _last_ip(call: PostLogin) -> str | None:
    return call.request.ip if call.request else None


def _is_interactive(call: PostLogin) -> bool:
    transaction = call.transaction
    if transaction is None:
        return True
    return transaction.protocol not in NON_INTERACTIVE_PROTOCOLS and "none" not in (transaction.prompt or ())


def _authenticated_at(call: PostLogin) -> datetime | None:
    if not _is_interactive(call) or call.authentication is None:
        return None
    times = [method.timestamp for method in call.authentication.methods or () if method.timestamp]
    return max(times, default=None)
