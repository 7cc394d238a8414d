"""How far ways in have come: marks only grow, in whatever order records are taken."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from frontdesk.store.database import Database
from frontdesk.store.stream_marks import KEPT, Received, StreamMarks, slot_of

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture
def database(store_url: str) -> Iterator[Database]:
    with Database(store_url, max_connections=2) as opened:
        yield opened


def record(minutes: float) -> Received:
    at = NOON + timedelta(minutes=minutes)
    return Received(at=at, log_id=f"900{at:%Y%m%d%H%M%S}000{'7' * 36}")


def test_the_greatest_id_of_each_ten_minutes_stays_whatever_the_order(database: Database) -> None:
    records = [record(minutes) for minutes in (0, 3, 9.9, 10, 14, 25)]
    random.Random(6).shuffle(records)
    marks = StreamMarks(database)
    for each in [*records, *records]:
        marks.note("default", "log-stream", [each], received_at=NOON)
    assert marks.at_slots("default", [slot_of(each.at) for each in records]) == {
        NOON: record(9.9).log_id,
        NOON + timedelta(minutes=10): record(14).log_id,
        NOON + timedelta(minutes=20): record(25).log_id,
    }
    assert marks.newest("default") == record(25).log_id
    assert marks.before_newest("default") == record(14).log_id


def test_the_state_of_a_way_goes_forward_alone_and_keeps_its_position(database: Database) -> None:
    marks = StreamMarks(database)
    marks.go_on_from("default", "logs", {"from": "900"})
    marks.note("default", "logs", [record(5)], received_at=NOON + timedelta(hours=1))
    marks.note("default", "logs", [record(1)], received_at=NOON)
    state = marks.state("default", "logs")
    assert state.received_at == NOON + timedelta(hours=1)
    assert state.record_at == NOON + timedelta(minutes=5)
    assert state.position == {"from": "900"}
    assert marks.states("default") == (state,)


@pytest.mark.parametrize(
    "given",
    [
        Received(at=NOON, log_id="zzz"),
        Received(at=NOON, log_id="9" * 56),
        Received(at=NOON, log_id=f"900{NOON:%Y%m%d%H%M%S}" + "'"),
        Received(at=NOON, log_id="９００20260302120000000"),
        Received(at=NOON, log_id=f"900{NOON + timedelta(days=2):%Y%m%d%H%M%S}0001"),
        Received(at=datetime(9999, 12, 31, tzinfo=UTC), log_id=record(0).log_id),
    ],
)
def test_what_cannot_be_of_the_tenants_log_yet_leaves_no_mark(database: Database, given: Received) -> None:
    marks = StreamMarks(database)
    marks.note("default", "log-stream", [record(0), given], received_at=NOON)
    assert marks.newest("default") == record(0).log_id
    assert marks.state("default", "log-stream").record_at == NOON


def test_an_event_without_an_id_of_the_log_leaves_no_mark(database: Database) -> None:
    marks = StreamMarks(database)
    marks.note("default", "event-stream", [Received(at=NOON)], received_at=NOON)
    assert marks.newest("default") is None
    assert marks.before_newest("default") is None
    assert marks.state("default", "event-stream").record_at == NOON


def test_marks_of_another_tenant_are_not_seen(database: Database) -> None:
    marks = StreamMarks(database)
    marks.note("other", "log-stream", [record(0)], received_at=NOON)
    assert marks.newest("default") is None
    assert marks.state("default", "log-stream").received_at is None


def test_marks_that_no_log_reaches_back_to_go(database: Database) -> None:
    marks = StreamMarks(database)
    marks.note("default", "log-stream", [record(0), record(10)], received_at=NOON)
    marks.drop_old(NOON + KEPT + timedelta(minutes=5))
    assert marks.at_slots("default", [NOON, NOON + timedelta(minutes=10)]) == {
        NOON + timedelta(minutes=10): record(10).log_id
    }
