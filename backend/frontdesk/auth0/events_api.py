"""The tenant's events as `GET /events` gives them: server-sent events, read on from an offset.

An offset is opaque. It comes with each event and, where nothing happens, by itself; keep the newest one to go on there.

Source: Auth0 docs, "Consume Events with the Events API"; the Management OpenAPI, `/events`.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx

from frontdesk.answers import json_object
from frontdesk.auth0.management import CONNECT_BUDGET_S, ManagementApi, error_of
from frontdesk.errors import Auth0Rejected, Auth0Unavailable

MAX_MESSAGE_BYTES = 2 * 1024 * 1024  # an event may have 1 MiB
MAX_REFUSAL_BYTES = 64 * 1024
_GONE = frozenset({"cursor_expired", "invalid_cursor"})
# Auth0 has ended a connection that was in order: the next one goes on at the offset.
_ENDED = frozenset({"timeout", "connection_timeout"})


class EventOffsetGone(Auth0Rejected):
    """The tenant's events do not reach back to this offset any more."""

    type = "urn:frontdesk:problem:auth0-event-offset-gone"


@dataclass(frozen=True, kw_only=True)
class EventAt:
    """An event with the offset behind it; without an event only the offset goes on."""

    offset: str
    event: Mapping[str, Any] | None


def events_after(
    api: ManagementApi,
    offset: str | None,
    *,
    since: datetime | None = None,
    event_types: Sequence[str] = (),
    quiet_s: float,
    lasts_s: float,
) -> Iterator[EventAt]:
    """Give the events behind an offset, else those since a time, else those from now on.

    It ends when none has come for `quiet_s` (a few seconds at least, since Auth0's answer has to begin within them),
    after `lasts_s`, or when Auth0 ends it; the last offset is where to go on. A caller who stops early closes the
    generator. Raises EventOffsetGone, and any other Auth0Error.
    """
    try:
        with _answer(api, _parameters(offset, since, event_types), quiet_s) as response:
            began = quiet_since = time.monotonic()
            for name, data in _messages(_parts(response)):
                told = _event_at(name, data)
                if told is None:
                    return
                yield told
                now = time.monotonic()
                quiet_since = now if told.event is not None else quiet_since
                if now >= quiet_since + quiet_s or now >= began + lasts_s:
                    return
    except Auth0Rejected as error:
        if error.status_code == 410 or (error.status_code == 400 and offset is not None):
            raise EventOffsetGone(
                error.detail, status_code=error.status_code, error_code=error.error_code
            ) from error
        raise


def _parameters(
    offset: str | None, since: datetime | None, event_types: Sequence[str]
) -> dict[str, str | Sequence[str]]:
    parameters: dict[str, str | Sequence[str]] = {"event_type": list(event_types)} if event_types else {}
    if offset is not None:
        parameters["from"] = offset
    elif since is not None:
        parameters["from_timestamp"] = f"{since.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    return parameters


@contextmanager
def _answer(
    api: ManagementApi, parameters: Mapping[str, str | Sequence[str]], wait_s: float
) -> Iterator[httpx.Response]:
    """Give Auth0's answer while it is still coming. It is asked for once. Raises Auth0Error."""
    timeout = httpx.Timeout(wait_s, connect=CONNECT_BUDGET_S)
    headers = {"authorization": f"Bearer {api.bearer()}"}
    with httpx.Client(timeout=timeout, trust_env=False, follow_redirects=False) as http:
        request = http.build_request(
            "GET", f"{api.url}/api/v2/events", params=dict(parameters), headers=headers
        )
        try:
            with closing(http.send(request, stream=True)) as response:
                if response.status_code != httpx.codes.OK:
                    raise error_of(request, _refusal(response), None)
                yield response
        except httpx.TransportError as error:
            raise error_of(request, None, error) from error


def _refusal(response: httpx.Response) -> httpx.Response:
    content = next(response.iter_bytes(MAX_REFUSAL_BYTES), b"")
    return httpx.Response(response.status_code, content=content)


def _parts(response: httpx.Response) -> Iterator[bytes]:
    """Give the parts of the answer as they come; silence is its end, and no fault."""
    try:
        yield from response.iter_bytes()
    except httpx.ReadTimeout:
        return


def _messages(parts: Iterable[bytes]) -> Iterator[tuple[str, bytes]]:
    """Give the name and the data of each whole message; one that was cut off is nothing."""
    rest = b""
    for part in parts:
        *whole, rest = (rest + part).replace(b"\r\n", b"\n").split(b"\n\n")
        if len(rest) > MAX_MESSAGE_BYTES:
            raise Auth0Unavailable(f"an event of Auth0 is larger than {MAX_MESSAGE_BYTES // 2**20} MB")
        # A comment that keeps the connection alive is no message.
        yield from (message for message in map(_message, whole) if message[1])


def _message(text: bytes) -> tuple[str, bytes]:
    name, data = "", []
    for line in text.split(b"\n"):
        field, _, value = line.partition(b":")
        if field == b"event":
            name = value.strip().decode("utf-8", "replace")
        elif field == b"data":
            data.append(value.removeprefix(b" "))
    return name, b"\n".join(data)


def _event_at(name: str, data: bytes) -> EventAt | None:
    """Return what a message tells; None for the end of the connection. Raises EventOffsetGone, Auth0Unavailable."""
    told = json_object(data)
    if name == "error":
        _raise_fault(told.get("error"))
        return None
    offset, event = told.get("offset"), told.get("event")
    if not isinstance(offset, str) or not (event is None or isinstance(event, dict)):
        raise Auth0Unavailable("Auth0's events came without their offset")
    return EventAt(offset=offset, event=event)


def _raise_fault(error: object) -> None:
    """Raise what Auth0 says is wrong; a connection that has only lasted its time is in order."""
    facts = error if isinstance(error, dict) else {}
    code, detail = facts.get("code"), f"Auth0 ended its events: {facts.get('message') or 'no message'}"
    if code in _GONE:
        raise EventOffsetGone(detail, status_code=410, error_code=str(code))
    if code not in _ENDED:
        raise Auth0Unavailable(detail)
