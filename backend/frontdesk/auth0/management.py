"""The Management API of a tenant, through Auth0's own SDK: one token, one pace, one kind of error.

What the SDK leaves open is decided in the HTTP transport below it: how long a call may take, how often and when it is
tried again, and which sentence a refusal becomes. `ManagementApi.sdk` is the SDK's client; every call on it may raise
the errors of `frontdesk.errors` that are named Auth0….

Source: Auth0 docs, "Management API v2"; "Rate Limit Policy"; auth0-python 6.
"""

from __future__ import annotations

import json
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import httpx
from auth0.management.client import Auth0

from frontdesk.answers import json_object
from frontdesk.auth0.pace import Pace, endpoint, group, jitter, told_to_wait_s
from frontdesk.errors import (
    Auth0CredentialsRefused,
    Auth0Error,
    Auth0Rejected,
    Auth0ScopeMissing,
    Auth0Unavailable,
)

CALL_BUDGET_S = 30.0  # of one exchange, its body included
CONNECT_BUDGET_S = 5.0  # of reaching the host: one that nobody answers at is a typo, or a firewall
WAIT_BUDGET_S = 90.0  # of all waiting for the rate limit and for second tries that one call may cost
MAX_TRIES = 6
MAX_ANSWER_BYTES = 16 * 1024 * 1024
TOKEN_LEEWAY_S = 60.0
# A server's answer that a second try may change. A 409 is not among them: it is what a wrong plan gets.
_TRANSIENT = frozenset({408, 429, 500, 502, 503, 504})
_LIMIT_STAYS = "the tenant's rate limit stayed reached for as long as a call may wait"
_CHECK_THE_DOMAIN = "check the tenant's `domain`, or its `management_url`"
_REPEATABLE = frozenset({"GET", "HEAD", "PUT", "DELETE", "OPTIONS"})


@dataclass(frozen=True, kw_only=True)
class Credentials:
    """A machine-to-machine application that the Management API is granted to."""

    client_id: str
    client_secret: str = field(repr=False)


@dataclass(frozen=True)
class StaticToken:
    """A Management API token that somebody made in the Dashboard."""

    value: str = field(repr=False)


class AnswerTooLarge(Auth0Unavailable):
    """Auth0's answer is larger than frontdesk takes at once."""

    type = "urn:frontdesk:problem:auth0-answer-too-large"
    retryable = False


