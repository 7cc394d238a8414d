"""What tests do with a house that has a queue."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import requests
from tests.integration.users.house import OPERATOR, TIMEOUT_S, Done, House
from typer.testing import CliRunner

from frontdesk.cli import app
from frontdesk.errors import FrontdeskError
from frontdesk.store.database import Database
from frontdesk.store.job_errors import JobErrors
from frontdesk.store.queue import Queue

REASON = "Hasura refused the row: value too long"


@dataclass
class QueueHouse:
    """A house, and frontdesk's own database as its code sees it."""

    inner: House
    database: Database

    @property
    def tenant(self) -> str:
        return self.inner.tenant

    def run(self, *arguments: str, **changes: str) -> Done:
        """Call `frontdesk`."""
        ran = CliRunner().invoke(app, [*arguments], env={**self.inner.environment(), **changes})
        if ran.exception is None or isinstance(ran.exception, SystemExit):
            return Done(ran.exit_code, ran.stdout, ran.stderr)
        assert isinstance(ran.exception, FrontdeskError), ran.exception
        return Done(ran.exception.exit_code, ran.stdout, ran.stderr + ran.exception.detail)

    def facts(self, *arguments: str) -> Any:
        """Call `frontdesk … --json`, which has to succeed, and return what it prints."""
        done = self.run(*arguments, "--json")
        assert done.returncode == 0, done
        return json.loads(done.stdout)

    def call(self, method: str, path: str, headers: Mapping[str, str] = OPERATOR) -> requests.Response:
        """Call the API below `/api`."""
        url = f"{self.inner.url}/api{path}"
        return requests.request(method, url, headers=dict(headers), timeout=TIMEOUT_S)

    def sql(self, query: str, *values: Any) -> list[dict[str, Any]]:
        """Ask frontdesk's own database."""
        cursor = self.inner.store.execute(query, values)
        return cursor.fetchall() if cursor.description else []

    def delivery(self, state: str = "waiting", *, way: str = "log-stream", body: bytes = b"[]") -> int:
        """Put a delivery of this tenant into the inbox."""
        (row,) = self.sql(
            "INSERT INTO deliveries (tenant, way, request_id, records, bytes, body, state, error)"
            " VALUES (%s, %s, 'request-7', 3, %s, %s, %s, %s) RETURNING id",
            self.tenant,
            way,
            len(body),
            body,
            state,
            REASON if state == "failed" else None,
        )
        return int(row["id"])

    def reject(self, delivery_id: int, record: str) -> None:
        """Set a record of a delivery aside."""
        self.sql(
            "INSERT INTO stream_rejects (delivery_id, number, tenant, record_id, reason, record)"
            " VALUES (%s, 1, %s, '900', 'date: expected a time', %s)",
            delivery_id,
            self.tenant,
            record,
        )

    def job(self, task: str = "ingest_delivery", *, status: str = "failed", **arguments: Any) -> int:
        """Put a job of this tenant into the queue, in a state of the library."""
        job = Queue(self.database).defer(task, {"tenant": self.tenant, **arguments})
        assert job is not None
        if status != "todo":
            self.sql("UPDATE procrastinate_jobs SET status = 'doing' WHERE id = %s", job)
            JobErrors(self.database).note(job, REASON)
        if status not in ("todo", "doing"):
            self.sql("UPDATE procrastinate_jobs SET status = %s, attempts = 5 WHERE id = %s", status, job)
        return job

    def statuses(self) -> dict[int, str]:
        """Return the library's state of each job."""
        rows = self.sql("SELECT id, status::text FROM procrastinate_jobs ORDER BY id")
        return {row["id"]: row["status"] for row in rows}

    def delivery_state(self, delivery_id: int) -> str:
        (row,) = self.sql("SELECT state FROM deliveries WHERE id = %s", delivery_id)
        return str(row["state"])
