"""The tenant's log on its way to log streams: formats, filters, failures, and where a stream goes on."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import requests
from tests.integration.localauth0.acme import ANA, TIMEOUT_S, Browser, Clock, wait_until
from tests.integration.localauth0.conftest import StartTenant
from tests.integration.localauth0.managed import Operator, an_operated_tenant
from tests.integration.localauth0.receiver import Delivery, Receiver

from localauth0 import LocalAuth0

_FAST = {"flush_s": 0.02, "retry_s": 0.01, "cycle_s": 0.02}
_STREAM_ID = "lst_0000000000000001"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as listening:
        yield listening


def a_stream(receiver: Receiver, *, sink: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    """A stream to the receiver as the tenant file has it."""
    given = {
        "httpEndpoint": f"{receiver.url}/hook?tenant=acme",
        "httpAuthorization": "opaque-key",
        **(sink or {}),
    }
    return {"id": _STREAM_ID, "name": "to-us", "type": "http", "sink": given, **changes}


def streaming(
    *streams: dict[str, Any], delivery: dict[str, Any] | None = None, **changes: Any
) -> dict[str, Any]:
    return an_operated_tenant(
        log_streams=list(streams), log_delivery={**_FAST, **(delivery or {})}, **changes
    )


def write(tenant: LocalAuth0, *names: str, code: str = "s", **known: Any) -> list[str]:
    """Put records into the log, each about a user of that name; return their ids."""
    return [tenant.store.log.write(code, user_id=name, **known)["log_id"] for name in names]


def user_ids(deliveries: list[Delivery]) -> list[str]:
    """Whom the records of the deliveries are about, in the order in which they came; a machine's are left out."""
    read = (record["data"] for one in deliveries for record in records_of(one))
    return [data["user_id"] for data in read if data.get("user_id")]


def records_of(delivery: Delivery) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in delivery.body.splitlines()]
    read = lines[0] if len(lines) == 1 else lines
    if isinstance(read, dict):
        read = read.get("logs", [read])
    return list(read)


def wait_for_users(receiver: Receiver, *names: str) -> None:
    wait_until(lambda: set(names) <= set(user_ids(receiver.deliveries)))


def status_of(tenant: LocalAuth0) -> str:
    (stream,) = tenant.store.config.log_streams
    return stream.status


def set_status(tenant: LocalAuth0, status: str) -> None:
    Operator(tenant).answer("PATCH", f"/log-streams/{_STREAM_ID}", {"status": status})


def test_a_login_reaches_the_stream_in_its_envelope(start_tenant: StartTenant, receiver: Receiver) -> None:
    tenant = start_tenant(
        streaming(a_stream(receiver, filters=[{"type": "category", "name": "auth.login.success"}]))
    )
    with Browser(tenant.url) as browser:
        browser.log_in()

    (delivery,) = receiver.wait_for(1)
    (record,) = delivery.json()
    (written,) = (one for one in tenant.store.log.records() if one["type"] == "s")
    assert record["log_id"] == record["data"]["log_id"] == written["log_id"]
    assert (record["data"]["user_id"], record["data"]["tenant_name"]) == (ANA, "acme")
    assert None not in record["data"].values()
    assert not {"_id", "isMobile", "location_info"} & record["data"].keys()
    assert delivery.path == "/hook?tenant=acme"


def test_the_authorization_and_the_custom_headers_are_sent_as_they_are(
    start_tenant: StartTenant, receiver: Receiver
) -> None:
    headers = [{"header": "X-Team", "value": "blue"}]
    sink = {"httpContentType": "application/x-ndjson", "httpCustomHeaders": headers}
    tenant = start_tenant(streaming(a_stream(receiver, sink=sink)))

    write(tenant, "ana")

    (delivery,) = receiver.wait_for(1)
    sent = {name: delivery.headers.get(name) for name in ("Authorization", "Content-Type", "X-Team")}
    assert sent == {"Authorization": "opaque-key", "Content-Type": "application/x-ndjson", "X-Team": "blue"}


@pytest.mark.parametrize(
    ("content_format", "json_object", "starts", "count"),
    [
        ("JSONARRAY", "record", b"[{", 1),
        ("JSONLINES", "record", b'{"log_id"', 1),
        ("JSONOBJECT", "logs", b'{"logs":[', 1),
        ("JSONOBJECT", "record", b'{"log_id"', 3),
    ],
)
def test_the_records_come_in_the_format_of_the_sink(
    start_tenant: StartTenant,
    receiver: Receiver,
    content_format: str,
    json_object: str,
    starts: bytes,
    count: int,
) -> None:
    stream = a_stream(receiver, status="paused", sink={"httpContentFormat": content_format})
    tenant = start_tenant(streaming(stream, delivery={"json_object": json_object}))
    only = [{"type": "category", "name": "auth.login.success"}]
    write(tenant, "a", "b", "c")
    Operator(tenant).answer("PATCH", f"/log-streams/{_STREAM_ID}", {"status": "active", "filters": only})

    deliveries = receiver.wait_for(count)

    assert user_ids(deliveries) == ["a", "b", "c"]
    assert [one.body.startswith(starts) for one in deliveries] == [True] * count


