"""One login as a browser does it: authorization code with PKCE, through the tenant's own login page."""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from html.parser import HTMLParser
from urllib.parse import parse_qs, urljoin, urlsplit

import requests

from frontdesk.demo.places import AUDIENCE, DemoFailed, Places
from frontdesk.demo.tenant import CLIENT_ID

SCOPE = "openid profile email"
TIMEOUT_S = 30.0
MAX_REDIRECTS = 10


@dataclass(frozen=True, kw_only=True)
class Tokens:
    """What the token endpoint answered."""

    access_token: str
    id_token: str


@dataclass(frozen=True, kw_only=True)
class Pkce:
    """What one authorization request must remember until its code comes back (source: RFC 7636)."""

    verifier: str
    state: str

    @classmethod
    def fresh(cls) -> Pkce:
        """Return a new verifier and state."""
        return cls(verifier=secrets.token_urlsafe(48), state=secrets.token_urlsafe(16))

    @property
    def challenge(self) -> str:
        """The S256 challenge of the verifier."""
        digest = hashlib.sha256(self.verifier.encode()).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def authorize_url(places: Places, pkce: Pkce) -> str:
    """Return the URL at which a browser starts the login."""
    query = {
        "response_type": "code",
        "client_id": CLIENT_ID,
        "redirect_uri": places.callback_url,
        "scope": SCOPE,
        "audience": AUDIENCE,
        "state": pkce.state,
        "code_challenge": pkce.challenge,
        "code_challenge_method": "S256",
    }
    url = requests.Request("GET", f"{places.auth0_url}/authorize", params=query).prepare().url
    if url is None:
        raise DemoFailed("the authorization URL could not be built")
    return url


def exchange_code(places: Places, code: str, pkce: Pkce) -> Tokens:
    """Exchange the code at the token endpoint. Raises DemoFailed with its error."""
    answer = _session().post(
        f"{places.auth0_url}/oauth/token",
        data={
            "grant_type": "authorization_code",
            "client_id": CLIENT_ID,
            "code": code,
            "redirect_uri": places.callback_url,
            "code_verifier": pkce.verifier,
        },
        timeout=TIMEOUT_S,
    )
    body = answer.json()
    if answer.status_code != requests.codes.ok:
        raise DemoFailed(f"the token endpoint answered {answer.status_code}: {body.get('error_description')}")
    return Tokens(access_token=body["access_token"], id_token=body["id_token"])


def log_in(places: Places, *, username: str, password: str) -> Tokens:
    """Sign `username` in through the login page and return the tokens. Raises DemoFailed."""
    pkce = Pkce.fresh()
    session = _session()
    page = _follow(
        session, session.get(authorize_url(places, pkce), allow_redirects=False, timeout=TIMEOUT_S)
    )
    form = _LoginForm.read(page)
    answer = session.post(
        urljoin(page.url, form.action),
        data={**form.hidden, "username": username, "password": password},
        allow_redirects=False,
        timeout=TIMEOUT_S,
    )
    callback = _callback_of(session, answer, places.callback_url)
    if callback.get("state") != pkce.state:
        raise DemoFailed("the callback carries another state than the request")
    if "code" not in callback:
        raise DemoFailed(f"the login was refused: {callback.get('error_description', callback.get('error'))}")
    return exchange_code(places, callback["code"], pkce)


def _session() -> requests.Session:
    session = requests.Session()
    session.trust_env = False  # a proxy of the caller's shell has no business on loopback
    return session


def _follow(session: requests.Session, answer: requests.Response) -> requests.Response:
    for _ in range(MAX_REDIRECTS):
        if not answer.is_redirect:
            break
        answer = session.get(
            urljoin(answer.url, answer.headers["location"]), allow_redirects=False, timeout=TIMEOUT_S
        )
    if answer.status_code != requests.codes.ok:
        raise DemoFailed(f"the login page answered {answer.status_code}")
    return answer


def _callback_of(
    session: requests.Session, answer: requests.Response, callback_url: str
) -> Mapping[str, str]:
    """Follow the redirects up to the callback, which is read and not called."""
    for _ in range(MAX_REDIRECTS):
        if not answer.is_redirect:
            raise DemoFailed(f"the login page answered {answer.status_code} to the sign-in")
        target = urljoin(answer.url, answer.headers["location"])
        if target.startswith(callback_url):
            return {name: values[0] for name, values in parse_qs(urlsplit(target).query).items()}
        answer = session.get(target, allow_redirects=False, timeout=TIMEOUT_S)
    raise DemoFailed("the login never came back to the application")


class _LoginForm(HTMLParser):
    """The first form of a page: where it goes, and its hidden fields."""

    def __init__(self) -> None:
        super().__init__()
        self.action = ""
        self.hidden: dict[str, str] = {}

    @classmethod
    def read(cls, page: requests.Response) -> _LoginForm:
        form = cls()
        form.feed(page.text)
        return form

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = {name: value or "" for name, value in attrs}
        if tag == "form" and not self.action:
            self.action = known.get("action", "")
        elif tag == "input" and known.get("type") == "hidden" and "name" in known:
            self.hidden[known["name"]] = known.get("value", "")
