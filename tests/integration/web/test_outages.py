"""Hasura, PostgreSQL, or both give no answer: what a login gets, what is kept, and how long it takes."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
import requests
from psycopg import sql
from psycopg.rows import DictRow, dict_row
from tests.builders import OPERATOR_TOKEN, a_hook_body, a_signed_call
from tests.integration.store.stalled_proxy import StalledProxy
from tests.integration.web.conftest import Desk, StartDesk
from tests.integration.web.fake_hasura import ANSWERS_IN_FULL, DRIPS, HANGS, RESETS, FakeHasura

from frontdesk.settings import HASURA_CLAIMS

# What the Action waits by default; the login's budget is below it.
ACTION_DEADLINE_S = 1.5
BUDGET_S = 0.8
LIMIT_S = 20.0
LOGIN, REGISTRATION = "post-login", "post-user-registration"

Store = psycopg.Connection[DictRow]
Place = Callable[[str], Any]


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    """frontdesk's own database, looked into from outside."""
    with psycopg.connect(store_url, autocommit=True, row_factory=dict_row) as connection:
        yield connection


@contextmanager
def up(url: str) -> Iterator[str]:
    yield url


@contextmanager
def refusing(url: str) -> Iterator[str]:
    with StalledProxy(url) as proxy:
        closed = proxy.url
    yield closed


@contextmanager
def stalled(url: str) -> Iterator[str]:
    with StalledProxy(url) as proxy:
        proxy.stall()
        yield proxy.url


@contextmanager
def stalled_in_the_middle(url: str) -> Iterator[str]:
    """Connections come about, and the answer to the INSERT never comes."""
    with StalledProxy(url, after=b"INSERT INTO frontdesk.deliveries") as proxy:
        yield proxy.url


def call(desk: Desk, hook: str, *, id_: str = "msg_1", request_id: str = "tx-1") -> requests.Response:
    body = a_hook_body() if hook == LOGIN else {"version": 1, "trigger": hook, "user": {"user_id": "auth0|1"}}
    raw, headers = a_signed_call(body, id_=id_)
    return requests.post(
        f"{desk.url}/hooks/default/{hook}",
        data=raw,
        headers={**headers, "X-Request-ID": request_id},
        timeout=LIMIT_S,
    )


def deliveries(store: Store) -> list[dict[str, Any]]:
    return store.execute("SELECT * FROM frontdesk.deliveries ORDER BY id").fetchall()


def eventually(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.05)


def no_answer(fake: FakeHasura) -> None:
    fake.behaviour = HANGS


def a_slow_answer(fake: FakeHasura) -> None:
    fake.behaviour = DRIPS


def a_reset(fake: FakeHasura) -> None:
    fake.behaviour = RESETS


def an_error_page(fake: FakeHasura) -> None:
    fake.status, fake.body = "503 Service Unavailable", b"<html>"


def refusal(code: str) -> Callable[[FakeHasura], None]:
    def refuse(fake: FakeHasura) -> None:
        fake.body = json.dumps(
            {"errors": [{"message": "no", "extensions": {"path": "$", "code": code}}]}
        ).encode()

    return refuse


@pytest.mark.parametrize(
    "place", [up, refusing, stalled, stalled_in_the_middle], ids=lambda each: each.__name__
)
@pytest.mark.parametrize(
    "fault", [no_answer, a_slow_answer, a_reset, an_error_page], ids=lambda each: each.__name__
)
def test_every_hook_answers_before_the_action_gives_up(
    start_desk: StartDesk, hasura: FakeHasura, store_url: str, store: Store, fault: Any, place: Place
) -> None:
    fault(hasura)
    is_kept = place is up
    with place(store_url) as url:
        desk = start_desk(DATABASE_URL=url, LOGIN_BUDGET_S=str(BUDGET_S))
        for hook in (LOGIN, REGISTRATION):
            started = time.monotonic()

            response = call(desk, hook)

            assert time.monotonic() - started < ACTION_DEADLINE_S
            if hook == LOGIN:
                answer = response.json()
                assert (answer["decision"], answer["synced"], answer["queued"]) == ("allow", False, is_kept)
                assert answer["access_token"][HASURA_CLAIMS]["x-hasura-allowed-roles"] == ["user"]
            elif is_kept:
                assert (response.status_code, response.json()) == (200, {"synced": False, "queued": True})
            else:
                assert response.status_code == 503
    ways = [row["way"] for row in deliveries(store)]
    # A commit whose answer was lost is there and not acknowledged; an acknowledged one is always there.
    assert ways == [LOGIN, REGISTRATION] if is_kept else set(ways) <= {LOGIN, REGISTRATION}


