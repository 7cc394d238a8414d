"""HTTP to Hasura: one deadline for a whole exchange, and a bounded answer.

The timeout of requests is per socket operation: an answer that drips a byte a second never meets it. Here every read,
of headers and of the body, gets what is left until the deadline. What the deadline cannot reach is the resolving of
a name; a caller that must not wait longer waits for another thread (see `group_commit`).
"""

from __future__ import annotations

import http.client
import io
import socket
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection

MAX_ANSWER_BYTES = 4 * 1024 * 1024
POOL_SIZE = 16
_CHUNK_BYTES = 64 * 1024


class AnswerTooLarge(requests.RequestException):
    """The answer is longer than anything that Hasura would say here."""


@dataclass(frozen=True)
class Deadline:
    """A moment of the monotonic clock."""

    moment: float

    @classmethod
    def after(cls, budget_s: float) -> Deadline:
        """Return the deadline that lies so many seconds ahead."""
        return cls(time.monotonic() + budget_s)

    def left_s(self) -> float:
        """Return the seconds left, never below a millisecond: zero would mean a socket that does not wait."""
        return max(self.moment - time.monotonic(), 0.001)

    def is_over(self) -> bool:
        """Tell whether the moment has passed."""
        return time.monotonic() >= self.moment


def new_session(*, headers: Mapping[str, str] | None = None) -> requests.Session:
    """Return a session with pooled, kept-alive connections, for use by several threads.

    Give a `Deadline` as the timeout of a request, and allow no redirects: a secret header would follow them.
    Proxies, .netrc and the like of the environment are not read, and no cookie is kept.
    """
    session = requests.Session()
    session.trust_env = False
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.headers.update({"Accept-Encoding": "identity", "Accept": "application/json", **(headers or {})})
    for scheme in ("http://", "https://"):
        session.mount(scheme, DeadlineAdapter(pool_connections=2, pool_maxsize=POOL_SIZE))
    return session


class _Current(threading.local):
    deadline: Deadline | None = None


# What the socket reader of a response goes by; an exchange stays in one thread from `send` to the last byte.
_current = _Current()


class _DeadlineReader(io.RawIOBase):
    """What http.client reads an answer from: each read waits until the deadline at most."""

    def __init__(self, raw: io.RawIOBase, sock: socket.socket, deadline: Deadline) -> None:
        self._raw, self._socket, self._deadline = raw, sock, deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if self._deadline.is_over():
            raise TimeoutError("the deadline of the exchange has passed")
        self._socket.settimeout(self._deadline.left_s())
        read: int | None = self._raw.readinto(buffer)
        return read

    def close(self) -> None:
        self._raw.close()
        super().close()


class _DeadlineResponse(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        if _current.deadline is not None:
            self.fp.close()
            raw = sock.makefile("rb", buffering=0)
            self.fp = io.BufferedReader(_DeadlineReader(raw, sock, _current.deadline))


class _HTTPConnection(HTTPConnection):
    response_class = _DeadlineResponse


class _HTTPSConnection(HTTPSConnection):
    response_class = _DeadlineResponse


class _HTTPPool(HTTPConnectionPool):
    ConnectionCls = _HTTPConnection


class _HTTPSPool(HTTPSConnectionPool):
    ConnectionCls = _HTTPSConnection


class DeadlineAdapter(HTTPAdapter):
    """Takes a `Deadline` as the timeout, and reads the whole answer before it returns."""

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **options: Any) -> None:
        self.poolmanager = PoolManager(num_pools=connections, maxsize=maxsize, block=block, **options)
        self.poolmanager.pool_classes_by_scheme = {"http": _HTTPPool, "https": _HTTPSPool}

    def send(  # type: ignore[override]
        self, request: requests.PreparedRequest, *, timeout: Deadline, **options: Any
    ) -> requests.Response:
        if timeout.is_over():
            raise requests.ConnectTimeout("no time left to ask", request=request)
        _current.deadline = timeout
        try:
            response = super().send(
                request, timeout=(timeout.left_s(), timeout.left_s()), **{**options, "stream": True}
            )
            response._content = _body(response)
        finally:
            _current.deadline = None
        return response


def _body(response: requests.Response) -> bytes:
    body = bytearray()
    for chunk in response.raw.stream(_CHUNK_BYTES, decode_content=False):
        body += chunk
        if len(body) > MAX_ANSWER_BYTES:
            response.close()
            raise AnswerTooLarge("the answer is too long", response=response)
    return bytes(body)
