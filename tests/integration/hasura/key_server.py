"""A real HTTP or HTTPS server in the place of a provider's key endpoint: what it answers is set path by path."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self


@dataclass(frozen=True, kw_only=True)
class Page:
    """One answer: its status, body (text, or JSON of anything else), headers. `hangs` never ends the answer."""

    body: Any = ""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    hangs: bool = False


class _SilentServer(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that hang up: a test makes them do so."""


class KeyServer:
    """Serves `pages` on loopback; `asked` are the Host header and path of each request."""

    def __init__(self, pages: Mapping[str, Page], *, certificate: Path | None = None) -> None:
        self.pages, self.asked = dict(pages), list[tuple[str, str]]()
        self._ended = threading.Event()
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                owner.asked.append((self.headers["Host"], self.path))
                owner._answer(self, owner.pages.get(self.path.partition("?")[0], Page(status=404)))

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = _SilentServer(("127.0.0.1", 0), Handler)
        scheme = "http"
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self._server.socket = context.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
            scheme = "https"
        self.port = self._server.server_address[1]
        self.url = f"{scheme}://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    def _answer(self, handler: BaseHTTPRequestHandler, page: Page) -> None:
        body = (page.body if isinstance(page.body, str) else json.dumps(page.body)).encode()
        handler.send_response(page.status)
        for name, value in page.headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(body) + page.hangs))
        handler.end_headers()
        handler.wfile.write(body)
        if page.hangs:
            self._ended.wait(30)
