"""Reads a gap of the tenant's log into the inbox, page by page; a killed one goes on after the last page it kept."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Any

import structlog

from frontdesk.auth0.logs import LogPositionGone, date_of, id_of, oldest_since, records_after
from frontdesk.errors import Auth0Unavailable
from frontdesk.store.inbox import NewDelivery
from frontdesk.store.stream_marks import KEPT
from frontdesk.sync.catching_up.place import WAY, CatchUpPlace, Gap, Progress

PAGES_OF_A_TURN = 50  # then others have their turn
DATE_LAG = timedelta(minutes=1)  # a record's own date may be before the time at which Auth0 took it in

_log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class Turn:
    """What one turn came to; `is_over` when nothing is left to read."""

    pages: int
    records: int
    is_over: bool


def fill(place: CatchUpPlace, *, request_id: str, stop_when_asked: Callable[[], None]) -> Turn:
    """Read on where the gap stands, for one turn. `stop_when_asked` is called between pages and may raise.

    Done again it puts a page into the inbox twice at most, which changes nothing. Raises Auth0Error, QueueFull,
    StoreUnavailable.
    """
    progress = place.progress()
    pages = records = 0
    while progress.gap is not None:
        stop_when_asked()
        if pages >= PAGES_OF_A_TURN or _ahead(place) >= place.max_ahead:
            return Turn(pages=pages, records=records, is_over=False)
        page = _settled(_page(place, progress.gap), place.settled_before())
        if page:
            place.inbox.accept(_delivery(place.tenant, page, request_id))
            pages, records = pages + 1, records + len(page)
        progress = _after(progress, page)
        place.keep(progress)
    return Turn(pages=pages, records=records, is_over=True)


def _page(place: CatchUpPlace, gap: Gap) -> list[dict[str, Any]]:
    """Return the next records of a gap; of one that begins at a time, the first record alone."""
    since = gap.since
    if gap.after is not None:
        try:
            return records_after(place.api, gap.after)
        except LogPositionGone:
            since = place.clock() - KEPT
            _log.warning(
                "catch_up.too_late", tenant=place.tenant, reason="the log does not reach back to the gap"
            )
    oldest = None if since is None else oldest_since(place.api, since - DATE_LAG)
    return [] if oldest is None else [oldest]


def _settled(records: list[dict[str, Any]], before: datetime) -> list[dict[str, Any]]:
    """Return the records up to the first one that may still be on its way, or have others put in before it."""

    def is_settled(record: dict[str, Any]) -> bool:
        at = date_of(record)
        return at is None or at < before

    return list(takewhile(is_settled, records))


def _after(progress: Progress, page: list[dict[str, Any]]) -> Progress:
    """Return the progress after a page; an empty one ends the gap."""
    if not page:
        read_to = None if progress.gap is None else progress.gap.after
        at = max(filter(None, (read_to, progress.read_to)), default=None)
        watched = max(filter(None, (at, progress.watched)), default=None)
        return Progress(watched=watched, read_to=at)
    last = id_of(page[-1])
    if last is None or (progress.gap is not None and last == progress.gap.after):
        raise Auth0Unavailable(
            "Auth0's log does not go on after the last record that was read; try again later"
        )
    return replace(progress, gap=Gap(after=last))


def _delivery(tenant: str, page: list[dict[str, Any]], request_id: str) -> NewDelivery:
    body = json.dumps(page, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
    return NewDelivery(tenant=tenant, way=WAY, body=body, records=len(page), request_id=request_id)


def _ahead(place: CatchUpPlace) -> int:
    return sum(
        line.deliveries
        for line in place.jobs.inbox(place.tenant)
        if line.way == WAY and line.state == "waiting"
    )
