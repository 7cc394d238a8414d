"""How fast the Management API may be called: what its rate limit leaves, and never more than somebody allowed.

A tenant has several buckets, and which calls share one depends on its plan. So what an answer's headers say of a bucket
is kept for the group of calls that it came with. A few calls of each bucket are left to others, such as the Dashboard.

Source: Auth0 docs, "Rate Limit Policy", "Management API Endpoint Rate Limits".
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

MAX_RESERVE = 2  # calls of a bucket that are left to others
RESERVE_PART = 5  # at most this part of a bucket: a burst of 2, as on the free plan, has none to spare
CLOCK_SPARE_S = 3.0  # a difference of the clocks that a date in full seconds and a slow answer explain
MAX_PAUSE_S = 90.0  # a reset that is farther away is the clock of one of us two being wrong
_NAMES_AFTER_THE_FIRST = frozenset(
    {
        "users-exports",
        "users-imports",
        "actions",
        "triggers",
        "executions",
        "active-users",
        "daily",
        "settings",
    }
)
_MEMBERS = frozenset({"members"})


def endpoint(method: str, path: str) -> str:
    """Return a call by its shape, `GET /users/{id}/roles`; `path` is as it is sent, its ids percent-encoded."""
    first, *rest = (
        path.partition("/api/v2/")[2].strip("/").split("/") if "/api/v2/" in path else [path.strip("/")]
    )
    shown, is_id = [first], True
    for part in rest:
        if len(shown) == 1 and part in _NAMES_AFTER_THE_FIRST:
            shown.append(part)
            continue
        shown.append("{id}" if is_id else part)
        is_id = not is_id or "identities" in shown  # below it come provider and id
    return f"{method} /{'/'.join(shown)}"


def group(called: str) -> str:
    """Return the group of an endpoint: calls that share a bucket on some plan share it here."""
    method, _, path = called.partition(" ")
    parts = path.strip("/").split("/")
    verb = "read" if method in {"GET", "HEAD"} else "write"
    if parts[0] in {"users", "users-by-email", "user-blocks"}:
        return f"{verb} users"
    if parts[0] == "organizations" and _MEMBERS & set(parts):
        return f"{verb} members' roles" if parts[-1] == "roles" else f"{verb} members"
    return "read logs" if parts[0] == "logs" else parts[0] if parts[0] == "oauth" else "others"


@dataclass
class _Bucket:
    limit: int = 0
    remaining: int | None = None  # None: nobody knows, so everybody may try
    reset_at: float = 0.0  # of the wall clock: when calls are added
    paused_until: float = 0.0  # of the wall clock: a 429 said so
    in_flight: int = 0

    def ready_at(self, now: float) -> float | None:
        """Return when a call may go, None: not before another one has answered."""
        if now < self.paused_until:
            return self.paused_until
        reserve = min(MAX_RESERVE, self.limit // RESERVE_PART)
        if self.remaining is None or self.remaining - self.in_flight > reserve:
            return now
        if now < self.reset_at:
            return self.reset_at
        # Something was added since; one call finds out how much.
        return now if self.in_flight == 0 else None


class Pace:
    """Shared by all threads that call one tenant. `max_rps` is the most calls in a second, None: no limit of ours."""

    def __init__(self, max_rps: float | None = None) -> None:
        self._interval_s = 1 / max_rps if max_rps else 0.0
        self._changed = threading.Condition()
        self._buckets: dict[str, _Bucket] = {}
        self._next_at = 0.0  # of the monotonic clock

    def enter(self, name: str, give_up_at: float) -> bool:
        """Wait until a call of this group may go, and tell whether it may: False when that is after `give_up_at`.

        Each True is followed by one `leave`.
        """
        with self._changed:
            bucket = self._buckets.setdefault(name, _Bucket())
            while (wait_s := self._wait_s(bucket)) > 0:
                left_s = give_up_at - time.monotonic()
                if left_s <= 0:
                    return False
                self._changed.wait(min(wait_s, left_s))
            bucket.in_flight += 1
            self._next_at = max(self._next_at, time.monotonic()) + self._interval_s
            return True

    def leave(self, name: str, headers: Mapping[str, str] | None) -> None:
        """Take note of what an answer says of its bucket; None when there was no answer."""
        with self._changed:
            bucket = self._buckets[name]
            bucket.in_flight -= 1
            remaining = _number(headers, "x-ratelimit-remaining")
            if remaining is not None:
                reset = min(_reset_at(headers), time.time() + MAX_PAUSE_S)
                late = reset == bucket.reset_at and bucket.remaining is not None
                bucket.remaining = min(remaining, bucket.remaining or 0) if late else remaining
                bucket.reset_at = reset
                bucket.limit = _number(headers, "x-ratelimit-limit") or 0
            self._changed.notify_all()

    def pause(self, name: str, seconds: float) -> None:
        """Let no call of this group go for so long: one of them was over the limit."""
        with self._changed:
            bucket = self._buckets.setdefault(name, _Bucket())
            bucket.paused_until = max(bucket.paused_until, time.time() + min(seconds, MAX_PAUSE_S))

    def room(self) -> Mapping[str, tuple[int, int]]:
        """Return by group how many calls are left, and of how many, where an answer has told."""
        with self._changed:
            return {
                name: (bucket.remaining, bucket.limit)
                for name, bucket in self._buckets.items()
                if bucket.remaining is not None and bucket.limit
            }

    def _wait_s(self, bucket: _Bucket) -> float:
        now = time.time()
        ready_at = bucket.ready_at(now)
        if ready_at is None:
            return MAX_PAUSE_S  # whoever is in flight tells when they are back
        return max(ready_at - now, self._next_at - time.monotonic())


def told_to_wait_s(headers: Mapping[str, str]) -> float | None:
    """Return for how long a 429 says to wait, with or without `Retry-After`; None when it says nothing of use."""
    after = _number(headers, "retry-after")
    if after is not None:
        return after + jitter(0, 0.25)
    left_s = _reset_at(headers) - time.time()
    return left_s + jitter(0, 0.25) if left_s > 0 else None


def jitter(low: float, high: float) -> float:
    """Return a random number, so that not everybody comes back at the same moment."""
    return random.uniform(low, high)  # noqa: S311 - spreads calls in time, and keeps nothing secret


def _reset_at(headers: Mapping[str, str] | None) -> float:
    """Return when calls are added, by our clock; 0 when nobody says so.

    The header is of Auth0's clock. Where ours is far from it, what the answer says of its own time tells by how much.
    """
    reset = _number(headers, "x-ratelimit-reset")
    if reset is None:
        return 0.0
    now = time.time()
    try:
        ahead_s = now - parsedate_to_datetime((headers or {}).get("date", "")).timestamp()
    except (ValueError, OverflowError):
        ahead_s = 0.0
    return reset + (ahead_s if abs(ahead_s) > CLOCK_SPARE_S else 0.0)


def _number(headers: Mapping[str, str] | None, name: str) -> int | None:
    text = (headers or {}).get(name, "")
    return int(text) if text.isdecimal() and len(text) <= 11 else None
