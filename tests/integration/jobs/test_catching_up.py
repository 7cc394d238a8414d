"""A gap of the log stream is noticed by one or two calls, and read into the inbox once."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.integration.jobs.past import Clock, Past, log_id_of
from tests.integration.users.house import ANN, MACHINE, a_tenant, a_user

from frontdesk.errors import QueueFull
from frontdesk.store.database import Database
from frontdesk.store.inbox import Inbox, NewDelivery
from frontdesk.store.inbox_load import QueueBound
from frontdesk.store.stream_marks import StreamMarks
from frontdesk.sync.catching_up import CatchUpPlace, Look, Turn, fill, look_for_gap
from localauth0 import LocalAuth0


@pytest.fixture(scope="session")
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def past_auth0(clock: Clock) -> Iterator[LocalAuth0]:
    with LocalAuth0(tenant=a_tenant([a_user(ANN)]), clock=clock) as auth0:
        yield auth0


@pytest.fixture
def past(past_auth0: LocalAuth0, clock: Clock, store_url: str) -> Iterator[Past]:
    past_auth0.reset()
    with Database(store_url, max_connections=3) as database:
        yield Past(past_auth0, clock, "default", database)


@pytest.fixture
def place(past: Past) -> Iterator[CatchUpPlace]:
    with past.api(MACHINE) as api:
        yield past.place(api)


def go_on() -> None:
    """Nobody asks to stop."""


def filled(place: CatchUpPlace) -> Turn:
    return fill(place, request_id="request-1", stop_when_asked=go_on)


def read_into_inbox(past: Past) -> list[str]:
    """Return the ids of the records in the inbox, as they were read."""
    with past.database.transaction() as connection:
        rows = connection.execute("SELECT way, body, records FROM deliveries ORDER BY id").fetchall()
    pages = [json.loads(bytes(body)) for _, body, _ in rows]
    assert all(way == "logs" for way, _, _ in rows)
    assert [len(page) for page in pages] == [records for _, _, records in rows]
    # Our own calls for a token are in the log too.
    return [log_id_of(record) for page in pages for record in page if record["type"] == "s"]


def ids(*records: Mapping[str, Any]) -> list[str]:
    return [log_id_of(record) for record in records]


def test_a_page_that_the_inbox_has_no_room_for_is_read_again(past: Past, place: CatchUpPlace) -> None:
    records = past.happened(60, 30, 12)
    past.came(records[0])
    assert look_for_gap(place) is Look.GAP

    with pytest.raises(QueueFull):
        filled(replace(place, inbox=Inbox(past.database, QueueBound(deliveries=0, size_bytes=0))))
    filled(place)

    assert set(ids(*records[1:])) <= set(read_into_inbox(past))


def test_a_stream_that_brings_everything_has_no_gap(past: Past, place: CatchUpPlace) -> None:
    past.came(*past.happened(60, 30, 12))
    assert look_for_gap(place) is Look.COMPLETE
    past.came(*past.records())
    past.now += timedelta(minutes=30)
    past.came(*past.happened(20, 5, 1))
    assert look_for_gap(place) is Look.COMPLETE
    assert read_into_inbox(past) == []


def test_what_a_silent_stream_did_not_bring_is_read_and_no_more(past: Past, place: CatchUpPlace) -> None:
    past.came(*past.happened(60, 45))
    missing = past.happened(*range(44, 3, -1))
    past.happened(1, 0.5)

    assert look_for_gap(place) is Look.GAP
    turn = filled(place)

    # The one before is read again: streams bring records in no order, so from the mark before the newest.
    assert read_into_inbox(past)[1:] == ids(*missing)
    assert (turn.records, turn.is_over) == (len(missing) + 1, True)
    assert look_for_gap(place) is Look.COMPLETE
    assert filled(place) == Turn(pages=0, records=0, is_over=True)


def test_a_stream_that_stays_silent_is_read_on_from_where_reading_ended(
    past: Past, place: CatchUpPlace
) -> None:
    past.came(*past.happened(60, 45))
    past.happened(30, 20)
    assert look_for_gap(place) is Look.GAP
    filled(place)
    past.taken()
    already = len(read_into_inbox(past))

    past.now += timedelta(minutes=30)
    second = past.happened(10, 8)
    assert look_for_gap(place) is Look.GAP
    filled(place)

    assert read_into_inbox(past)[already:] == ids(*second)


def test_a_gap_in_the_middle_is_found_from_the_last_look(past: Past, place: CatchUpPlace) -> None:
    past.came(*past.happened(60, 45))
    assert look_for_gap(place) is Look.COMPLETE
    past.now += timedelta(minutes=60)
    missing = past.happened(30, 29)
    past.came(*past.happened(12, 5))  # the stream is on again

    assert look_for_gap(place) is Look.GAP
    filled(place)

    assert read_into_inbox(past)[:2] == ids(*missing)
    past.taken()
    assert look_for_gap(place) is Look.COMPLETE


class DroppedMarks(StreamMarks):
    """Marks that the nightly job drops right after the newest one was read."""

    def before_newest(self, tenant: str) -> str | None:
        self.drop_old(datetime.max.replace(tzinfo=UTC))
        return super().before_newest(tenant)


def test_a_gap_is_found_although_old_marks_are_dropped_meanwhile(past: Past, place: CatchUpPlace) -> None:
    past.came(*past.happened(100))
    missing = past.happened(90, 80)

    assert look_for_gap(replace(place, marks=DroppedMarks(past.database))) is Look.GAP
    filled(place)

    assert read_into_inbox(past) == ids(*missing)


def test_nothing_is_concluded_while_what_came_waits_to_be_taken(past: Past, place: CatchUpPlace) -> None:
    past.came(*past.happened(60))
    past.happened(30)
    past.inbox.accept(
        NewDelivery(tenant="default", way="log-stream", body=b"[{}]", records=1, request_id="r")
    )
    past.now += timedelta(minutes=5)

    assert look_for_gap(place) is Look.NOT_TAKEN


def test_a_stream_that_never_brought_anything_is_read_from_an_hour_back(
    past: Past, place: CatchUpPlace
) -> None:
    past.happened(180, 90)
    missing = past.happened(50, 40)

    assert look_for_gap(place) is Look.GAP
    filled(place)

    assert read_into_inbox(past) == ids(*missing)
    assert look_for_gap(place) is Look.COMPLETE


def test_without_a_stream_nothing_is_looked_at(past: Past, place: CatchUpPlace) -> None:
    past.happened(50)
    assert look_for_gap(past.place(place.api, expects_stream=False)) is Look.NOT_EXPECTED
    assert place.api.calls == {}


def test_what_the_log_does_not_reach_back_to_is_left_and_the_rest_is_read(
    past: Past, place: CatchUpPlace
) -> None:
    past.came(*past.happened(60 * 24 * 40))
    kept = past.happened(60 * 24 * 3, 30)

    assert look_for_gap(place) is Look.GAP
    filled(place)

    assert set(read_into_inbox(past)) <= set(ids(*kept))
    assert read_into_inbox(past)[-1] == log_id_of(kept[-1])


def test_whoever_is_stopped_between_pages_goes_on_and_misses_none(past: Past, place: CatchUpPlace) -> None:
    (first,) = past.happened(100)
    past.came(first)
    missing = past.happened(*(99 - number / 10 for number in range(350)))
    assert look_for_gap(place) is Look.GAP

    class Stopped(Exception):
        pass

    pages = 0

    def stop_after_two() -> None:
        nonlocal pages
        pages += 1
        if pages > 2:
            raise Stopped

    with pytest.raises(Stopped):
        fill(place, request_id="request-1", stop_when_asked=stop_after_two)
    assert read_into_inbox(past) == ids(*missing[:200])
    filled(place)

    assert read_into_inbox(past) == ids(*missing)


def test_the_inbox_keeps_room_for_the_streams(past: Past, place: CatchUpPlace) -> None:
    place = replace(place, max_ahead=2)
    past.came(*past.happened(100))
    past.happened(*(99 - number / 10 for number in range(350)))
    assert look_for_gap(place) is Look.GAP

    assert filled(place) == Turn(pages=2, records=200, is_over=False)
    assert filled(place) == Turn(pages=0, records=0, is_over=False)
    past.taken()
    assert filled(place) == Turn(pages=2, records=150, is_over=False)
    past.taken()
    assert filled(place) == Turn(pages=0, records=0, is_over=True)
