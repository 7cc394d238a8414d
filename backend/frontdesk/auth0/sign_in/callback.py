"""The loopback address at which a login ends: one answer with our state, and nothing else, within a limit.

Source: RFC 8252, section 7.3.
"""

from __future__ import annotations

import hmac
import queue
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs, urlsplit

from frontdesk.errors import Auth0Unavailable, PortTaken

HOST, PATH = "127.0.0.1", "/callback"
SILENT_CONNECTION_S = 5.0  # browsers open connections that they do not use
_PAGE = b"<!doctype html><meta charset=utf-8><title>frontdesk</title><p>%s You can close this window."


class CallbackServer:
    """Listens inside the `with` block. Requests with another state than ours are answered, and not believed."""

    def __init__(self, port: int, state: str) -> None:
        self._answers: queue.SimpleQueue[Mapping[str, str]] = queue.SimpleQueue()
        try:
            self._server = _Server((HOST, port), _handler(state, self._answers))
        except OSError as error:
            raise PortTaken(
                f"the login cannot end at http://{HOST}:{port}{PATH}: {error.strerror}; end the program that listens "
                f"there, or use --device"
            ) from None
        self.url = f"http://{HOST}:{self._server.server_address[1]}{PATH}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})

    def __enter__(self) -> CallbackServer:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def wait(self, limit_s: float) -> Mapping[str, str]:
        """Return the parameters of the callback. Raises Auth0Unavailable when none comes in time."""
        try:
            return self._answers.get(timeout=limit_s)
        except queue.Empty:
            raise Auth0Unavailable(
                f"nobody came back from the login within {limit_s:.0f} s; begin again, and look that {self.url} is an "
                "allowed callback URL of the application"
            ) from None


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # A port that another program listens on is not shared with it.
    allow_reuse_port = False
    block_on_close = False

    def handle_error(self, *_: Any) -> None:
        """Say nothing of requests that are none: any page in the browser can send them, and a login goes on."""


def _handler(state: str, answers: queue.SimpleQueue[Mapping[str, str]]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = SILENT_CONNECTION_S

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            given = {name: values[0] for name, values in parse_qs(parts.query).items() if len(values) == 1}
            if parts.path != PATH:
                self._say(404, b"There is nothing here.")
            elif not hmac.compare_digest(given.get("state", "").encode(), state.encode()):
                self._say(400, b"This is not the answer to a login that began here.")
            elif "code" in given:
                self._say(200, b"You are logged in.")
                answers.put(given)
            else:
                self._say(200, b"The login was refused; the terminal says why.")
                answers.put(given)

        def _say(self, status: int, text: bytes) -> None:
            body = _PAGE % text
            self.send_response(status)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Cache-Control", "no-store")
            self.send_header("Referrer-Policy", "no-referrer")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Say nothing: the path holds the code."""

    return Handler
