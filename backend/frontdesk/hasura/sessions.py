"""Session variables from a bearer token: what Hasura does with a JWT secret, for several tenants at once.

Stricter than the engine: `iss`, `aud` and `exp` have to be there, and the tenant in the claims has to be the one whose
issuer signed them. Source: Hasura docs, "Authentication using webhooks" and "Authentication using JWT".
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import jwt
from jwt.exceptions import PyJWTError

from frontdesk.errors import SessionRefused
from frontdesk.hasura.issuer_keys import ALGORITHM, IssuerKeys
from frontdesk.identity.roles import is_role_name

MAX_TOKEN_BYTES = 64 * 1024
LEEWAY_S = 10  # between Auth0's clock and ours
MAX_SECONDS = 365 * 24 * 3600  # of a session; a token may say anything
_ALLOWED, _DEFAULT, _ROLE = "x-hasura-allowed-roles", "x-hasura-default-role", "x-hasura-role"
# Read by Hasura as something else than a session variable; no token sets them.
_NEVER = frozenset(
    {
        _ALLOWED,
        _DEFAULT,
        _ROLE,
        "x-hasura-frontdesk-tenant",
        "x-hasura-admin-secret",
        "x-hasura-access-key",
        "x-hasura-use-backend-only-permissions",
    }
)


_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


@dataclass(frozen=True, kw_only=True)
class TokenTenant:
    """A tenant whose tokens are taken."""

    key: str
    issuer: str
    audience: str
    claims_namespace: str
    keys: IssuerKeys = field(repr=False)


@dataclass(frozen=True)
class Session:
    """What Hasura is told: variables by lower-case name, and for how many seconds they hold (None: nobody knows)."""

    variables: Mapping[str, str]
    seconds: int | None = None


class Sessions:
    """Sessions for the bearers of tokens of these tenants, and for requests without a token."""

    def __init__(self, tenants: Sequence[TokenTenant], *, unauthorized_role: str | None = None) -> None:
        self._tenants = tuple(tenants)
        self._unauthorized_role = unauthorized_role

    def session(self, headers: Mapping[str, str]) -> Session:
        """Return the session of a request with these headers, by lower-case name.

        Raises SessionRefused; SessionKeysUnavailable when the tenant's keys are not known and cannot be had.
        """
        authorization = headers.get("authorization")
        if authorization is None:
            if self._unauthorized_role is None:
                raise SessionRefused("the request has no token")
            return Session({_ROLE: self._unauthorized_role})
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token or len(token) > MAX_TOKEN_BYTES:
            raise SessionRefused("Authorization is no bearer token")
        tenant, payload = self._verified(token.strip())
        variables = _variables(payload, tenant, headers.get(_ROLE))
        now = time.time()
        return Session(variables, max(0, int(min(payload["exp"], now + MAX_SECONDS) - now)))

    def warm(self) -> None:
        """Have the keys of all tenants fetched, and do not wait for them."""
        for keys in {id(tenant.keys): tenant.keys for tenant in self._tenants}.values():
            keys.renew_behind()

    def _verified(self, token: str) -> tuple[TokenTenant, Mapping[str, Any]]:
        """Verify a token against the tenant that its `iss` names; no key is fetched for any other."""
        try:
            unverified = jwt.decode_complete(token, options={"verify_signature": False})
        except (PyJWTError, ValueError, RecursionError):
            raise SessionRefused("the token is no JWT") from None
        header, issuer = unverified["header"], unverified["payload"].get("iss")
        named = [tenant for tenant in self._tenants if tenant.issuer == issuer]
        if not named:
            raise SessionRefused("the token's issuer is no tenant of ours")
        key_id = header.get("kid")
        if header.get("alg") != ALGORITHM or not isinstance(key_id, str):
            raise SessionRefused(f"the token is not signed by {ALGORITHM} with a key id")
        if "crit" in header:  # RFC 7515, 4.1.11: whoever does not know an extension has to refuse
            raise SessionRefused("the token asks for an extension of JWS")
        # Several tenants of the settings may share an issuer, each with an audience of its own.
        refusals = []
        for tenant in named:
            try:
                return tenant, _decoded(token, tenant, key_id)
            except SessionRefused as refusal:
                refusals.append(refusal)
        raise refusals[0]


def _decoded(token: str, tenant: TokenTenant, key_id: str) -> Mapping[str, Any]:
    key = tenant.keys.key(key_id)
    if key is None:
        raise SessionRefused("the token's key is none of its issuer's")
    try:
        payload: dict[str, Any] = jwt.decode(
            token,
            key,
            algorithms=[ALGORITHM],
            audience=tenant.audience,
            issuer=tenant.issuer,
            leeway=LEEWAY_S,
            options={"require": ["exp", "iss", "aud"]},
        )
    except (PyJWTError, ValueError, TypeError, OverflowError) as error:
        raise SessionRefused(f"the token is refused: {type(error).__name__}") from None
    if isinstance(payload["exp"], bool) or not isinstance(payload["exp"], int | float):
        raise SessionRefused("the token's exp is no number")
    claims = payload.get(tenant.claims_namespace)
    found = {name.lower(): value for name, value in claims.items()} if isinstance(claims, dict) else {}
    if found.get("x-hasura-tenant") != tenant.key:
        raise SessionRefused("the token's claims are not of the tenant that signed it")
    return payload


def _variables(payload: Mapping[str, Any], tenant: TokenTenant, asked: str | None) -> Mapping[str, str]:
    claims = {name.lower(): value for name, value in payload[tenant.claims_namespace].items()}
    allowed, default = claims.get(_ALLOWED), claims.get(_DEFAULT)
    if not isinstance(allowed, list) or not isinstance(default, str):
        raise SessionRefused("the token's claims have no allowed roles, or no default role")
    role = default if asked is None else asked
    if role not in allowed or not is_role_name(role):
        raise SessionRefused("the role is not among the token's allowed roles")
    variables = {
        name: value for name, value in claims.items() if name.startswith("x-hasura-") and name not in _NEVER
    }
    if not all(isinstance(value, str) and not _UNSTORABLE.search(value) for value in variables.values()):
        raise SessionRefused("a claim of the token is no string that PostgreSQL could compare")
    return {**variables, _ROLE: role}
