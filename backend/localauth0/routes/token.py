"""`/oauth/token`: each grant type has its function; client authentication and parsing are shared."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from urllib.parse import unquote_plus

from flask import Blueprint, Response, jsonify, request

from localauth0 import device_flow, users
from localauth0.actions.events import LoginAttempt
from localauth0.errors import (
    NotImplementedHere,
    OAuthError,
    invalid_grant,
    invalid_request,
    unauthorized_client,
)
from localauth0.live import LiveTenant
from localauth0.logins import (
    LoginRefused,
    authorize,
    exchange_client_credentials,
    granted_scopes,
    refuse_blocked,
)
from localauth0.records import AuthenticationMethod, AuthorizedGrant, Grant, RequestFacts
from localauth0.routes import http
from localauth0.routes.http import live
from localauth0.routes.notes import Noted, note_exchange
from localauth0.routes.outcomes import note_wrong_password
from localauth0.tenant import Client, Connection
from localauth0.tokens import client_token_response, token_response
from localauth0.user_store import UserRecord

blueprint = Blueprint("token", __name__)

PASSWORD_REALM = "http://auth0.com/oauth/grant-type/password-realm"  # noqa: S105 - the name of a grant type
_NOT_IMPLEMENTED = frozenset(
    {
        "http://auth0.com/oauth/grant-type/passwordless/otp",
        "http://auth0.com/oauth/grant-type/mfa-otp",
        "http://auth0.com/oauth/grant-type/mfa-oob",
        "http://auth0.com/oauth/grant-type/mfa-recovery-code",
        "urn:ietf:params:oauth:grant-type:token-exchange",
        "urn:ietf:params:oauth:grant-type:jwt-bearer",
        "urn:openid:params:grant-type:ciba",
    }
)


@dataclass(frozen=True)
class TokenRequest:
    """A parsed call whose client has proved who it is."""

    tenant: LiveTenant
    client: Client
    parameters: dict[str, str]
    facts: RequestFacts
    noted: Noted = field(default_factory=Noted)

    def required(self, name: str) -> str:
        value = self.parameters.get(name)
        if not value:
            raise invalid_request(f"Missing required parameter: {name}")
        return value

    @property
    def scopes(self) -> tuple[str, ...]:
        return tuple(self.parameters.get("scope", "").split())


@blueprint.post("/oauth/token")
def token() -> Response:
    parameters = http.body_parameters()
    grant_type = parameters.get("grant_type")
    if not grant_type:
        raise invalid_request("Missing required parameter: grant_type")
    if grant_type in _NOT_IMPLEMENTED:
        raise NotImplementedHere(f"the grant type {grant_type}")
    answer = _GRANTS.get(grant_type)
    if answer is None:
        raise OAuthError(403, "unsupported_grant_type", f"Unsupported grant type: {grant_type}")
    client = _client(live(), parameters)
    if not client.allows_grant(grant_type):
        description = f"Grant type '{grant_type}' not allowed for the client."
        raise OAuthError(403, "unauthorized_client", description)
    call = TokenRequest(live(), client, parameters, http.request_facts(method="POST", body=parameters))
    try:
        response = jsonify(answer(call))
    except LoginRefused as err:
        note_exchange(live(), client, grant_type, call.noted, fault=err.description)
        raise _refusal(err) from err
    except OAuthError as err:
        note_exchange(live(), client, grant_type, call.noted, fault=err.description, error=err.error)
        raise
    note_exchange(live(), client, grant_type, call.noted)
    response.headers["Cache-Control"] = "no-store"
    return response


def _authorization_code(call: TokenRequest) -> dict[str, Any]:
    code = call.tenant.store.codes.take(call.required("code"))
    if code is None or code.authorized.grant.client_id != call.client.client_id:
        raise invalid_grant("Invalid authorization code")
    if call.parameters.get("redirect_uri") != code.redirect_uri:
        raise invalid_grant("The redirect URI is not the one of the authorization request.")
    if not _verifies(code.code_challenge, call.parameters.get("code_verifier")):
        raise invalid_grant("Failed to verify code verifier")
    call.noted.grant = code.authorized.grant
    _living_user(call.tenant, code.authorized.grant.user_id, "Invalid authorization code")
    return token_response(call.tenant, code.authorized, with_refresh_token=True)


def _refresh_token(call: TokenRequest) -> dict[str, Any]:
    unknown = "Unknown or invalid refresh token."
    kept = call.tenant.store.refresh_tokens.get(call.required("refresh_token"))
    if kept is None or kept.grant.client_id != call.client.client_id:
        raise invalid_grant(unknown)
    if call.parameters.get("audience") not in (None, kept.grant.audience):
        raise NotImplementedHere("a refresh token exchange for another audience")
    call.noted.grant = kept.grant
    user = _living_user(call.tenant, kept.grant.user_id, unknown)
    refuse_blocked(user)
    scopes = tuple(s for s in kept.grant.scopes if s in call.scopes) if call.scopes else kept.grant.scopes
    attempt = LoginAttempt(kept.grant_for(scopes), user, call.facts, "oauth2-refresh-token")
    return token_response(call.tenant, authorize(call.tenant, attempt), with_refresh_token=False)


def _password(call: TokenRequest) -> dict[str, Any]:
    realm = call.required("realm") if call.parameters["grant_type"] == PASSWORD_REALM else None
    directories = _directories(call.tenant, realm)
    found = users.user_with_password(
        call.tenant.store, call.required("username"), call.required("password"), directories
    )
    by = http.doer(call.client.client_id)
    if found is None:
        note_wrong_password(call.tenant, directories, call.required("username"), by)
        raise invalid_grant("Wrong email or password.")
    user, connection = found
    users.record_login(call.tenant.store, user, by, connection)
    note = partial(call.tenant.store.happened, by=by, connection=connection.name, hostname=request.host)
    try:
        refuse_blocked(user)
        authorized = _password_login(call, user, connection)
    except LoginRefused as err:
        note("login_failed", user.profile, reason=err.description, error=err.error)
        raise
    note("logged_in", user.profile)
    return token_response(call.tenant, authorized, with_refresh_token=True)


def _password_login(call: TokenRequest, user: UserRecord, connection: Connection) -> AuthorizedGrant:
    audience = call.parameters.get("audience") or None
    if audience is not None and call.tenant.store.config.resource_server(audience) is None:
        raise OAuthError(403, "access_denied", f"Service not found: {audience}")
    client_id = call.client.client_id
    grant = Grant(
        client_id=client_id,
        user_id=user.user_id,
        scopes=granted_scopes(call.tenant, client_id, user, call.scopes, audience, None),
        audience=audience,
        connection=connection.name,
        methods=(AuthenticationMethod(connection.authentication_method, call.tenant.now()),),
        gty="password",
    )
    call.noted.grant = grant
    return authorize(call.tenant, LoginAttempt(grant, user, call.facts, "oauth2-password"))


def _client_credentials(call: TokenRequest) -> dict[str, Any]:
    if call.client.is_public:
        raise unauthorized_client()
    if "organization" in call.parameters:
        raise NotImplementedHere("client credentials for an organization")
    audience, config = call.required("audience"), call.tenant.store.config
    call.noted.audience = audience
    api = config.resource_server(audience)
    if api is None:
        raise OAuthError(403, "access_denied", f"Service not found: {audience}")
    grant = config.client_grant(call.client.client_id, audience)
    if grant is None:
        description = f'Client is not authorized to access "{audience}". Create a client grant for it.'
        raise OAuthError(403, "access_denied", description)
    allowed = config.scopes_of(grant)
    missing = [scope for scope in call.scopes if scope not in allowed]
    if missing:
        raise OAuthError(403, "access_denied", f"Client has not been granted scopes: {', '.join(missing)}")
    scopes = call.scopes or tuple(allowed)
    effects = exchange_client_credentials(
        call.tenant, call.client, api, requested=call.scopes, granted=scopes, request=call.facts
    )
    return client_token_response(
        call.tenant, call.client, api, tuple(effects.scopes), effects.access_token_claims
    )


def _device_code(call: TokenRequest) -> dict[str, Any]:
    authorized = call.tenant.store.devices.poll(call.required("device_code"), call.client.client_id)
    call.noted.grant = authorized.grant
    _living_user(call.tenant, authorized.grant.user_id, "Invalid or expired device code.")
    return token_response(call.tenant, authorized, with_refresh_token=True)


_GRANTS: dict[str, Callable[[TokenRequest], dict[str, Any]]] = {
    "authorization_code": _authorization_code,
    "refresh_token": _refresh_token,
    "password": _password,
    PASSWORD_REALM: _password,
    "client_credentials": _client_credentials,
    device_flow.GRANT_TYPE: _device_code,
}


def _refusal(err: LoginRefused) -> OAuthError:
    """The status of a denial on the token endpoint is not documented; 403 goes with the other refusals."""
    return OAuthError(500 if err.error == "server_error" else 403, err.error, err.description)


def _client(tenant: LiveTenant, parameters: dict[str, str]) -> Client:
    """The client that calls. A confidential one must show its secret, a public one has none to show."""
    client_id, secret = parameters.get("client_id"), parameters.get("client_secret")
    basic = request.authorization
    if basic is not None and basic.type == "basic":
        client_id, secret = unquote_plus(basic.username or ""), unquote_plus(basic.password or "")
    client = tenant.store.config.client(client_id)
    if client is None:
        raise unauthorized_client()
    shows_nothing_needed = client.is_public and not secret
    if not shows_nothing_needed and not _same(client.client_secret, secret):
        raise unauthorized_client()
    return client


def _same(expected: str | None, given: str | None) -> bool:
    if expected is None or given is None:
        return False
    return hmac.compare_digest(expected.encode(), given.encode())


def _verifies(challenge: str | None, verifier: str | None) -> bool:
    """RFC 7636 with S256; a verifier without a challenge is refused too."""
    if challenge is None or verifier is None:
        return challenge is None and verifier is None
    digest = hashlib.sha256(verifier.encode()).digest()
    computed = base64.urlsafe_b64encode(digest).rstrip(b"=")
    return hmac.compare_digest(computed, challenge.encode())


def _living_user(tenant: LiveTenant, user_id: str, otherwise: str) -> UserRecord:
    user = tenant.store.users.get(user_id)
    if user is None:
        raise invalid_grant(otherwise)
    return user


def _directories(tenant: LiveTenant, realm: str | None) -> list[Connection]:
    """The realm's connection; without a realm the tenant's default directory, which is its first database."""
    databases = [c for c in tenant.store.config.connections if c.is_database]
    if realm is None:
        return databases[:1]
    return [c for c in databases if c.name == realm]
