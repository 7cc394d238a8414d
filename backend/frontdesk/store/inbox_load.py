"""How full the inbox is, as one process sees it: looked up once a second at most, so that a request pays nothing."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

from frontdesk.errors import QueueFull
from frontdesk.store.database import Connection

LOOK_EVERY_S = 1.0
FOR_LOGINS = 2  # nobody repeats a login, and Auth0 repeats what a stream brings


@dataclass(frozen=True)
class QueueBound:
    """So much may wait."""

    deliveries: int
    size_bytes: int


class InboxLoad:
    """What waits: as it was counted last, and what this process has accepted since. Threads share it."""

    def __init__(self, bound: QueueBound) -> None:
        self._bound = bound
        self._lock, self._looking = threading.Lock(), threading.Lock()
        self._deliveries = self._size_bytes = 0
        self._look_at = float("-inf")

    def refuse_when_full(self, connection: Connection, size_bytes: int, *, login: bool) -> None:
        """Raise QueueFull when one more of this size is too much."""
        # Who comes while another one looks goes by what was known before.
        if time.monotonic() >= self._look_at and self._looking.acquire(blocking=False):
            try:
                self._look(connection)
            finally:
                self._looking.release()
        times = FOR_LOGINS if login else 1
        if (
            self._deliveries >= self._bound.deliveries * times
            or self._size_bytes + size_bytes > self._bound.size_bytes * times
        ):
            raise QueueFull

    def add(self, size_bytes: int) -> None:
        """Count one that was accepted."""
        with self._lock:
            self._deliveries += 1
            self._size_bytes += size_bytes

    def _look(self, connection: Connection) -> None:
        ((deliveries, size_bytes),) = connection.execute(
            "SELECT count(*), coalesce(sum(bytes), 0) FROM frontdesk.deliveries WHERE state IN ('waiting', 'apart')"
        ).fetchall()
        with self._lock:
            self._deliveries, self._size_bytes = int(deliveries), int(size_bytes)
            self._look_at = time.monotonic() + LOOK_EVERY_S
