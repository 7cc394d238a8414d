"""The real application over a socket, in a thread, with a small server in Hasura's place."""

from __future__ import annotations

import contextlib
import functools
import io
import json
import logging
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
import requests
import structlog
from psycopg.rows import DictRow, dict_row
from tests.builders import a_hook_body, a_signed_call, an_environment
from tests.integration.hasura.engine import ADMIN_SECRET, JWT_SECRET, Engine
from tests.integration.web.fake_hasura import FakeHasura, running_fake_hasura
from werkzeug.serving import WSGIRequestHandler, make_server

from frontdesk.logs import configure_logging
from frontdesk.settings import load_settings
from frontdesk.web.app import create_app
from localhasura.server import LocalHasura

Rows = psycopg.Connection[DictRow]
TIMEOUT_S = 20.0
POLL_S = 0.02  # how often the server looks whether it should end


@dataclass(frozen=True)
class Desk:
    """A running frontdesk, and what it logs."""

    url: str
    log: io.StringIO

    def post_login(
        self, body: bytes | Mapping[str, Any] | None = None, *, tenant: str = "default", **signing: Any
    ) -> requests.Response:
        """Send one signed call, as the Action does."""
        raw, headers = a_signed_call(a_hook_body() if body is None else body, **signing)
        return self.post(raw, headers, tenant=tenant)

    def post(self, body: Any, headers: Mapping[str, str], *, tenant: str = "default") -> requests.Response:
        """Send a call with these very headers."""
        return requests.post(
            f"{self.url}/hooks/{tenant}/post-login", data=body, headers=dict(headers), timeout=TIMEOUT_S
        )

    def get(self, path: str, **headers: str) -> requests.Response:
        """Read one page."""
        return requests.get(self.url + path, headers=headers, timeout=TIMEOUT_S)

    def logged(self, event: str) -> list[dict[str, Any]]:
        """Return the log entries of one event."""
        entries = [json.loads(line) for line in self.log.getvalue().splitlines()]
        return [entry for entry in entries if entry["event"] == event]


StartDesk = Callable[..., Desk]


class _SilentHandler(WSGIRequestHandler):
    """Says nothing of its own: what is logged in a test is frontdesk's."""

    def log(self, type: str, message: str, *args: Any) -> None:
        """Log nothing."""


@pytest.fixture
def hasura() -> Iterator[FakeHasura]:
    """A server in Hasura's place that answers as one that works."""
    with running_fake_hasura() as fake:
        yield fake


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """What is logged in this test, as JSON lines; logging is as before afterwards."""
    root = logging.getLogger()
    before = (root.handlers[:], root.level)
    stream = io.StringIO()
    configure_logging("debug", "json", stream)
    yield stream
    root.handlers[:], root.level = before[0], before[1]
    structlog.reset_defaults()


@pytest.fixture
def start_desk(hasura: FakeHasura, log: io.StringIO, tmp_path: Path) -> Iterator[StartDesk]:
    """Start frontdesk with the settings of the tests and some changes."""
    with contextlib.ExitStack() as stack:

        def start(**changes: str) -> Desk:
            settings = load_settings(an_environment(**{"HASURA_URL": hasura.url, **changes}), tmp_path)
            server = make_server(
                "127.0.0.1", 0, create_app(settings), threaded=True, request_handler=_SilentHandler
            )
            thread = threading.Thread(target=server.serve_forever, args=(POLL_S,), daemon=True)
            thread.start()
            stack.callback(thread.join, 5)
            stack.callback(server.server_close)
            stack.callback(server.shutdown)
            return Desk(f"http://127.0.0.1:{server.server_port}", log)

        yield start


@pytest.fixture
def desk(start_desk: StartDesk) -> Desk:
    """A running frontdesk with default settings."""
    return start_desk()


@pytest.fixture
def unreachable_url() -> Iterator[str]:
    """The URL of a port that refuses connections: it is bound, so nobody else takes it, and nobody listens."""
    with contextlib.closing(socket.socket()) as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"


@pytest.fixture
def engine(deployed_url: str) -> Iterator[Engine]:
    """A running engine with our project."""
    with LocalHasura(database_url=deployed_url, admin_secret=ADMIN_SECRET, jwt_secret=JWT_SECRET) as hasura:
        engine = Engine(hasura.url)
        yield engine
        engine.close()


@pytest.fixture
def start_desk_at_engine(start_desk: StartDesk, engine: Engine) -> StartDesk:
    """Start frontdesk with the engine behind it, and with time enough for a busy machine."""
    return functools.partial(
        start_desk,
        HASURA_URL=engine.url,
        HASURA_ADMIN_SECRET=ADMIN_SECRET,
        LOGIN_BUDGET_S="4.5",
        ACTION_DEADLINE_MS="5000",
    )


@pytest.fixture
def rows(deployed_url: str, engine: Engine) -> Iterator[Rows]:
    """The database below the engine."""
    with psycopg.connect(deployed_url, autocommit=True, row_factory=dict_row) as connection:
        yield connection
