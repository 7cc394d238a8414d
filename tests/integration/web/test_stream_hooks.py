"""Deliveries of Auth0's streams: kept whole before they are acknowledged, refused without a word of what is there."""

from __future__ import annotations

import contextlib
import http.client
import json
import time
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
import requests
from tests.builders import OPERATOR_TOKEN
from tests.integration.store.stalled_proxy import StalledProxy
from tests.integration.web.conftest import TIMEOUT_S, Desk, StartDesk
from tests.integration.web.streaming import (
    NEXT_TOKEN,
    OTHER_TENANTS_TOKEN,
    RECORDS,
    TOKEN,
    WAYS,
    good_body,
    kept,
    send,
    stream_environment,
)

LIMIT_S = 60.0
TRIES = 30
LIMITS = {"log-stream": 16 * 2**20, "webhook-extension": 16 * 2**20, "event-stream": 2**20}


@pytest.fixture
def streams(start_desk: StartDesk, store_url: str) -> Desk:
    """A running frontdesk that takes streams."""
    return start_desk(**stream_environment(store_url), OPERATOR_TOKEN=OPERATOR_TOKEN)


def without_id(problem: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in problem.items() if name != "request_id"}


def test_a_delivery_is_acknowledged_when_it_is_kept_as_it_came(streams: Desk, store_url: str) -> None:
    answers = [send(streams.url, way, headers={"X-Request-ID": f"trace-{way}"}) for way in WAYS]

    assert [(answer.status_code, answer.json()) for answer in answers] == [
        (202, {"queued": True, "records": 1 if way == "event-stream" else 2}) for way in WAYS
    ]
    assert [(tenant, way, body) for tenant, way, _, body in kept(store_url)] == [
        ("default", way, good_body(way)) for way in WAYS
    ]
    with psycopg.connect(store_url) as connection:
        ids = connection.execute("SELECT request_id FROM frontdesk.deliveries ORDER BY id").fetchall()
    assert ids == [(f"trace-{way}",) for way in WAYS]


SHAPES = {
    "array": (RECORDS, 2),
    "lines": (b'{"a":1}\r\n\r\n{"a":2}\n{"a":3}', 3),
    "one": (b'{"log_id":"1"}', 1),
    "logs": (b'{"logs":[{"a":1}]}', 1),
    "a bad line": (b'{"a":1}\nnonsense\n', 2),
}


def test_every_shape_is_counted(streams: Desk) -> None:
    for way in ("log-stream", "webhook-extension"):
        for shape, (body, records) in SHAPES.items():
            assert send(streams.url, way, body).json() == {"queued": True, "records": records}, shape


def test_an_empty_batch_is_answered_and_writes_nothing(streams: Desk, store_url: str) -> None:
    for way in WAYS:
        response = send(streams.url, way, b"[]")
        assert (response.status_code, response.json()) == (200, {"queued": False, "records": 0})

    assert kept(store_url) == []


def test_the_content_type_is_no_matter(streams: Desk) -> None:
    for type_ in ("application/json", "application/cloudevents+json; charset=utf-8", "text/plain", ""):
        assert send(streams.url, "event-stream", headers={"Content-Type": type_}).status_code == 202
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert send(streams.url, "log-stream", headers=form).json()["records"] == 2


def test_each_of_two_tokens_is_good_with_and_without_its_scheme(streams: Desk) -> None:
    for way in WAYS:
        for authorization in (
            f"Bearer {TOKEN}",
            f"bearer  {TOKEN}",
            TOKEN,
            f"Bearer {NEXT_TOKEN}",
            NEXT_TOKEN,
        ):
            assert send(streams.url, way, authorization=authorization).status_code == 202


