"""Log streams and event streams through the Management API, by the official SDK and by plain calls."""

from __future__ import annotations

from typing import Any

import pytest
from auth0.management.client import Auth0
from auth0.management.types import (
    CreateEventStreamWebHookRequestContent,
    CreateLogStreamHttpRequestBody,
    EventStreamSubscription,
    EventStreamWebhookBearerAuth,
    EventStreamWebhookConfiguration,
    EventStreamWebhookDestination,
    LogStreamHttpSink,
)
from tests.integration.localauth0.conftest import StartTenant
from tests.integration.localauth0.managed import Operator, an_operated_tenant

from localauth0 import LocalAuth0

ENDPOINT = "https://frontdesk.example/hooks"
SINK = {
    "httpEndpoint": ENDPOINT,
    "httpAuthorization": "Bearer a-secret",
    "httpContentFormat": "JSONARRAY",
    "httpContentType": "application/json",
}
WEBHOOK = {
    "type": "webhook",
    "configuration": {
        "webhook_endpoint": ENDPOINT,
        "webhook_authorization": {"method": "bearer", "token": "a-secret"},
    },
}


def log_stream(**changes: Any) -> dict[str, Any]:
    return {"name": "to-us", "type": "http", "sink": SINK, **changes}


def event_stream(**changes: Any) -> dict[str, Any]:
    subscriptions = [{"event_type": "user.created"}]
    return {"name": "to-us", "subscriptions": subscriptions, "destination": WEBHOOK, **changes}


def test_a_log_stream_is_made_paused_and_deleted_by_the_sdk(auth0: Auth0) -> None:
    sink = LogStreamHttpSink.model_validate(SINK)
    made = auth0.log_streams.create(
        request=CreateLogStreamHttpRequestBody(name="to-us", type="http", sink=sink)
    )
    stream_id = str(made.id)

    paused = auth0.log_streams.update(stream_id, status="paused")
    listed = [stream.id for stream in auth0.log_streams.list()]
    read = auth0.log_streams.get(stream_id)
    auth0.log_streams.delete(stream_id)

    assert (made.status, paused.status, read.status) == ("active", "paused", "paused")
    assert listed == [stream_id]
    assert stream_id.startswith("lst_")
    assert auth0.log_streams.list() == []


def test_the_authorization_of_a_log_stream_is_read_in_the_clear(operator: Operator) -> None:
    stream_id = operator.answer("POST", "/log-streams", log_stream())["id"]

    assert operator.answer("GET", f"/log-streams/{stream_id}") == {
        "id": stream_id,
        "name": "to-us",
        "type": "http",
        "status": "active",
        "sink": SINK,
    }


def test_a_changed_sink_replaces_the_one_before(operator: Operator) -> None:
    stream_id = operator.answer("POST", "/log-streams", log_stream())["id"]

    changed = operator.answer("PATCH", f"/log-streams/{stream_id}", {"sink": {"httpEndpoint": ENDPOINT}})

    assert changed["sink"] == {"httpEndpoint": ENDPOINT}


@pytest.mark.parametrize(
    ("kind", "sink"),
    [
        ("eventbridge", {"awsAccountId": "1", "awsRegion": "eu-west-1"}),
        (
            "eventgrid",
            {"azureSubscriptionId": "1", "azureResourceGroup": "g", "azureRegion": "northeurope"},
        ),
        ("datadog", {"datadogRegion": "eu", "datadogApiKey": "k"}),
        ("splunk", {"splunkDomain": "d", "splunkPort": "8088", "splunkToken": "t", "splunkSecure": True}),
        ("sumo", {"sumoSourceAddress": "https://sumo.example"}),
        ("segment", {"segmentWriteKey": "k"}),
    ],
)
def test_every_kind_of_log_stream_keeps_its_sink(operator: Operator, kind: str, sink: dict[str, Any]) -> None:
    made = operator.answer("POST", "/log-streams", {"name": kind, "type": kind, "sink": sink})
    renamed = operator.answer("PATCH", f"/log-streams/{made['id']}", {"name": "other", "sink": sink})

    assert sink.items() <= made["sink"].items()
    assert renamed == {**made, "name": "other"}


