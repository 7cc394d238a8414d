"""What the post-login Action sends, and the user and the login in it.

The models stay in this module: everything after it takes a `User` and a `LoginContext`. A field that is null counts
as absent; unknown fields are ignored. docs/architecture.md, "The hook", has the body.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from frontdesk.auth0.json_body import MAX_FAULTS, parse_object, shown_field
from frontdesk.errors import FieldFault, PayloadInvalid
from frontdesk.identity import (
    Identity,
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

# A primary key's entry in an index has to stay below a third of a page; the ids of a login stand in its token whole.
MAX_ID_BYTES = 2048
MAX_LOGINS_COUNT = 2**31 - 1
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


def _identity_user_id(value: Any) -> Any:
    """Auth0 gives an identity's id as a string or as an integer (source: Management API, users)."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _within_id_size(value: str) -> str:
    if not 1 <= len(value.encode()) <= MAX_ID_BYTES:
        raise ValueError(f"from 1 to {MAX_ID_BYTES} bytes")
    return value


Moment = Annotated[datetime | None, BeforeValidator(_moment)]


class _Edge(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True, frozen=True, hide_input_in_errors=True)


class _Identity(_Edge):
    connection: str | None = None
    provider: str | None = None
    user_id: Annotated[str | None, BeforeValidator(_identity_user_id)] = None
    is_social: bool | None = Field(None, alias="isSocial")
    profile_data: dict[str, Any] | None = Field(None, alias="profileData")


class _User(_Edge):
    user_id: Annotated[str, AfterValidator(_within_id_size)]
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
    identities: list[_Identity] | None = None


class _Authorization(_Edge):
    roles: list[str] | None = None


class _Method(_Edge):
    name: str | None = None
    timestamp: Moment = None


class _Authentication(_Edge):
    methods: list[_Method] | None = None


class _Connection(_Edge):
    name: str | None = None


class _Organization(_Edge):
    id: Annotated[str, AfterValidator(_within_id_size)]
    name: str | None = None
    display_name: str | None = None
    metadata: dict[str, Any] | None = None


class _Request(_Edge):
    ip: str | None = None


class _Stats(_Edge):
    logins_count: Annotated[int, Field(ge=0, le=MAX_LOGINS_COUNT)] | None = None


class _Transaction(_Edge):
    protocol: str | None = None
    prompt: list[str] | None = None


class PostLogin(_Edge):
    """One call of the post-login Action, with its types checked."""

    version: Literal[1] | None = None
    tenant: str | None = None
    user: _User
    authorization: _Authorization | None = None
    authentication: _Authentication | None = None
    connection: _Connection | None = None
    organization: _Organization | None = None
    request: _Request | None = None
    stats: _Stats | None = None
    transaction: _Transaction | None = None
    omitted: list[str] | None = None


def parse_post_login(body: bytes) -> PostLogin:
    """Return the call in `body`. Raises PayloadInvalid naming each wrong or missing field."""
    parsed = parse_object(body)
    try:
        return PostLogin.model_validate(parsed)
    except ValidationError as error:
        raise PayloadInvalid(list(_field_faults(error))[:MAX_FAULTS]) from None


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
    identities = tuple(_identity(identity) for identity in user.identities or ())
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


def _identity(identity: _Identity) -> Identity:
    return Identity(
        connection=identity.connection,
        provider=identity.provider,
        user_id=identity.user_id,
        is_social=identity.is_social,
        profile_data=identity.profile_data,
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
