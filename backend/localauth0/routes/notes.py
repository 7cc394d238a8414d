"""Writes down what changes nothing of a user: exchanges of tokens, silent logins, refused sign-ups, password requests.

Source: Auth0 docs, "Log Event Type Codes": token exchange, silent authentication, `fs`, `scpr`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import request

from localauth0 import device_flow
from localauth0.journal import named_client, whose
from localauth0.live import LiveTenant
from localauth0.records import AuthorizeRequest, Grant, Session
from localauth0.tenant import Client, Connection
from localauth0.users import user_with_email

# The type of a success and that of a failure, by grant.
_CODES = {
    "authorization_code": ("seacft", "feacft"),
    "refresh_token": ("sertft", "fertft"),
    "password": ("sepft", "fepft"),
    "http://auth0.com/oauth/grant-type/password-realm": ("sepft", "fepft"),
    "client_credentials": ("seccft", "feccft"),
    device_flow.GRANT_TYPE: ("sede", "fede"),
}
_STILL_WAITING = ("authorization_pending", "slow_down")  # no failure: the device asks again


@dataclass
class Noted:
    """What has turned out about an exchange by the time it is written down."""

    grant: Grant | None = None
    audience: str | None = None


def note_exchange(
    tenant: LiveTenant,
    client: Client,
    grant_type: str,
    noted: Noted,
    *,
    fault: str | None = None,
    error: str | None = None,
) -> None:
    """Write down that tokens were given, or with `fault` why not."""
    if error in _STILL_WAITING:
        return
    store, grant = tenant.store, noted.grant
    succeeded, failed = _CODES[grant_type]
    details: dict[str, Any] = (
        {"actions": {"executions": []}} if fault is None else {"error": {"message": fault}}
    )
    store.log.write(
        succeeded if fault is None else failed,
        description=fault or "",
        audience=(grant.audience if grant is not None else noted.audience) or tenant.userinfo_audience,
        scope=" ".join(grant.scopes) if grant is not None and grant.scopes else None,
        details=details,
        **_request_members(),
        **named_client(store, client.client_id),
        **(whose(store, store.users.look(grant.user_id), grant.connection) if grant is not None else {}),
    )


def note_silent_login(tenant: LiveTenant, asked: AuthorizeRequest, session: Session | None) -> None:
    """Write down a login without a page: by the browser's session, or refused as there is none."""
    store = tenant.store
    store.log.write(
        "fsa" if session is None else "ssa",
        description="Login required" if session is None else "",
        audience=asked.audience or tenant.userinfo_audience,
        details={"session_id": session.id}
        if session is not None
        else {"error": {"oauthError": "login_required"}},
        **_request_members(),
        **named_client(store, asked.client_id),
        **(
            whose(store, store.users.look(session.user_id), session.connection) if session is not None else {}
        ),
    )


def note_refused_sign_up(
    tenant: LiveTenant, connection: Connection, typed: str, client_id: str, fault: str
) -> None:
    """Write down that somebody wanted to sign up, and why that was refused."""
    tenant.store.log.write(
        "fs",
        description=fault,
        details={},
        **_request_members(),
        **named_client(tenant.store, client_id),
        **whose(tenant.store, None, connection.name, typed),
    )


def note_password_request(tenant: LiveTenant, connection: Connection, email: str, client_id: str) -> None:
    """Write down that somebody wants a new password, if there is such a user."""
    user = user_with_email(tenant.store, email, connection)
    if user is None:
        return
    body = {
        "client_id": client_id,
        "connection": connection.name,
        "email": email,
        "tenant": tenant.store.config.tenant,
    }
    tenant.store.log.write(
        "scpr",
        details={"body": body},
        **_request_members(),
        **named_client(tenant.store, client_id),
        **whose(tenant.store, user.profile, connection.name),
    )


def _request_members() -> dict[str, Any]:
    return {
        "ip": request.remote_addr,
        "user_agent": request.headers.get("User-Agent"),
        "hostname": request.host,
    }
