"""gunicorn's worker with threads, in which no request may arrive slowly for ever.

gunicorn bounds how long an idle connection may last, but a request that drips in holds its thread as long as it likes.
What is no HTTP gets a problem document like every other error; and a worker that stops takes the connections that
wait for it and then lets go of the address, so that nobody waits for a service that is going.
"""

from __future__ import annotations

import select
import signal
import socket
import sys
import time
import uuid
from contextlib import suppress
from http import HTTPStatus
from typing import Any

import structlog
from gunicorn.glogging import Logger  # type: ignore[import-untyped]
from gunicorn.util import write_nonblock  # type: ignore[import-untyped]
from gunicorn.workers.gthread import ThreadWorker  # type: ignore[import-untyped]

from frontdesk.web.live_secrets import EXTENSION
from frontdesk.web.malformed import answer_without_application, is_malformed, malformed_status

_log = structlog.stdlib.get_logger(__name__)

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

    def init_signals(self) -> None:
        """Take SIGHUP as the word that secrets changed; it would end the process otherwise."""
        super().init_signals()
        signal.signal(signal.SIGHUP, self._handle_hup)
        signal.siginterrupt(signal.SIGHUP, False)

    def _handle_hup(self, *_: object) -> None:
        application = getattr(
            self, "wsgi", None
        )  # not there yet while the process starts, and reads them anyway
        live = getattr(application, "extensions", {}).get(EXTENSION)
        if live is not None:
            live.read_again()

    def enqueue_req(self, conn: Any) -> None:
        """Hand a connection with a request to a thread."""
        if not isinstance(conn.sock, ArrivingSocket):
            conn.sock = ArrivingSocket.taking_over(conn.sock)
        super().enqueue_req(conn)

    def handle(self, conn: Any) -> Any:
        """Read and answer one request."""
        conn.sock.deadline = time.monotonic() + REQUEST_ARRIVAL_LIMIT_S
        return super().handle(conn)

    def set_accept_enabled(self, enabled: bool) -> None:
        """Begin or end accepting; a worker that stops leaves nobody in the queue of its address."""
        super().set_accept_enabled(enabled)
        if enabled or self.alive:
            return
        for listener in self.sockets:
            while select.select([listener], [], [], 0)[0]:
                self.accept(listener)
            listener.close()

    def handle_error(self, req: Any, client: Any, addr: Any, exc: BaseException) -> None:
        """Answer a request that does not reach the application; nothing of it is repeated, here or in the log."""
        request_id = uuid.uuid4().hex
        if is_malformed(exc):
            status = malformed_status(exc)
            _log.warning(
                "request.malformed", fault=type(exc).__name__, status=status.value, request_id=request_id
            )
        else:
            status = HTTPStatus.INTERNAL_SERVER_ERROR
            _log.error("request.failed", request_id=request_id, exc_info=exc)
        with suppress(OSError):  # who sends such things may well be gone
            write_nonblock(client, answer_without_application(status, request_id))


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
