"""A small HTTP server in Hasura's place, to make faults at the socket that a real engine cannot be made to have."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

ANSWERS_IN_FULL = "answers"
HANGS = "hangs"
DRIPS = "drips"
CUTS_OFF = "cuts off"
RESETS = "resets"
_TICK_S = 0.02


@dataclass
class FakeHasura:
    """Answers every request by its present behaviour; `requests` are the raw bytes that came in."""

    url: str = ""
    behaviour: str = ANSWERS_IN_FULL
    status: str = "200 OK"
    content_type: str = "application/json"
    body: bytes | None = None
    blocked: bool = False
    deleted_at: str | None = None
    grants: tuple[str, ...] = ()
    requests: list[bytes] = field(default_factory=list)
    _ending: threading.Event = field(default_factory=threading.Event)

    @property
    def writes(self) -> list[dict[str, Any]]:
        """The rows that were sent to be written, in order."""
        bodies = [json.loads(raw.partition(b"\r\n\r\n")[2]) for raw in self.requests if b"/v1/graphql" in raw]
        return [row for body in bodies for row in body["variables"]["objects"]]

    def serve(self, connection: socket.socket) -> None:
        """Answer requests on one connection until it closes."""
        with contextlib.suppress(OSError), connection:
            connection.settimeout(10)
            while (request := _read_request(connection)) is not None:
                self.requests.append(request)
                self._answer(connection, request)

    def end(self) -> None:
        """Let go of every connection that hangs."""
        self._ending.set()

    def _answer(self, connection: socket.socket, request: bytes) -> None:
        if self.behaviour == RESETS:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
            raise OSError("reset")
        if self.behaviour == HANGS:
            self._ending.wait()
            raise OSError("ended")
        body = self.body if self.body is not None else self._row(request)
        head = f"HTTP/1.1 {self.status}\r\nContent-Type: {self.content_type}\r\nContent-Length: {len(body)}\r\n\r\n"
        if self.behaviour == CUTS_OFF:
            connection.sendall(head.encode() + body[: len(body) // 2])
            raise OSError("cut off")
        if self.behaviour == DRIPS:
            for byte in head.encode() + body:
                connection.sendall(bytes([byte]))
                if self._ending.wait(_TICK_S):
                    raise OSError("ended")
        else:
            connection.sendall(head.encode() + body)

    def _row(self, request: bytes) -> bytes:
        head, _, body = request.partition(b"\r\n\r\n")
        if b"/v1/graphql" not in head:
            return b"OK"
        rows = [
            {
                "userId": row["userId"],
                "writeId": row["writeId"],
                "blocked": self.blocked,
                "deletedAt": self.deleted_at,
                "roles": [{"role": role} for role in self.grants],
            }
            for row in json.loads(body)["variables"]["objects"]
        ]
        return json.dumps({"data": {"insert_users": {"returning": rows}}}).encode()


@contextlib.contextmanager
def running_fake_hasura() -> Iterator[FakeHasura]:
    """Serve on a free port of loopback inside the block."""
    listener = socket.create_server(("127.0.0.1", 0))
    fake = FakeHasura(url=f"http://127.0.0.1:{listener.getsockname()[1]}")
    threads: list[threading.Thread] = []

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                threads.append(threading.Thread(target=fake.serve, args=(connection,), daemon=True))
                threads[-1].start()

    acceptor = threading.Thread(target=accept, daemon=True)
    acceptor.start()
    yield fake
    fake.end()
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    acceptor.join(5)


def _read_request(connection: socket.socket) -> bytes | None:
    received = b""
    while b"\r\n\r\n" not in received:
        chunk = connection.recv(65536)
        if not chunk:
            return None
        received += chunk
    head, _, body = received.partition(b"\r\n\r\n")
    lengths = [
        line.split(b":")[1] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")
    ]
    missing = int(lengths[0]) - len(body) if lengths else 0
    while missing > 0:
        chunk = connection.recv(65536)
        if not chunk:
            return None
        received += chunk
        missing -= len(chunk)
    return received
