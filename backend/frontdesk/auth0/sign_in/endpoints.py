"""The OAuth endpoints of a tenant, for a person who wants one token: bounded calls, and errors in sentences.

Source: Auth0 docs, "Authentication API": Get Token, Device Authorization.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from frontdesk.answers import json_object
from frontdesk.errors import Auth0Rejected, Auth0Unavailable

CALL_BUDGET_S = 30.0
MAX_ANSWER_BYTES = 1024 * 1024
SCOPE = "openid profile email"
_MAX_ECHO = 200
_UNAUTHORIZED = 401
_HINTS: Mapping[str, str] = {
    "access_denied": "the login was refused, or the application may not have this audience",
    "invalid_client": "check the client id and its secret",
    "unauthorized_client": "switch on this grant type for the application, under Advanced Settings in Auth0",
    "unsupported_grant_type": "switch on this grant type for the application, under Advanced Settings in Auth0",
    "invalid_grant": "begin again; a code is good once and for a short time",
    "login_required": "log in in the browser, and begin again",
    "expired_token": "begin again, and confirm the code sooner",
}


@dataclass(frozen=True, kw_only=True)
class Application:
    """The application that asks, and for which API. `issuer` is the tenant's, with the slash."""

    issuer: str
    client_id: str
    audience: str
    scope: str = SCOPE
    client_secret: str | None = field(default=None, repr=False)

    def identity(self) -> dict[str, str]:
        """Return how the application names itself to the token endpoint."""
        named = {"client_id": self.client_id}
        return named if self.client_secret is None else named | {"client_secret": self.client_secret}


@dataclass(frozen=True, kw_only=True)
class SignedIn:
    """What the token endpoint gave; kept by nobody but the caller."""

    access_token: str = field(repr=False)
    id_token: str | None = field(default=None, repr=False)


def client_credentials(application: Application) -> SignedIn:
    """Return a token for the application itself, for which no user logs in and no post-login Action runs.

    Raises Auth0Rejected, Auth0Unavailable.
    """
    form = {"grant_type": "client_credentials", "audience": application.audience}
    return tokens_in(posted(application, "oauth/token", form | application.identity()), application)


def posted(application: Application, path: str, form: Mapping[str, str]) -> Mapping[str, Any]:
    """Return the JSON answer of an endpoint. Raises Auth0Rejected with `error_code`, Auth0Unavailable."""
    url = f"{application.issuer}{path}"
    try:
        status, content = _exchange(url, form)
    except httpx.HTTPError as error:
        raise Auth0Unavailable(f"no answer of Auth0 at {url}: {type(error).__name__}") from None
    facts = json_object(content)
    if 200 <= status < 300 and facts:
        return facts
    if status >= 500 or not facts:
        raise Auth0Unavailable(f"{url} answered with HTTP status {status}")
    raise refusal(facts.get("error"), facts.get("error_description"), status)


def refusal(error: object, description: object, status: int | None = None) -> Auth0Rejected:
    """Return what an OAuth error means."""
    code = error if isinstance(error, str) else "no code"
    said = ascii(str(description or "no description"))[1:-1][:_MAX_ECHO].strip()
    hint = _HINTS.get("invalid_client" if status == _UNAUTHORIZED else code)
    detail = f"Auth0 gives no token: {said} ({ascii(code)[1:-1][:60]})" + (f"; {hint}" if hint else "")
    return Auth0Rejected(detail, status_code=status, error_code=code)


def tokens_in(facts: Mapping[str, Any], application: Application) -> SignedIn:
    """Return the tokens of an answer. Raises Auth0Unavailable when there is none."""
    access, identity = facts.get("access_token"), facts.get("id_token")
    if not isinstance(access, str):
        raise Auth0Unavailable(f"{application.issuer}oauth/token answered without a token")
    return SignedIn(access_token=access, id_token=identity if isinstance(identity, str) else None)


def _exchange(url: str, form: Mapping[str, str]) -> tuple[int, bytes]:
    give_up_at = time.monotonic() + CALL_BUDGET_S
    content = bytearray()
    with (
        httpx.Client(timeout=CALL_BUDGET_S, trust_env=False, follow_redirects=False) as client,
        client.stream("POST", url, data=dict(form)) as answer,
    ):
        for chunk in answer.iter_bytes():
            content += chunk
            if len(content) > MAX_ANSWER_BYTES or time.monotonic() > give_up_at:
                raise httpx.ReadTimeout("the answer is too long or too slow")
        return answer.status_code, bytes(content)
