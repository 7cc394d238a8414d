"""Reads the tenant's events into the inbox, beside the event stream or in its place; each is taken once by its id."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta

import structlog

from frontdesk.auth0.events import EventsGone, EventsRead, read_events
from frontdesk.store.inbox import NewDelivery
from frontdesk.sync.catching_up.place import CatchUpPlace

WAY = "events"
QUIET_S = 2.0  # then nothing is left; Auth0 itself says so only after many seconds
EVENTS_OF_A_PAGE = 100
FIRST_LOOK_BACK, LONGEST_LOOK_BACK = timedelta(hours=1), timedelta(days=1)

_log = structlog.stdlib.get_logger(__name__)


def pull_events(place: CatchUpPlace, *, request_id: str, stop_when_asked: Callable[[], None]) -> int:
    """Read what is new and return how many events that were. `stop_when_asked` is called between pages and may raise.

    Killed in between it reads a page twice at most, which changes nothing. Raises Auth0Error, QueueFull,
    StoreUnavailable.
    """
    pulled = 0
    while True:
        stop_when_asked()
        read = _read(place)
        if read.events:
            body = json.dumps(read.events, ensure_ascii=False, separators=(",", ":"))
            place.inbox.accept(
                NewDelivery(
                    tenant=place.tenant,
                    way=WAY,
                    body=body.encode("utf-8", "replace"),
                    records=len(read.events),
                    request_id=request_id,
                )
            )
        if read.offset is not None:
            place.marks.go_on_from(place.tenant, WAY, {"offset": read.offset})
        pulled += len(read.events)
        if not read.is_full:
            return pulled


def _read(place: CatchUpPlace) -> EventsRead:
    offset, now = place.marks.state(place.tenant, WAY).position.get("offset"), place.clock()
    try:
        return read_events(
            place.api, offset=offset, since=now - FIRST_LOOK_BACK, quiet_s=QUIET_S, at_most=EVENTS_OF_A_PAGE
        )
    except EventsGone:
        if offset is None:
            raise
        _log.warning(
            "pull_events.too_late", tenant=place.tenant, reason="events do not reach back to the offset"
        )
        return read_events(
            place.api, offset=None, since=now - LONGEST_LOOK_BACK, quiet_s=QUIET_S, at_most=EVENTS_OF_A_PAGE
        )
