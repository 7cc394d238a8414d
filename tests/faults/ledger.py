"""What Auth0 sent, and what frontdesk acknowledged of it: the books that the proof is made from."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(kw_only=True)
class SentLogin:
    """One login. `number` counts the user's logins; it stands in the row as `logins_count`, and in the profile."""

    call_id: str
    user_id: str
    number: int
    at: datetime  # the signed time, in whole seconds
    updated_at: datetime
    acknowledged_at: float | None = None  # on the monotonic clock
    queued: bool = False


@dataclass(kw_only=True)
class SentRecord:
    """One record of a log stream or event of an event stream, with what its row has to say."""

    id: str
    source: str
    type: str
    user_id: str
    occurred_at: datetime
    ip: str | None = None
    user_agent: str | None = None
    profile_number: int | None = None  # of an event that carries a whole profile
    acknowledged_at: float | None = None

    def row(self) -> dict[str, Any]:
        """Return what of its row is known beforehand."""
        return {
            "type": self.type,
            "source": self.source,
            "user_id": self.user_id,
            "occurred_at": self.occurred_at,
            "ip": self.ip,
            "user_agent": self.user_agent,
        }


@dataclass
class Ledger:
    """Everything that was sent. The load writes it in one thread; others may read the counts."""

    logins: list[SentLogin] = field(default_factory=list)
    records: list[SentRecord] = field(default_factory=list)
    calls: int = 0  # tries of deliveries, repeated ones too, and logins
    answers: dict[str, int] = field(default_factory=dict)  # by way and status
    synced_at: float = 0.0  # when the newest login that was answered `synced` had been sent
    changed: threading.Condition = field(default_factory=threading.Condition, repr=False)

    def count(self, way: str, answer: str) -> None:
        """Count one answer, or what came in its place."""
        with self.changed:
            self.calls += 1
            name = f"{way} {answer}"
            self.answers[name] = self.answers.get(name, 0) + 1
            self.changed.notify_all()

    def wait_for_calls(self, more: int, limit_s: float) -> None:
        """Return when so many more calls have been answered or given up; fail after the limit."""
        with self.changed:
            wanted = self.calls + more
            assert self.changed.wait_for(lambda: self.calls >= wanted, limit_s), f"no load for {limit_s} s"

    def acknowledged_between(self, since: float, until: float) -> tuple[int, int]:
        """Return how many logins and records were acknowledged then."""
        return (
            sum(since <= (each.acknowledged_at or -1) < until for each in tuple(self.logins)),
            sum(since <= (each.acknowledged_at or -1) < until for each in tuple(self.records)),
        )
