"""Events of users and organizations on their way to a webhook: what is sent, when again, and when no more."""

from __future__ import annotations

import base64
import json
from collections import Counter

import pytest
import requests
from tests.integration.localauth0.acme import ANA, GOOGLE_USER, PASSWORD, TIMEOUT_S, Browser, wait_until
from tests.integration.localauth0.conftest import StartTenant
from tests.integration.localauth0.event_calls import (
    TOKEN,
    a_new_user,
    a_stream_to,
    an_eventful_tenant,
    events_in,
    refuse_what_no_schema_allows,
)
from tests.integration.localauth0.managed import Operator, an_operated_tenant
from tests.integration.localauth0.receiver import Receiver

from localauth0 import LocalAuth0
from localauth0.tenant import DeliveryFaults

ORGANIZATION, EDITOR = "org_0000000000000001", "rol_0000000000000001"


@pytest.fixture
def operator(eventful: LocalAuth0) -> Operator:
    return Operator(eventful)


def change_everything(eventful: LocalAuth0, operator: Operator) -> list[str]:
    """Do what makes events, each kind once; return the types of those that are to come."""
    made = a_new_user(operator)
    operator.answer("PATCH", f"/users/{made}", {"user_metadata": {"colour": "blue"}})
    with Browser(eventful.url) as browser:
        browser.log_in()
    linked = {"provider": "auth0", "user_id": made.partition("|")[2]}
    operator.answer("POST", f"/users/{ANA}/identities", linked)
    operator.answer("DELETE", f"/users/{ANA}/identities/auth0/{linked['user_id']}")
    operator.answer("DELETE", f"/users/{made}")
    organization = operator.answer("POST", "/organizations", {"name": "initech", "display_name": "Initech"})[
        "id"
    ]
    operator.answer("PATCH", f"/organizations/{organization}", {"metadata": {"tier": "silver"}})
    members = f"/organizations/{organization}/members"
    operator.answer("POST", members, {"members": [GOOGLE_USER]})
    operator.answer("POST", f"{members}/{GOOGLE_USER}/roles", {"roles": [EDITOR]})
    operator.answer("DELETE", f"{members}/{GOOGLE_USER}/roles", {"roles": [EDITOR]})
    operator.answer("DELETE", members, {"members": [GOOGLE_USER]})
    operator.answer("DELETE", f"/organizations/{organization}")
    return [
        *("user.created", "user.updated", "user.updated"),
        *("user.updated", "user.deleted"),  # linking
        *("user.updated", "user.created"),  # unlinking
        "user.deleted",
        *("organization.created", "organization.updated", "organization.member.added"),
        *("organization.member.role.assigned", "organization.member.role.deleted"),
        *("organization.member.deleted", "organization.deleted"),
    ]


def test_every_change_is_an_event_that_auth0s_schemas_allow(
    eventful: LocalAuth0, operator: Operator, receiver: Receiver
) -> None:
    stream_id = a_stream_to(operator, receiver.url)

    expected = change_everything(eventful, operator)

    events = events_in(receiver.wait_for(len(expected)))
    for event in events:
        refuse_what_no_schema_allows(event)
    assert Counter(event["type"] for event in events) == Counter(expected)
    assert len({event["id"] for event in events}) == len(expected)
    assert {(event["a0tenant"], event["a0stream"]) for event in events} == {("acme", stream_id)}


def test_a_login_is_told_by_the_profile_that_counts_it(
    eventful: LocalAuth0, operator: Operator, receiver: Receiver
) -> None:
    a_stream_to(operator, receiver.url, "user.updated")

    with Browser(eventful.url) as browser:
        browser.log_in()

    (event,) = events_in(receiver.wait_for(1))
    user = event["data"]["object"]
    assert (user["user_id"], user["logins_count"], user["last_login"]) == (ANA, 5, user["updated_at"])
    assert user["created_at"] == "2026-03-01T09:00:00.123Z"
    assert event["data"]["context"] == {
        "tenant": {"id": "acme"},
        "client": {"id": "spa", "name": "Acme web", "metadata": {"team": "web"}},
        "connection": {
            "id": "con_0000000000000001",
            "name": "Username-Password-Authentication",
            "strategy": "auth0",
        },
    }


