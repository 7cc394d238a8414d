"""Builds the `event` that Actions get.

Source: Auth0 docs, "Actions Triggers: post-login - Event Object" and "credentials-exchange - Event Object".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from localauth0 import users
from localauth0.records import AuthorizeRequest, Grant, RequestFacts, Transaction
from localauth0.store import Store, iso_ms
from localauth0.tenant import Client, Connection, Organization
from localauth0.user_store import UserRecord

_DEFAULT_LOCALE = "en"
_NOT_AT_REGISTRATION = frozenset({"identities", "multifactor", "enrolledFactors"})
_AT_PASSWORD_CHANGE = (
    "user_id", "email", "email_verified", "username", "phone_number", "phone_verified", "last_password_reset",
)  # fmt: skip


@dataclass(frozen=True)
class LoginAttempt:
    """An authenticated user on the way to tokens. `transaction` is there in browser flows only."""

    grant: Grant
    user: UserRecord
    request: RequestFacts
    protocol: str
    transaction: Transaction | None = None


def post_login_event(store: Store, attempt: LoginAttempt) -> dict[str, Any]:
    """The event of the post-login trigger, without the secrets, which differ between Actions."""
    grant, config = attempt.grant, store.config
    organization = config.organization(grant.organization_id) if grant.organization_id is not None else None
    connection = config.connection(grant.connection)
    client = config.client(grant.client_id)
    event: dict[str, Any] = {
        "authentication": {"methods": [{"name": m.name, "timestamp": iso_ms(m.at)} for m in grant.methods]},
        "authorization": {"roles": users.role_names(store, attempt.user, organization)},
        "client": _client(client) if client is not None else {},
        "connection": connection.model_dump() if connection is not None else {},
        "request": request_event(attempt.request),
        "stats": {"logins_count": users.logins_count(store, attempt.user)},
        "tenant": {"id": config.tenant},
        "transaction": _transaction(attempt),
        "user": users.event_user(store, attempt.user),
    }
    if organization is not None:
        event["organization"] = _organization(organization)
    if grant.audience is not None:
        event["resource_server"] = {"identifier": grant.audience}
    if grant.session_id is not None:
        event["session"] = {"id": grant.session_id}
    return event


def credentials_exchange_event(
    store: Store,
    client: Client,
    audience: str,
    *,
    requested: tuple[str, ...],
    granted: tuple[str, ...],
    request: RequestFacts,
) -> dict[str, Any]:
    """The event of the credentials-exchange trigger, without the secrets. There is no user in it."""
    return {
        "accessToken": {"customClaims": {}, "scope": list(granted)},
        "client": _client(client),
        "request": request_event(request),
        "resource_server": {"identifier": audience},
        "tenant": {"id": store.config.tenant},
        "transaction": {"requested_scopes": list(requested)},
    }


def post_user_registration_event(
    store: Store,
    user: UserRecord,
    connection: Connection,
    request: RequestFacts,
    transaction: Transaction | None,
) -> dict[str, Any]:
    """The event of the post-user-registration trigger. There is no client in it, and no count of logins."""
    profile = {k: v for k, v in users.event_user(store, user).items() if k not in _NOT_AT_REGISTRATION}
    event = {**_account_event(store, connection, request), "user": profile}
    if transaction is not None:
        facts = _authorize_facts(transaction.request)
        event["transaction"] = {"id": transaction.id, "protocol": "oidc-basic-profile", **facts}
    return event


def post_change_password_event(
    store: Store, user: UserRecord, connection: Connection, request: RequestFacts
) -> dict[str, Any]:
    """The event of the post-change-password trigger: of the user only who it is, and when the password changed."""
    seen = users.event_user(store, user)
    profile = {name: seen[name] for name in _AT_PASSWORD_CHANGE if name in seen}
    return {**_account_event(store, connection, request), "user": profile}


def _account_event(store: Store, connection: Connection, request: RequestFacts) -> dict[str, Any]:
    return {
        "connection": connection.model_dump(),
        "request": request_event(request),
        "tenant": {"id": store.config.tenant},
    }


def request_event(request: RequestFacts) -> dict[str, Any]:
    """`event.request`; there is no location for addresses of this machine, so `geoip` is empty."""
    event: dict[str, Any] = {
        "ip": request.ip,
        "method": request.method,
        "query": dict(request.query),
        "body": dict(request.body),
        "hostname": request.hostname,
        "geoip": {},
    }
    if request.user_agent is not None:
        event["user_agent"] = request.user_agent
    if request.language is not None:
        event["language"] = request.language
    return event


def _client(client: Client) -> dict[str, Any]:
    return {"client_id": client.client_id, "name": client.name, "metadata": dict(client.metadata)}


def _organization(organization: Organization) -> dict[str, Any]:
    return {
        "id": organization.id,
        "name": organization.name,
        "display_name": organization.display_name,
        "metadata": dict(organization.metadata),
    }


def _transaction(attempt: LoginAttempt) -> dict[str, Any]:
    event: dict[str, Any] = {
        "acr_values": [],
        "locale": _DEFAULT_LOCALE,
        "metadata": {},
        "prompt": [],
        "protocol": attempt.protocol,
        "requested_authorization_details": [],
        "requested_scopes": list(attempt.grant.scopes),
        "ui_locales": [],
    }
    if attempt.transaction is not None:
        event.update(id=attempt.transaction.id, **_authorize_facts(attempt.transaction.request))
    return event


def _authorize_facts(request: AuthorizeRequest) -> dict[str, Any]:
    ui_locales = request.query.get("ui_locales", "").split()
    facts: dict[str, Any] = {
        "acr_values": request.query.get("acr_values", "").split(),
        "locale": ui_locales[0] if ui_locales else _DEFAULT_LOCALE,
        "prompt": list(request.prompt),
        "redirect_uri": request.redirect_uri,
        "requested_scopes": list(request.scopes),
        "response_mode": "query",
        "response_type": ["code"],
        "ui_locales": ui_locales,
    }
    if request.login_hint is not None:
        facts["login_hint"] = request.login_hint
    if request.state is not None:
        facts["state"] = request.state
    return facts
