"""The hooks of Auth0's streams: a call is known by its token, kept whole in the inbox, and answered.

Nothing of a record is looked at here. 2xx means durable; Auth0 repeats a log stream's delivery until then, and an event
four times at most, never after a 4xx.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus

import structlog
from flask import Blueprint, Flask, g, request
from flask.typing import ResponseReturnValue

from frontdesk.auth0.stream_body import RecordSlice, split, split_event
from frontdesk.errors import HookRefused, StoreMissing
from frontdesk.settings import MAX_BODY_BYTES, Settings, secret
from frontdesk.store.database import Database
from frontdesk.store.inbox import Inbox, NewDelivery
from frontdesk.store.inbox_load import QueueBound
from frontdesk.web.body_room import BodyRoom, allow_arrival
from frontdesk.web.live_secrets import LiveSecrets
from frontdesk.web.measured import measured
from frontdesk.web.metrics import Metrics

KEY_PARAMETER = "writeKey"  # as RudderStack's guide puts a token into the URL of the extension
STREAM_CONNECTIONS = 4
# What Auth0 waits is not known; a sender that gave up repeats what was kept, which costs nothing.
STORE_BUDGET_S = 5.0
LARGE_ARRIVAL_LIMIT_S = 30.0  # of a body that is larger than a login's, from a caller whose token was right
BODIES_AT_ONCE_BYTES = 64 * 1024 * 1024

_MEBIBYTE = 1024 * 1024
_NOBODYS_TOKEN = secrets.token_urlsafe(32)


@dataclass(frozen=True, kw_only=True)
class StreamHook:
    """One kind of stream: the last segment of its URL, its largest body, and how that is split into records."""

    way: str
    limit_bytes: int
    split: Callable[[bytes], Sequence[RecordSlice]]
    key_in_url: bool = False


HOOKS = (
    StreamHook(way="log-stream", limit_bytes=16 * _MEBIBYTE, split=split),
    StreamHook(way="webhook-extension", limit_bytes=16 * _MEBIBYTE, split=split, key_in_url=True),
    StreamHook(way="event-stream", limit_bytes=_MEBIBYTE, split=split_event),
)


def register_streams(
    app: Flask, settings: Settings, live: LiveSecrets, metrics: Metrics, resources: ExitStack
) -> None:
    """Give `app` the hooks of streams, with connections of their own to frontdesk's database."""
    inbox = None
    if settings.database.url is not None:
        database = Database(secret(settings.database.url), max_connections=STREAM_CONNECTIONS)
        bound = QueueBound(settings.queue.max_waiting, settings.queue.max_waiting_mb * _MEBIBYTE)
        inbox = Inbox(resources.enter_context(database), bound)
    # A quarter of the threads is left to logins, whatever streams send, and however slow the database is.
    room = BodyRoom(size_bytes=BODIES_AT_ONCE_BYTES, threads=max(1, settings.server.threads * 3 // 4))
    app.register_blueprint(streams_blueprint(lambda: live.current().stream_tokens, inbox, room, metrics))


def streams_blueprint(
    tokens: Callable[[], Mapping[str, Sequence[str]]], inbox: Inbox | None, room: BodyRoom, metrics: Metrics
) -> Blueprint:
    """Return the hooks; `tokens` gives those of each tenant at the moment. Without an inbox they answer 503."""
    blueprint = Blueprint("streams", __name__, url_prefix="/hooks")

    def deliver(tenant: str, hook: StreamHook) -> ResponseReturnValue:
        with measured(hook.way, metrics) as outcome:
            _refuse_strangers(tokens(), tenant, hook)
            structlog.contextvars.bind_contextvars(tenant=tenant, way=hook.way)
            if inbox is None:
                raise StoreMissing
            if request.content_length is None or request.content_length > MAX_BODY_BYTES:
                allow_arrival(LARGE_ARRIVAL_LIMIT_S)
            with room.body(hook.limit_bytes) as body:
                records = len(hook.split(body))
                if records == 0:
                    outcome.name = "empty"
                    return {"queued": False, "records": 0}
                delivery = NewDelivery(
                    tenant=tenant, way=hook.way, body=body, records=records, request_id=g.request_id
                )
                inbox.accept(delivery, budget_s=STORE_BUDGET_S)
            outcome.name = "queued"
            metrics.delivered(hook.way, records, len(body))
            return {"queued": True, "records": records}, HTTPStatus.ACCEPTED

    for hook in HOOKS:
        blueprint.add_url_rule(
            f"/<tenant>/{hook.way}", hook.way, partial(deliver, hook=hook), methods=["POST"]
        )
    return blueprint


def _refuse_strangers(tokens: Mapping[str, Sequence[str]], tenant: str, hook: StreamHook) -> None:
    """Raise HookRefused without a token of the tenant. Whatever was sent, and to whom, it takes the same work."""
    known = tokens.get(tenant, ())
    # As many comparisons for each tenant, and for one that is not there: nobody's token is never right.
    most = max(map(len, tokens.values()), default=1)
    wanted = [*known, *[_NOBODYS_TOKEN] * (max(most, 1) - len(known))]
    given = _given(hook)
    right = sum(_same(each, token) for each in given for token in wanted)
    if not right:
        raise HookRefused("the token is wrong" if any(given) else "there is no token")


def _given(hook: StreamHook) -> list[str]:
    """Return what the caller shows: the header, with or without `Bearer`, and where it may be, the key in the URL."""
    header = request.headers.get("Authorization", "").strip()
    scheme, _, rest = header.partition(" ")
    shown = [rest.strip() if scheme.lower() == "bearer" else header]
    return [*shown, request.args.get(KEY_PARAMETER, "")] if hook.key_in_url else shown


def _same(given: str, token: str) -> bool:
    # Digests, so that the length of a token does not show either.
    return hmac.compare_digest(_digest(given), _digest(token))


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
