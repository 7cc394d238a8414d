"""Reads the tenant's events into the inbox, beside the event stream or in its place; each is taken once by its id."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import structlog

from frontdesk.auth0.events_api import EventOffsetGone, events_after
from frontdesk.store.inbox import NewDelivery
from frontdesk.sync.catching_up.place import CatchUpPlace

WAY = "events"
QUIET_S = 2.0  # then nothing is left; Auth0 itself says so only after many seconds
CONNECTION_S = 30.0
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


@dataclass(kw_only=True)
class _Read:
    """A page of events, and the offset behind it."""

    offset: str | None
    events: list[Mapping[str, Any]] = field(default_factory=list)

    @property
    def is_full(self) -> bool:
        return len(self.events) >= EVENTS_OF_A_PAGE


def _read(place: CatchUpPlace) -> _Read:
    offset, now = place.marks.state(place.tenant, WAY).position.get("offset"), place.clock()
    try:
        return _page(place, offset, now - FIRST_LOOK_BACK)
    except EventOffsetGone:
        if offset is None:
            raise
        _log.warning(
            "pull_events.too_late", tenant=place.tenant, reason="events do not reach back to the offset"
        )
        return _page(place, None, now - LONGEST_LOOK_BACK)


def _page(place: CatchUpPlace, offset: str | None, since: datetime) -> _Read:
    read = _Read(offset=offset)
    told = events_after(place.api, offset, since=since, quiet_s=QUIET_S, lasts_s=CONNECTION_S)
    with closing(told) as messages:  # type: ignore[type-var]  # a generator, which can be closed
        for message in messages:
            read.offset = message.offset
            if message.event is not None:
                read.events.append(message.event)
            if read.is_full:
                break
    return read
