"""Rows that arrive while a write is in flight go together, and every caller keeps its own deadline."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from frontdesk.errors import HasuraRejected, HasuraUnavailable
from frontdesk.hasura.group_commit import GATHER_LIMIT_S, MAX_BATCH, SENDERS, GroupCommit
from frontdesk.hasura.transport import Deadline

PATIENCE_S = 10.0


class Sink:
    """Where the batches go. While `open` is not set, a batch waits until it is or its deadline passes."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.open.set()
        self.batches: list[list[str]] = []
        self.bad: set[str] = set()
        self._lock = threading.Lock()

    def send(self, rows: Sequence[str], deadline: Deadline) -> list[str]:
        with self._lock:
            self.batches.append(list(rows))
        if not self.open.wait(deadline.left_s()):
            raise HasuraUnavailable("too late")
        if self.bad & set(rows):
            raise HasuraRejected("a bad row", code="permission-error")
        return [row.upper() for row in rows]


@pytest.fixture
def sink() -> Sink:
    return Sink()


@pytest.fixture
def submit(sink: Sink) -> Iterator[Callable[..., Future[str]]]:
    """Submit a row from a thread of its own and return the future of its outcome."""
    commit: GroupCommit[str, str] = GroupCommit(sink.send)
    callers = ThreadPoolExecutor(200)

    def submit(
        row: str, *, lane: str = "lane", key: str | None = None, budget_s: float = PATIENCE_S
    ) -> Future[str]:
        deadline = Deadline.after(budget_s)
        return callers.submit(commit.submit, row, lane=lane, key=key or row, deadline=deadline)

    yield submit
    sink.open.set()
    callers.shutdown()
    commit.close()


def wait_for(condition: Callable[[], bool]) -> None:
    limit = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < limit, "the condition did not come true"
        time.sleep(0.001)


def test_a_row_in_an_idle_lane_goes_at_once_and_alone(sink: Sink, submit: Callable[..., Future[str]]) -> None:
    begin = time.monotonic()

    assert submit("a").result(PATIENCE_S) == "A"

    assert sink.batches == [["a"]]
    assert time.monotonic() - begin < GATHER_LIMIT_S


def test_rows_that_arrive_meanwhile_go_as_one(sink: Sink, submit: Callable[..., Future[str]]) -> None:
    sink.open.clear()
    first = submit("first")
    wait_for(lambda: len(sink.batches) == 1)
    others = [submit(f"row{index:02}") for index in range(20)]
    wait_for(lambda: len(sink.batches) == 2)  # released by the limit on gathering
    sink.open.set()

    outcomes = [other.result(PATIENCE_S) for other in others]

    assert first.result(PATIENCE_S) == "FIRST"
    assert outcomes == [f"ROW{index:02}" for index in range(20)]
    assert len(sink.batches) < 10
    assert max(len(batch) for batch in sink.batches) > 1


def test_a_write_that_hangs_does_not_hold_the_rows_behind_it(sink: Sink) -> None:
    hanging = threading.Event()

    def send(rows: Sequence[str], deadline: Deadline) -> list[str]:
        if "hang" in rows:
            hanging.set()
            threading.Event().wait(deadline.left_s())
            raise HasuraUnavailable("too late")
        return list(rows)

    commit: GroupCommit[str, str] = GroupCommit(send)
    with ThreadPoolExecutor(1) as callers:
        stuck = callers.submit(commit.submit, "hang", lane="l", key="hang", deadline=Deadline.after(2))
        hanging.wait(PATIENCE_S)

        assert commit.submit("b", lane="l", key="b", deadline=Deadline.after(1)) == "b"
        assert not stuck.done()
    commit.close()


def test_a_key_that_hangs_takes_one_sender_however_often_it_comes(
    sink: Sink, submit: Callable[..., Future[str]]
) -> None:
    sink.open.clear()
    stuck = [submit(f"hang{index}", key="hang", budget_s=1.0) for index in range(SENDERS + 2)]
    wait_for(lambda: len(sink.batches) == 1)
    others = [submit(f"row{index}", budget_s=1.0) for index in range(5)]
    wait_for(lambda: sum(map(len, sink.batches)) == 6)

    assert sum(row.startswith("hang") for batch in sink.batches for row in batch) == 1
    sink.open.set()
    assert [row.result(PATIENCE_S) for row in others] == [f"ROW{index}" for index in range(5)]
    assert len({row.result(PATIENCE_S) for row in stuck}) == SENDERS + 2