def test_a_login_is_kept_as_it_came_and_a_worker_is_asked(
    start_desk: StartDesk, hasura: FakeHasura, store_url: str, store: Store
) -> None:
    an_error_page(hasura)
    desk = start_desk(DATABASE_URL=store_url)
    raw, headers = a_signed_call(a_hook_body(), id_="msg_9", at=time.time() - 60)

    response = desk.post(raw, {**headers, "X-Request-ID": "tx-7"})

    assert response.json()["queued"] is True
    (kept,) = deliveries(store)
    assert bytes(kept["body"]) == raw
    assert (kept["tenant"], kept["way"], kept["call_id"]) == ("default", LOGIN, "msg_9")
    assert kept["called_at"].timestamp() == int(headers["webhook-timestamp"])
    assert (kept["request_id"], kept["state"], kept["records"]) == ("tx-7", "waiting", 1)
    (job,) = store.execute("SELECT task_name, args FROM frontdesk.procrastinate_jobs").fetchall()
    assert (job["task_name"], job["args"]) == ("drain_inbox", {"tenant": "default"})


def test_a_kept_login_is_logged_and_counted(
    start_desk: StartDesk, hasura: FakeHasura, store_url: str
) -> None:
    an_error_page(hasura)
    desk = start_desk(DATABASE_URL=store_url, OPERATOR_TOKEN=OPERATOR_TOKEN)

    call(desk, LOGIN)
    call(desk, REGISTRATION)

    assert [entry["way"] for entry in desk.logged("call.kept")] == [LOGIN, REGISTRATION]
    metrics = desk.get("/metrics", Authorization=f"Bearer {OPERATOR_TOKEN}").text
    assert 'frontdesk_checkins_total{decision="allow",outcome="queued"} 1.0' in metrics
    assert 'frontdesk_hook_seconds_count{outcome="queued",way="post-login"} 1.0' in metrics
    assert f'frontdesk_account_events_total{{outcome="queued",trigger="{REGISTRATION}"}} 1.0' in metrics


def test_a_strict_operator_lets_in_whoever_is_kept_and_nobody_else(
    start_desk: StartDesk, hasura: FakeHasura, store_url: str
) -> None:
    an_error_page(hasura)

    kept = call(start_desk(DATABASE_URL=store_url, LOGIN_ON_UNAVAILABLE="refuse"), LOGIN)
    with refusing(store_url) as away:
        lost = call(start_desk(DATABASE_URL=away, LOGIN_ON_UNAVAILABLE="refuse"), LOGIN)

    assert (kept.status_code, kept.json()["queued"]) == (200, True)
    assert (lost.status_code, lost.json()["type"]) == (503, "urn:frontdesk:problem:hasura-unavailable")


@pytest.mark.parametrize(
    ("code", "is_kept"),
    [
        ("access-denied", True),
        ("validation-failed", True),
        ("permission-error", True),
        ("unexpected", True),
        ("constraint-violation", False),
        ("data-exception", False),
    ],
)
def test_a_row_that_hasura_will_never_take_is_not_kept_and_what_an_operator_puts_right_is(
    start_desk: StartDesk, hasura: FakeHasura, store_url: str, store: Store, code: str, is_kept: bool
) -> None:
    refusal(code)(hasura)

    answer = call(start_desk(DATABASE_URL=store_url), LOGIN).json()

    assert (answer["synced"], answer["queued"]) == (False, is_kept)
    assert len(deliveries(store)) == is_kept


def test_somebody_whom_the_filter_leaves_out_is_not_kept(
    start_desk: StartDesk, hasura: FakeHasura, store_url: str, store: Store
) -> None:
    an_error_page(hasura)
    desk = start_desk(DATABASE_URL=store_url, FILTER_CONNECTIONS="another")

    assert call(desk, LOGIN).json()["queued"] is False

    assert deliveries(store) == []


def test_a_full_inbox_acknowledges_nothing(
    start_desk: StartDesk, hasura: FakeHasura, store_url: str, store: Store
) -> None:
    an_error_page(hasura)
    store.execute(
        "INSERT INTO frontdesk.deliveries (tenant, way, request_id, records, bytes, body)"
        " SELECT 'default', 'log-stream', '', 1, 2, '[]' FROM generate_series(1, 200)"
    )

    answer = call(start_desk(DATABASE_URL=store_url, QUEUE_MAX_WAITING="100"), LOGIN).json()

    assert (answer["decision"], answer["synced"], answer["queued"]) == ("allow", False, False)
    assert len(deliveries(store)) == 200


@pytest.mark.parametrize(
    "damage",
    [
        "ALTER TABLE frontdesk.deliveries DROP COLUMN call_id",
        "DROP TABLE frontdesk.deliveries CASCADE",
        "ALTER DATABASE {} SET default_transaction_read_only = on",
    ],
    ids=["a column is missing", "no schema", "read only"],
)
def test_a_database_that_takes_nothing_acknowledges_nothing(
    start_desk: StartDesk, hasura: FakeHasura, store_url: str, store: Store, damage: str
) -> None:
    an_error_page(hasura)
    store.execute(sql.SQL(damage).format(sql.Identifier(store_url.rpartition("/")[2])))
    desk = start_desk(DATABASE_URL=store_url)

    answer = call(desk, LOGIN).json()

    assert (answer["decision"], answer["queued"]) == ("allow", False)
    assert [entry["level"] for entry in desk.logged("call.not_kept")] == ["error"]
    assert call(desk, REGISTRATION).status_code == 503


