"""Assembles and signs tokens.

Source: Auth0 docs, "Access Tokens", "ID Token Structure", "Access Token Profiles".
"""

from __future__ import annotations

import secrets
from typing import Any

from localauth0 import users
from localauth0.claims import is_allowed, is_namespaced, kept_claims
from localauth0.errors import NotImplementedHere
from localauth0.live import LiveTenant
from localauth0.records import AuthorizedGrant, IssuedAccessToken, RefreshToken
from localauth0.tenant import Client, ResourceServer
from localauth0.user_store import UserRecord


def token_response(
    tenant: LiveTenant, authorized: AuthorizedGrant, *, with_refresh_token: bool
) -> dict[str, Any]:
    """The answer of /oauth/token to a login: what the scopes open, no more."""
    user = tenant.store.users[authorized.grant.user_id]
    access_token, expires_in = _access_token(tenant, authorized, user)
    tenant.store.access_tokens.put(
        access_token,
        IssuedAccessToken(user.user_id, authorized.scopes, dict(authorized.id_token_claims)),
    )
    response: dict[str, Any] = {"access_token": access_token}
    if with_refresh_token and "offline_access" in authorized.scopes:
        response["refresh_token"] = tenant.store.refresh_tokens.add(
            RefreshToken(authorized.grant), prefix="v1."
        )
    if "openid" in authorized.scopes:
        response["id_token"] = _id_token(tenant, authorized, user)
    return {
        **response,
        "scope": " ".join(authorized.scopes),
        "expires_in": expires_in,
        "token_type": "Bearer",
    }


def client_token_response(
    tenant: LiveTenant, client: Client, api: ResourceServer, scopes: tuple[str, ...], claims: dict[str, Any]
) -> dict[str, Any]:
    """The answer of /oauth/token to client credentials."""
    _refuse_other_signatures(api)
    payload = {
        **_times(tenant, api.token_lifetime),
        "sub": f"{client.client_id}@clients",
        "aud": api.identifier,
        **_client_claims(api, client.client_id, "client-credentials"),
    }
    if scopes:
        payload["scope"] = " ".join(scopes)
    if api.adds_permissions:
        payload["permissions"] = list(scopes)
    token = tenant.keys.sign({**kept_claims(claims, taken=payload), **payload}, typ=_token_type(api))
    response = {"access_token": token, "expires_in": api.token_lifetime, "token_type": "Bearer"}
    return {**response, "scope": payload["scope"]} if scopes else response


def userinfo_claims(tenant: LiveTenant, issued: IssuedAccessToken, user: UserRecord) -> dict[str, Any]:
    """The answer of /userinfo: standard claims by scope, and the namespaced custom claims of the ID token."""
    custom = {k: v for k, v in issued.id_token_claims.items() if is_namespaced(k) and is_allowed(k)}
    return {"sub": user.user_id, **users.standard_claims(tenant.store, user, issued.scopes), **custom}


def _access_token(tenant: LiveTenant, authorized: AuthorizedGrant, user: UserRecord) -> tuple[str, int]:
    """The access token and its life in seconds: a JWT for a registered API, else an opaque string."""
    grant = authorized.grant
    api = tenant.store.config.resource_server(grant.audience) if grant.audience is not None else None
    if api is None:
        return secrets.token_urlsafe(32), int(tenant.store.lifetimes.userinfo_token.total_seconds())
    _refuse_other_signatures(api)
    opens_userinfo = "openid" in authorized.scopes
    payload: dict[str, Any] = {
        **_times(tenant, api.token_lifetime),
        "sub": user.user_id,
        "aud": [api.identifier, tenant.userinfo_audience] if opens_userinfo else api.identifier,
        **_client_claims(api, grant.client_id, grant.gty),
        "scope": " ".join(authorized.scopes),
    }
    if grant.organization_id is not None:
        payload["org_id"] = grant.organization_id
    if api.adds_permissions:
        payload["permissions"] = _permissions(tenant, authorized, user, api)
    claims = {**kept_claims(authorized.access_token_claims, taken=payload), **payload}
    return tenant.keys.sign(claims, typ=_token_type(api)), api.token_lifetime


def _id_token(tenant: LiveTenant, authorized: AuthorizedGrant, user: UserRecord) -> str:
    grant = authorized.grant
    life_s = int(tenant.store.lifetimes.id_token.total_seconds())
    payload: dict[str, Any] = {
        **users.standard_claims(tenant.store, user, authorized.scopes),
        **_times(tenant, life_s),
        "sub": user.user_id,
        "aud": grant.client_id,
    }
    optional = {"nonce": grant.nonce, "sid": grant.session_id, "org_id": grant.organization_id}
    payload.update({name: value for name, value in optional.items() if value is not None})
    if grant.wants_auth_time:
        payload["auth_time"] = int(max(method.at for method in grant.methods).timestamp())
    return tenant.keys.sign({**kept_claims(authorized.id_token_claims, taken=payload), **payload})


def _times(tenant: LiveTenant, life_s: int) -> dict[str, Any]:
    now = int(tenant.now().timestamp())
    return {"iss": tenant.issuer, "iat": now, "exp": now + life_s}


def _client_claims(api: ResourceServer, client_id: str, gty: str | None) -> dict[str, Any]:
    """How a token names its client: the RFC 9068 profile has `client_id` and `jti` in place of `azp` and `gty`."""
    if api.token_dialect.startswith("rfc9068"):
        return {"client_id": client_id, "jti": secrets.token_urlsafe(16)}
    return {"azp": client_id, "gty": gty} if gty is not None else {"azp": client_id}


def _refuse_other_signatures(api: ResourceServer) -> None:
    """An API made for another kind of token than RS256 gets none, rather than a wrong one."""
    algorithm = api.settings.get("signing_alg", "RS256")
    if algorithm != "RS256" or "token_encryption" in api.settings:
        raise NotImplementedHere(
            f"access tokens of the API {api.identifier}: encrypted, or signed with {algorithm}"
        )


def _token_type(api: ResourceServer) -> str:
    return "at+jwt" if api.token_dialect.startswith("rfc9068") else "JWT"


def _permissions(
    tenant: LiveTenant, authorized: AuthorizedGrant, user: UserRecord, api: ResourceServer
) -> list[str]:
    organization_id = authorized.grant.organization_id
    organization = tenant.store.config.organization(organization_id) if organization_id is not None else None
    return users.permissions(tenant.store, user, organization, api.identifier)