class ManagementApi:
    """The Management API at `url`, the tenant's base URL without a path (https://acme.eu.auth0.com).

    `max_rps` is the most calls in a second, None: what Auth0's own rate limit leaves. It may be used by many threads.
    """

    def __init__(
        self,
        url: str,
        access: Credentials | StaticToken,
        *,
        call_budget_s: float = CALL_BUDGET_S,
        wait_budget_s: float = WAIT_BUDGET_S,
        max_rps: float | None = None,
    ) -> None:
        self.url = url.rstrip("/")
        self.audience = f"{self.url}/api/v2/"
        self._access = access
        self._token = _Token()
        self._lock = threading.Lock()
        self._pace = Pace(max_rps)
        self._transport = _Transport(call_budget_s, wait_budget_s, self._pace, self._renewed)
        self._http = httpx.Client(
            transport=self._transport,
            timeout=call_budget_s,
            trust_env=False,
            follow_redirects=False,
        )
        self.sdk = Auth0(
            base_url=f"{self.url}/api/v2",
            token=self.bearer,
            max_retries=0,  # the transport decides
            httpx_client=self._http,
        )

    def __enter__(self) -> ManagementApi:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections."""
        self._http.close()

    @property
    def calls(self) -> Mapping[str, int]:
        """How often each endpoint was called so far, second tries counted, such as `GET /users/{id}`."""
        return self._transport.calls()

    @property
    def room(self) -> Mapping[str, tuple[int, int]]:
        """By group of endpoints, how many calls the rate limit had left, and of how many, at the newest answer."""
        return self._pace.room()

    def read(self, *path: str, **parameters: str) -> Any:
        """Return the JSON that a GET of `path` below /api/v2 answers; each part of the path is percent-encoded.

        For records that have to come as Auth0 wrote them: the SDK's models drop the difference between null and absent,
        and one record that they refuse takes its whole page with it. Raises Auth0Error.
        """
        return self.answer(*path, **parameters).json()

    def answer(self, *path: str, **parameters: str) -> httpx.Response:
        """Return what `read` reads, for whoever needs its length too."""
        where = "/".join(map(_segment, path))
        return self._http.get(
            f"{self.url}/api/v2/{where}",
            params=parameters,
            headers={"authorization": f"Bearer {self.bearer()}"},
        )

    def scopes(self) -> frozenset[str] | None:
        """Return the scopes that the token was granted; None for a token that somebody else made.

        Raises Auth0Unavailable, Auth0CredentialsRefused.
        """
        self.bearer()
        return self._token.scopes

    def bearer(self) -> str:
        """Return a token that holds for a while. Raises Auth0Unavailable, Auth0CredentialsRefused."""
        if isinstance(self._access, StaticToken):
            return self._access.value
        with self._lock:
            if time.monotonic() >= self._token.renew_at:
                self._token = self._fetch_token(self._access)
            return self._token.value

    def _renewed(self, refused: str) -> str | None:
        """Return a token in place of one that Auth0 does not take any more; None when there is no other."""
        if isinstance(self._access, StaticToken):
            return None
        with self._lock:
            if self._token.value == refused:
                self._token = self._fetch_token(self._access)
            return self._token.value if self._token.value != refused else None

    def _fetch_token(self, credentials: Credentials) -> _Token:
        form = {
            "grant_type": "client_credentials",
            "client_id": credentials.client_id,
            "client_secret": credentials.client_secret,
            "audience": self.audience,
        }
        answer = self._http.post(f"{self.url}/oauth/token", data=form)
        facts = json_object(answer.content)
        token, scope, lifetime = facts.get("access_token"), facts.get("scope"), facts.get("expires_in")
        if not isinstance(token, str) or not isinstance(lifetime, int | float):
            raise Auth0Unavailable(f"{self.url}/oauth/token answered without a token")
        return _Token(
            value=token,
            scopes=frozenset(scope.split()) if isinstance(scope, str) else frozenset(),
            renew_at=time.monotonic() + max(0.0, lifetime - min(TOKEN_LEEWAY_S, lifetime / 2)),
        )


@dataclass(frozen=True, kw_only=True)
class _Token:
    value: str = field(default="", repr=False)
    scopes: frozenset[str] | None = None
    renew_at: float = 0.0


class _Transport(httpx.BaseTransport):
    """One exchange with its deadline, its second tries, and its errors in our words."""

    def __init__(
        self, budget_s: float, wait_budget_s: float, pace: Pace, renewed: Callable[[str], str | None]
    ) -> None:
        self._inner = httpx.HTTPTransport(retries=0)
        self._budget_s, self._wait_budget_s = budget_s, wait_budget_s
        self._pace = pace
        self._renewed = renewed
        self._lock = threading.Lock()
        self._calls: Counter[str] = Counter()

    def close(self) -> None:
        self._inner.close()

    def calls(self) -> Mapping[str, int]:
        with self._lock:
            return dict(self._calls)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.read()
        limits = request.extensions.get("timeout", {})
        request.extensions["timeout"] = {**limits, "connect": min(CONNECT_BUDGET_S, self._budget_s)}
        response = self._with_second_tries(request)
        if response.status_code == 401 and self._has_a_fresh_token(request):
            response = self._with_second_tries(request)
        return _accepted(request, response)

    def _has_a_fresh_token(self, request: httpx.Request) -> bool:
        """Put another token into a request whose own has died midway; tell whether there is one."""
        scheme, _, refused = request.headers.get("authorization", "").partition(" ")
        fresh = self._renewed(refused) if scheme == "Bearer" else None
        if fresh is not None:
            request.headers["authorization"] = f"Bearer {fresh}"
        return fresh is not None

    def _with_second_tries(self, request: httpx.Request) -> httpx.Response:
        give_up_at = time.monotonic() + self._wait_budget_s
        called = endpoint(request.method, request.url.raw_path.decode("ascii").partition("?")[0])
        tries = 0
        while True:
            response, failure = self._try_once(request, called, give_up_at)
            if response is not None and response.status_code not in _TRANSIENT:
                return response
            tries += 1
            limited = response is not None and response.status_code == 429
            delay = _delay_s(response, tries)
            may_repeat = limited or (request.method in _REPEATABLE and tries < MAX_TRIES)
            if failure is not None and _is_unknown_host(failure):
                may_repeat = False  # a typo in the domain stays one
            if not may_repeat or time.monotonic() + delay > give_up_at:
                raise _gave_up(request, response, failure)
            if limited:
                self._pace.pause(group(called), delay)  # the others of its group would only be refused too
            time.sleep(delay)

    def _try_once(
        self, request: httpx.Request, called: str, give_up_at: float
    ) -> tuple[httpx.Response | None, Exception | None]:
        bucket = group(called)
        if not self._pace.enter(bucket, give_up_at):
            raise Auth0Unavailable(f"{_where(request)}: {_LIMIT_STAYS}")
        read: httpx.Response | None = None
        with self._lock:
            self._calls[called] += 1
        try:
            response = self._inner.handle_request(request)
            content = _bounded(response, time.monotonic() + self._budget_s)
            headers = _without_encoding(response.headers)
            read = httpx.Response(response.status_code, headers=headers, content=content, request=request)
        except httpx.TransportError as error:
            return None, error
        finally:
            self._pace.leave(bucket, None if read is None else read.headers)
        return read, None


def _bounded(response: httpx.Response, deadline: float) -> bytes:
    """Return the decoded body. Raises httpx.ReadTimeout past the deadline, AnswerTooLarge past the size."""
    chunks, size = [], 0
    try:
        for chunk in response.iter_bytes():
            size += len(chunk)
            if size > MAX_ANSWER_BYTES:
                raise AnswerTooLarge(f"an answer of Auth0 is larger than {MAX_ANSWER_BYTES // 2**20} MB")
            if time.monotonic() > deadline:
                raise httpx.ReadTimeout("the answer did not end in time")
            chunks.append(chunk)
    finally:
        response.close()
    return b"".join(chunks)


def _without_encoding(headers: httpx.Headers) -> list[tuple[str, str]]:
    gone = {"content-encoding", "content-length", "transfer-encoding"}
    return [(name, value) for name, value in headers.multi_items() if name.lower() not in gone]


def _delay_s(response: httpx.Response | None, tries: int) -> float:
    """Return how long to wait: what the server says, else twice as long each time; never all at the same moment."""
    if response is not None and response.status_code == 429:
        told = told_to_wait_s(response.headers)
        if told is not None:
            return told
    return float(0.5 * 2 ** (tries - 1) * jitter(0.75, 1.25))


def _is_unknown_host(error: BaseException) -> bool:
    """Tell whether the name has no address; a name server that is busy at the moment is another matter."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, socket.gaierror):
            return cause.errno in (socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME))
        cause = cause.__cause__ or cause.__context__
    return False


