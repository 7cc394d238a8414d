"""A way to PostgreSQL that can stop: connections stay open, and nothing passes any more."""

from __future__ import annotations

import contextlib
import socket
import threading
from types import TracebackType
from urllib.parse import urlsplit, urlunsplit

CHUNK = 65536


class StalledProxy:
    """Passes bytes on to the server of a URL until `stall`, or until `after` was in what a client sent."""

    def __init__(self, server_url: str, *, after: bytes | None = None) -> None:
        parts = urlsplit(server_url)
        self._target = (parts.hostname or "127.0.0.1", parts.port or 5432)
        self._after = after
        self._passes = threading.Event()
        self._passes.set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._sockets: list[socket.socket] = []
        self._ended = False
        user = parts.netloc.rpartition("@")[0]
        port = self._listener.getsockname()[1]
        self.url = urlunsplit(
            parts._replace(netloc=f"{user}@127.0.0.1:{port}" if user else f"127.0.0.1:{port}")
        )

    @property
    def stalled(self) -> bool:
        """Say whether nothing passes."""
        return not self._passes.is_set()

    def stall(self) -> None:
        """Let nothing pass any more, of new connections either."""
        self._passes.clear()

    def resume(self) -> None:
        """Let everything pass again."""
        self._passes.set()

    def __enter__(self) -> StalledProxy:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._ended = True
        self._passes.set()
        for each in (self._listener, *self._sockets):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(self._target)
            self._sockets += [client, server]
            for source, sink, watched in ((client, server, self._after), (server, client, None)):
                threading.Thread(target=self._pass, args=(source, sink, watched), daemon=True).start()

    def _pass(self, source: socket.socket, sink: socket.socket, watched: bytes | None) -> None:
        with contextlib.suppress(OSError):
            while received := source.recv(CHUNK):
                if watched is not None and watched in received:
                    self.stall()
                self._passes.wait()
                if self._ended:
                    return
                sink.sendall(received)
        for each in (source, sink):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