@pytest.mark.parametrize(
    ("changes", "through"),
    [
        ({}, ["s", "sdu", "ublkdu", "new"]),
        ({"filters": [{"type": "category", "name": "user.success"}]}, ["sdu"]),
        ({"filters": [{"type": "category", "name": "other"}]}, ["new"]),
        ({"isPriority": True, "filters": [{"type": "category", "name": "security"}]}, ["ublkdu"]),
    ],
    ids=["all", "category", "unknown type", "priority"],
)
def test_a_stream_carries_what_its_filters_let_through(
    start_tenant: StartTenant, receiver: Receiver, changes: dict[str, Any], through: list[str]
) -> None:
    tenant = start_tenant(streaming(a_stream(receiver, **changes)))

    for code in ("s", "sdu", "ublkdu", "new"):
        write(tenant, code, code=code)

    wait_for_users(receiver, *through)
    assert user_ids(receiver.deliveries) == through


@pytest.mark.parametrize(
    ("method", "email"), [("mask", "*****"), ("hash", f"{0x44BC2CF5AD770999:016x}")], ids=["mask", "hash"]
)
def test_personal_data_is_hidden_wherever_it_stands(
    start_tenant: StartTenant, receiver: Receiver, method: str, email: str
) -> None:
    pii = {"log_fields": ["email"], "method": method, "algorithm": "xxhash"}
    tenant = start_tenant(streaming(a_stream(receiver, pii_config=pii)))

    write(
        tenant,
        "auth0|abc",
        code="ss",
        details={"body": {"email": "abc", "connection": "db"}},
        user_name="abc",
    )

    (delivery,) = receiver.wait_for(1)
    data = delivery.json()[0]["data"]
    assert data["details"]["body"] == {"email": email, "connection": "db"}
    assert (data["user_id"], data["user_name"]) == ("auth0|abc", "abc")


def test_a_batch_has_no_more_records_than_the_tenant_file_allows(
    start_tenant: StartTenant, receiver: Receiver
) -> None:
    tenant = start_tenant(streaming(a_stream(receiver, status="paused"), delivery={"max_records": 2}))
    write(tenant, "a", "b", "c", "d", "e")
    set_status(tenant, "active")

    wait_for_users(receiver, "a", "b", "c", "d", "e")

    assert [len(records_of(one)) for one in receiver.deliveries][:2] == [2, 2]


@pytest.mark.parametrize("status", [302, 400, 429, 500])
def test_only_a_2xx_acknowledges(start_tenant: StartTenant, status: int) -> None:
    """Three attempts, then the cycle begins again, until it is taken."""
    with Receiver(status, status, status, status, 204) as receiver:
        tenant = start_tenant(streaming(a_stream(receiver)))
        write(tenant, "ana")

        deliveries = receiver.wait_for(5)
        write(tenant, "ben")
        wait_for_users(receiver, "ben")

    assert user_ids(deliveries) == ["ana"] * 5
    assert [one.reason for one in tenant.log_streams.failures(_STREAM_ID)] == [f"HTTP {status}"]


def test_a_receiver_that_does_not_answer_in_time_gets_the_records_again(
    start_tenant: StartTenant, receiver: Receiver
) -> None:
    tenant = start_tenant(streaming(a_stream(receiver), delivery={"timeout_s": 0.1}))
    receiver.stall()
    write(tenant, "ana")
    receiver.wait_for(2)
    receiver.go_on()

    write(tenant, "ben")
    wait_for_users(receiver, "ben")

    assert user_ids(receiver.deliveries)[:2] == ["ana", "ana"]


def test_records_written_while_nobody_listens_arrive_later(start_tenant: StartTenant) -> None:
    with Receiver() as gone:
        stream = a_stream(gone)
    tenant = start_tenant(streaming(stream))
    write(tenant, "ana", "ben")
    wait_until(lambda: bool(tenant.log_streams.failures(_STREAM_ID)))

    with Receiver() as receiver:
        sink = {"httpEndpoint": receiver.url}
        Operator(tenant).answer("PATCH", f"/log-streams/{_STREAM_ID}", {"sink": sink})
        wait_for_users(receiver, "ana", "ben")


def test_a_paused_stream_delivers_everything_when_it_goes_on(
    start_tenant: StartTenant, receiver: Receiver
) -> None:
    tenant = start_tenant(streaming(a_stream(receiver)))
    write(tenant, "before")
    wait_for_users(receiver, "before")

    set_status(tenant, "paused")
    write(tenant, "meanwhile")
    came_while_paused = user_ids(receiver.deliveries)
    set_status(tenant, "active")

    wait_for_users(receiver, "meanwhile")
    assert "meanwhile" not in came_while_paused


