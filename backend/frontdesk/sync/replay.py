"""Taking kept deliveries again: what they say is written as if they had just come, which changes what differs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from frontdesk.errors import UsageError
from frontdesk.store.audit import Audit, AuditOutcome
from frontdesk.store.database import Database
from frontdesk.store.inbox import Inbox
from frontdesk.store.inbox_load import QueueBound
from frontdesk.store.kept_deliveries import Kept, KeptDeliveries
from frontdesk.sync.job_desk import NO_TENANT


@dataclass(frozen=True, kw_only=True)
class Replayed:
    """How much waits again; `kept_from` is the time of the oldest that is kept, None when none is."""

    deliveries: int
    records: int
    kept_from: datetime | None


def replay(database: Database, which: Kept, bound: QueueBound, *, actor: str) -> Replayed:
    """Let kept deliveries wait again, and have them taken. Raises UsageError for more than may wait, StoreUnavailable.

    Killed in between it has done a part, and done again it does the rest and that part once more.
    """
    kept, inbox = KeptDeliveries(database), Inbox(database, bound)
    count = kept.count(which)
    waiting = sum(each.deliveries for each in inbox.waiting().values())
    if waiting + count.deliveries > bound.deliveries:
        raise UsageError(
            f"{count.deliveries:,} deliveries would wait beside {waiting:,}, and [queue] max_waiting is "
            f"{bound.deliveries:,}; take a part with --until, --tenant or --way, and the next when that is done"
        )
    audit, detail = Audit(database), {"since": which.since.isoformat(), "way": which.way}
    line = audit.start(
        tenant=which.tenant or NO_TENANT, actor=actor, action="replay", user_id=None, detail=detail
    )
    again = sum(inbox.again(ids) for ids in kept.pages(which))
    audit.complete(line, AuditOutcome.DONE, detail={"deliveries": again})
    return Replayed(deliveries=again, records=count.records, kept_from=count.oldest_at)
