"""`GET /events`: the tenant's events as server-sent events, from an offset on.

Each message has the type of its event as name, the offset as id, and both offset and event as data. In between come
messages that have an offset alone, and before an end that is no good one a message that says why.

Source: Auth0 docs, "Consume Events with the Events API"; the Management OpenAPI.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, get_args

from flask import Response, request

from localauth0.errors import ManagementError
from localauth0.event_log import CursorExpired, EventLog, UnknownCursor
from localauth0.event_settings import EventDelivery
from localauth0.events import EventType
from localauth0.management.event_streams import FEATURE
from localauth0.management.http import management_blueprint, scoped
from localauth0.routes.http import live
from localauth0.tenant import TenantConfig

blueprint = management_blueprint("events")

_PAGE = 100
_LOOK_S = 0.25  # how often a reader looks whether its caller is still there
_MAX_CONNECTIONS = {"free": 1, "self_service": 4}
_ENTERPRISE_CONNECTIONS = 8


@blueprint.get("/events")
@scoped("read:events", feature=FEATURE)
def read_events() -> Response:
    """`Last-Event-ID` wins over `from`, which wins over `from_timestamp`; without any, only what is new comes."""
    store = live().store
    log, settings = store.event_log, store.config.event_delivery
    number, types = _start(log), _types()
    if not log.begin_reading(_connections(store.config)):
        raise ManagementError(429, "Too many concurrent connections", "too_many_requests")
    is_gone = request.environ.get("waitress.client_disconnected", bool)
    stream = _Reader(log, settings, types, is_gone).messages(number)
    # The reading is over when the answer is closed, even if not a byte of it was ever asked for.
    answer = Response(stream, mimetype="text/event-stream", headers={"Cache-Control": "no-cache"})
    answer.call_on_close(log.end_reading)
    return answer


class _Reader:
    """One caller who reads the log."""

    def __init__(
        self, log: EventLog, settings: EventDelivery, types: frozenset[str], is_gone: Callable[[], bool]
    ) -> None:
        self._log, self._types, self._is_gone = log, types, is_gone
        self._keep_alive_s = settings.keep_alive_s
        self._ends_at = time.monotonic() + settings.connection_s

    def messages(self, number: int) -> Iterator[bytes]:
        """Begin with the offset, so that the caller can come back whatever happens."""
        yield self._offset_only(number)
        told_at = time.monotonic()
        while not self._log.is_closed and not self._is_gone():
            try:
                found = self._log.behind(number, _PAGE)
            except CursorExpired:
                yield self._error("cursor_expired", "Events behind the cursor are gone.", None)
                return
            for event in found:
                number += 1
                if not self._types or event.type in self._types:
                    yield self._message(event.type, number, {"event": event.document()})
                    told_at = time.monotonic()
            now = time.monotonic()
            if now >= self._ends_at:
                yield self._error("connection_timeout", "The connection has lasted its time.", number)
                return
            if now >= told_at + self._keep_alive_s:
                yield self._offset_only(number)
                told_at = now
            self._log.wait_behind(number, min(_LOOK_S, self._keep_alive_s))

    def _offset_only(self, number: int) -> bytes:
        return self._message("offset-only", number, {})

    def _message(self, name: str, number: int, told: dict[str, Any]) -> bytes:
        offset = self._log.offset(number)
        return _lines(name, {"offset": offset, **told}, offset)

    def _error(self, code: str, text: str, number: int | None) -> bytes:
        offset = {"offset": self._log.offset(number)} if number is not None else {}
        return _lines("error", {"error": {"code": code, "message": text, **offset}}, None)


def _lines(name: str, told: dict[str, Any], offset: str | None) -> bytes:
    identity = f"id: {offset}\n" if offset is not None else ""
    text = json.dumps(told, ensure_ascii=False, separators=(",", ":"))
    return f"{identity}event: {name}\ndata: {text}\n\n".encode()


def _start(log: EventLog) -> int:
    """The number of the event behind which the caller wants to read. Raises ManagementError (400, 410)."""
    offset = request.headers.get("Last-Event-ID") or request.args.get("from")
    try:
        if offset is not None:
            number = log.number(offset)
            log.behind(number, 1)
            return number
        since = request.args.get("from_timestamp")
        return log.before(_moment(since)) if since is not None else log.last()
    except UnknownCursor as err:
        raise ManagementError(400, "The cursor is invalid.", "invalid_cursor") from err
    except CursorExpired as err:
        raise ManagementError(410, "The cursor has expired.", "cursor_expired") from err


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        fault = "Object didn't pass validation for format date-time"
        raise ManagementError(
            400, f"Query validation error: '{fault}' on property from_timestamp.", "invalid_query_string"
        )
    return moment


def _types() -> frozenset[str]:
    types = frozenset(request.args.getlist("event_type"))
    if not types <= set(get_args(EventType)):
        text = "Query validation error: 'No enum match' on property event_type."
        raise ManagementError(400, text, "invalid_query_string")
    return types


def _connections(config: TenantConfig) -> int:
    if config.event_delivery.connections is not None:
        return config.event_delivery.connections
    return _MAX_CONNECTIONS.get(config.rate_limit.plan or "", _ENTERPRISE_CONNECTIONS)
