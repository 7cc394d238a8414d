"""What Auth0 posts to the hooks, in every form that it has, stands in Hasura's rows after one turn of the worker."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
import requests
from tests.integration.hasura.engine import ADMIN_SECRET, Engine
from tests.integration.jobs.queue_house import QueueHouse
from tests.integration.jobs.working import Work, a_log_record, working
from tests.integration.users.house import ANN, serving
from tests.integration.web.streaming import TOKEN, send
from tests.schema_instances import event_instances, event_schemas, log_instances, log_types

from frontdesk.auth0.event_record import incoming_from_event
from frontdesk.auth0.log_record import incoming_from_log

Record = Mapping[str, Any]
AT = datetime(2026, 3, 2, 10, tzinfo=UTC)
COUNTED = """
query ($where: auth_activities_bool_exp!) {
  auth_activities_aggregate(where: $where) { aggregate { count } nodes { source type } }
}
"""


@dataclass
class Hooks:
    """A frontdesk that serves, and its worker."""

    work: Work

    @property
    def house(self) -> QueueHouse:
        return self.work.house

    def post(self, way: str, body: Any, **more: Any) -> int:
        """Send a delivery, which is taken; return the number of its records."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        answer = send(self.house.inner.url, way, content, tenant=self.house.tenant, **more)
        assert answer.status_code == requests.codes.accepted, answer.text
        return int(answer.json()["records"])

    def rows(self) -> dict[str, dict[str, Any]]:
        """Let the worker do what is due, and return the activities without the time of their writing."""
        self.work.off()
        assert self.work.rejects() == []
        assert self.house.sql("SELECT 1 FROM deliveries WHERE state <> 'done'") == []
        return self.work.activities()


@pytest.fixture
def hooks(house: QueueHouse) -> Iterator[Hooks]:
    key = f"TENANTS_{house.tenant.upper()}"
    with working(house, **{f"{key}_STREAM_TOKENS": TOKEN}) as work, serving(house.inner):
        yield Hooks(work)


def lines(records: Sequence[Record]) -> bytes:
    return b"\n".join(json.dumps(record).encode() for record in records)


def raw(record: Record) -> Record:
    """Return a record of a stream as the extension has it, which reads the log."""
    pulled = {**record["data"], "_id": record["log_id"]}
    del pulled["log_id"]
    return pulled


def test_an_instance_of_each_published_schema_goes_through_its_hook_into_its_row(hooks: Hooks) -> None:
    tenant = hooks.house.tenant
    logs = [list(log_instances(code)) for code in log_types()]
    of_each = list(zip(*logs, strict=True))
    by_extension = {record["log_id"] for record in of_each[2]}
    events = [event for kind in event_schemas() for event in event_instances(kind)]
    told = [
        incoming_from_log(
            record,
            tenant=tenant,
            way="webhook-extension" if record["log_id"] in by_extension else "log-stream",
            received_at=AT,
        )
        for records in logs
        for record in records
    ] + [incoming_from_event(event, tenant=tenant, way="event-stream", received_at=AT) for event in events]

    assert hooks.post("log-stream", list(of_each[0])) == len(logs)
    assert hooks.post("log-stream", lines(of_each[1])) == len(logs)
    assert hooks.post("webhook-extension", [raw(record) for record in of_each[2]]) == len(logs)
    assert hooks.post("log-stream", {"logs": of_each[3]}) == len(logs)
    for event in events:
        assert hooks.post("event-stream", event) == 1
    rows = hooks.rows()

    expected = [each.activity for each in told if each.activity is not None]
    assert len(rows) == len(expected) == sum(map(len, logs)) + len(events)
    for activity in expected:
        without = {"received_at", "raw"} if activity.id in by_extension else {"received_at"}
        columns = {name: value for name, value in rows[activity.id].items() if name not in without}
        assert columns == {name: value for name, value in vars(activity).items() if name not in without}


