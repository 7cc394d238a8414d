"""The deadline of an exchange, at the socket."""

from __future__ import annotations

import socket
import threading
import time

import pytest
import requests
import urllib3
from tests.integration.hasura.faulty_server import (
    Behaviour,
    FaultyServer,
    answer,
    drips,
    hangs,
    read_request,
    says,
)

from frontdesk.hasura.transport import MAX_ANSWER_BYTES, AnswerTooLarge, Deadline, new_session

BUDGET_S = 0.3
SLACK_S = 0.3


def get(url: str, budget_s: float = BUDGET_S) -> requests.Response:
    with new_session() as session:
        return session.get(url, timeout=Deadline.after(budget_s), allow_redirects=False)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "behaviour",
    [
        pytest.param(drips(answer("x" * 100), 0.02), id="headers"),
        pytest.param(drips(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 1000, 0.02), id="body without a length"),
        pytest.param(
            drips(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 200, 0.02),
            id="chunks",
        ),
        pytest.param(hangs, id="nothing at all"),
    ],
)
def test_an_answer_that_never_ends_ends_at_the_deadline(behaviour: Behaviour) -> None:
    with FaultyServer(behaviour) as server:
        begin = time.monotonic()
        with pytest.raises((requests.RequestException, urllib3.exceptions.HTTPError)):
            get(server.url)

        assert BUDGET_S * 0.9 < time.monotonic() - begin < BUDGET_S + SLACK_S


def test_an_answer_in_time_is_read_to_its_end() -> None:
    with FaultyServer(drips(answer("x" * 20), 0.001)) as server:
        assert get(server.url, 10).content == b"x" * 20


def test_an_answer_above_the_limit_is_given_up() -> None:
    with FaultyServer(says(b"x" * (MAX_ANSWER_BYTES + 1))) as server, pytest.raises(AnswerTooLarge):
        get(server.url, 10)


def test_without_time_left_nothing_is_sent() -> None:
    with FaultyServer(says("x")) as server:
        with pytest.raises(requests.ConnectTimeout):
            get(server.url, -1)

        assert server.connections == 0


def test_the_environment_is_not_asked_for_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")

    with FaultyServer(says("x")) as server:
        assert get(server.url, 10).content == b"x"


def test_a_large_request_on_a_used_connection_has_its_own_time() -> None:
    """A kept-alive socket still has the timeout of its last read; it must not count for the next request."""

    def read_late(connection: socket.socket, over: threading.Event) -> None:
        while read_request(connection):
            connection.sendall(answer("x"))
            over.wait(0.5)

    with FaultyServer(read_late) as server, new_session() as session:
        for budget_s, size in ((0.2, 10), (10.0, 30_000_000)):
            session.post(server.url, data=b"x" * size, timeout=Deadline.after(budget_s))  # type: ignore[arg-type]

        assert server.connections == 1