def test_the_key_in_the_url_is_for_the_extension_alone_and_in_no_log(streams: Desk) -> None:
    query = f"?writeKey={TOKEN}"

    answers = [send(streams.url, way, authorization=None, query=query) for way in WAYS]
    wrong = send(
        streams.url, "webhook-extension", authorization=None, query=f"?writeKey={OTHER_TENANTS_TOKEN}"
    )
    bad = send(streams.url, "webhook-extension", b"nonsense", authorization=None, query=query)
    lost = send(streams.url, "webhook-extension/", authorization=None, query=query)

    assert [answer.status_code for answer in answers] == [401, 202, 401]
    assert (wrong.status_code, bad.status_code, lost.status_code) == (401, 400, 404)
    seen = streams.log.getvalue() + "".join(each.text for each in (*answers, wrong, bad, lost))
    assert len(streams.logged("http.request")) == 6
    assert TOKEN not in seen
    assert OTHER_TENANTS_TOKEN not in seen


STRANGERS: dict[str, dict[str, Any]] = {
    "no token": {"authorization": None},
    "empty": {"authorization": ""},
    "no value": {"authorization": "Bearer"},
    "wrong": {"authorization": f"Bearer {TOKEN[:-1]}"},
    "more": {"authorization": f"Bearer {TOKEN}x"},
    "another scheme": {"authorization": f"Basic {TOKEN}"},
    "both at once": {"authorization": f"Bearer {TOKEN} {NEXT_TOKEN}"},
    "no ascii": {"authorization": "Bearer é".encode().decode("latin-1")},
    "of another tenant": {"authorization": f"Bearer {OTHER_TENANTS_TOKEN}"},
    "unknown tenant": {"tenant": "nobody"},
    "unknown tenant, no token": {"tenant": "nobody", "authorization": None},
    "tenant in capitals": {"tenant": "DEFAULT"},
    "escaped tenant": {"tenant": "default%00"},
    "bad body": {"authorization": None, "body": b"nonsense"},
    "large body": {"authorization": None, "body": b"x" * 1000},
}


def test_every_stranger_gets_the_same_answer_and_nothing_is_kept(streams: Desk, store_url: str) -> None:
    answers = {
        (way, name): send(streams.url, way, **call) for way in WAYS for name, call in STRANGERS.items()
    }

    first = answers["log-stream", "no token"]
    for case, answer in answers.items():
        assert answer.status_code == 401, case
        assert without_id(answer.json()) == without_id(first.json()), case
        assert answer.headers.keys() == first.headers.keys(), case
        assert answer.headers["Content-Length"] == first.headers["Content-Length"], case
    assert kept(store_url) == []


def test_no_stranger_learns_what_is_there_from_other_methods_and_sizes(streams: Desk) -> None:
    for way in WAYS:
        for method in ("GET", "HEAD", "PUT", "OPTIONS"):
            statuses = {
                requests.request(method, f"{streams.url}/hooks/{tenant}/{way}", timeout=TIMEOUT_S).status_code
                for tenant in ("default", "nobody")
            }
            assert statuses == {405}
        for tenant in ("default", "nobody"):
            assert announced(streams.url, way, 10**12, tenant=tenant, token="x") == 401


def test_a_tenant_without_tokens_takes_nothing(start_desk: StartDesk, store_url: str) -> None:
    variables = stream_environment(store_url)
    desk = start_desk(**{**variables, "TENANTS_DEFAULT_STREAM_TOKENS": ""})

    for authorization in (None, "Bearer ", f"Bearer {TOKEN}"):
        assert send(desk.url, "log-stream", authorization=authorization).status_code == 401
    other = send(desk.url, "log-stream", tenant="other", authorization=OTHER_TENANTS_TOKEN)
    assert other.status_code == 202


NEVER_RIGHT = [
    ("log-stream", b"nonsense", "body"),
    ("log-stream", b"[" * 100_000, "body"),
    ("webhook-extension", b"<html>", "body"),
    ("event-stream", RECORDS, "body"),
    ("event-stream", b"", "body"),
    ("event-stream", b'{"type":"user.created","data":{}}', "id"),
    ("event-stream", b'{"id":"evt_1","data":{}}', "type"),
]


