"""A server that misbehaves on purpose: each connection is handed, as a socket, to a function."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Callable
from typing import Any, Self

Behaviour = Callable[[socket.socket, threading.Event], None]


class FaultyServer:
    """Listens on loopback while the `with` block runs. A behaviour gets the socket and the event of the end."""

    def __init__(self, behaviour: Behaviour) -> None:
        self._behaviour = behaviour
        self._over = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads = [threading.Thread(target=self._accept)]
        self.connections = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(10)

    def _accept(self) -> None:
        while not self._over.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            thread = threading.Thread(target=self._serve, args=[connection])
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            self._behaviour(connection, self._over)


def read_request(connection: socket.socket) -> bytes:
    """Return one request; empty when the other side has closed."""
    received = bytearray()
    while b"\r\n\r\n" not in received:
        chunk = connection.recv(65536)
        if not chunk:
            return b""
        received += chunk
    head, _, body = received.partition(b"\r\n\r\n")
    length = next(
        (int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0
    )
    while len(body) < length:
        body += connection.recv(65536)
    return bytes(head + b"\r\n\r\n" + body)


def answer(body: bytes | str, status: str = "200 OK", *headers: str, length: int | None = None) -> bytes:
    """Return a whole HTTP answer."""
    content = body if isinstance(body, bytes) else body.encode()
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(content) if length is None else length}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + content


def says(body: bytes | str, status: str = "200 OK", *headers: str, length: int | None = None) -> Behaviour:
    """Answer every request of a connection alike; a wrong `length` ends the connection after the answer."""

    def behave(connection: socket.socket, _over: threading.Event) -> None:
        while read_request(connection):
            connection.sendall(answer(body, status, *headers, length=length))
            if length is not None:
                return

    return behave


def refuses(code: str, message: str = "no", path: str = "$.selectionSet.insert_users") -> Behaviour:
    """Answer with an error of Hasura's shape."""
    return says(graphql_error(code, message, path))


def graphql_error(code: str, message: str, path: str) -> str:
    return json.dumps({"errors": [{"message": message, "extensions": {"path": path, "code": code}}]})


def drips(text: bytes, every_s: float) -> Behaviour:
    """Answer a byte at a time."""

    def behave(connection: socket.socket, over: threading.Event) -> None:
        read_request(connection)
        for index in range(len(text)):
            connection.sendall(text[index : index + 1])
            if over.wait(every_s):
                return

    return behave


def hangs(connection: socket.socket, over: threading.Event) -> None:
    """Take the request and say nothing."""
    read_request(connection)
    over.wait()


def resets(connection: socket.socket, _over: threading.Event) -> None:
    """Close without an answer."""
    read_request(connection)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")


def written(*user_ids: str, **overrides: Any) -> str:
    """Return the answer to a check-in."""
    rows = [
        {"userId": user_id, "blocked": False, "deletedAt": None, "roles": [], **overrides}
        for user_id in user_ids
    ]
    return json.dumps({"data": {"insert_users": {"returning": rows}}})
