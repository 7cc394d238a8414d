"""The use cases of a login: from an authenticated user, through the post-login Actions, to something redeemable."""

from __future__ import annotations

from localauth0 import users
from localauth0.actions.events import LoginAttempt, credentials_exchange_event, post_login_event
from localauth0.actions.triggers import ActionFailed, Effects
from localauth0.claims import ClaimsTooLarge, check_size, is_allowed
from localauth0.errors import LocalAuth0Error
from localauth0.happenings import Doer
from localauth0.live import LiveTenant
from localauth0.management.scopes import CURRENT_USER_SCOPES
from localauth0.records import (
    AuthenticationMethod,
    AuthorizationCode,
    AuthorizedGrant,
    AuthorizeRequest,
    Grant,
    RequestFacts,
    Session,
    Transaction,
)
from localauth0.tenant import Client, Connection, ResourceServer
from localauth0.user_store import UserRecord

OIDC_SCOPES = frozenset({
    "openid", "profile", "offline_access", "name", "given_name", "family_name", "nickname", "email",
    "email_verified", "picture", "created_at", "identities", "phone", "address",
})  # fmt: skip


class LoginRefused(LocalAuth0Error):
    """A login that ends without tokens, in the words that the application gets."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(f"{error}: {description}")
        self.error, self.description = error, description


def begin_session(tenant: LiveTenant, user: UserRecord, connection: Connection, session_id: str) -> Session:
    """The session of a user who has just authenticated."""
    now = tenant.now()
    method = AuthenticationMethod(connection.authentication_method, now)
    return Session(session_id, user.user_id, connection.name, (method,), now)


def code_for_session(
    tenant: LiveTenant, transaction: Transaction, session: Session, request: RequestFacts
) -> str:
    """Return an authorization code for the session's user. Raises LoginRefused."""
    asked = transaction.request
    authorized = authorize_session(tenant, transaction, session, request)
    return tenant.store.codes.add(AuthorizationCode(authorized, asked.redirect_uri, asked.code_challenge))


def authorize_session(
    tenant: LiveTenant, transaction: Transaction, session: Session, request: RequestFacts
) -> AuthorizedGrant:
    """Return what the session's user may have in this login. Raises LoginRefused."""
    asked = transaction.request
    user = tenant.store.users.get(session.user_id)
    if user is None:
        raise LoginRefused("login_required", "Login required")
    refuse_blocked(user)
    _refuse_stranger(tenant, user, asked)
    grant = Grant(
        client_id=asked.client_id,
        user_id=user.user_id,
        scopes=granted_scopes(
            tenant, asked.client_id, user, asked.scopes, asked.audience, asked.organization_id
        ),
        audience=asked.audience,
        connection=session.connection,
        methods=session.methods,
        organization_id=asked.organization_id,
        session_id=session.id,
        nonce=asked.nonce,
        wants_auth_time=asked.max_age_s is not None,
    )
    if transaction.device_code is not None:
        return authorize(tenant, LoginAttempt(grant, user, request, "oauth2-device-code"))
    return authorize(tenant, LoginAttempt(grant, user, request, "oidc-basic-profile", transaction))


def authorize(tenant: LiveTenant, attempt: LoginAttempt) -> AuthorizedGrant:
    """Run the post-login Actions over an authenticated user. Raises LoginRefused.

    Metadata that an Action wrote before a denial is kept; that of a trigger execution which failed is not.
    """
    event = post_login_event(tenant.store, attempt)
    try:
        effects = tenant.triggers.run("post-login", event, attempt.grant.scopes)
        _check_claims(effects)
    except (ActionFailed, ClaimsTooLarge) as err:
        raise LoginRefused("access_denied", str(err)) from err
    users.write_metadata(tenant.store, attempt.user, "app_metadata", effects.app_metadata)
    users.write_metadata(tenant.store, attempt.user, "user_metadata", effects.user_metadata)
    if effects.app_metadata or effects.user_metadata:
        by = Doer(attempt.grant.client_id, attempt.request.ip, attempt.request.user_agent)
        tenant.store.happened(
            "metadata_set", attempt.user.profile, by=by, connection=attempt.grant.connection
        )
    if effects.denial is not None:
        raise LoginRefused(effects.denial.code, effects.denial.reason)
    return AuthorizedGrant(
        attempt.grant, tuple(effects.scopes), effects.access_token_claims, effects.id_token_claims
    )


def exchange_client_credentials(
    tenant: LiveTenant,
    client: Client,
    api: ResourceServer,
    *,
    requested: tuple[str, ...],
    granted: tuple[str, ...],
    request: RequestFacts,
) -> Effects:
    """Run the credentials-exchange Actions. Raises LoginRefused."""
    event = credentials_exchange_event(
        tenant.store, client, api.identifier, requested=requested, granted=granted, request=request
    )
    try:
        effects = tenant.triggers.run("credentials-exchange", event, granted)
        _check_claims(effects)
    except (ActionFailed, ClaimsTooLarge) as err:
        raise LoginRefused("access_denied", str(err)) from err
    if effects.denial is not None:
        raise LoginRefused(effects.denial.code, effects.denial.reason)
    return effects


def refuse_blocked(user: UserRecord) -> None:
    if user.is_blocked:
        raise LoginRefused("unauthorized", "user is blocked")


def granted_scopes(
    tenant: LiveTenant,
    client_id: str,
    user: UserRecord,
    requested: tuple[str, ...],
    audience: str | None,
    organization_id: str | None,
) -> tuple[str, ...]:
    """The requested scopes that the login gets, before Actions edit them.

    Without RBAC every scope that the API knows is granted; with it, those that the user's roles permit.
    """
    api = tenant.store.config.resource_server(audience) if audience is not None else None
    allowed = set(OIDC_SCOPES)
    if api is not None:
        allowed |= set(_api_scopes(tenant, user, api, organization_id))
    client = tenant.store.config.client(client_id)
    may_refresh = client is not None and client.allows_grant("refresh_token")
    if not may_refresh or (api is not None and not api.allow_offline_access):
        allowed.discard("offline_access")
    return tuple(scope for scope in dict.fromkeys(requested) if scope in allowed)


def _api_scopes(
    tenant: LiveTenant, user: UserRecord, api: ResourceServer, organization_id: str | None
) -> list[str]:
    if api.is_system:
        return sorted(CURRENT_USER_SCOPES)
    if not api.enforce_policies:
        return api.scopes
    organization = tenant.store.config.organization(organization_id) if organization_id is not None else None
    return users.permissions(tenant.store, user, organization, api.identifier)


def _refuse_stranger(tenant: LiveTenant, user: UserRecord, asked: AuthorizeRequest) -> None:
    """An organization login is for its members only."""
    if asked.organization_id is None:
        return
    organization = tenant.store.config.organization(asked.organization_id)
    if organization is None or not tenant.store.memberships.is_member(organization.id, user.user_id):
        text = f"user {user.user_id} is not part of the {asked.organization_id} organization"
        raise LoginRefused("access_denied", text)


def _check_claims(effects: Effects) -> None:
    check_size(
        {name: value for name, value in effects.access_token_claims.items() if is_allowed(name)},
        {name: value for name, value in effects.id_token_claims.items() if is_allowed(name)},
    )
