"""How long it takes after a fault until all is as it should be, seen beside the faults that follow."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

import psycopg
from psycopg.rows import DictRow

from tests.faults.house import House
from tests.faults.ledger import Ledger
from tests.faults.proof import is_caught_up

EVERY_S = 0.1
JOIN_LIMIT_S = 30.0


@dataclass(kw_only=True)
class Struck:
    """One fault that was made, on the monotonic clock: when it began, was taken back, and was made good.

    It is made good when a login goes straight through, and all that was accepted until then stands in Hasura.
    """

    name: str
    began: float
    ended: float
    ended_at: datetime
    settled: float | None = None
    is_settled: threading.Event = field(default_factory=threading.Event, repr=False)


class SettleWatch:
    """Looks after every fault until it is made good, inside its `with` block."""

    def __init__(self, house: House, ledger: Ledger) -> None:
        self._house, self._ledger = house, ledger
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="settle-watch")
        self._open: list[Struck] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join(JOIN_LIMIT_S)

    def ended(self, name: str, began: float) -> Struck:
        """Look after a fault that is taken back at this moment."""
        struck = Struck(name=name, began=began, ended=time.monotonic(), ended_at=datetime.now(UTC))
        self._open.append(struck)
        return struck

    def _watch(self) -> None:
        while not self._over.wait(EVERY_S):
            try:
                with self._house.store() as connection:
                    while not self._over.wait(EVERY_S):
                        self._look(connection)
            except psycopg.OperationalError:
                continue  # PostgreSQL is being stopped or started, so nothing is made good yet

    def _look(self, connection: psycopg.Connection[DictRow]) -> None:
        for struck in tuple(self._open):
            if self._ledger.synced_at > struck.ended and is_caught_up(connection, struck.ended_at):
                struck.settled = time.monotonic()
                struck.is_settled.set()
                self._open.remove(struck)
