"""A worker in this process over a house with a queue, and records to give it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tests.integration.hasura.faulty_server import FaultyServer
from tests.integration.jobs.queue_house import QueueHouse

from frontdesk.jobs import worker_app
from frontdesk.jobs.places import Places
from frontdesk.settings import Settings
from frontdesk.store.inbox import NewDelivery
from frontdesk.store.worker_numbers import WorkerNumbers


def a_log_record(number: int, type_: str = "s", **data: Any) -> dict[str, Any]:
    """Return a log record as a stream sends it; of one number it is always the same."""
    log_id = f"90020260302100000456{number:036d}"
    return {
        "log_id": log_id,
        "data": {
            "date": "2026-03-02T10:00:00.456Z",
            "type": type_,
            "description": "",
            "client_id": "client-1",
            "ip": "203.0.113.7",
            "user_agent": "Chrome 120.0.0 / Linux",
            "log_id": log_id,
            **data,
        },
    }


_DUE = "SELECT 1 FROM procrastinate_jobs WHERE status = 'todo' AND coalesce(scheduled_at, now()) <= now()"


@dataclass
class Work:
    """A house, and the application of a worker that works for it when a test says so."""

    house: QueueHouse
    settings: Settings
    places: Places

    def deliver(
        self,
        records: Any,
        *,
        way: str = "log-stream",
        called_at: datetime | None = None,
        call_id: str | None = None,
    ) -> int:
        """Put a delivery into the inbox as a hook does; `records` are bytes, or what becomes JSON."""
        body = records if isinstance(records, bytes) else json.dumps(records).encode()
        number = len(records) if isinstance(records, list) else 1
        delivery = NewDelivery(
            tenant=self.house.tenant,
            way=way,
            body=body,
            records=number,
            request_id="request-1",
            called_at=called_at,
            call_id=call_id,
        )
        return self.places.inbox.accept(delivery)

    def off(self) -> None:
        """Do what is due, and what that asks for, until nothing is due."""
        while self.house.sql(_DUE):
            app = worker_app(self.settings, self.house.inner.store_url, self.house.database, self.places)
            app.periodic_registry.periodic_tasks.clear()
            app.run_worker(wait=False, install_signal_handlers=False, concurrency=4, delete_jobs="successful")

    def later(self) -> None:
        """Let everything that waits for its time be due, and do it."""
        self.house.sql("UPDATE procrastinate_jobs SET scheduled_at = now() WHERE status = 'todo'")
        self.off()

    def jobs(self, task: str) -> list[dict[str, Any]]:
        """Return the jobs of a task that are there still."""
        return self.house.sql(
            "SELECT id, status::text, attempts, args FROM procrastinate_jobs WHERE task_name = %s ORDER BY id",
            task,
        )

    def activities(self) -> dict[str, dict[str, Any]]:
        """Return the activities of this tenant by their number."""
        found = self.house.inner.rows.execute(
            "SELECT * FROM public.auth_activities WHERE tenant = %s", (self.house.tenant,)
        ).fetchall()
        return {row["id"]: row for row in found}

    def rejects(self) -> list[tuple[int, str]]:
        """Return number and reason of the records that were set aside."""
        rows = self.house.sql("SELECT number, reason FROM stream_rejects ORDER BY delivery_id, number")
        return [(row["number"], row["reason"]) for row in rows]


@contextmanager
def working(house: QueueHouse, **changes: str) -> Iterator[Work]:
    """Give a worker over the house, with settings changed."""
    house.inner.changes |= {"RECONCILE_SCHEDULE": "0 0 29 2 *", **changes}
    settings = house.inner.settings()
    with Places(settings, house.database, WorkerNumbers(house.database)) as places:
        yield Work(house, settings, places)


@contextmanager
def hasura_that_hangs_up() -> Iterator[str]:
    """Give the URL of a Hasura that closes every connection without a word."""
    with ExitStack() as stack:
        yield stack.enter_context(FaultyServer(lambda connection, _: connection.close())).url


def now() -> datetime:
    return datetime.now(UTC)
