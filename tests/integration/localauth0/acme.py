"""The tenant `acme` of these tests, and a browser that speaks plain HTTP."""

from __future__ import annotations

import base64
import hashlib
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import requests

API = "https://api.example.com"
RBAC_API = "https://rbac.example.com"
CALLBACK = "http://localhost:3000/callback"
DATABASE = "Username-Password-Authentication"
ANA, GOOGLE_USER, BLOCKED, SMS_USER = (
    "auth0|ana",
    "google-oauth2|115015401343387192604",
    "auth0|bad",
    "sms|5f1",
)
SAML_USER = "samlp|corp|eve@corp.example"
PASSWORD = "correct horse battery staple"
SCOPE = "openid profile email offline_access read:things"
TIMEOUT_S = 30.0


def a_tenant(**changes: Any) -> dict[str, Any]:
    """The tenant file of acme with some of its members replaced."""
    return {
        "tenant": "acme",
        "allowed_logout_urls": ["http://localhost:3000/tenant-bye"],
        "clients": [
            {
                "client_id": "spa",
                "name": "Acme web",
                "app_type": "spa",
                "callbacks": [CALLBACK, "http://localhost:3000/other"],
                "allowed_logout_urls": ["http://localhost:3000/bye"],
                "metadata": {"team": "web"},
            },
            {
                "client_id": "web",
                "client_secret": "web-secret",
                "name": "Acme server",
                "app_type": "regular_web",
                "callbacks": [CALLBACK],
                "grant_types": ["authorization_code", "refresh_token", "password", PASSWORD_REALM],
            },
            {
                "client_id": "robot",
                "client_secret": "robot-secret",
                "name": "Robot",
                "app_type": "non_interactive",
            },
        ],
        "resource_servers": [
            {
                "identifier": API,
                "name": "Things",
                "scopes": ["read:things", "write:things"],
                "token_lifetime": 7200,
                "allow_offline_access": True,
            },
            {
                "identifier": RBAC_API,
                "name": "Guarded",
                "scopes": ["read:things", "write:things"],
                "enforce_policies": True,
                "token_dialect": "access_token_authz",
            },
        ],
        "client_grants": [{"client_id": "robot", "audience": API, "scope": ["read:things", "write:things"]}],
        "connections": [
            {"id": "con_0000000000000001", "name": DATABASE, "strategy": "auth0"},
            {"id": "con_0000000000000002", "name": "google-oauth2", "strategy": "google-oauth2"},
            {"id": "con_0000000000000003", "name": "sms", "strategy": "sms"},
            {"id": "con_0000000000000004", "name": "corp", "strategy": "samlp"},
        ],
        "roles": [
            {
                "id": "rol_0000000000000001",
                "name": "Editor",
                "permissions": [{"resource_server_identifier": RBAC_API, "permission_name": "read:things"}],
            },
            {"id": "rol_0000000000000002", "name": "Owner"},
        ],
        "organizations": [
            {
                "id": "org_0000000000000001",
                "name": "globex",
                "display_name": "Globex",
                "metadata": {"tier": "gold"},
                "members": [{"user_id": ANA, "roles": ["Owner"]}],
            }
        ],
        "users": [
            {
                "user_id": ANA,
                "email": "ana@example.com",
                "email_verified": True,
                "username": "ana",
                "name": "Ana Ruiz",
                "nickname": "ana",
                "given_name": "Ana",
                "created_at": "2026-03-01T09:00:00.123Z",
                "updated_at": "2026-03-02T10:00:00.456Z",
                "logins_count": 4,
                "app_metadata": {"plan": "pro", "old": True},
                "password": PASSWORD,
                "roles": ["Editor"],
            },
            {"user_id": BLOCKED, "email": "bad@example.com", "blocked": True, "password": PASSWORD},
            {"user_id": GOOGLE_USER, "email": "gil@example.com", "name": "Gil", "locale": "pt"},
            {"user_id": SMS_USER, "phone_number": "+34600111222", "phone_verified": True},
            {"user_id": SAML_USER, "email": "eve@corp.example"},
        ],
        **changes,
    }


PASSWORD_REALM = "http://auth0.com/oauth/grant-type/password-realm"


def with_action(code: str, *, secrets_: dict[str, str] | None = None) -> dict[str, Any]:
    """acme with one post-login Action that has the body `code`."""
    return with_actions(
        [("action", f"exports.onExecutePostLogin = async (event, api) => {{ {code} }};")], secrets_
    )


def with_actions(sources: list[tuple[str, str]], secrets_: dict[str, str] | None = None) -> dict[str, Any]:
    """acme with post-login Actions of full source, bound in this order."""
    return a_tenant(
        actions=[
            {"name": name, "trigger": "post-login", "code": code, "secrets": secrets_ or {}}
            for name, code in sources
        ],
        bindings={"post-login": [name for name, _ in sources]},
    )


class Clock:
    """A clock that stands still until it is told to go on.

    It begins half an hour ago, so that tokens of a little later are valid for clients with a real clock.
    """

    def __init__(self) -> None:
        self.now = datetime.now(UTC) - timedelta(minutes=30)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, by: timedelta) -> None:
        self.now += by


