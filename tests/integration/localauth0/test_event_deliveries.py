"""Deliveries of events that fail: when they are tried again, listed, redelivered, and when their stream is disabled."""

from __future__ import annotations

from itertools import pairwise

import pytest
from tests.integration.localauth0.acme import wait_until
from tests.integration.localauth0.conftest import StartTenant
from tests.integration.localauth0.event_calls import (
    a_new_user,
    a_stream_to,
    an_eventful_tenant,
    events_in,
    failed_ids,
    wait_for_failed,
)
from tests.integration.localauth0.managed import Operator, sdk
from tests.integration.localauth0.receiver import Receiver

from localauth0 import LocalAuth0

ORGANIZATION, EDITOR = "org_0000000000000001", "rol_0000000000000001"


@pytest.fixture
def operator(eventful: LocalAuth0) -> Operator:
    return Operator(eventful)


@pytest.mark.parametrize("status", [500, 503, 302])
def test_a_request_that_fails_is_made_again(operator: Operator, status: int) -> None:
    with Receiver(status, status, status, 202) as receiver:
        stream_id = a_stream_to(operator, receiver.url, "user.created")
        a_new_user(operator)
        sent = receiver.wait_for(4)

    assert len({event["id"] for event in events_in(sent)}) == 1
    assert failed_ids(operator, stream_id) == []


@pytest.mark.parametrize(("status", "requests_made"), [(400, 1), (429, 1), (500, 4)])
def test_a_delivery_fails_at_once_by_a_4xx_and_else_after_four_requests(
    operator: Operator, status: int, requests_made: int
) -> None:
    with Receiver(status) as receiver:
        stream_id = a_stream_to(operator, receiver.url, "user.created")
        a_new_user(operator)
        (event_id,) = wait_for_failed(operator, stream_id, 1)

    delivery = operator.answer("GET", f"/event-streams/{stream_id}/deliveries/{event_id}")
    assert len(receiver.deliveries) == requests_made
    assert (delivery["status"], delivery["event_type"]) == ("failed", "user.created")
    assert delivery["event"] == receiver.deliveries[0].json()
    assert [attempt["status"] for attempt in delivery["attempts"]] == ["failed"] * requests_made
    assert delivery["attempts"][0]["error_message"] == f"HTTP {status}"


def test_a_receiver_that_does_not_answer_in_time_has_failed(
    start_tenant: StartTenant, receiver: Receiver
) -> None:
    operator = Operator(start_tenant(an_eventful_tenant(timeout_s=0.1)))
    stream_id = a_stream_to(operator, receiver.url)
    receiver.stall()

    a_new_user(operator)

    wait_for_failed(operator, stream_id, 1)
    assert len(receiver.deliveries) == 4


def test_a_receiver_that_hangs_holds_up_no_other_event(start_tenant: StartTenant, receiver: Receiver) -> None:
    operator = Operator(start_tenant(an_eventful_tenant(timeout_s=60.0, senders=3)))
    a_stream_to(operator, receiver.url, "user.created")
    receiver.stall()

    for number in range(3):
        a_new_user(operator, f"user-{number}")

    assert len(receiver.wait_for(3)) == 3


def test_pauses_between_requests_double(start_tenant: StartTenant) -> None:
    operator = Operator(start_tenant(an_eventful_tenant(backoff_factor=0.05)))
    with Receiver(500) as receiver:
        stream_id = a_stream_to(operator, receiver.url, "user.created")
        a_new_user(operator)
        (event_id,) = wait_for_failed(operator, stream_id, 1)

    attempts = operator.answer("GET", f"/event-streams/{stream_id}/deliveries/{event_id}")["attempts"]
    stamps = [attempt["timestamp"] for attempt in attempts]
    seconds = [float(stamp[17:23]) + 60 * float(stamp[14:16]) for stamp in stamps]
    pauses = [(later - earlier) % 3600 for earlier, later in pairwise(seconds)]
    assert all(pause >= least - 0.002 for pause, least in zip(pauses, [0.05, 0.1, 0.2], strict=True))


def test_failed_deliveries_are_listed_by_type_and_time(operator: Operator) -> None:
    with Receiver(400) as receiver:
        stream_id = a_stream_to(operator, receiver.url)
        made = a_new_user(operator)
        wait_for_failed(operator, stream_id, 1)
        operator.answer("DELETE", f"/users/{made}")
        created, deleted = wait_for_failed(operator, stream_id, 2)
    first = operator.answer("GET", f"/event-streams/{stream_id}/deliveries?take=1")

    assert failed_ids(operator, stream_id, "?event_types=user.deleted,user.updated") == [deleted]
    assert failed_ids(operator, stream_id, "?statuses=failed&date_from=2026-01-01T00:00:00Z")[0] == created
    assert failed_ids(operator, stream_id, "?date_to=2026-01-01T00:00:00Z") == []
    assert first["deliveries"][0]["id"] == created
    assert failed_ids(operator, stream_id, f"?from={first['next']}") == [deleted]