def test_a_changed_mixpanel_sink_keeps_its_password(operator: Operator) -> None:
    account = {
        "mixpanelRegion": "eu",
        "mixpanelProjectId": "1",
        "mixpanelServiceAccountUsername": "us",
    }
    sink = {**account, "mixpanelServiceAccountPassword": "a-secret"}
    made = operator.answer("POST", "/log-streams", {"name": "m", "type": "mixpanel", "sink": sink})

    changed = operator.answer(
        "PATCH", f"/log-streams/{made['id']}", {"sink": {**account, "mixpanelRegion": "us"}}
    )

    assert changed["sink"] == {**sink, "mixpanelRegion": "us"}


@pytest.mark.parametrize(
    "changes",
    [
        {"sink": {}},
        {"sink": {**SINK, "httpEndpoint": "http://frontdesk.example/hooks"}},
        {"sink": {**SINK, "httpEndpoint": "frontdesk.example"}},
        {"sink": {**SINK, "httpEndpoint": 1}},
        {"sink": {**SINK, "httpContentFormat": "XML"}},
        {"sink": {**SINK, "datadogRegion": "eu"}},
        {"type": "pigeon"},
        {"filters": [{"type": "category", "name": "auth.login"}]},
        {"pii_config": {"log_fields": ["shoe_size"]}},
    ],
    ids=str,
)
def test_a_faulty_log_stream_is_refused(operator: Operator, changes: dict[str, Any]) -> None:
    status, _, code = operator.refusal("POST", "/log-streams", log_stream(**changes))

    assert (status, code) == (400, "invalid_body")
    assert operator.answer("GET", "/log-streams") == []


@pytest.mark.parametrize("host", ["127.0.0.1:8500", "localhost:8500", "[::1]:8500"])
def test_a_stream_may_go_to_this_machine_without_tls(operator: Operator, host: str) -> None:
    stream = log_stream(sink={"httpEndpoint": f"http://{host}/hooks"})

    assert operator.call("POST", "/log-streams", stream).status_code == 200


def test_a_tenants_number_of_log_streams_has_an_end(start_tenant: StartTenant) -> None:
    operator = Operator(start_tenant(an_operated_tenant(plan={"max_log_streams": 1})))
    operator.answer("POST", "/log-streams", log_stream())

    assert operator.refusal("POST", "/log-streams", log_stream(name="second"))[0] == 409


def test_an_event_stream_is_made_switched_off_and_deleted_by_the_sdk(auth0: Auth0) -> None:
    authorization = EventStreamWebhookBearerAuth.model_validate({"method": "bearer", "token": "a-secret"})
    configuration = EventStreamWebhookConfiguration(
        webhook_endpoint=ENDPOINT, webhook_authorization=authorization
    )
    made = auth0.event_streams.create(
        request=CreateEventStreamWebHookRequestContent(
            name="to-us",
            subscriptions=[EventStreamSubscription(event_type="user.created")],
            destination=EventStreamWebhookDestination(type="webhook", configuration=configuration),
        )
    )
    stream_id = str(made.id)

    off = auth0.event_streams.update(stream_id, status="disabled")
    listed = [stream.id for stream in auth0.event_streams.list()]
    auth0.event_streams.delete(stream_id)

    assert (made.status, off.status) == ("enabled", "disabled")
    assert listed == [stream_id]
    assert list(auth0.event_streams.list()) == []


@pytest.mark.parametrize(
    ("authorization", "shown"),
    [
        ({"method": "bearer", "token": "s"}, {"method": "bearer"}),
        ({"method": "basic", "username": "u", "password": "s"}, {"method": "basic", "username": "u"}),
        (
            {"method": "custom_header", "header_key": "X-Key", "header_value": "s"},
            {"method": "custom_header", "header_key": "X-Key"},
        ),
    ],
    ids=str,
)
def test_the_secret_of_an_event_stream_is_kept_and_never_shown(
    operated: LocalAuth0, operator: Operator, authorization: dict[str, str], shown: dict[str, str]
) -> None:
    configuration = {"webhook_endpoint": ENDPOINT, "webhook_authorization": authorization}
    destination = {"type": "webhook", "configuration": configuration}

    made = operator.answer("POST", "/event-streams", event_stream(destination=destination))
    read = operator.answer("GET", f"/event-streams/{made['id']}")

    assert made["destination"]["configuration"]["webhook_authorization"] == shown
    assert read == made
    (kept,) = operated.store.config.event_streams
    assert kept.destination == destination