def test_each_format_brings_its_records_once_however_often_they_come(hooks: Hooks) -> None:
    records = [a_log_record(number, "of-tomorrow" if number % 2 else "s", user_id=ANN) for number in range(7)]
    bodies = [
        json.dumps(records[:2]).encode(),
        lines(records[2:4]),
        json.dumps({"logs": records[4:6]}).encode(),
        json.dumps(records[6]).encode(),
    ]
    for body in bodies:
        hooks.post("log-stream", body)
    first = hooks.rows()

    for body in (*reversed(bodies), json.dumps(records).encode(), lines(records)):
        hooks.post("log-stream", body)

    assert hooks.rows() == first
    assert first.keys() == {record["log_id"] for record in records}
    assert {(row["type"], row["activity"]) for row in first.values()} == {
        ("s", "login"),
        ("of-tomorrow", None),
    }


def test_the_older_extension_brings_its_records_in_batches_and_one_by_one_with_its_key_in_both_places(
    hooks: Hooks,
) -> None:
    records = [raw(a_log_record(number, user_id=ANN)) for number in range(8)]
    in_header: dict[str, Any] = {"authorization": TOKEN}
    in_url: dict[str, Any] = {"authorization": None, "query": f"?writeKey={TOKEN}"}

    hooks.post("webhook-extension", records[:2], **in_header)
    hooks.post("webhook-extension", records[2:4], **in_url)
    for number in (4, 5):
        hooks.post("webhook-extension", records[number], **in_header)
    for number in (6, 7):
        hooks.post("webhook-extension", records[number], **in_url)

    rows = hooks.rows()
    assert rows.keys() == {record["_id"] for record in records}
    assert {(row["activity"], row["source"], row["user_id"]) for row in rows.values()} == {
        ("login", "webhook-extension", ANN)
    }


def test_an_event_for_a_test_is_taken_and_leaves_no_row(hooks: Hooks) -> None:
    event = next(event_instances("user.created"))

    hooks.post("event-stream", {**event, "a0purpose": "test"})

    assert hooks.rows() == {}
    assert hooks.house.inner.row(event["data"]["object"]["user_id"]) is None


def test_a_deletion_that_three_sources_tell_is_counted_once(hooks: Hooks) -> None:
    request = {
        "method": "delete",
        "path": f"/api/v2/users/{ANN}",
        "auth": {"user": {"user_id": "auth0|admin"}},
    }
    told = {"user_id": ANN, "deleted_at": "2026-03-02T10:00:00.456Z"}
    event = {
        "specversion": "1.0",
        "type": "user.deleted",
        "source": "urn:auth0:acme.eu.auth0.com",
        "id": "evt_1",
        "time": "2026-03-02T10:00:00.456Z",
        "data": {"object": told},
    }
    hooks.post(
        "log-stream",
        [
            a_log_record(1, "sapi", description="Delete a User", details={"request": request}),
            a_log_record(2, "sdu", user_id=ANN),
        ],
    )
    hooks.post("event-stream", event)
    hooks.rows()
    engine = Engine(hooks.house.inner.hasura_url)
    of_ann = {"tenant": {"_eq": hooks.house.tenant}, "userId": {"_eq": ANN}}

    every = asked(engine, of_ann)
    counted = asked(engine, {**of_ann, "counts": {"_eq": True}})
    engine.close()

    assert sorted((node["source"], node["type"]) for node in every["nodes"]) == [
        ("event-stream", "user.deleted"),
        ("log-stream", "sapi"),
        ("log-stream", "sdu"),
    ]
    assert counted == {"aggregate": {"count": 1}, "nodes": [{"source": "log-stream", "type": "sdu"}]}


def asked(engine: Engine, where: Mapping[str, Any]) -> dict[str, Any]:
    headers = {"x-hasura-admin-secret": ADMIN_SECRET}
    found: dict[str, Any] = engine.ask(COUNTED, headers, {"where": where})["data"]
    return dict(found["auth_activities_aggregate"])
