"""The records of a delivery, each with what it means or why it means nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
import structlog

from frontdesk.auth0.event_record import incoming_from_event
from frontdesk.auth0.kept_json import redacted_text
from frontdesk.auth0.log_record import incoming_from_log
from frontdesk.auth0.signatures import SignedCall
from frontdesk.auth0.stream_body import NO_JSON, NO_OBJECT, split
from frontdesk.errors import PayloadInvalid
from frontdesk.identity.activity import Incoming
from frontdesk.store.inbox import Delivery
from frontdesk.sync.deferred import SIGNED_WAYS, incoming_from_call

EVENT_WAYS = frozenset({"event-stream", "events"})
LOG_WAYS = frozenset({"log-stream", "webhook-extension", "logs"})

_log = structlog.stdlib.get_logger(__name__)
_decode = msgspec.json.Decoder().decode


@dataclass(frozen=True, slots=True)
class ReadRecord:
    """One record: what it comes to, or the `fault` for which it is set aside. `text` is it without secrets."""

    delivery: Delivery
    number: int
    data: bytes | memoryview
    incoming: Incoming | None = None
    fault: str | None = None
    record_id: str | None = None

    @property
    def text(self) -> str:
        """Return the record for whoever looks why it was set aside; as it came it stays in its delivery."""
        return redacted_text(bytes(self.data).decode("utf-8", "replace"))


def read_records(delivery: Delivery) -> Iterator[ReadRecord]:
    """Give every record of a delivery. Raises PayloadInvalid for a body that is none at all."""
    if delivery.way in SIGNED_WAYS:
        yield _read(delivery, 1, delivery.body, lambda: _call(delivery))
        return
    for each in split(delivery.body):
        if each.fault is not None:
            yield ReadRecord(delivery, each.number, each.content, fault=each.fault)
        else:
            yield _record(delivery, each.number, each.content)


def _record(delivery: Delivery, number: int, data: bytes | memoryview) -> ReadRecord:
    try:
        record = _parsed(data)
    except (ValueError, RecursionError):
        return ReadRecord(delivery, number, data, fault=NO_JSON)
    if not isinstance(record, dict):
        return ReadRecord(delivery, number, data, fault=NO_OBJECT)
    reader = incoming_from_event if delivery.way in EVENT_WAYS else incoming_from_log
    return _read(
        delivery,
        number,
        data,
        lambda: reader(record, tenant=delivery.tenant, way=delivery.way, received_at=delivery.received_at),
        _id_of(record),
    )


def _parsed(data: bytes | memoryview) -> Any:
    try:
        return _decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        # Half a surrogate pair is valid JSON, and no text; the other parser takes it.
        return json.loads(bytes(data))


def _call(delivery: Delivery) -> Incoming:
    call = SignedCall(
        id=delivery.call_id or "", at=delivery.called_at or delivery.received_at, body=delivery.body
    )
    return incoming_from_call(delivery.way, call, tenant=delivery.tenant)


def _read(
    delivery: Delivery,
    number: int,
    data: bytes | memoryview,
    read: Callable[[], Incoming],
    record_id: str | None = None,
) -> ReadRecord:
    try:
        return ReadRecord(delivery, number, data, incoming=read(), record_id=record_id)
    except PayloadInvalid as invalid:
        fault = "; ".join(f"{each.place}: expected {each.expected}" for each in invalid.faults)
    except Exception as error:  # noqa: BLE001
        # A record that no reader was made for must not keep the others of its delivery from Hasura.
        _log.exception("ingest.record_unreadable", delivery_id=delivery.id, number=number)
        fault = f"reading it ended with an unexpected {type(error).__name__}"
    return ReadRecord(delivery, number, data, fault=fault, record_id=record_id)


def _id_of(record: Mapping[str, Any]) -> str | None:
    for name in ("log_id", "_id", "id"):
        found = record.get(name)
        if isinstance(found, str):
            return found
    return None
