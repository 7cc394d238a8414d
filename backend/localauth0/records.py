"""The records of running logins: what lies between /authorize, the login page and /oauth/token."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class AuthorizeRequest:
    """A checked call of /authorize: its client exists and its callback is on that client's list."""

    client_id: str
    redirect_uri: str
    scopes: tuple[str, ...]
    query: Mapping[str, str]
    state: str | None = None
    nonce: str | None = None
    audience: str | None = None
    code_challenge: str | None = None
    prompt: tuple[str, ...] = ()
    login_hint: str | None = None
    connection: str | None = None
    organization_id: str | None = None
    max_age_s: int | None = None


@dataclass(frozen=True)
class Transaction:
    """A login under way. `id` is public (Actions see it); the handle in the login page's URL is not.

    `device` is the browser that the login belongs to; `device_code` is there when a device waits for the login.
    """

    id: str
    device: str
    request: AuthorizeRequest
    device_code: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class AuthenticationMethod:
    name: str
    at: datetime


@dataclass(frozen=True)
class Session:
    """A single sign-on session of one browser. `id` is public (the `sid` claim); the cookie's value is not."""

    id: str
    user_id: str
    connection: str
    methods: tuple[AuthenticationMethod, ...]
    authenticated_at: datetime


@dataclass(frozen=True)
class RequestFacts:
    """What an HTTP request tells: the part of `event.request` that comes from outside."""

    ip: str
    method: str
    hostname: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] = field(default_factory=dict, repr=False)
    user_agent: str | None = None
    language: str | None = None


@dataclass(frozen=True)
class Grant:
    """Who may get which tokens: the outcome of an authentication, before the Actions have their say."""

    client_id: str
    user_id: str
    scopes: tuple[str, ...]
    audience: str | None
    connection: str
    methods: tuple[AuthenticationMethod, ...]
    organization_id: str | None = None
    session_id: str | None = None
    nonce: str | None = None
    wants_auth_time: bool = False
    gty: str | None = None


@dataclass(frozen=True)
class AuthorizedGrant:
    """A grant after the post-login Actions: the scopes that remain and the claims that they added."""

    grant: Grant
    scopes: tuple[str, ...]
    access_token_claims: Mapping[str, Any]
    id_token_claims: Mapping[str, Any]


@dataclass(frozen=True)
class AuthorizationCode:
    authorized: AuthorizedGrant
    redirect_uri: str
    code_challenge: str | None


@dataclass(frozen=True)
class RefreshToken:
    grant: Grant

    def grant_for(self, scopes: tuple[str, ...]) -> Grant:
        """The grant of one exchange: the login's own, without what belongs to the browser."""
        return replace(self.grant, scopes=scopes, nonce=None, session_id=None, gty="refresh_token")


@dataclass(frozen=True)
class IssuedAccessToken:
    """What /userinfo knows of an access token."""

    user_id: str
    scopes: tuple[str, ...]
    id_token_claims: Mapping[str, Any]


@dataclass(frozen=True)
class PasswordTicket:
    """The right to set a new password, which a mail carries."""

    user_id: str
    connection: str


@dataclass(frozen=True)
class Mail:
    """A mail that the tenant would have sent."""

    to: str
    subject: str
    url: str = field(repr=False)
    at: datetime


@dataclass(frozen=True)
class ActionExecution:
    """One run of one Action, kept for whoever wants to look."""

    trigger: str
    action: str
    event: Mapping[str, Any] = field(repr=False)
    commands: tuple[Mapping[str, Any], ...]
    logs: str
    duration_ms: float
    error: str | None
