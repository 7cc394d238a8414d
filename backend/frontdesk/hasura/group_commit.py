"""Writes that arrive while one is in flight gather and go as one.

A lane is what may share a write. In an idle lane a row goes at once, alone. A caller waits until its own deadline,
whatever its batch does; a batch may take as long as the most patient of its callers. A key is in flight once at a time:
a row that is locked in the database would otherwise hold one sender, and one batch of others, with every try.
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from frontdesk.errors import HasuraError, HasuraRejected, HasuraUnavailable
from frontdesk.hasura.transport import Deadline

MAX_BATCH = 50  # rows; enough for a burst, and small enough for one statement inside the budget
GATHER_LIMIT_S = 0.1  # a write that hangs holds the rows behind it no longer than this
SENDERS = 8  # writes in flight per process

Row = TypeVar("Row")
Outcome = TypeVar("Outcome")


@dataclass(eq=False)
class _Waiting(Generic[Row, Outcome]):
    key: Hashable
    row: Row
    deadline: Deadline
    outcome: Future[Outcome] = field(default_factory=Future)


@dataclass(eq=False)
class _Lane(Generic[Row, Outcome]):
    waiting: list[_Waiting[Row, Outcome]] = field(default_factory=list)
    in_flight: int = 0
    keys: set[Hashable] = field(default_factory=set)  # of the rows in flight


class GroupCommit(Generic[Row, Outcome]):
    """Hands rows to `send` in batches of one lane, no key twice in one batch.

    `send` gets the rows and the deadline of the batch and returns one outcome per row, in their order; it raises
    HasuraRejected when the batch as a whole was refused. Then its rows are sent one by one, so that a bad row fails
    alone. Threads may share an instance; a forked process needs its own.
    """

    def __init__(self, send: Callable[[Sequence[Row], Deadline], Sequence[Outcome]]) -> None:
        self._send = send
        self._lock = threading.Lock()
        self._lanes: dict[Hashable, _Lane[Row, Outcome]] = {}
        self._senders = ThreadPoolExecutor(SENDERS, thread_name_prefix="hasura-write")

    def submit(self, row: Row, *, lane: Hashable, key: Hashable, deadline: Deadline) -> Outcome:
        """Return the outcome of one row. Raises HasuraError; HasuraUnavailable when the deadline passed first."""
        waiting: _Waiting[Row, Outcome] = _Waiting(key, row, deadline)
        with self._lock:
            own = self._lanes.setdefault(lane, _Lane())
            own.waiting.append(waiting)
            if own.in_flight == 0:
                self._launch(own)
        try:
            return waiting.outcome.result(min(GATHER_LIMIT_S, deadline.left_s()))
        except TimeoutError:
            return self._wait_on(own, waiting)

    def close(self) -> None:
        """Take no more rows; what is in flight ends by its own deadline."""
        self._senders.shutdown(wait=False)

    def _wait_on(self, lane: _Lane[Row, Outcome], waiting: _Waiting[Row, Outcome]) -> Outcome:
        with self._lock:
            if waiting in lane.waiting:
                self._launch(lane)
        try:
            return waiting.outcome.result(waiting.deadline.left_s())
        except TimeoutError:
            with self._lock:
                if waiting in lane.waiting:
                    lane.waiting.remove(waiting)
            raise HasuraUnavailable("Hasura did not answer in time") from None

    def _launch(self, lane: _Lane[Row, Outcome]) -> None:
        """Send what waits, as far as one batch holds it. The caller holds the lock."""
        batch: dict[Hashable, _Waiting[Row, Outcome]] = {}
        for waiting in lane.waiting:
            if len(batch) < MAX_BATCH and waiting.key not in lane.keys:
                batch.setdefault(waiting.key, waiting)
        chosen = list(batch.values())
        if chosen:
            lane.waiting = [waiting for waiting in lane.waiting if batch.get(waiting.key) is not waiting]
            lane.in_flight += 1
            lane.keys |= batch.keys()
            self._senders.submit(self._fly, lane, chosen)

    def _fly(self, lane: _Lane[Row, Outcome], batch: list[_Waiting[Row, Outcome]]) -> None:
        try:
            self._settle(batch)
        finally:
            with self._lock:
                lane.in_flight -= 1
                landed = {waiting.key for waiting in batch}
                lane.keys -= landed
                if lane.in_flight == 0 or any(waiting.key in landed for waiting in lane.waiting):
                    self._launch(lane)

    def _settle(self, batch: list[_Waiting[Row, Outcome]]) -> None:
        """Send a batch and give every row its outcome."""
        alive = [waiting for waiting in batch if not waiting.deadline.is_over()]
        if not alive:
            return
        deadline = max((waiting.deadline for waiting in alive), key=lambda deadline: deadline.moment)
        try:
            outcomes = self._send([waiting.row for waiting in alive], deadline)
        except HasuraRejected as err:
            if len(alive) == 1:
                alive[0].outcome.set_exception(err)
                return
            for waiting in alive:
                self._senders.submit(self._settle, [waiting])
        except HasuraError as err:
            _fail(alive, err)
        except BaseException as err:
            _fail(alive, err)  # a fault of ours: whoever waits shall see it, and not wait for nothing
            raise
        else:
            for waiting, outcome in zip(alive, outcomes, strict=True):
                waiting.outcome.set_result(outcome)


def _fail(batch: Sequence[_Waiting[Row, Outcome]], err: BaseException) -> None:
    for waiting in batch:
        # One instance each: several threads raise them, and raising writes the traceback into the instance.
        waiting.outcome.set_exception(copy.copy(err))
