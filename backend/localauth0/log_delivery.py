"""Sends the tenant's log to its log streams: one thread for each, which reads the log from where the stream stands.

Nothing is queued beside the log itself: a stream that is paused or fails stays where it is, and catches up later, as
far as the log's retention goes. One that was suspended goes on with what is written after it is switched on again.

Source: Auth0 docs, "Log Streams", "Check Log Stream Health".
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from localauth0.log_settings import LogDelivery
from localauth0.logbook import Record, first_id_at
from localauth0.store import Store
from localauth0.streamed_records import body_of, lets_through, streamed
from localauth0.tenant import LogStream
from localauth0.webhook_posts import Outcome, WebhookPosts, is_this_machine

ATTEMPTS = 3  # of one cycle
_MAX_FAILURES = 10  # that the health of a stream tells of
_STOP_LIMIT_S = 10.0


@dataclass(frozen=True)
class Failure:
    """Why a cycle did not bring its batch."""

    at: datetime
    reason: str


class LogStreamSender:
    """One stream's place in the log, and the thread that moves it on."""

    def __init__(self, store: Store, stream: LogStream, after: str | None) -> None:
        self._store, self._stream, self._after = store, stream, after
        self.log, self.id = store.log, stream.id
        self.failures: deque[Failure] = deque(maxlen=_MAX_FAILURES)
        self._failing_since: datetime | None = None
        self._posts = WebhookPosts(self._settings.timeout_s)
        self._ended, self._changed, self._wake = threading.Event(), threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"localauth0-log-{stream.id}", daemon=True)

    @property
    def _settings(self) -> LogDelivery:
        return self._store.config.log_delivery

    def start(self) -> None:
        self.log.listeners.append(self._wake.set)
        self._thread.start()

    def follow(self, stream: LogStream) -> None:
        """Take over what has been changed about the stream."""
        if stream is self._stream:
            return
        if self._stream.status == "suspended":
            self._after = self.log.newest_id()
        if stream.status != self._stream.status:
            self._failing_since = None
        self._stream = stream
        self._changed.set()
        self._wake.set()

    def end(self) -> None:
        """Send nothing more; a request under way is broken off."""
        self._ended.set()
        if self._wake.set in self.log.listeners:
            self.log.listeners.remove(self._wake.set)
        self._changed.set()
        self._wake.set()
        self._posts.close()

    def join(self) -> None:
        self._thread.join(_STOP_LIMIT_S)

    def _run(self) -> None:
        while True:
            self._wake.clear()
            self._changed.clear()
            if self._ended.is_set():
                return
            if self._stream.status == "active" and self._is_behind():
                self._send_next()
            else:
                self._wake.wait()

    def _is_behind(self) -> bool:
        return bool(self.log.after(self._after, 1))

    def _send_next(self) -> None:
        """Send the next records, and move on when they have been taken."""
        stream, most = self._stream, self._most()
        if len(self.log.after(self._after, most)) < most:
            self._changed.wait(self._settings.flush_s)
        found = self.log.after(self._after, 2 * most)
        fitting = [record for record in found if lets_through(stream, record["type"])]
        # A disordered stream carries the records of two batches in any order.
        if not self._store.delivery_faults.disorder(fitting):
            found = found[:most]
            fitting = [record for record in found if lets_through(stream, record["type"])]
        if all(self._bring(stream, batch) for batch in _batches(fitting, most)) and found:
            self._after = found[-1]["log_id"]

    def _most(self) -> int:
        """How many records a request carries."""
        settings = self._settings
        is_single = (
            self._stream.sink.get("httpContentFormat") == "JSONOBJECT" and settings.json_object == "record"
        )
        return 1 if is_single else settings.max_records

    def _bring(self, stream: LogStream, records: Sequence[Record]) -> bool:
        """Whether the receiver has taken the records, within one cycle of attempts."""
        body = self._body(stream, records)
        outcome = Outcome(fault="not tried")
        for attempt in range(ATTEMPTS):
            if attempt:
                self._changed.wait(self._settings.retry_s)
            if self._changed.is_set():
                return False
            outcome = self._posts.deliver(
                stream.sink["httpEndpoint"], _headers(stream), body, self._store.delivery_faults.fate()
            )
            if outcome.is_success:
                self._failing_since = None
                return True
        self._note_failure(stream, outcome)
        return False

    def _body(self, stream: LogStream, records: Sequence[Record]) -> bytes:
        tenant = self._store.config.tenant
        wrapped = [streamed(record, tenant, stream.pii_config) for record in records]
        return body_of(wrapped, stream.sink.get("httpContentFormat", "JSONARRAY"), self._settings.json_object)

    def _note_failure(self, stream: LogStream, outcome: Outcome) -> None:
        """Wait for the next cycle, or give the stream up when it has failed for too long."""
        if self._ended.is_set():
            return
        now = self._store.clock()
        self.failures.append(Failure(now, str(outcome)))
        self._failing_since = self._failing_since or now
        if now - self._failing_since >= timedelta(seconds=self._settings.disable_after_s):
            self._suspend(stream)
        else:
            self._changed.wait(self._settings.cycle_s)

    def _suspend(self, stream: LogStream) -> None:
        suspended = stream.model_copy(update={"status": "suspended"})
        with self._store.lock:
            # Who changed it meanwhile has had a reason to.
            if any(one is stream for one in self._store.config.log_streams):
                self._store.put("log_streams", suspended, replacing=stream)