def test_what_can_never_be_right_gets_400_naming_what_was_expected(streams: Desk, store_url: str) -> None:
    for way, body, field in NEVER_RIGHT:
        response = send(streams.url, way, body)
        assert response.status_code == 400
        assert [error["field"] for error in response.json()["errors"]] == [field]

    assert kept(store_url) == []


def announced(url: str, way: str, size: int, *, tenant: str = "default", token: str = TOKEN) -> int:
    """Return the status for a body of which nothing is sent but its size: none of it was waited for."""
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=10)
    connection.putrequest("POST", f"/hooks/{tenant}/{way}")
    connection.putheader("Authorization", f"Bearer {token}")
    connection.putheader("Content-Length", str(size))
    connection.endheaders()
    try:
        return connection.getresponse().status
    finally:
        connection.close()


@pytest.mark.parametrize("way", WAYS)
def test_a_body_up_to_the_limit_is_taken_and_none_above(streams: Desk, way: str) -> None:
    limit = LIMITS[way]
    body = good_body(way)
    largest = body + b" " * (limit - len(body))

    def chunks(size: int) -> Iterator[bytes]:
        yield body
        for _ in range((size - len(body)) // 65536 + 1):
            yield b" " * 65536

    assert send(streams.url, way, largest).status_code == 202
    assert announced(streams.url, way, limit + 1) == 413
    assert send(streams.url, way, iter([body])).status_code == 202
    assert send(streams.url, way, chunks(limit)).status_code == 413


def test_a_login_does_not_take_a_larger_body_because_a_stream_does(streams: Desk) -> None:
    assert announced(streams.url, "post-login", 256 * 1024 + 2) == 413


@contextlib.contextmanager
def arriving(url: str, way: str, size: int) -> Iterator[None]:
    """A delivery of which nothing but its head has arrived, as long as the block runs."""
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=LIMIT_S)
    connection.putrequest("POST", f"/hooks/default/{way}")
    connection.putheader("Authorization", f"Bearer {TOKEN}")
    connection.putheader("Content-Length", str(size))
    connection.endheaders()
    with contextlib.closing(connection):
        yield


def answer_of(url: str, status: int) -> requests.Response:
    """Return the first answer with this status to deliveries, one after the other."""
    deadline = time.monotonic() + LIMIT_S
    while (response := send(url, "log-stream")).status_code != status:
        assert time.monotonic() < deadline, response.text
    return response


@contextlib.contextmanager
def no_room(url: str, way: str, size: int, times: int = 1) -> Iterator[requests.Response]:
    """Give the 503 of a delivery while so many others, of which only the heads have arrived, take all room.

    It may be one of the others that finds none: then they come again.
    """
    for _ in range(TRIES):
        with contextlib.ExitStack() as stack:
            for _ in range(times):
                stack.enter_context(arriving(url, way, size))
            for _ in range(TRIES):
                if (response := send(url, "log-stream")).status_code == 503:
                    yield response
                    return
    raise AssertionError(f"there is room all the time: {response.text}")


def test_too_many_large_bodies_at_once_get_503_until_there_is_room(streams: Desk) -> None:
    """Four of 16 MiB are being sent: the fifth is not read."""
    with no_room(streams.url, "log-stream", LIMITS["log-stream"], times=4) as response:
        assert response.headers["Retry-After"] == "5"
        assert response.json()["type"] == "urn:frontdesk:problem:busy-reading"
    assert answer_of(streams.url, 202).json()["queued"] is True


def test_streams_leave_threads_to_logins(start_desk: StartDesk, store_url: str) -> None:
    """One of two threads may be a stream's: while its body arrives, the next delivery is not waited for."""
    desk = start_desk(**stream_environment(store_url), SERVER_THREADS="2")

    with no_room(desk.url, "event-stream", 100):
        assert desk.post_login().status_code == 200
        assert send(desk.url, "log-stream", authorization=None).status_code == 401


