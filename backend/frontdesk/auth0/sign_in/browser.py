"""A login in the browser: authorization code with PKCE, ended on loopback.

Source: Auth0 docs, "Authorization Code Flow with PKCE"; RFC 7636; OpenID Connect Core 1.0, section 3.1.3.7.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlencode

import jwt

from frontdesk.auth0.sign_in.callback import CallbackServer
from frontdesk.auth0.sign_in.endpoints import Application, SignedIn, posted, refusal, tokens_in
from frontdesk.errors import Auth0Rejected

CALLBACK_PORT = 8765
WAIT_S = 180.0


@dataclass(frozen=True, kw_only=True)
class _Attempt:
    """What one login has to remember until it comes back."""

    state: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)
    nonce: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48), repr=False)

    @property
    def challenge(self) -> str:
        digest = hashlib.sha256(self.verifier.encode()).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def sign_in_with_browser(
    application: Application,
    show: Callable[[str], object],
    *,
    port: int = CALLBACK_PORT,
    wait_s: float = WAIT_S,
) -> SignedIn:
    """Return the tokens of a login that a person does in a browser; `show` gets the URL at which it begins.

    Raises Auth0Rejected, Auth0Unavailable, PortTaken.
    """
    attempt = _Attempt()
    with CallbackServer(port, attempt.state) as server:
        show(_authorize_url(application, attempt, server.url))
        answer = server.wait(wait_s)
    if "code" not in answer:
        raise refusal(answer.get("error"), answer.get("error_description"))
    form = {
        "grant_type": "authorization_code",
        "code": answer["code"],
        "redirect_uri": server.url,
        "code_verifier": attempt.verifier,
    }
    signed_in = tokens_in(posted(application, "oauth/token", form | application.identity()), application)
    _check_nonce(signed_in, attempt)
    return signed_in


def _authorize_url(application: Application, attempt: _Attempt, callback: str) -> str:
    query = {
        "response_type": "code",
        "client_id": application.client_id,
        "redirect_uri": callback,
        "scope": application.scope,
        "audience": application.audience,
        "state": attempt.state,
        "nonce": attempt.nonce,
        "code_challenge": attempt.challenge,
        "code_challenge_method": "S256",
    }
    return f"{application.issuer}authorize?{urlencode(query)}"


def _check_nonce(signed_in: SignedIn, attempt: _Attempt) -> None:
    """Refuse tokens of somebody else's login. The ID token came over our own TLS connection, so it is not verified."""
    if signed_in.id_token is None:
        return
    try:
        claims = jwt.decode(signed_in.id_token, options={"verify_signature": False})
    except jwt.PyJWTError:
        claims = {}
    if claims.get("nonce") != attempt.nonce:
        raise Auth0Rejected(
            "the ID token is not of the login that began here; begin again", error_code="nonce"
        )
