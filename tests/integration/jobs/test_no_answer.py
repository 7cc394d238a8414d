"""What Hasura gives no answer to is found out, as long as it answers others: no record and no size stops a tenant."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import pytest
import requests
from tests.integration.hasura.faulty_server import Behaviour, FaultyServer, answer, read_request
from tests.integration.jobs.queue_house import QueueHouse
from tests.integration.jobs.working import Work, a_log_record, working

from frontdesk.hasura.activities import ActivityOutcome, ActivityResult
from frontdesk.identity.activity import Activity
from frontdesk.jobs.drains import CAREFUL_AFTER
from frontdesk.sync.ingest import settle
from frontdesk.sync.ingest.ingest import RECORDS_OF_A_CAREFUL_STEP, RECORDS_OF_A_STEP

TIMEOUT_S = 20
POISON = "poison-4711"


def in_front_of(hasura_url: str, *, limit: int = 10**9, refused: bytes = b"\0nothing") -> Behaviour:
    """Behave as a proxy that takes no body above a limit, and hangs up on those with something in them."""

    def behave(connection: socket.socket, _over: threading.Event) -> None:
        while asked := read_request(connection):
            head, _, body = asked.partition(b"\r\n\r\n")
            if refused in body:
                return
            if len(body) > limit:
                connection.sendall(answer("too large", "413 Request Entity Too Large"))
                continue
            lines = head.decode().split("\r\n")
            headers = dict(line.split(": ", 1) for line in lines[1:] if line.lower().startswith("x-hasura"))
            path = lines[0].split()[1]
            told = requests.post(hasura_url + path, data=body, headers=headers, timeout=TIMEOUT_S)
            connection.sendall(answer(told.content, f"{told.status_code} Told"))

    return behave


@contextmanager
def behind(house: QueueHouse, behaviour: Behaviour) -> Iterator[Work]:
    with FaultyServer(behaviour) as proxy, working(house, HASURA_URL=proxy.url) as work:
        yield work


def later_until_careful(work: Work) -> None:
    work.off()
    for _ in range(CAREFUL_AFTER):
        work.later()


def test_a_proxy_that_takes_less_than_a_batch_gets_smaller_ones(house: QueueHouse) -> None:
    records = [a_log_record(number) for number in range(100)]
    records[7]["data"]["description"] = "x" * 2000
    records[7]["data"]["details"] = {"long": "x" * 30_000}
    with behind(house, in_front_of(house.inner.hasura_url, limit=20_000)) as work:
        delivery = work.deliver(records)
        work.off()

        assert len(work.activities()) == 99
        assert [number for number, _ in work.rejects()] == [8]
        assert house.delivery_state(delivery) == "done"


@pytest.mark.parametrize("others", ["before", "after"])
def test_a_record_without_an_answer_stops_no_other_delivery(house: QueueHouse, others: str) -> None:
    bad = [a_log_record(1, user_name=POISON)]
    with behind(house, in_front_of(house.inner.hasura_url, refused=POISON.encode())) as work:
        good = [work.deliver([a_log_record(10)])] if others == "before" else []
        poisoned = [work.deliver(bad) for _ in range(3)]
        good += [work.deliver([a_log_record(number)]) for number in (11, 12)]
        later_until_careful(work)

        assert [house.delivery_state(each) for each in good] == ["done"] * len(good)
        assert {house.delivery_state(each) for each in poisoned} == {"apart"}
        assert work.jobs("drain_inbox") == []


def test_a_record_without_an_answer_costs_its_delivery_few_others(house: QueueHouse) -> None:
    count = 3 * RECORDS_OF_A_CAREFUL_STEP
    records = [a_log_record(number) for number in range(count)]
    records[RECORDS_OF_A_CAREFUL_STEP]["data"]["user_name"] = POISON
    with behind(house, in_front_of(house.inner.hasura_url, refused=POISON.encode())) as work:
        work.deliver(records)
        later_until_careful(work)

        assert len(work.activities()) == count - RECORDS_OF_A_CAREFUL_STEP


def test_when_nothing_gets_an_answer_nothing_is_set_apart(house: QueueHouse) -> None:
    with behind(house, in_front_of(house.inner.hasura_url, refused=b"{")) as work:
        deliveries = [work.deliver([a_log_record(number)]) for number in range(5)]
        later_until_careful(work)

        assert {house.delivery_state(each) for each in deliveries} == {"waiting"}
        (job,) = work.jobs("drain_inbox")
        assert job["attempts"] > CAREFUL_AFTER


class _Counts:
    """Adds nothing, and counts how many came at once."""

    def __init__(self) -> None:
        self.numbers: list[int] = []

    def add_many(
        self, activities: Sequence[Activity], *, tenant: str, budget_s: float
    ) -> tuple[ActivityResult, ...]:
        self.numbers.append(len(activities))
        return tuple(ActivityResult(id=each.id, outcome=ActivityOutcome.ADDED) for each in activities)


def test_a_long_delivery_has_a_budget_for_each_of_its_steps(house: QueueHouse) -> None:
    """With one for all of it, a delivery that takes longer would never come through."""
    count = 2 * RECORDS_OF_A_STEP + 5
    with working(house) as work:
        delivery = work.deliver([a_log_record(number) for number in range(count)])
        counts = _Counts()
        settled = settle(replace(work.places.ingest_place(house.tenant), activities=counts))

        assert counts.numbers == [RECORDS_OF_A_STEP, RECORDS_OF_A_STEP, 5]
        assert [(each.deliveries, each.records, each.added) for each in settled.done] == [(1, count, count)]
        assert house.delivery_state(delivery) == "done"
