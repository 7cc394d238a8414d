"""gunicorn's worker with threads, in which no request may arrive slowly for ever.

gunicorn bounds how long an idle connection may last, but a request that drips in holds its thread as long as it likes.
"""

from __future__ import annotations

import socket
import sys
import time
from typing import Any

from gunicorn.glogging import Logger  # type: ignore[import-untyped]
from gunicorn.workers.gthread import ThreadWorker  # type: ignore[import-untyped]

# No Action waits longer for its answer, so nobody misses a request that takes longer to arrive.
REQUEST_ARRIVAL_LIMIT_S = 5.0


class ArrivingSocket(socket.socket):
    """A connection whose reads share one deadline for each request."""

    deadline = 0.0

    @classmethod
    def taking_over(cls, accepted: socket.socket) -> ArrivingSocket:
        """Return the same connection; the socket that was given is spent."""
        return cls(accepted.family, accepted.type, accepted.proto, fileno=accepted.detach())

    def recv(self, bufsize: int, flags: int = 0, /) -> bytes:
        """Receive. Raises TimeoutError when the deadline has passed."""
        left_s = self.deadline - time.monotonic()
        if left_s <= 0:
            raise TimeoutError("the request did not arrive in time")
        self.settimeout(left_s)
        return super().recv(bufsize, flags)


class Worker(ThreadWorker):  # type: ignore[misc]
    """Takes each connection over, and sets its deadline whenever a request begins."""

    def enqueue_req(self, conn: Any) -> None:
        """Hand a connection with a request to a thread."""
        if not isinstance(conn.sock, ArrivingSocket):
            conn.sock = ArrivingSocket.taking_over(conn.sock)
        super().enqueue_req(conn)

    def handle(self, conn: Any) -> Any:
        """Read and answer one request."""
        conn.sock.deadline = time.monotonic() + REQUEST_ARRIVAL_LIMIT_S
        return super().handle(conn)


class GunicornLogger(Logger):  # type: ignore[misc]
    """Hands gunicorn's lines to the root logger, so that they look like ours."""

    def setup(self, cfg: Any) -> None:
        """Keep no handler of gunicorn's own; each request has its access line from the application."""
        self.cfg = cfg
        self._access_log_enabled = False
        self.error_log.handlers = []
        self.error_log.propagate = True
        self.error_log.setLevel(self.LOG_LEVELS[cfg.loglevel])

    def exception(self, msg: str, *args: Any, **kwargs: Any) -> None:
        """Log a failure; a stranger who is slow is none of ours."""
        if isinstance(sys.exc_info()[1], TimeoutError):
            self.info("A request did not arrive within %s s", REQUEST_ARRIVAL_LIMIT_S)
        else:
            super().exception(msg, *args, **kwargs)
