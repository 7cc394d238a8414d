"""What has become of each event on each stream: attempts, failures that can be sent again, and the figures.

Source: Auth0 docs, "Event Streams", "Event Testing, Observability, and Failure Recovery"; the Management OpenAPI.
"""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from localauth0.event_settings import EventDelivery
from localauth0.events import Event, iso_ms
from localauth0.webhook_posts import Outcome

Status = Literal["pending", "retrying", "delivered", "failed"]

_MAX_DELIVERED = 1_000  # of a stream, for whoever wants to look
_MAX_KEPT = 20_000  # of a stream, most of them failed or on their way
_BUCKET = timedelta(hours=1)
_BUCKETS = 24
_NEVER_AGAIN = range(400, 500)


@dataclass(frozen=True)
class Attempt:
    """One request of a delivery, or the mark that it was begun again (`retrying`)."""

    status: Status
    at: datetime
    error: str | None = None
    duration_ms: float | None = None

    def document(self) -> dict[str, Any]:
        told: dict[str, Any] = {"status": self.status, "timestamp": iso_ms(self.at)}
        if self.error is not None:
            told["error_message"] = self.error
        if self.duration_ms is not None:
            told["duration"] = round(self.duration_ms, 3)
        return told


@dataclass
class Delivery:
    """An event on its way to a stream. `tries` counts the requests of the present round."""

    event: Event
    stream_id: str
    status: Status = "pending"
    attempts: list[Attempt] = field(default_factory=list)
    tries: int = 0

    def document(self) -> dict[str, Any]:
        return {
            "id": self.event.id,
            "event_stream_id": self.stream_id,
            "event_type": self.event.type,
            "status": self.status,
            "attempts": [attempt.document() for attempt in self.attempts],
            "event": self.event.document(self.stream_id),
        }


@dataclass(frozen=True)
class DeliveryFilter:
    """Which failed deliveries are meant: of these types (all, when there are none), from then on, before then."""

    event_types: Collection[str] = ()
    date_from: datetime | None = None
    date_to: datetime | None = None

    def fits(self, event: Event) -> bool:
        is_of_type = not self.event_types or event.type in self.event_types
        is_late_enough = self.date_from is None or event.at >= self.date_from
        return is_of_type and is_late_enough and (self.date_to is None or event.at < self.date_to)


@dataclass
class _Page:
    """What the ledger knows of one stream."""

    deliveries: OrderedDict[str, Delivery] = field(default_factory=OrderedDict)
    delivered: deque[str] = field(default_factory=deque)
    failed: int = 0
    failed_in_row: int = 0
    outcomes: dict[datetime, list[int]] = field(default_factory=dict)  # by hour: delivered, failed


class NotRedeliverable(Exception):
    """The delivery has not failed, so it cannot be begun again."""


