"""The Management API's rate limits: token buckets that are refilled at every full second.

Source: Auth0 docs, "Rate Limit Policy" with its pages per subscription; a bucket's size is the burst.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from localauth0.tenant import GroupLimit, RateGroup, RateLimit

BucketName = RateGroup | Literal["others"]
Notice = Literal["api_limit", "api_limit_warning"]

_WARN_BELOW = 0.2  # of the bucket: a warning at 80 %
_MAX_BUCKETS = 10_000  # tokens come and go; with very many of them, all begin anew with full buckets

_ORGANIZATION_MEMBERS: Mapping[RateGroup, GroupLimit] = {
    "read_organization_members": GroupLimit(burst=40, per_minute=500),
    "write_organization_members": GroupLimit(burst=20, per_minute=200),
    "read_organization_member_roles": GroupLimit(burst=20, per_minute=200),
}
# Of each subscription: the limit of all calls that have no group of their own, and the groups.
_PLANS: Mapping[str, tuple[GroupLimit, Mapping[RateGroup, GroupLimit]]] = {
    "free": (GroupLimit(burst=2, per_minute=120), {}),
    "self_service": (
        GroupLimit(burst=10, per_minute=150),
        {
            "read_users": GroupLimit(burst=40, per_minute=500),
            "write_users": GroupLimit(burst=20, per_minute=200),
            "read_logs": GroupLimit(burst=10, per_minute=100),
            "read_organization_members": GroupLimit(burst=40, per_minute=500),
        },
    ),
    "enterprise": (GroupLimit(burst=50, per_minute=16 * 60), _ORGANIZATION_MEMBERS),
    "enterprise_non_production": (GroupLimit(burst=10, per_minute=120), {}),
}


@dataclass(frozen=True)
class Allowance:
    """What the bucket says to one call. `reset` is the UNIX second at which the next token is added.

    `notice` is what the tenant's log has to say about it, when there is something new.
    """

    granted: bool
    limit: int
    remaining: int
    reset: int
    retry_after_s: int | None = None
    notice: Notice | None = None
    bucket: BucketName = "others"


class TokenBucket:
    """One bucket; full at the start."""

    def __init__(self, name: BucketName, limit: GroupLimit, clock: Callable[[], datetime]) -> None:
        self._name, self._limit, self._clock = name, limit, clock
        self._per_second = limit.per_minute / 60
        self._tokens = float(limit.burst)
        self._second = int(clock().timestamp())
        self._told: Notice | None = None

    def take(self, *, tells_when: bool) -> Allowance:
        """Take one token, when there is one. Its owner sees to it that nobody else does meanwhile."""
        now = int(self._clock().timestamp())
        if now > self._second:
            added = (now - self._second) * self._per_second
            self._tokens, self._second = min(float(self._limit.burst), self._tokens + added), now
        granted = self._tokens >= 1
        if granted:
            self._tokens -= 1
        missing = math.floor(self._tokens) + 1 - self._tokens
        reset = self._second + max(1, math.ceil(missing / self._per_second))
        return Allowance(
            granted,
            self._limit.burst,
            math.floor(self._tokens),
            reset,
            max(1, reset - now) if tells_when and not granted else None,
            self._notice(granted=granted),
            self._name,
        )

    def _notice(self, *, granted: bool) -> Notice | None:
        """Something to tell, once until the bucket has recovered."""
        if not granted:
            news: Notice | None = "api_limit"
        else:
            news = "api_limit_warning" if self._tokens < _WARN_BELOW * self._limit.burst else None
        if news == self._told or (news == "api_limit_warning" and self._told == "api_limit"):
            return None
        self._told = news
        return news


class RateLimits:
    """All buckets of a tenant."""

    def __init__(self, limit: RateLimit, clock: Callable[[], datetime]) -> None:
        self._limit, self._clock = limit, clock
        self._lock = threading.Lock()
        others = GroupLimit(burst=limit.burst, per_minute=limit.per_second * 60)
        planned: Mapping[RateGroup, GroupLimit] = {}
        if limit.plan is not None:
            others, planned = _PLANS[limit.plan]
        self._limits: dict[BucketName, GroupLimit] = {"others": others}
        for name, own in (*planned.items(), *limit.groups.items()):
            self._limits[name] = own
        self._buckets: dict[tuple[str, BucketName], TokenBucket] = {}

    def take(self, method: str, path: str, authorization: str) -> Allowance:
        """Count a call, in the bucket of its group; of its token, where each token has its own."""
        group = group_of(method, path)
        name: BucketName = group if group is not None and group in self._limits else "others"
        owner = authorization if self._limit.per == "token" else ""
        with self._lock:
            bucket = self._buckets.get((owner, name))
            if bucket is None:
                if len(self._buckets) >= _MAX_BUCKETS:
                    self._buckets.clear()
                bucket = TokenBucket(name, self._limits[name], self._clock)
                self._buckets[owner, name] = bucket
            return bucket.take(tells_when=self._limit.retry_after)


def group_of(method: str, path: str) -> RateGroup | None:
    """The group of calls that one below `/api/v2` belongs to, if it is in one."""
    parts = path.split("/")[3:]
    reads = method in ("GET", "HEAD")
    match parts:
        case ["users" | "users-by-email", *_]:
            return "read_users" if reads else "write_users"
        case ["logs", *_] if reads:
            return "read_logs"
        case ["organizations", _, "members", _, *_, "roles"] if reads:
            return "read_organization_member_roles"
        case ["organizations", _, "members", *_]:
            return "read_organization_members" if reads else "write_organization_members"
    return None