class LogStreams:
    """Keeps a sender for each stream that can be sent to: those of the type `http`."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._senders: dict[str, LogStreamSender] = {}
        self._is_running = False

    def start(self) -> None:
        self._is_running = True
        self._store.watchers.append(self._follow)
        self._follow()

    def stop(self) -> None:
        """End all senders; harmless when none runs."""
        with self._lock:
            self._is_running = False
            senders, self._senders = list(self._senders.values()), {}
        if self._follow in self._store.watchers:
            self._store.watchers.remove(self._follow)
        for sender in senders:
            sender.end()
        for sender in senders:
            sender.join()

    def failures(self, stream_id: str) -> list[Failure]:
        """The last failures of a stream, oldest first; what the dashboard calls its health."""
        with self._lock:
            sender = self._senders.get(stream_id)
            return list(sender.failures) if sender is not None else []

    def _follow(self) -> None:
        """Let senders begin, go on and end as the tenant's configuration says now."""
        with self._lock:
            if not self._is_running:
                return
            streams = {stream.id: stream for stream in self._sendable()}
            for sender in list(self._senders.values()):
                if sender.id not in streams or sender.log is not self._store.log:
                    sender.end()
                    del self._senders[sender.id]
            for stream in streams.values():
                self._begin_or_change(stream)

    def _begin_or_change(self, stream: LogStream) -> None:
        sender = self._senders.get(stream.id)
        if sender is not None:
            sender.follow(stream)
            return
        begins = self._store.log.newest_id()
        if stream.start_from is not None:
            begins = first_id_at(datetime.fromisoformat(stream.start_from))
        self._senders[stream.id] = sender = LogStreamSender(self._store, stream, begins)
        sender.start()

    def _sendable(self) -> Iterator[LogStream]:
        anywhere = self._store.config.log_delivery.to_other_machines
        for stream in self._store.config.log_streams:
            if stream.type == "http" and (anywhere or is_this_machine(str(stream.sink.get("httpEndpoint")))):
                yield stream


def _headers(stream: LogStream) -> dict[str, str]:
    """The sink's own headers; its authorization is sent as it was given, with nothing added."""
    sink = stream.sink
    headers = {str(one["header"]): str(one["value"]) for one in sink.get("httpCustomHeaders") or []}
    headers["Content-Type"] = sink.get("httpContentType") or "application/json"
    if sink.get("httpAuthorization"):
        headers["Authorization"] = sink["httpAuthorization"]
    return headers


def _batches(records: Sequence[Record], most: int) -> Iterator[Sequence[Record]]:
    for at in range(0, len(records), most):
        yield records[at : at + most]