def _accepted(request: httpx.Request, response: httpx.Response) -> httpx.Response:
    if response.status_code < 300 and (not response.content or _is_json(response.content)):
        return response
    if response.status_code < 400:
        # A website, a proxy or a portal of the network: the SDK would stumble over it, and the token is not sent on.
        raise Auth0Unavailable(
            f"{_where(request)} answered with HTTP status {response.status_code} and something else than "
            f"Auth0's API; {_CHECK_THE_DOMAIN}"
        )
    raise _refusal(request, response)


def error_of(
    request: httpx.Request, response: httpx.Response | None, failure: Exception | None
) -> Auth0Error:
    """Return what a call came to that is tried once: without a whole answer, or with one that is no good."""
    if response is None or response.status_code in _TRANSIENT:
        return _gave_up(request, response, failure)
    return _refusal(request, response)


def _segment(text: str) -> str:
    """Return a part of a path, wholly percent-encoded; one of dots alone would lead elsewhere."""
    return text.replace(".", "%2E") if set(text) == {"."} else quote(text, safe="")


def _is_json(content: bytes) -> bool:
    try:
        json.loads(content)
    except (ValueError, RecursionError):
        return False
    return True


def _where(request: httpx.Request) -> str:
    return f"{request.method} {request.url.copy_with(query=None)}"


def _gave_up(
    request: httpx.Request, response: httpx.Response | None, failure: Exception | None
) -> Auth0Unavailable | Auth0Rejected:
    where = _where(request)
    if response is None and failure is not None and _is_unknown_host(failure):
        return Auth0Unavailable(f"the host {request.url.host} is not known; {_CHECK_THE_DOMAIN}")
    if response is None:
        return Auth0Unavailable(
            f"no answer of Auth0 at {where}: {type(failure).__name__}; {_CHECK_THE_DOMAIN}, and the network"
        )
    if response.status_code == 429:
        return Auth0Unavailable(f"{where}: {_LIMIT_STAYS}")
    return Auth0Unavailable(f"{where} answered with HTTP status {response.status_code}")


def _refusal(request: httpx.Request, response: httpx.Response) -> Auth0Rejected | Auth0CredentialsRefused:
    facts = json_object(response.content)
    where = f"{request.method} {request.url.path}"
    if request.url.path.endswith("/oauth/token"):
        said = facts.get("error_description") or facts.get("error") or f"HTTP status {response.status_code}"
        return Auth0CredentialsRefused(
            f"Auth0 gives no token for the Management API: {_short(said)}. Check the client id, its secret, and that "
            f"the application is authorized for the Management API with the scopes that it needs"
        )
    message = facts.get("message") or facts.get("error") or "no message"
    code = facts.get("errorCode")
    detail = f"Auth0 refused {where} with {response.status_code}: {_short(message)}"
    if response.status_code == 403 and code == "insufficient_scope":
        return Auth0ScopeMissing(detail, scopes=_scopes_in(str(message)))
    return Auth0Rejected(
        detail, status_code=response.status_code, error_code=code if isinstance(code, str) else None
    )


def _scopes_in(message: str) -> tuple[str, ...]:
    _, _, names = message.partition("expected any of:")
    return tuple(name.strip() for name in names.split(",") if name.strip())


def _short(text: object) -> str:
    return " ".join(str(text).split())[:300]