def test_no_key_is_twice_in_a_batch(sink: Sink, submit: Callable[..., Future[str]]) -> None:
    sink.open.clear()
    rows = [submit("first"), *(submit(f"v{index}", key="same") for index in range(5))]
    wait_for(lambda: bool(sink.batches))
    sink.open.set()

    assert {row.result(PATIENCE_S) for row in rows} == {"FIRST", *(f"V{index}" for index in range(5))}
    assert all(sum(row.startswith("v") for row in batch) <= 1 for batch in sink.batches)


def test_lanes_never_share_a_batch(sink: Sink, submit: Callable[..., Future[str]]) -> None:
    sink.open.clear()
    rows = [submit(f"{lane}{index}", lane=lane) for index in range(5) for lane in "xy"]
    wait_for(lambda: len(sink.batches) >= 2)
    sink.open.set()

    for row in rows:
        row.result(PATIENCE_S)
    assert all(len({row[0] for row in batch}) == 1 for batch in sink.batches)


def test_a_batch_has_a_greatest_size(sink: Sink, submit: Callable[..., Future[str]]) -> None:
    sink.open.clear()
    rows = [submit(f"row{index}") for index in range(MAX_BATCH + 30)]
    wait_for(lambda: any(len(batch) > 1 for batch in sink.batches))
    sink.open.set()

    for row in rows:
        row.result(PATIENCE_S)
    assert max(map(len, sink.batches)) <= MAX_BATCH


def test_a_bad_row_fails_alone(sink: Sink, submit: Callable[..., Future[str]]) -> None:
    sink.bad = {"bad"}
    sink.open.clear()
    first = submit("first")
    wait_for(lambda: len(sink.batches) == 1)
    good, bad, fine = submit("good"), submit("bad"), submit("fine")
    wait_for(lambda: sum(map(len, sink.batches)) == 4)
    sink.open.set()

    assert [row.result(PATIENCE_S) for row in (first, good, fine)] == ["FIRST", "GOOD", "FINE"]
    with pytest.raises(HasuraRejected):
        bad.result(PATIENCE_S)


def test_every_caller_waits_until_its_own_deadline(sink: Sink, submit: Callable[..., Future[str]]) -> None:
    sink.open.clear()
    patient = submit("patient", budget_s=PATIENCE_S)
    wait_for(lambda: len(sink.batches) == 1)
    begin = time.monotonic()
    hasty = submit("hasty", budget_s=0.2)

    with pytest.raises(HasuraUnavailable):
        hasty.result(PATIENCE_S)
    assert 0.15 < time.monotonic() - begin < 1.0
    assert not patient.done()

    sink.open.set()
    assert patient.result(PATIENCE_S) == "PATIENT"


def test_when_every_sender_hangs_callers_still_leave_in_time(
    sink: Sink, submit: Callable[..., Future[str]]
) -> None:
    sink.open.clear()
    stuck = [submit(f"row{index}", lane=f"lane{index}", budget_s=1.0) for index in range(SENDERS)]
    wait_for(lambda: len(sink.batches) == SENDERS)
    begin = time.monotonic()

    with pytest.raises(HasuraUnavailable):
        submit("late", lane="another", budget_s=0.2).result(PATIENCE_S)

    assert time.monotonic() - begin < 0.8
    for row in stuck:
        with pytest.raises(HasuraUnavailable):
            row.result(PATIENCE_S)
    sink.open.set()
    assert submit("after", lane="another").result(PATIENCE_S) == "AFTER"
    assert ["late"] not in sink.batches


def test_a_fault_of_ours_reaches_whoever_waits() -> None:
    def send(rows: Sequence[str], deadline: Deadline) -> list[str]:
        raise ZeroDivisionError

    commit: GroupCommit[str, str] = GroupCommit(send)

    with pytest.raises(ZeroDivisionError):
        commit.submit("a", lane="l", key="a", deadline=Deadline.after(PATIENCE_S))
    commit.close()
