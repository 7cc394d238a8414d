"""What catching up works with, and what it keeps of a tenant between two looks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from frontdesk.auth0.management import ManagementApi
from frontdesk.store.inbox import Inbox
from frontdesk.store.jobs import Jobs
from frontdesk.store.stream_marks import StreamMarks

WAY = "logs"
# What is younger may be on its way, and Auth0 may still be putting records in before it.
SETTLED = timedelta(minutes=2)
MAX_AHEAD = 20  # pages in the inbox that nobody has taken yet: the rest of the room is for the streams


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, kw_only=True)
class CatchUpPlace:
    """One tenant's log at Auth0, and our side of it. `expects_stream`: a log stream of it was set up."""

    tenant: str
    api: ManagementApi
    marks: StreamMarks
    inbox: Inbox
    jobs: Jobs
    expects_stream: bool
    max_ahead: int = MAX_AHEAD
    clock: Callable[[], datetime] = _now

    def settled_before(self) -> datetime:
        """Return the time before which everything should have come."""
        return self.clock() - SETTLED

    def progress(self) -> Progress:
        """Return what is kept. Raises StoreUnavailable."""
        kept = self.marks.state(self.tenant, WAY).position
        return Progress(
            watched=kept.get("watched"),
            read_to=kept.get("read_to"),
            gap=Gap.of(kept["gap"]) if kept.get("gap") else None,
        )

    def keep(self, progress: Progress) -> None:
        """Keep how far it is. Raises StoreUnavailable."""
        self.marks.go_on_from(self.tenant, WAY, progress.as_position())


@dataclass(frozen=True, kw_only=True)
class Gap:
    """What is to be read: everything after a record, or from a time on where no record is known."""

    after: str | None = None
    since: datetime | None = None

    @classmethod
    def of(cls, kept: dict[str, Any]) -> Gap:
        """Return the gap that was kept."""
        since = kept.get("since")
        return cls(after=kept.get("after"), since=None if since is None else datetime.fromisoformat(since))

    def as_position(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {"after": self.after, "since": None if self.since is None else self.since.isoformat()}


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far it is: up to where the stream was looked at, up to where the log was read, and what is being read."""

    watched: str | None = None
    read_to: str | None = None
    gap: Gap | None = field(default=None)

    def as_position(self) -> dict[str, Any]:
        """Return it as JSON."""
        gap = None if self.gap is None else self.gap.as_position()
        return {"watched": self.watched, "read_to": self.read_to, "gap": gap}
