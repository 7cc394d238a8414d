"""The tenant's figures: who has been active, and how many logins and sign-ups there were each day.

Source: the Management OpenAPI, `/stats`; a recorded answer.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

ACTIVE_FOR = timedelta(days=30)


@dataclass
class Day:
    """What happened on one day, in UTC."""

    date: date
    began_at: datetime
    updated_at: datetime
    logins: int = 0
    signups: int = 0


class Activity:
    """Counts since the tenant's start; logins before it are known by the users' own `last_login`."""

    def __init__(
        self, profiles: Callable[[], Iterable[Mapping[str, Any]]], clock: Callable[[], datetime]
    ) -> None:
        self._profiles, self._clock = profiles, clock
        self._lock = threading.Lock()
        self._days: dict[date, Day] = {}
        self._seen: dict[str, str] = {}
        self._before: dict[str, str] | None = None
        self._gone: set[str] = set()

    def logged_in(self, user_id: str) -> None:
        with self._lock:
            self._today().logins += 1
            self._gone.discard(user_id)
            self._seen[user_id] = self._clock().astimezone(UTC).isoformat()

    def signed_up(self) -> None:
        with self._lock:
            self._today().signups += 1

    def forget(self, user_id: str) -> None:
        """The user is no user any more."""
        with self._lock:
            self._seen.pop(user_id, None)
            self._gone.add(user_id)

    def active_users(self) -> int:
        """How many users have logged in within the last 30 days. The first look reads all users."""
        oldest = (self._clock() - ACTIVE_FOR).astimezone(UTC).isoformat()
        with self._lock:
            if self._before is None:
                logins = ((str(one["user_id"]), str(one.get("last_login", ""))) for one in self._profiles())
                self._before = {user_id: at for user_id, at in logins if at >= oldest}
            latest = {**self._before, **self._seen}
            return sum(at >= oldest and user_id not in self._gone for user_id, at in latest.items())

    def days(self, first: date, last: date) -> list[Day]:
        """The days between, both included, on which something happened."""
        with self._lock:
            return [self._days[day] for day in sorted(self._days) if first <= day <= last]

    def _today(self) -> Day:
        now = self._clock().astimezone(UTC)
        day = self._days.setdefault(now.date(), Day(now.date(), now, now))
        day.updated_at = now
        return day
