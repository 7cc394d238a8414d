"""Sends events to the webhooks of the tenant's event streams: one event for each request, at least once, in no order.

A few threads send; they begin with the first event and end with the server. A stream to EventBridge or to an Action
gets nothing here.

Source: Auth0 docs, "Event Streams", "Events Best Practices".
"""

from __future__ import annotations

import base64
import heapq
import json
import threading
import time
from collections.abc import Mapping
from itertools import count
from typing import TYPE_CHECKING, Any

from localauth0.event_ledger import Delivery, EventLedger
from localauth0.events import Event, events_of, iso_ms
from localauth0.happenings import Happening
from localauth0.tenant import EventStream
from localauth0.webhook_posts import Outcome, WebhookPosts, is_this_machine

if TYPE_CHECKING:
    from localauth0.store import Store

_MAX_WAITING = 50_000
_HELD_BACK_S = 0.1  # an event that is to be overtaken by others
_END_LIMIT_S = 5.0

_Entry = tuple[float, int, Delivery, EventLedger]


class EventSender:
    """Listens to a store, keeps its log of events, and brings events to their streams between `start` and `stop`."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._waiting: list[_Entry] = []
        self._serial = count()
        self._threads: list[threading.Thread] = []
        self._posts: list[WebhookPosts] = []
        self._idle = 0  # threads that wait
        self._is_stopped = True
        self._changed = threading.Condition()

    def hear(self, happening: Happening) -> None:
        config = self._store.config
        for event in events_of(happening, config):
            self._store.event_log.append(event)
            for stream in config.event_streams:
                types = [one.get("event_type") for one in stream.subscriptions]
                if stream.status == "enabled" and event.type in types:
                    self.send(event, stream)

    def send(self, event: Event, stream: EventStream) -> Delivery:
        """Bring an event on its way, when the stream is one that can be sent to."""
        ledger = self._store.event_ledger
        delivery = ledger.begin(event, stream.id)
        if self._is_reachable(stream):
            held_back_s = _HELD_BACK_S if self._store.delivery_faults.disorder([]) else 0.0
            self._put(delivery, ledger, held_back_s)
        return delivery

    def redeliver(self, delivery: Delivery) -> None:
        """Begin the delivery again, whether or not its stream is enabled. Raises NotRedeliverable."""
        ledger = self._store.event_ledger
        ledger.begin_again(delivery)
        self._put(delivery, ledger, 0.0)

    def forget_all(self) -> None:
        """Give up what waits to be sent."""
        with self._changed:
            self._waiting.clear()

    def stop(self) -> None:
        """End the threads, and requests under way with them; what waits is given up."""
        with self._changed:
            self._is_stopped = True
            self._waiting.clear()
            threads, self._threads = self._threads, []
            posts, self._posts = self._posts, []
            self._changed.notify_all()
        for one in posts:
            one.close()
        for thread in threads:
            thread.join(_END_LIMIT_S)

    def start(self) -> None:
        """Let events be sent from now on."""
        with self._changed:
            self._is_stopped = False

    def _is_reachable(self, stream: EventStream) -> bool:
        if stream.destination["type"] != "webhook":
            return False
        address = str(stream.destination["configuration"]["webhook_endpoint"])
        return self._store.config.event_delivery.to_other_machines or is_this_machine(address)

    def _put(self, delivery: Delivery, ledger: EventLedger, in_s: float) -> None:
        with self._changed:
            if self._is_stopped:
                return
            if len(self._waiting) < _MAX_WAITING:
                heapq.heappush(self._waiting, (time.monotonic() + in_s, next(self._serial), delivery, ledger))
                self._begin_threads()
                self._changed.notify()
                return
        ledger.note(delivery, Outcome(fault="the tenant's queue of events is full"))

    def _begin_threads(self) -> None:
        """One more thread, when the others have enough to do, up to the tenant's number."""
        settings = self._store.config.event_delivery
        if self._idle < len(self._waiting) and len(self._threads) < settings.senders:
            posts = WebhookPosts(settings.timeout_s)
            thread = threading.Thread(target=self._run, args=(posts,), name="localauth0-events", daemon=True)
            self._posts.append(posts)
            self._threads.append(thread)
            thread.start()

    def _run(self, posts: WebhookPosts) -> None:
        while (entry := self._next()) is not None:
            _, _, delivery, ledger = entry
            stream = self._stream(delivery.stream_id)
            if stream is None or ledger is not self._store.event_ledger:
                continue
            began = time.monotonic()
            outcome = posts.deliver(
                *_request(stream, delivery, self._content_type), self._store.delivery_faults.fate()
            )
            if self._is_stopped:
                return
            again_in_s = ledger.note(delivery, outcome, (time.monotonic() - began) * 1000)
            if again_in_s is not None:
                self._put(delivery, ledger, again_in_s)
            elif ledger.has_failed_too_often(stream.id):
                self._disable(stream)

    def _next(self) -> _Entry | None:
        """The next delivery whose time has come; None at the end."""
        with self._changed:
            while not self._is_stopped:
                wait_s = self._waiting[0][0] - time.monotonic() if self._waiting else None
                if wait_s is not None and wait_s <= 0:
                    return heapq.heappop(self._waiting)
                self._idle += 1
                self._changed.wait(wait_s)
                self._idle -= 1
            return None

    def _stream(self, stream_id: str) -> EventStream | None:
        streams = self._store.config.event_streams
        return next((stream for stream in streams if stream.id == stream_id), None)

    @property
    def _content_type(self) -> str:
        return self._store.config.event_delivery.content_type

    def _disable(self, stream: EventStream) -> None:
        """Disable the stream, unless it is another one by now."""
        with self._store.lock:
            if self._stream(stream.id) is stream and stream.status == "enabled":
                changes = {"status": "disabled", "updated_at": iso_ms(self._store.clock())}
                self._store.put("event_streams", stream.model_copy(update=changes), replacing=stream)


def _request(stream: EventStream, delivery: Delivery, content_type: str) -> tuple[str, dict[str, str], bytes]:
    """Address, headers and body of the request that brings the event."""
    configuration = stream.destination["configuration"]
    headers = {"Content-Type": content_type, **_authorization(configuration["webhook_authorization"])}
    body = json.dumps(delivery.event.document(stream.id), ensure_ascii=False, separators=(",", ":"))
    return str(configuration["webhook_endpoint"]), headers, body.encode()


def _authorization(given: Mapping[str, Any]) -> dict[str, str]:
    if given["method"] == "custom_header":
        return {str(given["header_key"]): str(given["header_value"])}
    if given["method"] == "basic":
        pair = f"{given['username']}:{given['password']}".encode()
        return {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}
    return {"Authorization": f"Bearer {given['token']}"}
