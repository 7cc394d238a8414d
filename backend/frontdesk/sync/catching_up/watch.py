"""Whether the log stream brings what the tenant's log has: one or two calls, whatever the tenant's size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from frontdesk.auth0.logs import LogPositionGone, date_of, id_of, oldest_since, records_after
from frontdesk.store.stream_marks import slot_of
from frontdesk.sync.catching_up.place import SETTLED, CatchUpPlace, Gap, Progress

# Of a stream that never brought anything: what happened before it was set up is the import's.
FIRST_LOOK_BACK = timedelta(hours=1)
LOG_WAYS = frozenset({"log-stream", "webhook-extension", "logs"})


class Look(StrEnum):
    """What came of a look."""

    NOT_EXPECTED = "not_expected"  # nothing ever came, and no stream was set up
    NOT_TAKEN = "not_taken"  # what came waits in the inbox; what is missing cannot be told before it is taken
    COMPLETE = "complete"
    GAP = "gap"  # to be filled; also when one is being filled already


def look_for_gap(place: CatchUpPlace) -> Look:
    """Compare what came with the tenant's log, and keep a gap that is found. Raises Auth0Error, StoreUnavailable."""
    progress, newest = place.progress(), place.marks.newest(place.tenant)
    if progress.gap is not None:
        return Look.GAP
    if newest is None and progress.watched is None and not place.expects_stream:
        return Look.NOT_EXPECTED
    if _waits(place):
        return Look.NOT_TAKEN
    gap = _gap(place, progress, newest)
    if gap is None:
        watched = max(filter(None, (progress.watched, newest)), default=None)
        place.keep(replace(progress, watched=watched))
        return Look.COMPLETE
    place.keep(replace(progress, gap=gap))
    return Look.GAP


def _waits(place: CatchUpPlace) -> bool:
    before = place.clock() - SETTLED
    return any(
        line.way in LOG_WAYS and line.state == "waiting" and line.oldest_at < before
        for line in place.jobs.inbox(place.tenant)
    )


def _gap(place: CatchUpPlace, progress: Progress, newest: str | None) -> Gap | None:
    """Return the first thing that should have come and did not.

    Looked for after the place of the last look, where a stream begins to fail, and after the newest record, which is
    the last one before it went silent.
    """
    if newest is None and progress.watched is None:
        since = place.clock() - FIRST_LOOK_BACK
        oldest = oldest_since(place.api, since)
        return None if oldest is None or not _should_be_there(oldest, place) else Gap(since=since)
    if progress.watched is not None and _lacks(place, progress.watched):
        return Gap(after=progress.watched)
    if newest is not None and newest > (progress.watched or "") and _lacks(place, newest):
        # Streams bring records in no order: some of before the newest may be missing too, but none that was read.
        from_mark = place.marks.before_newest(place.tenant)
        # Old marks may have been dropped since `newest` was read.
        return Gap(after=max(filter(None, (from_mark, progress.read_to)), default=newest))
    return None


def _lacks(place: CatchUpPlace, log_id: str) -> bool:
    """Tell whether one of the next records has not come; what the log does not reach back to cannot be told."""
    try:
        records = records_after(place.api, log_id)
    except LogPositionGone:
        return True
    due = [record for record in records if _should_be_there(record, place)]
    marks = place.marks.at_slots(place.tenant, [slot_of(at) for at in _dates(due)])
    return any(
        marks.get(slot_of(at), "") < str(id_of(record)) for record, at in zip(due, _dates(due), strict=True)
    )


def _should_be_there(record: dict[str, Any], place: CatchUpPlace) -> bool:
    at = date_of(record)
    return id_of(record) is not None and at is not None and at < place.settled_before()


def _dates(records: Sequence[dict[str, Any]]) -> list[datetime]:
    return [at for record in records if (at := date_of(record)) is not None]