def test_a_new_event_stream_is_enabled_and_its_change_is_dated(operator: Operator) -> None:
    made = operator.answer("POST", "/event-streams", event_stream())

    subscriptions = [{"event_type": "user.deleted"}]
    changed = operator.answer("PATCH", f"/event-streams/{made['id']}", {"subscriptions": subscriptions})

    assert made["status"] == "enabled"
    assert changed == {**made, "subscriptions": subscriptions, "updated_at": changed["updated_at"]}
    assert changed["updated_at"] >= made["updated_at"]


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"subscriptions": [{"event_type": "user.logged_in"}]}, 400),
        ({"destination": {"type": "webhook", "configuration": {"webhook_endpoint": ENDPOINT}}}, 400),
        ({"destination": {"type": "pigeon", "configuration": {}}}, 400),
        (
            {
                "destination": {
                    "type": "webhook",
                    "configuration": {**WEBHOOK["configuration"], "webhook_endpoint": "http://a.b"},  # type: ignore[dict-item]
                }
            },
            400,
        ),
        ({"name": "x" * 129}, 400),
        ({"name": "taken"}, 409),
    ],
    ids=lambda value: str(value)[:60],
)
def test_a_faulty_event_stream_is_refused(operator: Operator, changes: dict[str, Any], status: int) -> None:
    operator.answer("POST", "/event-streams", event_stream(name="taken"))

    assert operator.refusal("POST", "/event-streams", event_stream(**changes))[0] == status


def test_a_test_event_is_taken_on(operator: Operator) -> None:
    stream_id = operator.answer("POST", "/event-streams", event_stream())["id"]

    answer = operator.call("POST", f"/event-streams/{stream_id}/test", {"event_type": "user.created"})
    operator.answer("PATCH", f"/event-streams/{stream_id}", {"status": "disabled"})
    refused = operator.call("POST", f"/event-streams/{stream_id}/test", {"event_type": "user.created"})

    delivery = answer.json()
    assert answer.status_code == 202
    assert (delivery["event_stream_id"], delivery["event_type"]) == (stream_id, "user.created")
    assert (delivery["status"], delivery["attempts"]) == ("pending", [])
    assert delivery["event"]["a0purpose"] == "test"
    assert delivery["event"]["data"]["object"]["email"] == "john.doe@gmail.com"
    assert refused.status_code == 400


def test_no_delivery_has_failed_as_long_as_nothing_happens(operator: Operator) -> None:
    stream_id = operator.answer("POST", "/event-streams", event_stream())["id"]

    assert operator.answer("GET", f"/event-streams/{stream_id}/deliveries") == {"deliveries": []}
    assert operator.refusal("GET", "/event-streams/est_none/deliveries")[0] == 404


@pytest.mark.parametrize("feature", ["log_streams", "event_streams"])
def test_a_plan_without_streams_refuses_them(start_tenant: StartTenant, feature: str) -> None:
    tenant = start_tenant(an_operated_tenant(plan={feature: False}))
    operator, stranger = Operator(tenant), Operator(tenant, scope="read:clients")
    path = "/" + feature.replace("_", "-")

    status, message, code = operator.refusal("GET", path)

    assert (status, code) == (403, "operation_not_supported")
    assert "not allowed to perform this operation" in message
    assert operator.call("GET", "/clients").status_code == 200
    assert stranger.refusal("GET", path)[2] == "insufficient_scope"


@pytest.mark.parametrize("path", ["/log-streams/lst_none", "/event-streams/est_none"])
def test_a_stream_that_is_not_there(operator: Operator, path: str) -> None:
    assert operator.refusal("GET", path)[0] == 404
    assert operator.refusal("PATCH", path, {"name": "x"})[0] == 404
    assert operator.call("DELETE", path).status_code == 204
