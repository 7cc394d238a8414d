"""The tenant's events in their order, for those who read them by offset (`GET /events`).

An offset is opaque to its reader. It names the last event that was read, and the log that it was read from: after a
reset of the tenant, offsets of before are unknown.

Source: Auth0 docs, "Consume Events with the Events API".
"""

from __future__ import annotations

import base64
import binascii
import secrets
import threading
from collections import deque
from datetime import datetime
from itertools import islice, takewhile

from localauth0.events import Event


class UnknownCursor(Exception):
    """The offset is not one of this log."""


class CursorExpired(Exception):
    """Events behind the offset are gone."""


class EventLog:
    """The newest events, numbered from 1 on, and who reads them at the moment."""

    def __init__(self, most: int) -> None:
        self._most, self._log_id = most, secrets.token_hex(4)
        self._events: deque[Event] = deque()
        self._last = 0  # the number of the newest event
        self._readers, self._is_closed = 0, False
        self._changed = threading.Condition()

    def append(self, event: Event) -> None:
        with self._changed:
            self._last += 1
            self._events.append(event)
            if len(self._events) > self._most:
                self._events.popleft()
            self._changed.notify_all()

    def last(self) -> int:
        """The number of the newest event; 0 as long as there is none."""
        with self._changed:
            return self._last

    def before(self, moment: datetime) -> int:
        """The number behind which the events of that moment and later ones stand. Raises CursorExpired."""
        with self._changed:
            earlier = sum(1 for _ in takewhile(lambda event: event.at < moment, self._events))
            forgotten = self._last - len(self._events)
            if earlier == 0 and forgotten:
                raise CursorExpired
            return forgotten + earlier

    def behind(self, number: int, count: int) -> list[Event]:
        """Up to `count` events behind that number. Raises CursorExpired."""
        with self._changed:
            skipped = number - (self._last - len(self._events))
            if skipped < 0:
                raise CursorExpired
            return list(islice(self._events, skipped, skipped + count))

    def wait_behind(self, number: int, limit_s: float) -> None:
        """Wait until there is an event behind that number, the log is closed, or the time is over."""
        with self._changed:
            self._changed.wait_for(lambda: self._last > number or self._is_closed, limit_s)

    def offset(self, number: int) -> str:
        return base64.urlsafe_b64encode(f"{self._log_id},{number}".encode()).decode()

    def number(self, offset: str) -> int:
        """The number that the offset names. Raises UnknownCursor."""
        try:
            log_id, _, number = base64.urlsafe_b64decode(offset.encode()).decode().partition(",")
        except (binascii.Error, ValueError) as err:
            raise UnknownCursor from err
        if log_id != self._log_id or not number.isdecimal() or int(number) > self.last():
            raise UnknownCursor
        return int(number)

    def begin_reading(self, most: int) -> bool:
        """Count one more reader, unless there are as many already as there may be."""
        with self._changed:
            if self._readers >= most:
                return False
            self._readers += 1
            return True

    def end_reading(self) -> None:
        with self._changed:
            self._readers -= 1
            self._changed.notify_all()

    @property
    def is_closed(self) -> bool:
        with self._changed:
            return self._is_closed

    def open(self) -> None:
        """Let readers in (again)."""
        with self._changed:
            self._is_closed = False

    def close(self, limit_s: float = 0.0) -> bool:
        """Let all readers end, and wait for them for so long. Return whether there were any."""
        with self._changed:
            had_readers, self._is_closed = self._readers > 0, True
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._readers == 0, limit_s)
            return had_readers