def test_a_full_inbox_gets_503_never_429(start_desk: StartDesk, store_url: str) -> None:
    desk = start_desk(**stream_environment(store_url), QUEUE_MAX_WAITING="100")
    with psycopg.connect(store_url) as connection:
        connection.execute(
            "INSERT INTO frontdesk.deliveries (tenant, way, request_id, records, bytes, body)"
            " SELECT 'default', 'log-stream', 'r', 1, 2, '[]' FROM generate_series(1, 100)"
        )

    response = send(desk.url, "log-stream")

    assert (response.status_code, response.headers["Retry-After"]) == (503, "5")
    assert response.json()["type"] == "urn:frontdesk:problem:queue-full"


def test_a_database_that_is_away_gets_503_and_a_reason_in_the_log_alone(
    start_desk: StartDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("frontdesk.web.streams.STORE_BUDGET_S", 0.3)
    variables = stream_environment("postgresql://me:hunter2hunter2@127.0.0.1:1/x")
    desk = start_desk(**variables)

    response = send(desk.url, "event-stream")

    assert (response.status_code, response.headers["Retry-After"]) == (503, "5")
    assert response.json()["type"] == "urn:frontdesk:problem:store-unavailable"
    assert "FRONTDESK_DATABASE_URL" in desk.logged("request.failed")[0]["reason"]
    assert "FRONTDESK_DATABASE_URL" not in response.text
    assert "hunter2" not in desk.log.getvalue()


def test_a_database_that_stalls_costs_its_budget_and_nothing_is_acknowledged(
    start_desk: StartDesk, store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("frontdesk.web.streams.STORE_BUDGET_S", 0.5)
    with StalledProxy(store_url) as proxy:
        desk = start_desk(**stream_environment(proxy.url))
        assert send(desk.url, "log-stream").status_code == 202

        proxy.stall()
        start = time.monotonic()
        assert send(desk.url, "log-stream").status_code == 503
        assert time.monotonic() - start < 10

        proxy.resume()
        assert send(desk.url, "log-stream").status_code in (202, 503)


def test_without_a_database_the_setting_is_named_in_the_log(start_desk: StartDesk) -> None:
    variables = stream_environment("unused")
    del variables["DATABASE_URL"]
    desk = start_desk(**variables)

    response = send(desk.url, "log-stream")

    assert (response.status_code, response.headers["Retry-After"]) == (503, "5")
    assert "FRONTDESK_DATABASE_URL" in desk.logged("request.failed")[0]["reason"]
    assert send(desk.url, "log-stream", authorization=None).status_code == 401


def test_the_numbers_tell_ways_outcomes_and_sizes(streams: Desk) -> None:
    send(streams.url, "log-stream")
    send(streams.url, "log-stream", b"[]")
    send(streams.url, "log-stream", b"nonsense")
    send(streams.url, "log-stream", tenant="nobody")
    announced(streams.url, "event-stream", 10**9)

    metrics = streams.get("/metrics", Authorization=f"Bearer {OPERATOR_TOKEN}").text

    for way, outcome in (
        *(("log-stream", each) for each in ("queued", "empty", "invalid", "refused")),
        ("event-stream", "too_large"),
    ):
        name = "frontdesk_hook_seconds_count"
        assert f'{name}{{outcome="{outcome}",way="{way}"}} 1.0' in metrics
    assert 'frontdesk_stream_batch_records_sum{way="log-stream"} 2.0' in metrics
    assert f'frontdesk_stream_bytes_total{{way="log-stream"}} {float(len(RECORDS))}' in metrics
    assert "nobody" not in metrics


def test_a_delivery_that_comes_twice_is_kept_twice_for_the_ingest_to_tell(
    streams: Desk, store_url: str
) -> None:
    """Nothing of a record is looked at here: Auth0's id makes it one row."""
    for _ in range(2):
        assert send(streams.url, "event-stream").status_code == 202

    assert len(kept(store_url)) == 2
    assert json.loads(kept(store_url)[0][3])["id"] == "evt_1"