@dataclass(frozen=True)
class Callback:
    """What the application got at its callback."""

    url: str
    parameters: dict[str, str]

    @property
    def code(self) -> str:
        assert "code" in self.parameters, self.parameters
        return self.parameters["code"]

    @property
    def error(self) -> tuple[str, str]:
        assert "error" in self.parameters, self.parameters
        return self.parameters["error"], self.parameters["error_description"]


class Browser:
    """One browser and the application behind it: cookies, one PKCE verifier, the tenant's address."""

    def __init__(self, url: str, *, client_id: str = "spa", client_secret: str | None = None) -> None:
        self.url, self.client_id, self.client_secret = url, client_id, client_secret
        self.http = requests.Session()
        self.http.trust_env = False
        self.verifier = secrets.token_urlsafe(48)

    def __enter__(self) -> Browser:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def authorize(self, **changes: str | None) -> requests.Response:
        """The answer of /authorize, redirects not followed. None takes a parameter away."""
        challenge = base64.urlsafe_b64encode(hashlib.sha256(self.verifier.encode()).digest()).rstrip(b"=")
        query: dict[str, str | None] = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": CALLBACK,
            "scope": SCOPE,
            "audience": API,
            "state": "app-state",
            "nonce": "app-nonce",
            "code_challenge": challenge.decode(),
            "code_challenge_method": "S256",
            **changes,
        }
        sent = {name: value for name, value in query.items() if value is not None}
        return self.http.get(f"{self.url}/authorize", params=sent, allow_redirects=False, timeout=TIMEOUT_S)

    def login_page(self, **changes: str | None) -> requests.Response:
        redirect = self.authorize(**changes)
        assert redirect.headers["Location"].startswith("/u/login?"), redirect.headers["Location"]
        return self.http.get(urljoin(self.url, redirect.headers["Location"]), timeout=TIMEOUT_S)

    def submit(self, page: requests.Response, fields: dict[str, str]) -> requests.Response:
        form = Form.read(page)
        target = urljoin(page.url, form.action)
        return self.http.post(
            target, data={**form.hidden, **fields}, allow_redirects=False, timeout=TIMEOUT_S
        )

    def log_in(self, fields: dict[str, str] | None = None, /, **changes: str | None) -> Callback:
        """Log Ana in by the password form, or whom `fields` say; return what reached the callback."""
        page = self.login_page(**changes)
        return callback_of(self.submit(page, fields or {"username": "ana@example.com", "password": PASSWORD}))

    def continue_as(self, user_id: str, connection: str, **changes: str | None) -> Callback:
        return self.log_in({"user_id": user_id, "connection": connection}, **changes)

    def silent(self, **changes: str | None) -> Callback:
        return callback_of(self.authorize(prompt="none", **changes))

    def exchange(self, code: str, /, **changes: str | None) -> requests.Response:
        return self.token(
            grant_type="authorization_code",
            **{"code": code, "redirect_uri": CALLBACK, "code_verifier": self.verifier, **changes},
        )

    def refresh(self, refresh_token: str, /, **changes: str | None) -> requests.Response:
        return self.token(grant_type="refresh_token", **{"refresh_token": refresh_token, **changes})

    def token(self, **parameters: str | None) -> requests.Response:
        body = {"client_id": self.client_id, "client_secret": self.client_secret, **parameters}
        sent = {name: value for name, value in body.items() if value is not None}
        return self.http.post(f"{self.url}/oauth/token", data=sent, timeout=TIMEOUT_S)

    def tokens(self, **changes: str | None) -> dict[str, Any]:
        """The tokens of one login of Ana."""
        return tokens_of(self.exchange(self.log_in(**changes).code))


def callback_of(response: requests.Response) -> Callback:
    assert response.status_code == 302, response.text
    url = response.headers["Location"]
    query = parse_qs(urlsplit(url).query, keep_blank_values=True)
    return Callback(url.split("?")[0], {name: values[0] for name, values in query.items()})


def tokens_of(response: requests.Response) -> dict[str, Any]:
    assert response.status_code == 200, response.text
    tokens: dict[str, Any] = response.json()
    return tokens


def error_of(response: requests.Response) -> tuple[int, str, str]:
    body = response.json()
    return response.status_code, body["error"], body["error_description"]


def wait_until(condition: Callable[[], bool], *, limit_s: float = 10.0) -> None:
    end = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < end, "the condition did not come true in time"
        time.sleep(0.01)


class Form(HTMLParser):
    """The first form of a page: its target and its hidden fields."""

    def __init__(self) -> None:
        super().__init__()
        self.action = ""
        self.hidden: dict[str, str] = {}
        self._number = 0

    @classmethod
    def read(cls, page: requests.Response) -> Form:
        form = cls()
        form.feed(page.text)
        return form

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._number += 1
            self.action = self.action or known["action"]
        elif tag == "input" and known.get("type") == "hidden" and self._number == 1:
            self.hidden[known["name"]] = known["value"]
