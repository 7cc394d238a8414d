"""A tenant whose past a test writes: its clock stands where the test puts it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from frontdesk.auth0.management import Credentials, ManagementApi
from frontdesk.store.database import Database
from frontdesk.store.inbox import Inbox
from frontdesk.store.inbox_load import QueueBound
from frontdesk.store.jobs import Jobs
from frontdesk.store.stream_marks import Received, StreamMarks
from frontdesk.sync.catching_up import CatchUpPlace
from localauth0 import LocalAuth0


class Clock:
    """Says a time that is set."""

    def __init__(self) -> None:
        self.at = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.at


def log_id_of(record: Mapping[str, Any]) -> str:
    return str(record["log_id"])


class Past:
    """A tenant's log, and what of it came to us."""

    def __init__(self, auth0: LocalAuth0, clock: Clock, tenant: str, database: Database) -> None:
        self.auth0, self.clock, self.tenant, self.database = auth0, clock, tenant, database
        self.now = datetime.now(UTC)
        self.marks = StreamMarks(database)
        self.inbox = Inbox(database, QueueBound(1000, 10_000_000))

    def happened(self, *minutes_ago: float, **facts: Any) -> list[dict[str, Any]]:
        """Write a record so many minutes ago, for each; they have to come in order."""
        records = []
        for minutes in minutes_ago:
            self.clock.at = self.now - timedelta(minutes=minutes)
            records.append(self.auth0.store.log.write("s", user_id="auth0|ann", **facts))
        self.clock.at = self.now
        return records

    def came(self, *records: Mapping[str, Any]) -> None:
        """Let the stream have brought records, and the ingest have taken them."""
        received = [Received(datetime.fromisoformat(each["date"]), log_id_of(each)) for each in records]
        self.marks.note(self.tenant, "log-stream", received, received_at=self.now)

    def records(self) -> list[dict[str, Any]]:
        """Return the whole log, with what our own calls left in it."""
        return list(self.auth0.store.log.records())

    def taken(self) -> None:
        """Let the ingest have taken what is in the inbox."""
        with self.database.transaction() as connection:
            rows = connection.execute(
                "UPDATE deliveries SET state = 'done' WHERE state = 'waiting' RETURNING body"
            ).fetchall()
        self.came(*(record for (body,) in rows for record in json.loads(bytes(body))))

    def place(self, api: ManagementApi, *, expects_stream: bool = True) -> CatchUpPlace:
        return CatchUpPlace(
            tenant=self.tenant,
            api=api,
            marks=self.marks,
            inbox=self.inbox,
            jobs=Jobs(self.database),
            expects_stream=expects_stream,
            clock=lambda: self.now,
        )

    def api(self, machine: Mapping[str, str]) -> ManagementApi:
        access = Credentials(client_id=machine["client_id"], client_secret=machine["client_secret"])
        return ManagementApi(self.auth0.url, access)
