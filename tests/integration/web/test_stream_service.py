"""Streams at `frontdesk serve`, as strangers and slow senders find it: real processes, and every line of their log."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import ExitStack

import pytest
import requests
from tests.builders import OPERATOR_TOKEN
from tests.integration.web.streaming import NEXT_TOKEN, RECORDS, TOKEN, WAYS, kept, send, stream_environment
from tests.integration.web.test_serve import Service, StartService, start_service, wait_until

from frontdesk.web.streams import LARGE_ARRIVAL_LIMIT_S
from frontdesk.web.worker import REQUEST_ARRIVAL_LIMIT_S

__all__ = ["start_service"]

WITH_KEY = f"/hooks/default/webhook-extension?writeKey={TOKEN}".encode()
HEAD = b"POST " + WITH_KEY + b" HTTP/1.1\r\nHost: desk\r\n"


@pytest.fixture
def service(start_service: StartService, store_url: str) -> Service:
    """One process of a few threads that logs all it can."""
    return start_service(
        **stream_environment(store_url),
        SERVER_WORKERS="1",
        SERVER_THREADS="8",
        LOG_LEVEL="debug",
        OPERATOR_TOKEN=OPERATOR_TOKEN,
    )


def answer_to(service: Service, *parts: bytes) -> bytes:
    """Return the beginning of the answer to bytes."""
    with socket.create_connection(("127.0.0.1", service.port), timeout=20) as connection:
        for part in parts:
            connection.sendall(part)
        return connection.recv(65536)


def test_a_key_in_a_url_is_in_no_line_of_any_log_whatever_goes_wrong(
    service: Service, store_url: str
) -> None:
    query, wrong = f"?writeKey={TOKEN}", f"?writeKey={NEXT_TOKEN}x"
    calls = [
        send(service.url, "webhook-extension", authorization=None, query=query).status_code,
        send(service.url, "webhook-extension", authorization=None, query=wrong).status_code,
        send(service.url, "webhook-extension", b"nonsense", authorization=None, query=query).status_code,
        send(service.url, "log-stream", authorization=None, query=query).status_code,
        send(service.url, "webhook-extension/", authorization=None, query=query).status_code,
        requests.get(f"{service.url}{WITH_KEY.decode()}", timeout=20).status_code,
    ]
    malformed = [
        answer_to(service, HEAD + b"Content-Length: nonsense\r\n\r\n"),
        answer_to(service, HEAD + b"nonsense : x\r\n\r\n"),
        answer_to(service, b"POST " + WITH_KEY + b" HTTP/9\r\n\r\n"),
        answer_to(service, b"POST " + WITH_KEY + b"\r\n\r\n"),
        answer_to(service, b"POST " + WITH_KEY + b"a" * 5000 + b" HTTP/1.1\r\n\r\n"),
        answer_to(service, HEAD + b"Transfer-Encoding: chunked\r\n\r\nnonsense\r\n"),
        answer_to(service, HEAD + b"Content-Length: 17000000\r\n\r\n"),
    ]

    assert calls == [202, 401, 400, 401, 404, 405]
    assert [int(answer.split()[1]) for answer in malformed] == [400, 400, 400, 400, 414, 400, 413]
    service.stop()
    log = service.log_file.read_text()
    assert "http.request" in log
    for text in (TOKEN, NEXT_TOKEN, "writeKey"):
        assert text not in log + str(malformed)
    assert len(kept(store_url)) == 1


def test_bodies_are_bounded_and_a_stranger_is_refused_before_them(service: Service, store_url: str) -> None:
    head = "POST /hooks/{}/log-stream HTTP/1.1\r\nHost: desk\r\nAuthorization: {}\r\nContent-Length: 999999999\r\n\r\n"
    chunked = (
        b"POST /hooks/default/event-stream HTTP/1.1\r\nHost: desk\r\nTransfer-Encoding: chunked\r\n"
        b"Authorization: Bearer " + TOKEN.encode() + b"\r\n\r\n"
    )
    chunk = b"10000\r\n" + b" " * 65536 + b"\r\n"

    assert answer_to(service, head.format("default", TOKEN).encode())[9:12] == b"413"
    assert answer_to(service, chunked, chunk * 16, b"1\r\n \r\n0\r\n\r\n")[9:12] == b"413"
    for tenant, token in (("default", "x"), ("nobody", TOKEN)):
        assert answer_to(service, head.format(tenant, token).encode())[9:12] == b"401"
    assert kept(store_url) == []

    assert [send(service.url, way).status_code for way in WAYS] == [202] * 3
    assert send(service.url, "log-stream", iter([RECORDS[:10], RECORDS[10:]])).status_code == 202
    metrics = requests.get(
        f"{service.url}/metrics", headers={"Authorization": f"Bearer {OPERATOR_TOKEN}"}, timeout=20
    ).text
    assert 'frontdesk_stream_batch_records_count{way="log-stream"} 2.0' in metrics
    assert len(kept(store_url)) == 4


def test_strangers_who_drip_hold_no_thread_and_the_token_gives_time_for_large_bodies_alone(
    service: Service, store_url: str
) -> None:
    """Eight threads: as many slow ones as there may be, and logins and deliveries go on."""
    size = 300_000  # more than any login's

    def head(token: str, announced: int) -> bytes:
        lines = f"Host: desk\r\nAuthorization: {token}\r\nContent-Length: {announced}\r\n\r\n"
        return f"POST /hooks/default/log-stream HTTP/1.1\r\n{lines}".encode()

    with ExitStack() as stack:
        connections = {
            name: stack.enter_context(socket.create_connection(("127.0.0.1", service.port), timeout=20))
            for name in ("large", "small", *(f"stranger {number}" for number in range(8)))
        }
        started = time.monotonic()
        for name, connection in connections.items():
            token = "x" if name.startswith("stranger") else TOKEN
            connection.sendall(head(token, 1000 if name == "small" else size) + b"[")

        strangers = [connections[name].recv(65536) for name in connections if name.startswith("stranger")]
        assert {answer[9:12] for answer in strangers} == {b"401"}
        assert send(service.url, "log-stream").status_code == 202
        assert service.post_login().status_code == 200

        small = connections["small"].recv(65536)
        waited = time.monotonic() - started
        assert small[9:12] == b"400"
        assert REQUEST_ARRIVAL_LIMIT_S - 0.5 < waited < REQUEST_ARRIVAL_LIMIT_S + 10
        connections["large"].sendall(b" " * (size - 2) + b"]")
        assert connections["large"].recv(65536)[9:12] == b"200"
    assert len(kept(store_url)) == 1
    assert REQUEST_ARRIVAL_LIMIT_S < LARGE_ARRIVAL_LIMIT_S <= 60


def test_a_stop_loses_no_delivery_that_was_acknowledged(start_service: StartService, store_url: str) -> None:
    service = start_service(**stream_environment(store_url))
    acknowledged = []

    def deliver() -> None:
        while True:
            try:
                answer = send(service.url, "log-stream")
            except requests.ConnectionError:
                return
            acknowledged.append(answer.status_code == 202)

    senders = [threading.Thread(target=deliver) for _ in range(4)]
    for sender in senders:
        sender.start()
    wait_until(lambda: len(acknowledged) >= 20)
    assert service.stop() == 0
    for sender in senders:
        sender.join(20)

    assert all(acknowledged)
    assert len(kept(store_url)) >= len(acknowledged)
