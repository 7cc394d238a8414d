"""`GET /events`: events as server-sent events, read on from an offset, by plain calls and by the official SDK."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
import requests
from tests.integration.localauth0.acme import TIMEOUT_S, Clock, wait_until
from tests.integration.localauth0.conftest import StartTenant
from tests.integration.localauth0.event_calls import a_new_user, an_eventful_tenant
from tests.integration.localauth0.managed import Operator, sdk

from localauth0 import LocalAuth0

Message = dict[str, Any]


@pytest.fixture
def operator(eventful: LocalAuth0) -> Operator:
    return Operator(eventful)


class Subscription:
    """An open call of `/events`."""

    def __init__(self, response: requests.Response) -> None:
        self._lines = response.iter_lines(chunk_size=1, decode_unicode=True)

    def messages(self) -> Iterator[Message]:
        """Each message: its name, its id and its data, until the tenant ends the stream."""
        message: Message = {}
        for line in self._lines:
            if not line:
                yield {**message, "data": json.loads(message["data"])}
                message = {}
                continue
            name, _, value = line.partition(": ")
            message[name] = value

    def next_of(self, name: str) -> Message:
        return next(message for message in self.messages() if message["event"] == name)


@contextmanager
def subscribed(
    operator: Operator, query: str = "", headers: dict[str, str] | None = None
) -> Iterator[Subscription]:
    """A subscription that has begun: its first message has come."""
    with requests.get(
        f"{operator.base}/events{query}",
        headers={**operator.headers, **(headers or {})},
        stream=True,
        timeout=TIMEOUT_S,
    ) as response:
        assert response.ok, response.text
        yield Subscription(response)


def user_of(message: Message) -> str:
    return str(message["data"]["event"]["data"]["object"]["user_id"])


def test_an_event_comes_with_its_offset_as_it_happens(operator: Operator) -> None:
    with subscribed(operator) as subscription:
        began = subscription.next_of("offset-only")
        made = a_new_user(operator)
        message = subscription.next_of("user.created")

    assert user_of(message) == made
    assert message["id"] == message["data"]["offset"] != began["id"]
    assert "a0stream" not in message["data"]["event"]


def test_a_reader_goes_on_behind_its_offset(operator: Operator) -> None:
    with subscribed(operator) as subscription:
        offset = subscription.next_of("offset-only")["id"]
    first, second = a_new_user(operator, "first"), a_new_user(operator, "second")

    with subscribed(operator, f"?from={offset}") as subscription:
        messages = [subscription.next_of("user.created"), subscription.next_of("user.created")]
    with subscribed(operator, f"?from={offset}", {"Last-Event-ID": messages[0]["id"]}) as subscription:
        resumed = subscription.next_of("user.created")

    assert [user_of(message) for message in messages] == [first, second]
    assert user_of(resumed) == second


def test_a_reader_may_begin_at_a_time(start_tenant: StartTenant) -> None:
    clock = Clock()
    operator = Operator(start_tenant(an_eventful_tenant(), clock=clock))
    a_new_user(operator, "before")
    clock.advance(timedelta(minutes=1))
    moment = clock().isoformat().replace("+00:00", "Z")
    after = a_new_user(operator, "after")

    with subscribed(operator, f"?from_timestamp={moment}") as subscription:
        assert user_of(subscription.next_of("user.created")) == after


def test_only_the_types_asked_for_come_and_the_offset_goes_on(operator: Operator) -> None:
    with subscribed(operator, "?event_type=user.deleted&event_type=user.updated") as subscription:
        began = subscription.next_of("offset-only")["id"]
        made = a_new_user(operator)
        wait_until(lambda: subscription.next_of("offset-only")["id"] != began)
        operator.answer("PATCH", f"/users/{made}", {"nickname": "new"})
        operator.answer("DELETE", f"/users/{made}")
        names = [message["event"] for _, message in zip(range(2), _events(subscription), strict=False)]

    assert names == ["user.updated", "user.deleted"]


def _events(subscription: Subscription) -> Iterator[Message]:
    return (message for message in subscription.messages() if message["event"] != "offset-only")


def test_an_offset_behind_which_events_are_gone_has_expired(operator: Operator) -> None:
    with subscribed(operator) as subscription:
        offset = subscription.next_of("offset-only")["id"]

    for number in range(6):
        a_new_user(operator, f"user-{number}")

    assert operator.refusal("GET", f"/events?from={offset}") == (
        410,
        "The cursor has expired.",
        "cursor_expired",
    )
    assert operator.refusal("GET", "/events?from_timestamp=2026-01-01T00:00:00Z")[2] == "cursor_expired"


def test_an_offset_of_before_a_reset_is_unknown(eventful: LocalAuth0, operator: Operator) -> None:
    with subscribed(operator) as subscription:
        offset = subscription.next_of("offset-only")["id"]

    eventful.reset()

    assert operator.refusal("GET", f"/events?from={offset}")[::2] == (400, "invalid_cursor")


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("from=monday", "invalid_cursor"),
        ("from=bm90LG9uZQ==", "invalid_cursor"),
        ("event_type=user.seen", "invalid_query_string"),
        ("from_timestamp=monday", "invalid_query_string"),
    ],
)
def test_a_faulty_question_is_refused(operator: Operator, query: str, code: str) -> None:
    assert operator.refusal("GET", f"/events?{query}")[::2] == (400, code)


@pytest.mark.parametrize(("plan", "most"), [("free", 1), ("self_service", 4), ("enterprise", 8)])
def test_a_plan_has_so_many_connections_at_once(start_tenant: StartTenant, plan: str, most: int) -> None:
    tenant = start_tenant({**an_eventful_tenant(keep_alive_s=0.1), "rate_limit": {"plan": plan}})
    log = tenant.store.event_log

    taken = [log.begin_reading(most) for _ in range(most)]
    status, _, code = Operator(tenant).refusal("GET", "/events")
    for _ in taken:
        log.end_reading()

    assert (all(taken), status, code) == (True, 429, "too_many_requests")


def test_a_caller_who_goes_makes_room_for_the_next(start_tenant: StartTenant) -> None:
    operator = Operator(start_tenant(an_eventful_tenant(connections=1, keep_alive_s=60.0)))
    with subscribed(operator) as subscription:
        subscription.next_of("offset-only")
        refused = operator.refusal("GET", "/events")

    wait_until(lambda: _is_open(operator))

    assert refused[0] == 429


def _is_open(operator: Operator) -> bool:
    with requests.get(
        f"{operator.base}/events", headers=operator.headers, stream=True, timeout=TIMEOUT_S
    ) as response:
        return response.ok


def test_a_connection_that_has_lasted_its_time_ends_with_its_reason(start_tenant: StartTenant) -> None:
    operator = Operator(start_tenant(an_eventful_tenant(connection_s=0.3, keep_alive_s=0.1)))

    with subscribed(operator) as subscription:
        *_, last = subscription.messages()

    assert last["event"] == "error"
    assert last["data"]["error"]["code"] == "connection_timeout"
    assert operator.call("GET", f"/events?from={last['data']['error']['offset']}", stream=True).ok


def test_the_end_of_the_tenant_ends_its_readers(start_tenant: StartTenant) -> None:
    tenant = start_tenant(an_eventful_tenant(keep_alive_s=60.0))
    with subscribed(Operator(tenant)) as subscription:
        subscription.next_of("offset-only")

        tenant.stop()

        assert list(subscription.messages()) == []


def test_the_sdk_reads_events(eventful: LocalAuth0, operator: Operator) -> None:
    made = a_new_user(operator)
    operator.answer("DELETE", f"/users/{made}")

    with sdk(eventful) as auth0:
        messages = auth0.events.subscribe(
            from_timestamp="2026-01-01T00:00:00Z", event_type=["user.created", "user.deleted"]
        )
        found = [message for _, message in zip(range(3), messages, strict=False)]

    assert [type(message).__name__ for message in found] == [
        "EventStreamCloudEventOffsetOnlyMessage",
        "EventStreamCloudEventUserCreated",
        "EventStreamCloudEventUserDeleted",
    ]