def test_a_dead_hasura_is_asked_now_and_then_and_the_rest_is_kept_at_once(
    start_desk: StartDesk, hasura: FakeHasura, store_url: str, store: Store
) -> None:
    no_answer(hasura)
    desk = start_desk(
        DATABASE_URL=store_url,
        OPERATOR_TOKEN=OPERATOR_TOKEN,
        LOGIN_BUDGET_S=str(BUDGET_S),
        LOGIN_BREAKER_FAILURES="2",
        LOGIN_BREAKER_RETRY_S="300",
    )
    for _ in range(2):
        call(desk, LOGIN)
    asked = len(hasura.requests)

    answers = [call(desk, hook).json() for hook in [LOGIN, REGISTRATION] * 5]

    assert len(hasura.requests) == asked
    assert [answer["queued"] for answer in answers] == [True] * 10
    assert len(deliveries(store)) == 12
    (opened,) = desk.logged("breaker.opened")
    assert (opened["of"], opened["level"]) == ("hasura", "error")
    assert 'frontdesk_breaker_open{of="hasura"} 1.0' in metrics_of(desk)
    assert desk.get("/readyz").status_code == 503  # asks Hasura itself


def test_logins_are_written_again_once_hasura_answers(
    start_desk: StartDesk, hasura: FakeHasura, store_url: str
) -> None:
    an_error_page(hasura)
    desk = start_desk(
        DATABASE_URL=store_url,
        OPERATOR_TOKEN=OPERATOR_TOKEN,
        LOGIN_BREAKER_FAILURES="1",
        LOGIN_BREAKER_RETRY_S="0.1",
    )
    call(desk, LOGIN)

    hasura.status, hasura.body, hasura.behaviour = "200 OK", None, ANSWERS_IN_FULL
    eventually(lambda: call(desk, LOGIN).json()["synced"] is True)

    assert call(desk, LOGIN).json()["synced"] is True
    assert desk.logged("breaker.closed")[0]["of"] == "hasura"
    assert 'frontdesk_breaker_open{of="hasura"} 0.0' in metrics_of(desk)


@pytest.mark.parametrize("place", [refusing, stalled], ids=lambda each: each.__name__)
def test_a_dead_postgresql_costs_no_login_its_budget_either(
    start_desk: StartDesk, hasura: FakeHasura, store_url: str, place: Place
) -> None:
    an_error_page(hasura)
    with place(store_url) as url:
        desk = start_desk(
            DATABASE_URL=url,
            LOGIN_BUDGET_S="4.5",
            ACTION_DEADLINE_MS="5000",
            LOGIN_BREAKER_FAILURES="1",
            LOGIN_BREAKER_RETRY_S="300",
        )
        call(desk, LOGIN)
        started = time.monotonic()

        answers = [call(desk, LOGIN).json() for _ in range(5)]

    assert time.monotonic() - started < 4.5  # one alone would wait as long
    assert [answer["queued"] for answer in answers] == [False] * 5


def test_logins_are_kept_again_once_postgresql_answers(
    start_desk: StartDesk, hasura: FakeHasura, store_url: str, store: Store
) -> None:
    an_error_page(hasura)
    with StalledProxy(store_url) as proxy:
        desk = start_desk(
            DATABASE_URL=proxy.url,
            LOGIN_BUDGET_S=str(BUDGET_S),
            LOGIN_BREAKER_FAILURES="2",
            LOGIN_BREAKER_RETRY_S="0.1",
        )
        assert call(desk, LOGIN).json()["queued"] is True
        proxy.stall()
        while call(desk, LOGIN).json()["queued"]:
            pass  # what the pool has at hand may get through
        call(desk, LOGIN)

        proxy.resume()
        eventually(lambda: call(desk, LOGIN).json()["queued"] is True)


def metrics_of(desk: Desk) -> str:
    return desk.get("/metrics", Authorization=f"Bearer {OPERATOR_TOKEN}").text


def test_the_places_of_postgresql_are_what_they_say(store_url: str) -> None:
    """What the other tests stand on: a place that answers would prove nothing."""
    with refusing(store_url) as url, pytest.raises(psycopg.OperationalError, match="refused"):
        psycopg.connect(url)
    with stalled(store_url) as url:
        assert urlsplit(url).port != urlsplit(store_url).port
        with pytest.raises(psycopg.OperationalError, match="timeout"):
            psycopg.connect(url, connect_timeout=2)