def test_an_import_tells_of_each_user_whom_it_makes_or_changes(
    eventful: LocalAuth0, operator: Operator, receiver: Receiver
) -> None:
    a_stream_to(operator, receiver.url)
    rows = [{"email": "ana@example.com", "nickname": "annie"}, {"email": "ida@example.com"}]

    answer = requests.post(
        f"{operator.base}/jobs/users-imports",
        headers=operator.headers,
        data={"connection_id": "con_0000000000000001", "upsert": "true"},
        files={"users": json.dumps(rows)},
        timeout=TIMEOUT_S,
    )

    told = {(event["type"], event["data"]["object"]["email"]) for event in events_in(receiver.wait_for(2))}
    assert answer.ok
    assert told == {("user.updated", "ana@example.com"), ("user.created", "ida@example.com")}


def test_metadata_that_an_action_writes_is_an_update(start_tenant: StartTenant, receiver: Receiver) -> None:
    code = "exports.onExecutePostLogin = async (event, api) => { api.user.setAppMetadata('seen', true); };"
    action = {"name": "seen", "trigger": "post-login", "code": code}
    changes = {"actions": [action], "bindings": {"post-login": ["seen"]}}
    tenant = start_tenant({**an_eventful_tenant(), **changes})
    a_stream_to(Operator(tenant), receiver.url, "user.updated")

    with Browser(tenant.url) as browser:
        browser.log_in()

    users = [event["data"]["object"] for event in events_in(receiver.wait_for(2))]
    assert sorted(user["app_metadata"].get("seen", False) for user in users) == [False, True]


@pytest.mark.parametrize(
    ("authorization", "header", "value"),
    [
        ({"method": "bearer", "token": TOKEN}, "Authorization", f"Bearer {TOKEN}"),
        (
            {"method": "basic", "username": "desk", "password": "päss"},
            "Authorization",
            f"Basic {base64.b64encode('desk:päss'.encode()).decode()}",
        ),
        ({"method": "custom_header", "header_key": "X-Key", "header_value": "sesame"}, "X-Key", "sesame"),
    ],
    ids=["bearer", "basic", "custom-header"],
)
def test_the_receiver_is_shown_what_the_stream_was_given(
    operator: Operator, receiver: Receiver, authorization: dict[str, str], header: str, value: str
) -> None:
    a_stream_to(operator, receiver.url, "user.created", **authorization)

    a_new_user(operator)

    (delivery,) = receiver.wait_for(1)
    assert (delivery.path, delivery.headers[header]) == ("/events", value)
    assert delivery.headers["Content-Type"] == "application/json"


def test_a_stream_of_the_tenant_file_is_sent_to_from_the_start(
    start_tenant: StartTenant, receiver: Receiver
) -> None:
    configuration = {
        "webhook_endpoint": receiver.url,
        "webhook_authorization": {"method": "bearer", "token": TOKEN},
    }
    stream = {
        "id": "est_0000000000000000000001",
        "subscriptions": [{"event_type": "user.created"}],
        "destination": {"type": "webhook", "configuration": configuration},
    }
    tenant = start_tenant({**an_eventful_tenant(), "event_streams": [stream]})

    a_new_user(Operator(tenant))

    (event,) = events_in(receiver.wait_for(1))
    assert event["a0stream"] == stream["id"]


def test_the_type_of_the_content_can_be_that_of_cloudevents(
    start_tenant: StartTenant, receiver: Receiver
) -> None:
    operator = Operator(start_tenant(an_eventful_tenant(content_type="application/cloudevents+json")))
    a_stream_to(operator, receiver.url)

    a_new_user(operator)

    assert receiver.wait_for(1)[0].headers["Content-Type"] == "application/cloudevents+json"


def test_only_what_a_stream_subscribes_to_is_sent(operator: Operator, receiver: Receiver) -> None:
    a_stream_to(operator, receiver.url, "user.deleted")

    operator.answer("DELETE", f"/users/{a_new_user(operator)}")

    (event,) = events_in(receiver.wait_for(1))
    assert event["type"] == "user.deleted"
    assert event["data"]["object"]["deleted_at"] == event["time"]


def test_a_disabled_stream_gets_nothing(operator: Operator, receiver: Receiver) -> None:
    stream_id = a_stream_to(operator, receiver.url)
    operator.answer("PATCH", f"/event-streams/{stream_id}", {"status": "disabled"})
    missed = a_new_user(operator, "missed")
    operator.answer("PATCH", f"/event-streams/{stream_id}", {"status": "enabled"})

    a_new_user(operator, "told")

    (event,) = events_in(receiver.wait_for(1))
    assert event["data"]["object"]["user_id"] != missed


def test_a_test_event_is_delivered_and_says_that_it_is_one(operator: Operator, receiver: Receiver) -> None:
    stream_id = a_stream_to(operator, receiver.url, "user.deleted")

    answer = operator.call("POST", f"/event-streams/{stream_id}/test", {"event_type": "user.created"})

    (event,) = events_in(receiver.wait_for(1))
    assert (answer.status_code, answer.json()["event"]) == (202, event)
    assert event["a0purpose"] == "test"