@pytest.mark.parametrize(
    "query",
    ["statuses=retrying", "event_types=user.seen", "date_from=2026-01-01T00:00:00.5Z", "date_to=monday"],
)
def test_a_list_of_deliveries_refuses_what_auth0_does_not_know(operator: Operator, query: str) -> None:
    stream_id = a_stream_to(operator, "https://frontdesk.example")

    refusal = operator.refusal("GET", f"/event-streams/{stream_id}/deliveries?{query}")

    assert refusal[::2] == (400, "invalid_query_string")


def test_a_failed_delivery_is_sent_again_on_demand_and_a_delivered_one_is_not(operator: Operator) -> None:
    with Receiver(400) as receiver:
        stream_id = a_stream_to(operator, receiver.url, "user.created")
        a_new_user(operator)
        (event_id,) = wait_for_failed(operator, stream_id, 1)
        receiver.answers(200)

        redelivered = operator.call("POST", f"/event-streams/{stream_id}/redeliver/{event_id}")
        receiver.wait_for(2)
        wait_for_failed(operator, stream_id, 0)
        path = f"/event-streams/{stream_id}/deliveries/{event_id}"
        wait_until(lambda: operator.answer("GET", path)["status"] == "delivered")
        again = operator.refusal("POST", f"/event-streams/{stream_id}/redeliver/{event_id}")

    attempts = operator.answer("GET", path)["attempts"]
    assert (redelivered.status_code, redelivered.json()) == (202, {})
    assert [attempt["status"] for attempt in attempts] == ["failed", "retrying", "delivered"]
    assert again[0] == 409


def test_the_sdk_reads_failed_deliveries_and_sends_them_again(
    eventful: LocalAuth0, operator: Operator
) -> None:
    with Receiver(400) as receiver, sdk(eventful) as auth0:
        stream_id = a_stream_to(operator, receiver.url, "user.created")
        a_new_user(operator)
        wait_for_failed(operator, stream_id, 1)
        receiver.answers(200)

        (listed,) = auth0.event_streams.deliveries.list(stream_id, date_from="2026-01-01T00:00:00Z", take=10)
        read = auth0.event_streams.deliveries.get_history(stream_id, listed.id)
        echoed = auth0.event_streams.redeliveries.create(stream_id, event_types=["user.created"])
        sent = receiver.wait_for(2)

    assert (read.status, read.attempts[0].error_message) == ("failed", "HTTP 400")
    assert echoed.event_types == ["user.created"]
    assert [event["id"] for event in events_in(sent)] == [listed.id, listed.id]


def test_a_stream_is_disabled_by_failures_in_a_row(operator: Operator) -> None:
    with Receiver(400) as receiver:
        stream_id = a_stream_to(operator, receiver.url, "user.created")
        for number in range(3):
            a_new_user(operator, f"user-{number}")
        wait_until(lambda: operator.answer("GET", f"/event-streams/{stream_id}")["status"] == "disabled")

        operator.answer("PATCH", f"/event-streams/{stream_id}", {"status": "enabled"})

    assert operator.answer("GET", f"/event-streams/{stream_id}")["status"] == "enabled"


def test_a_stream_full_of_failures_is_enabled_only_once_they_are_delivered(operator: Operator) -> None:
    with Receiver(400, 400, 200, 400, 400, 200, 400) as receiver:
        stream_id = a_stream_to(operator, receiver.url, "user.created")
        for number in range(7):
            a_new_user(operator, f"user-{number}")
            receiver.wait_for(number + 1)
        wait_until(lambda: operator.answer("GET", f"/event-streams/{stream_id}")["status"] == "disabled")
        refused = operator.call("PATCH", f"/event-streams/{stream_id}", {"status": "enabled"})

        receiver.answers(200)
        filter_ = {"date_from": "2026-01-01T00:00:00Z"}
        echoed = operator.answer("POST", f"/event-streams/{stream_id}/redeliver", filter_)
        wait_for_failed(operator, stream_id, 0)
        enabled = operator.answer("PATCH", f"/event-streams/{stream_id}", {"status": "enabled"})

    assert refused.status_code == 400
    assert echoed == filter_
    assert enabled["status"] == "enabled"


def test_stats_count_what_was_delivered_and_what_failed(operator: Operator) -> None:
    with Receiver(200, 400) as receiver:
        stream_id = a_stream_to(operator, receiver.url, "user.created")
        a_new_user(operator, "one")
        receiver.wait_for(1)
        a_new_user(operator, "two")
        wait_for_failed(operator, stream_id, 1)

    stats = operator.answer("GET", f"/event-streams/{stream_id}/stats")
    totals = {metric["name"]: metric["window_total"] for metric in stats["metrics"]}
    assert (stats["id"], stats["name"], len(stats["buckets"])) == (stream_id, "to-us", 24)
    assert totals == {
        "auth0.event_streams.successful_deliveries": 1,
        "auth0.event_streams.failed_deliveries": 1,
    }
