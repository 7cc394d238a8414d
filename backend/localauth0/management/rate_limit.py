"""The Management API's rate limit: a token bucket that is refilled at every full second.

Source: Auth0 docs, "Rate Limit Policy"; the bucket's size is the burst.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from localauth0.tenant import RateLimit


@dataclass(frozen=True)
class Allowance:
    """What the bucket says to one call. `reset` is the UNIX second at which the next token is added."""

    granted: bool
    limit: int
    remaining: int
    reset: int


class TokenBucket:
    """The bucket of one tenant; full at the start."""

    def __init__(self, limit: RateLimit, clock: Callable[[], datetime]) -> None:
        self._limit, self._clock = limit, clock
        self._lock = threading.Lock()
        self._tokens = float(limit.burst)
        self._second = int(clock().timestamp())

    def take(self) -> Allowance:
        """Take one token, when there is one."""
        with self._lock:
            now = int(self._clock().timestamp())
            if now > self._second:
                self._tokens = min(
                    float(self._limit.burst), self._tokens + (now - self._second) * self._limit.per_second
                )
                self._second = now
            granted = self._tokens >= 1
            if granted:
                self._tokens -= 1
            missing = math.floor(self._tokens) + 1 - self._tokens
            reset = self._second + max(1, math.ceil(missing / self._limit.per_second))
            return Allowance(granted, self._limit.burst, math.floor(self._tokens), reset)
