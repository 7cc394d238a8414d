"""The tenant's log: what happened, in the shape in which `GET /logs` gives it.

Source: Auth0 docs, "Log Event Type Codes", "Log Data Retention"; recorded answers of `GET /logs`.
"""

from __future__ import annotations

import threading
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

Record = dict[str, Any]
ID_DIGITS = 56

_MAX_KEPT = 100_000
_COUNTER_DIGITS = ID_DIGITS - 3 - 17  # behind `900` and the time of the entry
_UNKNOWN_AGENT = "Other 0.0.0 / Other 0.0.0"

# A record has all of these; what is not known is null, as recorded.
_MEMBERS = (
    "connection", "connection_id", "organization_id", "organization_name", "client_id", "client_name", "ip",
    "hostname", "details", "user_id", "user_name", "user_agent", "audience", "strategy", "strategy_type",
)  # fmt: skip
_AT_THE_END = ("scope",)  # there only when it has a value


class Logbook:
    """The records of one tenant, oldest first; those beyond the retention, and the oldest of very many, are gone."""

    def __init__(self, clock: Callable[[], datetime], retention: timedelta, *, most: int = _MAX_KEPT) -> None:
        self._clock, self._retention, self._most = clock, retention, most
        self._lock = threading.Lock()
        self._ids: list[str] = []
        self._records: list[Record] = []
        self._of_user: dict[str, list[Record]] = {}
        self._last_stamp, self._counter = "", 0
        self._newest: str | None = None
        # Called after each record, by whoever has written it: they must be quick.
        self.listeners: list[Callable[[], None]] = []

    def write(self, code: str, *, description: str = "", **known: Any) -> Record:
        """Add a record of the type `code` at this moment; `known` are its members that have a value."""
        with self._lock:
            now = self._clock()
            log_id = self._next_id(now)
            record: Record = {"_id": log_id, "log_id": log_id, "date": _iso_ms(now), "type": code}
            record["description"] = description
            record.update({name: known.get(name) for name in _MEMBERS})
            record["user_agent"] = record["user_agent"] or _UNKNOWN_AGENT
            record["isMobile"] = "Mobile" in record["user_agent"]
            record["location_info"] = None
            record.update({name: known[name] for name in _AT_THE_END if known.get(name) is not None})
            self._keep(record)
        for listener in tuple(self.listeners):
            listener()
        return record

    def records(self) -> Sequence[Record]:
        """All records that are kept, oldest first."""
        with self._lock:
            self._forget_old()
            return list(self._records)

    def record(self, log_id: str) -> Record | None:
        with self._lock:
            self._forget_old()
            at = bisect_left(self._ids, log_id)
            return self._records[at] if at < len(self._ids) and self._ids[at] == log_id else None

    def after(self, log_id: str | None, count: int) -> list[Record]:
        """Up to `count` records whose ids come after `log_id`, which need not be the id of a record."""
        with self._lock:
            self._forget_old()
            start = bisect_right(self._ids, log_id) if log_id is not None else 0
            return self._records[start : start + count]

    def newest_id(self) -> str | None:
        """The id of the last record that was written, whether or not it is still kept."""
        with self._lock:
            return self._newest

    def of_user(self, user_id: str) -> list[Record]:
        """The records about a user, oldest first."""
        with self._lock:
            self._forget_old()
            kept = self._of_user.get(user_id, [])
            return [record for record in kept if self._ids and record["log_id"] >= self._ids[0]]

    def oldest_possible_id(self) -> str:
        """The id at which the retention begins: what is smaller cannot be there any more."""
        return first_id_at(self._clock() - self._retention)

    def newest_first(self) -> Iterator[Record]:
        return reversed(self.records())

    def _next_id(self, now: datetime) -> str:
        """Ids go up, even when the clock stands still or is set back."""
        self._last_stamp = max(self._last_stamp, _stamp(now))
        self._counter += 1
        return f"900{self._last_stamp}{self._counter:0{_COUNTER_DIGITS}d}"

    def _keep(self, record: Record) -> None:
        self._newest = record["log_id"]
        self._ids.append(record["log_id"])
        self._records.append(record)
        if record["user_id"]:
            self._of_user.setdefault(record["user_id"], []).append(record)
        if len(self._records) > self._most:
            self._drop(max(1, self._most // 10))

    def _forget_old(self) -> None:
        expired = bisect_left(self._ids, self.oldest_possible_id())
        if expired:
            self._drop(expired)

    def _drop(self, count: int) -> None:
        for record in self._records[:count]:
            if record["user_id"]:
                self._drop_of_user(record["user_id"])
        del self._ids[:count]
        del self._records[:count]

    def _drop_of_user(self, user_id: str) -> None:
        kept = self._of_user[user_id]
        del kept[0]
        if not kept:
            del self._of_user[user_id]


def first_id_at(moment: datetime) -> str:
    """The id that all records of that moment and later come after."""
    return f"900{_stamp(moment)}".ljust(ID_DIGITS, "0")


def strategy_type(strategy: str) -> str:
    """How Auth0 calls the kind of a connection's strategy in its log."""
    if strategy in ("auth0", "custom"):
        return "database"
    if strategy in ("email", "sms"):
        return "passwordless"
    return "enterprise" if strategy in _ENTERPRISE else "social"


_ENTERPRISE = frozenset({
    "ad", "adfs", "google-apps", "ip", "office365", "oidc", "okta", "pingfederate", "samlp", "sharepoint", "waad",
})  # fmt: skip


def masked(body: Any) -> Any:
    """A body as the log shows it: without the secrets in it."""
    if isinstance(body, Mapping):
        return {name: "*****" if name in _SECRET else masked(value) for name, value in body.items()}
    return [masked(item) for item in body] if isinstance(body, list) else body


_SECRET = frozenset({
    "password", "client_secret", "httpAuthorization", "secrets", "link_with", "token", "webhook_authorization",
})  # fmt: skip


def _stamp(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y%m%d%H%M%S%f}"[:17]


def _iso_ms(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
