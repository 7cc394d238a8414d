"""Names that people chose, such as an address as a key of metadata, stand in no reason and in no log line."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
import structlog
from tests.builders import a_hook_body

from frontdesk.errors import FieldFault, PayloadInvalid
from frontdesk.jobs.retrying import Attempts
from frontdesk.store.database import Database
from frontdesk.store.inbox import Delivery
from frontdesk.store.queue import Queue
from frontdesk.sync.ingest.records import read_records

NAME = "ann@example.com"
NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)


def test_a_record_that_is_set_aside_does_not_repeat_them() -> None:
    body = json.dumps(a_hook_body(changes={"user.app_metadata": {NAME: "\0"}})).encode()
    kept = Delivery(
        id=1,
        tenant="default",
        way="post-login",
        body=body,
        records=1,
        request_id="r",
        called_at=NOW,
        received_at=NOW,
        attempts=0,
    )

    (record,) = read_records(kept)

    assert record.fault is not None
    assert record.fault.startswith("user.app_metadata.…: expected text")


def test_a_job_that_failed_does_not_repeat_them(store_url: str) -> None:
    fault = FieldFault(f"user_metadata.{NAME}", "a finite number")

    def refuse() -> Any:
        raise PayloadInvalid([fault])

    with Database(store_url, max_connections=2) as database:
        number = Queue(database).defer("refresh_user", {"tenant": "default", "user_id": "auth0|ann"})
        job = SimpleNamespace(id=number, task_name="refresh_user", attempts=0, task_kwargs={})
        context: Any = SimpleNamespace(job=job)
        worker: Any = None
        with structlog.testing.capture_logs() as lines, pytest.raises(PayloadInvalid):
            Attempts(database, 1.0)(refuse, context, worker)
        with database.transaction() as connection:
            ((reason,),) = connection.execute("SELECT reason FROM frontdesk.job_errors").fetchall()

    assert "user_metadata.… (a finite number)" in reason
    assert NAME not in reason + str(lines)
