"""Clients that ask for much and take nothing, or go away: what they held is free again within a limit."""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import psycopg
import pytest
import requests
from tests.integration.localhasura.client import ADMIN_SECRET

from localhasura import LocalHasura
from localhasura.config import Options

WAIT_S = 20.0
SEND_LIMIT_S = 1.0
STATEMENT_LIMIT_S = 3.0
THREADS = 2
"""Of the engine, and so its connections to the database: a few clients would use up what they keep."""
HEADERS = {"X-Hasura-Admin-Secret": ADMIN_SECRET}
LARGE = "SELECT n AS id, repeat('x', 1000000) AS line FROM generate_series(1, 12) AS n"
LARGE_BYTES = 12_000_000
"""More than the buffers of both ends of a connection take."""


@pytest.fixture
def engine(database_url: str) -> Iterator[LocalHasura]:
    """An engine of few threads and short limits, with a view of many bytes and one that takes long."""
    options = Options(
        database_url=database_url,
        port=0,
        admin_secret=ADMIN_SECRET,
        statement_timeout_s=STATEMENT_LIMIT_S,
        send_limit_s=SEND_LIMIT_S,
        threads=THREADS,
    )
    with LocalHasura.from_options(options) as running:
        sql = f"CREATE VIEW large AS {LARGE}; CREATE VIEW slow AS SELECT 1 AS id, pg_sleep(30)::text AS nap"
        post(running, "/v2/query", {"type": "run_sql", "args": {"sql": sql}})
        for name in ("large", "slow"):
            post(running, "/v1/metadata", {"type": "pg_track_table", "args": {"table": name}})
        yield running


def post(engine: LocalHasura, path: str, body: Any) -> Any:
    response = requests.post(engine.url + path, json=body, headers=HEADERS, timeout=WAIT_S)
    response.raise_for_status()
    return response.json()


def send(engine: LocalHasura, query: str, *, room: int = 4096) -> socket.socket:
    """Return a connection over which the query was sent, with `room` bytes for what has not been read yet."""
    body = json.dumps({"query": query}).encode()
    head = f"POST /v1/graphql HTTP/1.1\r\nHost: x\r\nX-Hasura-Admin-Secret: {ADMIN_SECRET}\r\n"
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, room)
    raw.settimeout(WAIT_S)
    raw.connect(("127.0.0.1", engine.port))
    raw.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
    return raw


def until(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline:
        if condition():
            return True
        threading.Event().wait(0.05)
    return False


def is_open(engine: LocalHasura, client: socket.socket) -> bool:
    """Whether the engine, which runs in this process, still has its end of the client's connection."""
    for number in os.listdir("/dev/fd"):
        with suppress(OSError), socket.socket(fileno=os.dup(int(number))) as found:
            if found.getpeername() == client.getsockname() and found.getsockname()[1] == engine.port:
                return True
    return False


def in_use(database_url: str) -> int:
    """Return how many of the database's connections are at work, or hold a transaction."""
    statement = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
        "AND pid <> pg_backend_pid() AND state <> 'idle'"
    )
    with psycopg.connect(database_url, autocommit=True) as watcher:
        row = watcher.execute(statement).fetchone()
    return 0 if row is None else int(row[0])


def answers(engine: LocalHasura) -> bool:
    return bool(
        post(engine, "/v1/graphql", {"query": "{large(limit: 1) {id}}"}) == {"data": {"large": [{"id": 1}]}}
    )


def test_a_client_that_takes_nothing_of_a_large_answer_is_let_go(
    engine: LocalHasura, database_url: str
) -> None:
    stuck = [send(engine, "{large {id line}}") for _ in range(THREADS)]
    try:
        for each in stuck:
            # The answer has begun, so the statement has ended; nothing more of it is taken.
            assert each.recv(1, socket.MSG_PEEK) == b"H"
            assert is_open(engine, each)

        assert until(lambda: not any(is_open(engine, each) for each in stuck))
        assert until(lambda: in_use(database_url) == 0)
        assert answers(engine)
    finally:
        for each in stuck:
            each.close()


def test_a_client_that_takes_its_time_gets_all_of_a_large_answer(engine: LocalHasura) -> None:
    # With less room the kernel itself waits for seconds between two packets.
    with send(engine, "{large {id line}}", room=256 * 1024) as slow:
        begun, taken = time.monotonic(), 0
        while taken < LARGE_BYTES:
            piece = slow.recv(256 * 1024)
            assert piece, f"the answer ended after {taken} bytes"
            taken += len(piece)
            if time.monotonic() - begun < 2 * SEND_LIMIT_S:
                threading.Event().wait(0.1)


def test_clients_that_hang_up_during_a_slow_statement_keep_nothing(
    engine: LocalHasura, database_url: str
) -> None:
    for _ in range(3 * THREADS):
        send(engine, "{slow {nap}}").close()

    assert until(lambda: in_use(database_url) > 0)
    assert until(lambda: in_use(database_url) == 0)
    assert answers(engine)


def test_a_statement_that_takes_too_long_is_answered_and_its_connection_used_again(
    engine: LocalHasura, database_url: str
) -> None:
    for _ in range(THREADS + 1):
        begun = time.monotonic()
        answer = post(engine, "/v1/graphql", {"query": "{slow {nap}}"})

        assert time.monotonic() - begun < WAIT_S / 2
        error = answer["errors"][0]
        assert (error["message"], error["extensions"]["code"]) == ("database query error", "unexpected")
        assert error["extensions"]["internal"]["error"]["status_code"] == "57014"
    assert in_use(database_url) == 0
    assert answers(engine)
