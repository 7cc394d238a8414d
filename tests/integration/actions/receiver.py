"""A receiver of the Action's call over a real socket: records the raw bytes, answers well, or misbehaves on purpose."""

from __future__ import annotations

import gzip
import json
import socket
import struct
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

READ_LIMIT_S = 20.0
PAUSE_BETWEEN_DRIPS_S = 0.02


@dataclass(frozen=True)
class Request:
    """One request as it came over the wire; header names in lower case."""

    head: bytes
    body: bytes

    @property
    def line(self) -> str:
        """The request line."""
        return self.head.split(b"\r\n", 1)[0].decode()

    @property
    def headers(self) -> dict[str, str]:
        """The headers by lower-case name."""
        pairs = (line.split(":", 1) for line in self.head.decode().split("\r\n")[1:] if line)
        return {name.strip().lower(): value.strip() for name, value in pairs}

    @property
    def json(self) -> Any:
        """The body, parsed."""
        return json.loads(self.body)


Behaviour = Callable[["Receiver", socket.socket], None]


@dataclass
class Receiver:
    """Listens inside the `with` block and treats each request by `behaviour`."""

    behaviour: Behaviour
    requests: list[Request] = field(default_factory=list)
    stopped: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Receiver:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._connections: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopped.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        for connection in self._connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(READ_LIMIT_S)
        self._listener.close()

    @property
    def url(self) -> str:
        """Base URL of this receiver."""
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    @property
    def only_request(self) -> Request:
        """The one request that came."""
        (request,) = self.requests
        return request

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.settimeout(READ_LIMIT_S)
            self._connections.append(connection)
            self._threads.append(threading.Thread(target=self._serve, args=[connection]))
            self._threads[-1].start()

    def _serve(self, connection: socket.socket) -> None:
        # A client that leaves in the middle is what many tests are about.
        with connection, suppress(OSError):
            while (request := _read_request(connection)) is not None:
                self.requests.append(request)
                self.behaviour(self, connection)


def _read_request(connection: socket.socket) -> Request | None:
    read = b""
    while b"\r\n\r\n" not in read:
        if not (more := connection.recv(65536)):
            return None
        read += more
    head, _, body = read.partition(b"\r\n\r\n")
    length = int(Request(head, b"").headers.get("content-length", "0"))
    while len(body) < length:
        if not (more := connection.recv(65536)):
            return None
        body += more
    return Request(head, body)


def answers(
    content: object = None, *, status: str = "200 OK", headers: Mapping[str, str] | None = None
) -> Behaviour:
    """Answer with `content`: bytes as they are, anything else as JSON; by default an empty `allow`."""
    if content is None:
        content = {"decision": "allow", "reason": None, "synced": True, "access_token": {}, "id_token": {}}
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    lines = [f"{name}: {value}" for name, value in {"content-length": len(body), **(headers or {})}.items()]
    head = "\r\n".join([f"HTTP/1.1 {status}", *lines, "", ""]).encode()
    return lambda _, connection: connection.sendall(head + body)


def gzipped(content: bytes) -> Behaviour:
    """Answer with `content`, compressed."""
    return answers(gzip.compress(content), headers={"content-encoding": "gzip"})


def sends(raw: bytes) -> Behaviour:
    """Answer with these raw bytes, then stay silent until the client leaves."""

    def behave(receiver: Receiver, connection: socket.socket) -> None:
        connection.sendall(raw)
        hangs(receiver, connection)

    return behave


def closes_after(raw: bytes) -> Behaviour:
    """Answer with these raw bytes, then close the connection."""

    def behave(_: Receiver, connection: socket.socket) -> None:
        connection.sendall(raw)
        connection.shutdown(socket.SHUT_RDWR)

    return behave


def hangs(_: Receiver, connection: socket.socket) -> None:
    """Say nothing until the client leaves."""
    while connection.recv(65536):
        pass


def resets(_: Receiver, connection: socket.socket) -> None:
    """Tear the connection down with a TCP reset."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def drips(receiver: Receiver, connection: socket.socket) -> None:
    """Answer correctly, but a byte at a time, for far longer than any deadline."""
    connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n")
    while not receiver.stopped.wait(PAUSE_BETWEEN_DRIPS_S):
        connection.sendall(b" ")


def floods(receiver: Receiver, connection: socket.socket) -> None:
    """Answer without end, as fast as the client reads."""
    connection.sendall(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
    while not receiver.stopped.is_set():
        connection.sendall(b"10000\r\n" + b" " * 0x10000 + b"\r\n")


def nobody_listens() -> str:
    """Return a URL on a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}"
