"""The breaker: who is asked, who is refused at once, and when it closes again; the clock is moved by hand."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from frontdesk.errors import HasuraRejected, HasuraUnavailable
from frontdesk.sync.breaker import Breaker

RETRY_S = 5.0
WAIT_S = 10.0


class House:
    """A breaker of three failures, what it told of itself, and whose calls were made."""

    def __init__(self) -> None:
        self.now = 100.0
        self.told: list[bool] = []
        self.asked: list[str] = []
        self.breaker = Breaker(failures=3, retry_s=RETRY_S, changed=self.told.append, clock=lambda: self.now)

    def answer(self) -> str:
        return self.call(lambda: "an answer")

    def refuse(self) -> None:
        def work() -> str:
            raise HasuraRejected("a row is refused")

        with pytest.raises(HasuraRejected):
            self.call(work)

    def fail(self, times: int = 1) -> None:
        def work() -> str:
            raise HasuraUnavailable("nobody is there")

        for _ in range(times):
            with pytest.raises(HasuraUnavailable, match="nobody is there"):
                self.call(work)

    def is_refused_at_once(self) -> bool:
        asked = len(self.asked)
        with pytest.raises(HasuraUnavailable, match="not asked"):
            self.answer()
        return len(self.asked) == asked

    def call(self, work: Callable[[], str]) -> str:
        def asked() -> str:
            self.asked.append("")
            return work()

        return self.breaker.call(asked, no_answer=HasuraUnavailable)


@pytest.fixture
def house() -> House:
    return House()


def test_failures_in_a_row_open_it(house: House) -> None:
    house.fail(3)

    assert house.is_refused_at_once()
    assert (house.breaker.is_open, house.told) == (True, [True])


@pytest.mark.parametrize("between", [House.answer, House.refuse], ids=["an answer", "a refusal"])
def test_an_answer_in_between_starts_the_count_anew(house: House, between: Callable[[House], object]) -> None:
    house.fail(2)
    between(house)
    house.fail(2)

    assert house.answer() == "an answer"
    assert house.told == []


def test_one_call_gets_through_each_time_that_it_is_due(house: House) -> None:
    house.fail(3)
    house.now += RETRY_S - 0.1
    assert house.is_refused_at_once()

    house.now += 0.1
    house.fail()

    assert house.is_refused_at_once()
    house.now += RETRY_S
    house.fail()
    assert house.told == [True]


@pytest.mark.parametrize("answers", [House.answer, House.refuse], ids=["an answer", "a refusal"])
def test_an_answer_closes_it(house: House, answers: Callable[[House], object]) -> None:
    house.fail(3)
    house.now += RETRY_S

    answers(house)

    assert house.told == [True, False]
    house.fail(2)
    assert house.answer() == "an answer"


def test_a_call_that_never_ends_is_not_in_the_way_of_the_next_one(house: House) -> None:
    house.fail(3)
    house.now += RETRY_S
    inside, may_end = threading.Event(), threading.Event()

    def hang() -> str:
        inside.set()
        may_end.wait(WAIT_S)
        raise HasuraUnavailable("late")

    with ThreadPoolExecutor(1) as pool:
        hanging = pool.submit(house.call, hang)
        inside.wait(WAIT_S)
        assert house.is_refused_at_once()
        house.now += RETRY_S
        house.answer()
        may_end.set()
        hanging.exception(WAIT_S)

    assert house.told == [True, False]
    assert house.answer() == "an answer"


def test_what_was_asked_before_it_opened_says_nothing_of_the_time_since(house: House) -> None:
    inside, may_end = threading.Event(), threading.Event()

    def slow() -> str:
        inside.set()
        may_end.wait(WAIT_S)
        return "an answer"

    with ThreadPoolExecutor(1) as pool:
        slow_one = pool.submit(house.call, slow)
        inside.wait(WAIT_S)
        house.fail(3)
        may_end.set()
        assert slow_one.result(WAIT_S) == "an answer"

    assert house.is_refused_at_once()


def test_a_fault_in_the_program_counts_as_neither(house: House) -> None:
    def work() -> str:
        raise ZeroDivisionError

    for _ in range(3):
        with pytest.raises(ZeroDivisionError):
            house.call(work)
    assert house.answer() == "an answer"

    house.fail(3)
    house.now += RETRY_S
    with pytest.raises(ZeroDivisionError):
        house.call(work)
    assert house.is_refused_at_once()


def test_calls_do_not_wait_for_one_another(house: House) -> None:
    together = threading.Barrier(8, timeout=WAIT_S)

    def meet() -> str:
        together.wait()
        return "an answer"

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: house.call(meet), range(8)))

    assert answers == ["an answer"] * 8


def test_of_many_threads_one_gets_through_when_it_is_due(house: House) -> None:
    house.fail(3)
    house.now += RETRY_S
    asked = len(house.asked)

    def attempt(_: int) -> bool:
        try:
            house.call(_give_no_answer)
        except HasuraUnavailable:
            return True
        return False

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(attempt, range(64)))

    assert len(house.asked) - asked == 1


def test_a_process_forked_while_it_is_changed_does_not_wait_for_ever(house: House) -> None:
    inside, may_end = threading.Event(), threading.Event()

    def hold(_is_open: bool) -> None:
        inside.set()
        may_end.wait(WAIT_S)

    breaker = Breaker(failures=1, retry_s=RETRY_S, changed=hold)
    with ThreadPoolExecutor(1) as pool:
        holding = pool.submit(breaker.call, _give_no_answer, no_answer=HasuraUnavailable)
        inside.wait(WAIT_S)
        child = os.fork()
        if child == 0:  # in the child only this thread goes on
            _end_with(breaker)
        ended = _status_of(child)
        may_end.set()
        holding.exception(WAIT_S)

    assert ended == 0


def _give_no_answer() -> str:
    raise HasuraUnavailable("nobody is there")


def _end_with(breaker: Breaker) -> None:
    try:
        breaker.call(_give_no_answer, no_answer=HasuraUnavailable)
    except HasuraUnavailable:
        os._exit(0)
    os._exit(1)


def _status_of(child: int) -> int | None:
    """Return how the child ended; None, and an end to it, when it did not in time."""
    waiter = threading.Thread(target=lambda: found.append(os.waitpid(child, 0)[1]), daemon=True)
    found: list[int] = []
    waiter.start()
    waiter.join(WAIT_S)
    if not found:
        os.kill(child, 9)
        waiter.join(WAIT_S)
        return None
    return found[0]