class EventLedger:
    """The deliveries of all streams of a tenant. Each method is whole by itself."""

    def __init__(self, settings: EventDelivery, clock: Callable[[], datetime]) -> None:
        self._settings, self._clock = settings, clock
        self._lock = threading.Lock()
        self._pages: dict[str, _Page] = {}

    def begin(self, event: Event, stream_id: str) -> Delivery:
        delivery = Delivery(event, stream_id)
        with self._lock:
            page = self._page(stream_id)
            page.deliveries[event.id] = delivery
            if len(page.deliveries) > _MAX_KEPT:
                _, oldest = page.deliveries.popitem(last=False)
                page.failed -= oldest.status == "failed"
        return delivery

    def note(self, delivery: Delivery, outcome: Outcome, duration_ms: float | None = None) -> float | None:
        """Write down what a request came to; return the seconds until the next one, or None when it is over."""
        with self._lock:
            delivery.tries += 1
            page = self._page(delivery.stream_id)
            if outcome.is_success:
                delivery.attempts.append(Attempt("delivered", self._clock(), None, duration_ms))
                self._end(page, delivery, "delivered")
                return None
            delivery.attempts.append(Attempt("failed", self._clock(), str(outcome), duration_ms))
            if outcome.status in _NEVER_AGAIN or delivery.tries >= self._settings.attempts:
                self._end(page, delivery, "failed")
                return None
            seconds: float = self._settings.backoff_factor * 2 ** (delivery.tries - 1)
            return seconds

    def begin_again(self, delivery: Delivery) -> None:
        """A fresh round of attempts. Raises NotRedeliverable."""
        with self._lock:
            if delivery.status != "failed":
                raise NotRedeliverable
            delivery.status, delivery.tries = "retrying", 0
            delivery.attempts.append(Attempt("retrying", self._clock()))
            self._page(delivery.stream_id).failed -= 1

    def delivery(self, stream_id: str, event_id: str) -> Delivery | None:
        with self._lock:
            return self._page(stream_id).deliveries.get(event_id)

    def documents(self, stream_id: str, wanted: DeliveryFilter) -> list[dict[str, Any]]:
        """The failed deliveries as the Management API shows them, oldest first."""
        with self._lock:
            return [delivery.document() for delivery in self._failed(stream_id, wanted)]

    def failed(self, stream_id: str, wanted: DeliveryFilter) -> list[Delivery]:
        with self._lock:
            return self._failed(stream_id, wanted)

    def has_failed_too_often(self, stream_id: str) -> bool:
        """Whether the stream is to be disabled."""
        with self._lock:
            in_row = self._page(stream_id).failed_in_row >= self._settings.disable_after_in_row
        return in_row or self.is_full_of_failures(stream_id)

    def is_full_of_failures(self, stream_id: str) -> bool:
        """Whether as many deliveries lie about failed as keep a stream from being enabled."""
        with self._lock:
            return self._page(stream_id).failed >= self._settings.disable_after_failed

    def forgive(self, stream_id: str) -> None:
        """Count the failures in a row anew."""
        with self._lock:
            self._page(stream_id).failed_in_row = 0

    def forget(self, stream_id: str) -> None:
        with self._lock:
            self._pages.pop(stream_id, None)

    def stats(self, stream_id: str) -> dict[str, Any]:
        """How many deliveries succeeded and failed in each of the last 24 hours."""
        with self._lock:
            now = _hour(self._clock())
            hours = [now - _BUCKET * back for back in reversed(range(_BUCKETS))]
            outcomes = self._page(stream_id).outcomes
            counts = [outcomes.get(hour, [0, 0]) for hour in hours]
        series = [[count[place] for count in counts] for place in (0, 1)]
        names = ("successful_deliveries", "failed_deliveries")
        return {
            "window": {
                "date_from": iso_ms(hours[0]),
                "date_to": iso_ms(now + _BUCKET),
                "bucket_interval": "PT1H",
            },
            "buckets": [iso_ms(hour) for hour in hours],
            "metrics": [
                {
                    "name": f"auth0.event_streams.{name}",
                    "window_total": sum(line),
                    "type": "sum",
                    "data": line,
                }
                for name, line in zip(names, series, strict=True)
            ],
        }

    def _page(self, stream_id: str) -> _Page:
        return self._pages.setdefault(stream_id, _Page())

    def _failed(self, stream_id: str, wanted: DeliveryFilter) -> list[Delivery]:
        every = self._page(stream_id).deliveries.values()
        return [one for one in every if one.status == "failed" and wanted.fits(one.event)]

    def _end(self, page: _Page, delivery: Delivery, status: Literal["delivered", "failed"]) -> None:
        delivery.status = status
        counts = page.outcomes.setdefault(_hour(self._clock()), [0, 0])
        counts[1 if status == "failed" else 0] += 1
        while len(page.outcomes) > _BUCKETS:
            del page.outcomes[min(page.outcomes)]
        if status == "failed":
            page.failed += 1
            page.failed_in_row += 1
        else:
            page.failed_in_row = 0
            page.delivered.append(delivery.event.id)
            if len(page.delivered) > _MAX_DELIVERED:
                page.deliveries.pop(page.delivered.popleft(), None)


def _hour(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)
