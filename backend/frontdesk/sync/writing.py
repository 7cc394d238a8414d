"""What the hooks write with: seen as protocols, and behind a breaker."""

from __future__ import annotations

from typing import Protocol

from frontdesk.errors import HasuraUnavailable
from frontdesk.identity import Activity, StoredUser, User
from frontdesk.sync.breaker import Breaker


class Writer(Protocol):
    """What writes users to Hasura. Raises HasuraUnavailable or HasuraRejected."""

    def write(self, user: User, *, budget_s: float) -> StoredUser:
        """Write `user` and return what the database says of it, within `budget_s`."""


class Recorder(Writer, Protocol):
    """What writes activities, too. Raises as a Writer does."""

    def record(self, activity: Activity, *, budget_s: float) -> None:
        """Add `activity` unless it is there, within `budget_s`."""


class BreakingRecorder:
    """Writes as `recorder` does, while the breaker lets it; HasuraUnavailable at once otherwise."""

    def __init__(self, recorder: Recorder, breaker: Breaker) -> None:
        self._recorder, self._breaker = recorder, breaker

    def write(self, user: User, *, budget_s: float) -> StoredUser:
        """Write one user; see Writer."""
        return self._breaker.call(
            lambda: self._recorder.write(user, budget_s=budget_s), no_answer=HasuraUnavailable
        )

    def record(self, activity: Activity, *, budget_s: float) -> None:
        """Add an activity; see Recorder."""
        self._breaker.call(
            lambda: self._recorder.record(activity, budget_s=budget_s), no_answer=HasuraUnavailable
        )
