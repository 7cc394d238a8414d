"""The tenant's events as `GET /events` gives them: server-sent events, on from an offset.

Source: Auth0 docs, "Consume Events with the Events API"; the Management OpenAPI; the HTML standard, "Server-sent
events".
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx

from frontdesk.auth0.management import CONNECT_BUDGET_S, ManagementApi
from frontdesk.errors import Auth0Rejected, Auth0Unavailable

MAX_LINE_CHARS = 2 * 1024 * 1024  # an event has a profile, whose metadata may be large
_GONE = frozenset({"invalid_cursor", "cursor_expired"})
_WELL_ENDED = frozenset({"timeout", "connection_timeout"})


class EventsGone(Auth0Rejected):
    """The tenant's events do not reach back to this offset any more."""

    type = "urn:frontdesk:problem:auth0-events-gone"


@dataclass(frozen=True, kw_only=True)
class EventsRead:
    """Events as Auth0 wrote them, and the offset after them; `is_full` when there may be more right away."""

    events: tuple[Mapping[str, Any], ...] = field(repr=False)
    offset: str | None
    is_full: bool


def read_events(
    api: ManagementApi, *, offset: str | None, since: datetime, quiet_s: float, at_most: int
) -> EventsRead:
    """Return events after `offset`, or from `since` on without one; it ends when nothing has come for `quiet_s`.

    Raises EventsGone, and any other Auth0Error: Auth0Rejected where the plan has no such API.
    """
    where = {"from": offset} if offset else {"from_timestamp": f"{since.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"}
    events: list[Mapping[str, Any]] = []
    ends_at = time.monotonic() + quiet_s
    try:
        for name, message in _messages(api, where, quiet_s):
            if name == "error":
                _judge(message)
                break
            if isinstance(message.get("offset"), str):
                offset = message["offset"]
            if isinstance(message.get("event"), dict):
                events.append(message["event"])
                ends_at = time.monotonic() + quiet_s
            if len(events) >= at_most or time.monotonic() > ends_at:
                break
    except httpx.ReadTimeout:
        pass  # nothing is left to read for now
    except httpx.TransportError as error:
        if not events:
            raise Auth0Unavailable(f"Auth0's events cannot be read: {type(error).__name__}") from error
    return EventsRead(events=tuple(events), offset=offset, is_full=len(events) >= at_most)


def _messages(
    api: ManagementApi, where: Mapping[str, str], quiet_s: float
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    limits = httpx.Timeout(quiet_s, connect=CONNECT_BUDGET_S)
    headers = {"authorization": f"Bearer {api.bearer()}", "accept": "text/event-stream"}
    with (
        httpx.Client(timeout=limits, trust_env=False, follow_redirects=False) as client,
        client.stream("GET", f"{api.url}/api/v2/events", params=dict(where), headers=headers) as answer,
    ):
        _refuse(answer)
        name, data = "message", ""
        for line in answer.iter_lines():
            key, _, value = line.partition(":")
            value = value.removeprefix(" ")
            if key == "event":
                name = value
            elif key == "data":
                data += value
            elif not line and data:
                yield name, _object(data)
                name, data = "message", ""
            if len(data) > MAX_LINE_CHARS:
                raise Auth0Unavailable("an event of Auth0 is larger than frontdesk takes at once")


def _refuse(answer: httpx.Response) -> None:
    """Raise an Auth0Error for an answer that is no stream of events."""
    status = answer.status_code
    if status == 200:
        return
    if status in (400, 410):
        raise EventsGone(f"Auth0's events do not go on from this offset ({status})", status_code=status)
    if status in (401, 403, 404):
        raise Auth0Rejected(f"Auth0 refused GET /api/v2/events with {status}", status_code=status)
    raise Auth0Unavailable(f"GET /api/v2/events answered with HTTP status {status}")


def _judge(message: Mapping[str, Any]) -> None:
    """Raise for an end that is none of the good ones."""
    error = message.get("error")
    code = str(error.get("code")) if isinstance(error, dict) else ""
    if code in _GONE:
        raise EventsGone(f"Auth0's events do not go on from this offset ({code})", error_code=code)
    if code not in _WELL_ENDED:
        raise Auth0Unavailable(f"Auth0's events ended with {code or 'an error'}")


def _object(data: str) -> Mapping[str, Any]:
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        raise Auth0Unavailable("Auth0's events hold something that is no JSON") from None
    return found if isinstance(found, dict) else {}
