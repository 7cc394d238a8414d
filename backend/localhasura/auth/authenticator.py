"""From a request's headers to a session, in Hasura's order: admin secret, token, unauthorized role."""

from __future__ import annotations

import hmac
import time
from collections.abc import Callable, Mapping
from http.cookies import CookieError, SimpleCookie
from typing import Any

from localhasura.auth.claims import hasura_claims
from localhasura.auth.hook import AuthHook
from localhasura.auth.jwks import JwksKeys
from localhasura.auth.jwt_secret import JwtSecret
from localhasura.auth.keys import Key
from localhasura.auth.tokens import verified_claims
from localhasura.errors import EngineError
from localhasura.metadata.model import ADMIN
from localhasura.sql.builder import Session

ADMIN_SECRET, ACCESS_KEY = "x-hasura-admin-secret", "x-hasura-access-key"
ROLE, BACKEND_ONLY = "x-hasura-role", "x-hasura-use-backend-only-permissions"
_NOT_VARIABLES = {ADMIN_SECRET, ACCESS_KEY, BACKEND_ONLY}
_TRUE, _FALSE = {"true", "t", "yes", "y"}, {"false", "f", "no", "n"}

Headers = Mapping[str, str]
"""Request headers by lower-case name."""
GraphQLRequest = Callable[[], Any]
"""Gives the body of a GraphQL request, or None where there is none; called when a hook wants it."""


def _no_request() -> None:
    return None


class Authenticator:
    """Decides who asks. `start` fetches the key set of a `jwk_url`, `stop` ends its thread."""

    def __init__(
        self,
        *,
        admin_secret: str | None,
        jwt_secret: JwtSecret | None,
        unauthorized_role: str | None,
        hook: AuthHook | None = None,
    ) -> None:
        self._admin_secret = None if admin_secret is None else admin_secret.encode()
        self._jwt, self._unauthorized_role, self._hook = jwt_secret, unauthorized_role, hook
        url = None if jwt_secret is None else jwt_secret.jwk_url
        self._jwks = None if url is None else JwksKeys(url)

    @property
    def is_secured(self) -> bool:
        """Whether there is an admin secret."""
        return self._admin_secret is not None

    @property
    def has_hook(self) -> bool:
        return self._hook is not None

    @property
    def jwt_secret(self) -> JwtSecret | None:
        """The configuration of tokens; what may be shown of it is for the caller to choose."""
        return self._jwt

    def start(self) -> None:
        if self._jwks is not None:
            self._jwks.start()

    def stop(self) -> None:
        if self._jwks is not None:
            self._jwks.stop()

    def session(self, headers: Headers, request: GraphQLRequest = _no_request) -> Session:
        """Return the session of a request; raises the EngineError that Hasura answers."""
        if self._admin_secret is None:
            return _trusted(headers)
        given = headers.get(ADMIN_SECRET, headers.get(ACCESS_KEY))
        if given is not None:
            if not hmac.compare_digest(given.encode(), self._admin_secret):
                raise _denied(f'invalid "{ADMIN_SECRET}"/"{ACCESS_KEY}"')
            return _trusted(headers)
        if self._hook is not None:
            return _hook_session(self._hook.session_variables(headers, request()))
        if self._jwt is not None:
            return self._token_session(headers, self._jwt)
        if self._unauthorized_role is None:
            raise _denied(f'"{ADMIN_SECRET}"/"{ACCESS_KEY}" required, but not found')
        return _unauthorized(headers, self._unauthorized_role)

    def _token_session(self, headers: Headers, secret: JwtSecret) -> Session:
        token = _token(headers, secret)
        if token is None:
            if self._unauthorized_role is not None:
                return _unauthorized(headers, self._unauthorized_role)
            message = "Missing 'Authorization' or 'Cookie' header in JWT authentication mode"
            raise EngineError("invalid-headers", message)
        claims = hasura_claims(verified_claims(token, self._keys(secret), secret, time.time()), secret)
        role = claims.role(headers.get(ROLE))
        return Session(role, {**claims.variables(), ROLE: role})

    def _keys(self, secret: JwtSecret) -> tuple[Key, ...]:
        if self._jwks is not None:
            return self._jwks.keys
        return () if secret.key is None else (secret.key,)


def _trusted(headers: Headers) -> Session:
    role = headers.get(ROLE) or ADMIN
    return Session(role, {**_variables(headers), ROLE: role}, backend=_backend_only(headers))


def _hook_session(said: Mapping[str, str]) -> Session:
    role = said.get(ROLE)
    if not role:
        raise EngineError("invalid-params", f'"{ROLE}" not found in session variables')
    return Session(role, {**_variables(said), ROLE: role})


def _unauthorized(headers: Headers, role: str) -> Session:
    return Session(role, {**_variables(headers), ROLE: role})


def _variables(headers: Headers) -> dict[str, str]:
    return {
        name: value
        for name, value in headers.items()
        if name.startswith("x-hasura-") and name not in _NOT_VARIABLES
    }


def _backend_only(headers: Headers) -> bool:
    text = headers.get(BACKEND_ONLY)
    if text is None:
        return False
    if text.lower() in _TRUE | _FALSE:
        return text.lower() in _TRUE
    raise EngineError(
        "bad-request",
        f'{BACKEND_ONLY}:  Not a valid boolean text. True values are ["true","t","yes","y"] and  '
        'False values are ["false","f","no","n"]. All values are case insensitive',
    )


def _token(headers: Headers, secret: JwtSecret) -> str | None:
    where = secret.header
    if where.type == "Cookie":
        return _cookie(headers.get("cookie", ""), where.name)
    if where.type == "CustomHeader":
        return headers.get(where.name.lower())
    value = headers.get("authorization")
    if value is None:
        return None
    words = value.split()
    if len(words) != 2 or words[0] != "Bearer":
        raise EngineError("invalid-headers", "Malformed Authorization header")
    return words[1]


def _cookie(text: str, name: str) -> str | None:
    cookies: SimpleCookie = SimpleCookie()
    try:
        cookies.load(text)
    except CookieError:
        return None
    return cookies[name].value if name in cookies else None


def _denied(message: str) -> EngineError:
    return EngineError("access-denied", message, status=401)