def test_a_stream_that_fails_for_a_week_is_suspended_and_its_gap_is_not_sent(
    start_tenant: StartTenant,
) -> None:
    clock = Clock()
    with Receiver(500) as receiver:
        tenant = start_tenant(streaming(a_stream(receiver)), clock=clock)
        write(tenant, "first")
        wait_until(lambda: bool(tenant.log_streams.failures(_STREAM_ID)))
        assert status_of(tenant) == "active"

        clock.advance(timedelta(days=7))
        wait_until(lambda: status_of(tenant) == "suspended")
        write(tenant, "meanwhile")
        receiver.answers(200)
        set_status(tenant, "active")
        write(tenant, "later")
        wait_for_users(receiver, "later")

    taken = [one for one in receiver.deliveries if one.status == 200]
    assert {"first", "meanwhile"}.isdisjoint(user_ids(taken))


def test_a_new_stream_can_begin_in_the_past(start_tenant: StartTenant, receiver: Receiver) -> None:
    clock = Clock()
    tenant = start_tenant(streaming(), clock=clock)
    operator = Operator(tenant)
    write(tenant, "too old")
    clock.advance(timedelta(minutes=1))
    beginning = clock.now.isoformat()
    write(tenant, "old")
    stream = {key: value for key, value in a_stream(receiver).items() if key != "id"}

    made = operator.answer("POST", "/log-streams", {**stream, "startFrom": beginning})

    wait_for_users(receiver, "old")
    assert "too old" not in user_ids(receiver.deliveries)
    assert not {"startFrom", "start_from"} & made.keys()
    assert operator.refusal("POST", "/log-streams", {**stream, "startFrom": "March"})[2] == "invalid_body"


def test_a_new_stream_begins_with_what_is_written_next(start_tenant: StartTenant, receiver: Receiver) -> None:
    tenant = start_tenant(streaming())
    write(tenant, "old")

    stream = {key: value for key, value in a_stream(receiver).items() if key != "id"}
    Operator(tenant).answer("POST", "/log-streams", stream)
    write(tenant, "new")

    wait_for_users(receiver, "new")
    assert "old" not in user_ids(receiver.deliveries)


def test_a_reset_lets_the_streams_of_the_tenant_file_begin_anew(
    start_tenant: StartTenant, receiver: Receiver
) -> None:
    tenant = start_tenant(streaming(a_stream(receiver)))
    Operator(tenant).answer("DELETE", f"/log-streams/{_STREAM_ID}")
    write(tenant, "nobody listens")

    tenant.reset()
    write(tenant, "ana")

    wait_for_users(receiver, "ana")
    assert "nobody listens" not in user_ids(receiver.deliveries)


def test_nothing_is_sent_to_other_machines(start_tenant: StartTenant, receiver: Receiver) -> None:
    elsewhere = a_stream(receiver, sink={"httpEndpoint": "https://receiver.example/hook"})
    here = a_stream(receiver, id="lst_0000000000000002", name="here")
    tenant = start_tenant(streaming(elsewhere, here))

    write(tenant, "ana")
    wait_for_users(receiver, "ana")

    assert tenant.log_streams.failures(_STREAM_ID) == []
    assert [one.name for one in threading.enumerate() if one.name.endswith(_STREAM_ID)] == []


@pytest.mark.parametrize(
    ("faults", "requests_made"),
    [({"duplicate": 1}, 2), ({"drop_answer": 1}, 3), ({"fail_connection": 1}, 0)],
    ids=str,
)
def test_the_switches_let_deliveries_go_wrong(
    start_tenant: StartTenant, receiver: Receiver, faults: dict[str, float], requests_made: int
) -> None:
    tenant = start_tenant(streaming(a_stream(receiver), delivery={"cycle_s": 30.0}))
    answer = requests.put(f"{tenant.url}/localauth0/deliveries", json=faults, timeout=TIMEOUT_S)

    write(tenant, "ana")

    if requests_made != 2:
        wait_until(lambda: bool(tenant.log_streams.failures(_STREAM_ID)))
    receiver.wait_for(requests_made)
    assert answer.ok
    assert user_ids(receiver.deliveries) == ["ana"] * requests_made


def test_a_disordered_stream_loses_nothing(start_tenant: StartTenant, receiver: Receiver) -> None:
    stream = a_stream(receiver, status="paused")
    faults = {"reorder": 1.0, "duplicate": 0.3, "drop_answer": 0.3, "fail_connection": 0.3, "seed": 7}
    tenant = start_tenant(streaming(stream, delivery={"max_records": 5}, deliveries=faults))
    names = [f"user {number}" for number in range(30)]
    write(tenant, *names)

    set_status(tenant, "active")

    wait_for_users(receiver, *names)
    first_seen = [name for name in dict.fromkeys(user_ids(receiver.deliveries)) if name in names]
    assert first_seen != names


def test_a_server_that_stops_breaks_off_a_request_under_way(
    start_tenant: StartTenant, receiver: Receiver
) -> None:
    tenant = start_tenant(streaming(a_stream(receiver), delivery={"timeout_s": 60.0}))
    receiver.stall()
    write(tenant, "ana")
    receiver.wait_for(1)

    tenant.stop()

    assert not [one for one in threading.enumerate() if one.name.startswith("localauth0-log-")]
