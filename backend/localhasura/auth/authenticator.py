"""From a request's headers to a session, in Hasura's order: admin secret, token, unauthorized role."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from localhasura.auth.hook import AuthHook
from localhasura.auth.jwt_mode import JwtMode
from localhasura.auth.jwt_secret import JwtSecret
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
    """Decides who asks. `start` fetches the key sets of tokens, `stop` ends their threads.

    Any of the admin secrets will do; without one everybody is the administrator. Without `jwt_secrets` there are no
    tokens.
    """

    def __init__(
        self,
        *,
        admin_secrets: Sequence[str] = (),
        jwt_secrets: Sequence[JwtSecret] = (),
        unauthorized_role: str | None = None,
        hook: AuthHook | None = None,
    ) -> None:
        self._admin_secrets = tuple(secret.encode() for secret in admin_secrets)
        self._jwt = JwtMode(jwt_secrets) if jwt_secrets else None
        self._unauthorized_role, self._hook = unauthorized_role, hook

    @property
    def is_secured(self) -> bool:
        """Whether there is an admin secret."""
        return bool(self._admin_secrets)

    @property
    def has_hook(self) -> bool:
        return self._hook is not None

    @property
    def jwt_secrets(self) -> tuple[JwtSecret, ...]:
        """The configurations of tokens; what may be shown of them is for the caller to choose."""
        return () if self._jwt is None else self._jwt.secrets

    def start(self) -> None:
        if self._jwt is not None:
            self._jwt.start()

    def stop(self) -> None:
        if self._jwt is not None:
            self._jwt.stop()

    def session(self, headers: Headers, request: GraphQLRequest = _no_request) -> Session:
        """Return the session of a request; raises the EngineError that Hasura answers."""
        if not self._admin_secrets:
            return _trusted(headers)
        given = headers.get(ADMIN_SECRET, headers.get(ACCESS_KEY))
        if given is not None:
            if not self._is_admin_secret(given.encode()):
                raise _denied(f'invalid "{ADMIN_SECRET}"/"{ACCESS_KEY}"')
            return _trusted(headers)
        if self._hook is not None:
            return _hook_session(self._hook.session_variables(headers, request()))
        if self._jwt is not None:
            return self._token_session(headers, self._jwt)
        if self._unauthorized_role is None:
            raise _denied(f'"{ADMIN_SECRET}"/"{ACCESS_KEY}" required, but not found')
        return _unauthorized(headers, self._unauthorized_role)

    def _is_admin_secret(self, given: bytes) -> bool:
        # All of them are compared, so that the time tells nothing.
        fits = [hmac.compare_digest(given, secret) for secret in self._admin_secrets]
        return any(fits)

    def _token_session(self, headers: Headers, jwt: JwtMode) -> Session:
        claims = jwt.claims(headers)
        if claims is None:
            if self._unauthorized_role is not None:
                return _unauthorized(headers, self._unauthorized_role)
            message = "Missing 'Authorization' or 'Cookie' header in JWT authentication mode"
            raise EngineError("invalid-headers", message)
        role = claims.role(headers.get(ROLE))
        return Session(role, {**claims.variables(), ROLE: role})


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


def _denied(message: str) -> EngineError:
    return EngineError("access-denied", message, status=401)
