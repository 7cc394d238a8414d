"""A circuit breaker: what has not answered for a while is asked now and then, and not by every login.

Ours and not pybreaker, which holds its lock while it calls: all logins of a process would wait in line. Here the lock
is held to count, never to wait for anybody.
"""

from __future__ import annotations

import os
import threading
import time
import weakref
from collections.abc import Callable
from typing import TypeVar

from frontdesk.errors import FrontdeskError

T = TypeVar("T")


def _ignore(_is_open: bool) -> None:
    """Tell nobody."""


class Breaker:
    """Closed until `failures` calls in a row got no answer; then open, until one of the few that it lets through does.

    Threads share it; one for each process. `changed` is told whether it is open now.
    """

    def __init__(
        self,
        *,
        failures: int,
        retry_s: float,
        changed: Callable[[bool], None] = _ignore,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._failures, self._retry_s, self._changed, self._clock = failures, retry_s, changed, clock
        self._lock = threading.Lock()
        self._in_a_row = 0
        self._retry_at: float | None = None  # None: closed
        self._generation = 0
        start_afresh = weakref.WeakMethod(self._start_afresh)
        os.register_at_fork(after_in_child=lambda: (start_afresh() or _nothing)())

    @property
    def is_open(self) -> bool:
        """Whether most calls are refused at the moment."""
        return self._retry_at is not None

    def call(self, work: Callable[[], T], *, no_answer: type[FrontdeskError]) -> T:
        """Return what `work` returns. Raises `no_answer` at once while it is open, but for one call each `retry_s`.

        A `no_answer` of the work counts as a failure, any other error of ours as an answer; a fault in the program
        counts as neither.
        """
        generation = self._admitted()
        if generation is None:
            raise no_answer("not asked: there was no answer to those before")
        try:
            outcome = work()
        except no_answer:
            self._heard(generation, answer=False)
            raise
        except FrontdeskError:
            self._heard(generation, answer=True)
            raise
        self._heard(generation, answer=True)
        return outcome

    def _admitted(self) -> int | None:
        """Return the generation of a call that may be made; None when it may not."""
        with self._lock:
            if self._retry_at is not None:
                now = self._clock()
                if now < self._retry_at:
                    return None
                # By time, not by outcome: a call that never ends is not in the way of the next one.
                self._retry_at = now + self._retry_s
            return self._generation

    def _heard(self, generation: int, *, answer: bool) -> None:
        with self._lock:
            if generation != self._generation:
                return  # made before the last change; it says nothing of the time since
            self._in_a_row = 0 if answer else self._in_a_row + 1
            if answer and self.is_open:
                self._change(None)
            elif not answer and not self.is_open and self._in_a_row >= self._failures:
                self._change(self._clock() + self._retry_s)

    def _change(self, retry_at: float | None) -> None:
        self._retry_at = retry_at
        self._in_a_row = 0
        self._generation += 1
        self._changed(self.is_open)

    def _start_afresh(self) -> None:
        # A thread of the parent may have held the lock at the fork; nobody would ever release it here.
        self._lock = threading.Lock()


def _nothing() -> None:
    """Stand in for the method of a breaker that is gone."""
