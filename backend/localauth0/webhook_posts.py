"""Posts to receivers of the tenant's streams; what became of a request is told, never raised."""

from __future__ import annotations

import contextlib
import http.client
import ipaddress
import socket
import ssl
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from localauth0.delivery_faults import Fate

_MAX_ANSWER_BYTES = 64 * 1024
_NOTHING_HAPPENS = Fate()


@dataclass(frozen=True)
class Outcome:
    """What became of a request: the status of its answer, or why there is none."""

    status: int | None = None
    fault: str | None = None

    @property
    def is_success(self) -> bool:
        """Whether the receiver has acknowledged with a 2xx."""
        return self.status is not None and 200 <= self.status < 300

    def __str__(self) -> str:
        return self.fault if self.fault is not None else f"HTTP {self.status}"


def is_this_machine(url: str) -> bool:
    """Whether the address is on loopback, by its name alone."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def is_receiver(url: object) -> bool:
    """Whether a stream may have that address: https, or plain http to this machine, where nobody has a certificate."""
    try:
        parts = urlsplit(url) if isinstance(url, str) else None
    except ValueError:
        return False
    if parts is None or not parts.hostname:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and is_this_machine(str(url)))


class WebhookPosts:
    """One sender's connection: a request at a time, and each on a connection of its own.

    `close`, from another thread, ends a request under way.
    """

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._connection: http.client.HTTPConnection | None = None

    def deliver(
        self, url: str, headers: Mapping[str, str], body: bytes, fate: Fate = _NOTHING_HAPPENS
    ) -> Outcome:
        """Post the body, with what `fate` adds to it. Redirects are not followed."""
        if fate.delay_s:
            self._closed.wait(fate.delay_s)
        if fate.cannot_connect:
            return Outcome(fault="nobody was reached, as the faults of the tenant want it")
        for _ in range(fate.copies):
            outcome = self._post(url, headers, body)
        if fate.drops_answer:
            return Outcome(fault="the answer was lost, as the faults of the tenant want it")
        return outcome

    def close(self) -> None:
        """End a request under way; later ones fail at once."""
        self._closed.set()
        with self._lock:
            sock = self._connection.sock if self._connection is not None else None
        if sock is not None:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def _post(self, url: str, headers: Mapping[str, str], body: bytes) -> Outcome:
        parts = urlsplit(url)
        target = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
        try:
            connection = self._connected(parts.scheme, parts.hostname or "", parts.port)
            try:
                connection.request("POST", target, body, {**headers, "Connection": "close"})
                answer = connection.getresponse()
                answer.read(_MAX_ANSWER_BYTES)
                return Outcome(status=answer.status)
            finally:
                with self._lock:
                    self._connection = None
                connection.close()
        except (OSError, http.client.HTTPException, ValueError) as err:
            return Outcome(fault=f"{type(err).__name__}: {err}")

    def _connected(self, scheme: str, host: str, port: int | None) -> http.client.HTTPConnection:
        """A connection that `close` can end. Raises OSError."""
        connection: http.client.HTTPConnection
        if scheme == "https":
            context = ssl.create_default_context()
            connection = http.client.HTTPSConnection(host, port, timeout=self._timeout_s, context=context)
        else:
            connection = http.client.HTTPConnection(host, port, timeout=self._timeout_s)
        with self._lock:
            if self._closed.is_set():
                raise OSError("the sender has been closed")
            self._connection = connection
        try:
            connection.connect()
        except OSError:
            with self._lock:
                self._connection = None
            connection.close()
            raise
        return connection
