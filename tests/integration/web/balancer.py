"""A small TCP balancer: each connection goes to a service that takes it, and is kept to its end."""

from __future__ import annotations

import contextlib
import itertools
import socket
import threading
from types import TracebackType
from typing import Self

CHUNK = 65536


class Balancer:
    """Listens on `port`; `ports` are those of the services, and may change at any time."""

    def __init__(self) -> None:
        self.ports: list[int] = []
        self.refused = 0  # connections that no service took
        self._turns = itertools.count()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port = self._listener.getsockname()[1]
        self._open: list[socket.socket] = []

    @property
    def url(self) -> str:
        """Where clients connect to."""
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        for each in (self._listener, *self._open):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        service = self._dial()
        if service is None:
            self.refused += 1
            client.close()
            return
        self._open += [client, service]
        for source, sink in ((client, service), (service, client)):
            threading.Thread(target=_pass, args=(source, sink), daemon=True).start()

    def _dial(self) -> socket.socket | None:
        ports, turn = list(self.ports), next(self._turns)
        for number in range(len(ports)):
            with contextlib.suppress(ConnectionRefusedError):
                return socket.create_connection(("127.0.0.1", ports[(turn + number) % len(ports)]))
        return None


def _pass(source: socket.socket, sink: socket.socket) -> None:
    try:
        while received := source.recv(CHUNK):
            sink.sendall(received)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        # A reset on one side is one on the other: whoever is cut off shall see it.
        with contextlib.suppress(OSError):
            sink.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
            sink.close()