@pytest.mark.parametrize(
    ("faults", "requests_made"),
    [({"duplicate": 1.0}, 2), ({"drop_answer": 1.0}, 4), ({"fail_connection": 1.0}, 0), ({"delay": 1.0}, 1)],
    ids=["duplicate", "drop-answer", "fail-connection", "delay"],
)
def test_the_switches_for_faults_act_on_events(
    start_tenant: StartTenant, receiver: Receiver, faults: dict[str, float], requests_made: int
) -> None:
    tenant = start_tenant({**an_eventful_tenant(), "deliveries": {**faults, "delay_s": 0.05}})
    operator = Operator(tenant)
    stream_id = a_stream_to(operator, receiver.url)

    event_id = tenant.store.event_log.behind(0, 1)[0].id if a_new_user(operator) else ""

    path = f"/event-streams/{stream_id}/deliveries/{event_id}"
    wait_until(lambda: operator.answer("GET", path)["status"] in ("delivered", "failed"))
    assert len(receiver.deliveries) == requests_made


def test_a_reordered_event_is_overtaken_by_a_later_one(start_tenant: StartTenant, receiver: Receiver) -> None:
    tenant = start_tenant(an_eventful_tenant(senders=1))
    a_stream_to(Operator(tenant), receiver.url, "user.created", "user.deleted")
    ana, switches = tenant.store.users.look(ANA), f"{tenant.url}/localauth0/deliveries"

    on = requests.put(switches, json={"reorder": 1.0, "seed": 7}, timeout=TIMEOUT_S)
    # At the same moment, so that the one held back can be overtaken however slow the machine is.
    tenant.store.happened("created", ana)
    tenant.store.delivery_faults.set(DeliveryFaults())
    tenant.store.happened("deleted", ana)

    types = [event["type"] for event in events_in(receiver.wait_for(2))]
    assert on.json()["reorder"] == 1.0
    assert types == ["user.deleted", "user.created"]


def test_a_fault_that_is_no_probability_is_refused(eventful: LocalAuth0) -> None:
    answer = requests.put(f"{eventful.url}/localauth0/deliveries", json={"duplicate": 2}, timeout=TIMEOUT_S)

    assert answer.status_code == 400
    assert answer.json()["error_description"].startswith("duplicate: ")


def test_a_reset_forgets_what_is_on_its_way(
    eventful: LocalAuth0, operator: Operator, receiver: Receiver
) -> None:
    stream_id = a_stream_to(operator, receiver.url)
    receiver.answers(500)
    a_new_user(operator)
    receiver.wait_for(1)

    eventful.reset()

    assert operator.refusal("GET", f"/event-streams/{stream_id}")[0] == 404
    with Browser(eventful.url) as browser:
        assert browser.token(
            client_id="web",
            client_secret="web-secret",
            grant_type="password",
            username="ana",
            password=PASSWORD,
        ).ok


def test_a_receiver_that_hangs_does_not_hold_up_the_end(
    start_tenant: StartTenant, receiver: Receiver
) -> None:
    tenant = start_tenant(an_eventful_tenant(timeout_s=60.0))
    operator = Operator(tenant)
    a_stream_to(operator, receiver.url)
    receiver.stall()
    a_new_user(operator)
    receiver.wait_for(1)

    tenant.stop()

    assert len(receiver.deliveries) == 1


def test_a_stream_to_another_machine_gets_nothing_unless_the_tenant_wants_it(
    operator: Operator, eventful: LocalAuth0
) -> None:
    stream_id = a_stream_to(operator, "https://frontdesk.example", "user.created")

    a_new_user(operator)

    (event,) = eventful.store.event_log.behind(0, 2)
    delivery = operator.answer("GET", f"/event-streams/{stream_id}/deliveries/{event.id}")
    assert (delivery["status"], delivery["attempts"]) == ("pending", [])


def test_a_narrow_token_opens_only_its_part(start_tenant: StartTenant) -> None:
    tenant = start_tenant(an_operated_tenant())
    stream_id = a_stream_to(Operator(tenant), "https://frontdesk.example")
    reader = Operator(tenant, scope="read:event_deliveries")

    assert reader.answer("GET", f"/event-streams/{stream_id}/deliveries") == {"deliveries": []}
    assert reader.refusal("POST", f"/event-streams/{stream_id}/redeliver", {})[0] == 403
    assert reader.refusal("GET", "/events")[0] == 403
