"""A steady load of logins and deliveries, with Auth0's behaviour: who is repeated, how often, and who is not.

A login is one call with the Action's deadline, and is never repeated. A batch of a log stream is sent again until it is
acknowledged. An event is sent four times at most, and never after a 4xx.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import threading
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, Self

from tests.faults.auth0_calls import log_batch, login_call, new_log_record, user_event
from tests.faults.house import TENANT
from tests.faults.ledger import Ledger, SentLogin, SentRecord

LOGINS_PER_S, BATCHES_PER_S, EVENTS_PER_S = 21.0, 15.0, 6.0
LOGIN_DEADLINE_S = 1.5  # of the Action
BATCH_DEADLINE_S = 10.0
EVENT_DEADLINE_S = 5.0
BATCH_PAUSES_S = (1.0, 2.0, 4.0)  # before a batch is sent again; then over again
SENDERS = 40  # of a stream; what finds them all busy waits
EVENT_PAUSES_S = (1.0, 2.0, 4.0)
MAX_BATCH_RECORDS = 12
REGULARS = 40  # users who log in again and again; every other login is somebody's first
END_LIMIT_S = 90.0

Call = tuple[bytes, dict[str, str]]


class Load:
    """The load inside its `with` block, in a thread of its own. `stop` lets what is on its way come to its end."""

    def __init__(self, port: int, ledger: Ledger, seed: int) -> None:
        self._port, self._ledger = port, ledger
        self._rng = random.Random(seed)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="load")
        self._senders = asyncio.Semaphore(SENDERS)
        self._running: set[asyncio.Task[None]] = set()
        self._numbers = itertools.count(1)
        self._per_user: dict[str, int] = {}
        self._last_at = datetime.now(UTC).replace(microsecond=0)
        self._sources: list[asyncio.Task[None]] = []

    def __enter__(self) -> Self:
        self._thread.start()
        self._loop.call_soon_threadsafe(self._begin)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._abandon(), self._loop).result(END_LIMIT_S)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(END_LIMIT_S)
        self._loop.close()

    def stop(self) -> None:
        """Begin nothing more, and return when every batch is acknowledged and every event sent or given up."""
        asyncio.run_coroutine_threadsafe(self._finish(), self._loop).result(END_LIMIT_S)

    def _begin(self) -> None:
        for rate, one in (
            (LOGINS_PER_S, self._log_in),
            (BATCHES_PER_S, self._send_batch),
            (EVENTS_PER_S, self._send_event),
        ):
            self._sources.append(self._loop.create_task(self._steadily(rate, one)))

    async def _steadily(self, rate: float, one: Callable[[], Awaitable[None]]) -> None:
        """Begin `one` so often, however long each takes."""
        due = time.monotonic()
        while True:
            task = asyncio.ensure_future(one())
            self._running.add(task)
            task.add_done_callback(self._running.discard)
            due += 1 / rate
            await asyncio.sleep(max(due - time.monotonic(), 0))

    async def _finish(self) -> None:
        for source in self._sources:
            source.cancel()
        await asyncio.gather(*tuple(self._running))

    async def _abandon(self) -> None:
        for task in (*self._sources, *self._running):
            task.cancel()
        await asyncio.gather(*self._sources, *self._running, return_exceptions=True)

    async def _log_in(self) -> None:
        login = self._new_login()
        self._ledger.logins.append(login)
        sent_at = time.monotonic()
        status, said = await self._post("post-login", login_call(login), LOGIN_DEADLINE_S)
        if status == 200 and (said.get("synced") or said.get("queued")):
            login.acknowledged_at, login.queued = time.monotonic(), not said["synced"]
        if status == 200 and said.get("synced"):
            self._ledger.synced_at = max(self._ledger.synced_at, sent_at)
        kind = "synced" if said.get("synced") else "queued" if said.get("queued") else "not written"
        self._ledger.count("post-login", kind if status == 200 else str(status))

    async def _send_batch(self) -> None:
        records = [
            new_log_record(self._rng, next(self._numbers), self._regular(), self._now())
            for _ in range(self._rng.randint(1, MAX_BATCH_RECORDS))
        ]
        self._ledger.records += records
        call = log_batch(records, self._rng)
        for pause_s in itertools.cycle(BATCH_PAUSES_S):
            if await self._delivered("log-stream", records, call, BATCH_DEADLINE_S):
                return
            await asyncio.sleep(pause_s)

    async def _send_event(self) -> None:
        user_id = f"auth0|evented{self._rng.randrange(REGULARS):02}"
        record = SentRecord(
            id=f"evt_{next(self._numbers):022d}",
            source="event-stream",
            type="user.updated",
            user_id=user_id,
            occurred_at=self._now(),
            profile_number=self._next_of(user_id),
        )
        self._ledger.records.append(record)
        for pause_s in (*EVENT_PAUSES_S, 0):
            if await self._delivered("event-stream", [record], user_event(record), EVENT_DEADLINE_S):
                return
            await asyncio.sleep(pause_s)

    async def _delivered(self, way: str, records: list[SentRecord], call: Call, deadline_s: float) -> bool:
        async with self._senders:
            status, _ = await self._post(way, call, deadline_s)
        self._ledger.count(way, str(status))
        if not 200 <= status < 300:
            return False
        for record in records:
            record.acknowledged_at = time.monotonic()
        return True

    async def _post(self, way: str, call: Call, deadline_s: float) -> tuple[int, dict[str, Any]]:
        """Return the status and the answer; status 0 when there was none in time."""
        try:
            return await asyncio.wait_for(_exchange(self._port, f"/hooks/{TENANT}/{way}", *call), deadline_s)
        except (OSError, TimeoutError, EOFError, ValueError, IndexError):
            return 0, {}

    def _new_login(self) -> SentLogin:
        number = next(self._numbers)
        user_id = self._regular() if self._rng.random() < 0.5 else f"auth0|first{number:07}"
        now = self._now()
        return SentLogin(
            call_id=f"msg_{number}",
            user_id=user_id,
            number=self._next_of(user_id),
            at=now.replace(microsecond=0),
            updated_at=now,
        )

    def _regular(self) -> str:
        return f"auth0|regular{self._rng.randrange(REGULARS):02}"

    def _next_of(self, user_id: str) -> int:
        self._per_user[user_id] = self._per_user.get(user_id, 0) + 1
        return self._per_user[user_id]

    def _now(self) -> datetime:
        """Return a time in whole milliseconds, as Auth0's are, later than any before."""
        now = datetime.now(UTC)
        now = now.replace(microsecond=now.microsecond // 1000 * 1000)
        self._last_at = max(now, self._last_at + timedelta(milliseconds=1))
        return self._last_at


async def _exchange(port: int, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, dict[str, Any]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        lines = [f"{name}: {value}" for name, value in headers.items()]
        head = [f"POST {path} HTTP/1.1", "host: frontdesk", "connection: close", *lines]
        writer.write("\r\n".join([*head, f"content-length: {len(body)}", "", ""]).encode() + body)
        await writer.drain()
        answer = await reader.read(-1)
    finally:
        writer.transport.abort()
    head_bytes, _, content = answer.partition(b"\r\n\r\n")
    status = int(head_bytes.split(b" ", 2)[1])
    is_json = content and b"json" in head_bytes.lower()
    return status, json.loads(content) if is_json else {}
