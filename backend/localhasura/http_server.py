"""waitress with limits in time: for a request to arrive, and for an answer to be taken; and with the status 101.

waitress closes connections that are idle, but a client that sends a byte now and then is never idle, and one that reads
nothing of a long answer holds a thread for ever.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, cast

from waitress.adjustments import Adjustments
from waitress.channel import HTTPChannel
from waitress.server import TcpWSGIServer
from waitress.task import ErrorTask, ThreadedTaskDispatcher, WSGITask

from localhasura.errors import EngineError
from localhasura.jsontext import compact

KEEP_ALIVE_S = 30
"""Hasura closes idle connections after the same time."""
MAX_CONNECTIONS = 1000
MAX_HEADER_BYTES = 64 * 1024
_CHECK_INTERVAL_S = 1
_ONE_PIECE_BYTES = 64 * 1024
"""Up to this size a body is sent together with its head."""

Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class _Task(WSGITask):
    """Lets an application switch protocols, which WSGI has no words for; the connection ends with the body."""

    def build_response_header(self) -> bytes:
        if not self._switches:
            return super().build_response_header()
        self.close_on_finish = True
        lines = [f"HTTP/1.1 {self.status}", "Connection: Upgrade", "Upgrade: websocket"]
        lines += [f"{name}: {value}" for name, value in self.response_headers]
        return "\r\n".join([*lines, "", ""]).encode("latin-1")

    def write(self, data: bytes) -> None:
        if not (self._switches or self._is_small_and_whole(data)):
            super().write(data)
        elif data or not self.wrote_header:
            # In one piece: a client may speak as soon as it has the head, and then it must have the rest as well.
            head = b"" if self.wrote_header else self.build_response_header()
            self.wrote_header = True
            self.content_bytes_written += len(data)
            self.channel.write_soon(head + data)

    def _is_small_and_whole(self, data: bytes) -> bool:
        """Whether this is all of a body that is sent together with its head: a client then wakes once."""
        is_whole = not self.wrote_header and len(data) == self.content_length
        return is_whole and self.has_body and 0 < len(data) <= _ONE_PIECE_BYTES

    @property
    def _switches(self) -> bool:
        return bool(self.status.startswith("101"))


class _ErrorTask(ErrorTask):
    """Tells what is wrong with a request before an application sees it, in the shape of all other errors."""

    def execute(self) -> None:
        fault = cast(Any, self.request).error
        self.status = f"{fault.code} {fault.reason}"
        body = compact(EngineError("bad-request", fault.body).plain()).encode()
        self.response_headers = [("Content-Type", "application/json; charset=utf-8")]
        self.set_close_on_finish()
        self.content_length = len(body)
        self.write(body)


class _Channel(HTTPChannel):
    """A connection that knows since when a request is arriving."""

    task_class = _Task
    error_task_class = _ErrorTask
    arriving_since: float | None = None

    def received(self, data: bytes) -> bool:
        taken: bool = super().received(data)
        if self.request is None:
            self.arriving_since = None
        elif self.arriving_since is None:
            self.arriving_since = time.time()
        return taken

    # waitress notes activity when a request arrives and when a whole flush ends; a statement, or a flush to a slow
    # reader, may take longer than any limit on a reader who takes nothing.

    def write_soon(self, data: Any) -> int:
        self.last_activity = time.time()
        return int(super().write_soon(data))

    def send(self, data: bytes, do_close: bool = True) -> int:
        sent = int(super().send(data, do_close))
        if sent:
            self.last_activity = time.time()
        return sent


class _Server(TcpWSGIServer):
    channel_class = _Channel
    receive_limit_s: float = KEEP_ALIVE_S
    send_limit_s: float = KEEP_ALIVE_S

    def maintenance(self, now: float) -> None:
        # waitress's hints take the time for whole seconds, and the open connections for one of them.
        super().maintenance(cast(int, now))
        channels: Mapping[int, _Channel] = cast(Any, self.active_channels)
        for channel in list(channels.values()):
            since = channel.arriving_since
            late = since is not None and now - since > self.receive_limit_s
            stuck = channel.total_outbufs_len > 0 and now - channel.last_activity > self.send_limit_s
            if late or stuck:
                channel.handle_close()


def serve(
    application: Wsgi,
    *,
    host: str,
    port: int,
    threads: int,
    max_body_bytes: int,
    receive_limit_s: float,
    send_limit_s: float,
) -> TcpWSGIServer | None:
    """Return a server that listens, or None when the host is more than one address."""
    settings = Adjustments(
        host=host,
        port=port,
        threads=threads,
        channel_timeout=KEEP_ALIVE_S,
        cleanup_interval=_CHECK_INTERVAL_S,
        connection_limit=MAX_CONNECTIONS,
        # select() knows 1024 descriptors at most.
        asyncore_use_poll=True,
        max_request_header_size=MAX_HEADER_BYTES,
        max_request_body_size=max_body_bytes,
        ident=None,
    )
    if len(settings.listen) != 1:
        return None
    dispatcher = ThreadedTaskDispatcher()
    dispatcher.set_thread_count(threads)
    server = _Server(
        application, {}, dispatcher=dispatcher, adj=settings, sockinfo=cast(Any, settings.listen[0])
    )
    server.receive_limit_s, server.send_limit_s = receive_limit_s, send_limit_s
    return server
