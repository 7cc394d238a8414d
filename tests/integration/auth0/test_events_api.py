"""Reading the tenant's events by offset: with a tenant that has them, and with a server that fails as tenants do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from tests.integration.auth0.scripted_server import Answer, ScriptedServer
from tests.integration.localauth0.acme import TIMEOUT_S
from tests.integration.localauth0.event_calls import a_new_user, an_eventful_tenant
from tests.integration.localauth0.managed import OPERATOR, OPERATOR_SECRET, Operator

from frontdesk.auth0.events_api import EventAt, EventOffsetGone, events_after
from frontdesk.auth0.management import Credentials, ManagementApi
from frontdesk.errors import Auth0Error, Auth0ScopeMissing, Auth0Unavailable
from localauth0 import LocalAuth0

CREDENTIALS = Credentials(client_id=OPERATOR, client_secret=OPERATOR_SECRET)
QUIET_S = 0.4


@pytest.fixture(scope="module")
def tenant() -> Iterator[LocalAuth0]:
    with LocalAuth0(tenant=an_eventful_tenant(keep_alive_s=0.05, keep_events=4)) as running:
        yield running


@pytest.fixture
def operator(tenant: LocalAuth0) -> Operator:
    tenant.reset()
    return Operator(tenant)


@pytest.fixture
def api(tenant: LocalAuth0) -> Iterator[ManagementApi]:
    with ManagementApi(tenant.url, CREDENTIALS) as opened:
        yield opened


def read(api: ManagementApi, offset: str | None = None, **options: Any) -> list[EventAt]:
    return list(events_after(api, offset, **{"quiet_s": QUIET_S, "lasts_s": TIMEOUT_S, **options}))


def users_in(found: list[EventAt]) -> list[str]:
    return [str(at.event["data"]["object"]["user_id"]) for at in found if at.event is not None]


def sse(name: str, told: dict[str, Any]) -> Answer:
    text = f": a comment\r\n\r\nevent: {name}\r\ndata: {json.dumps(told)}\r\n\r\n"
    return Answer(body=text, headers={"content-type": "text/event-stream"})


def test_reading_goes_on_behind_the_offset_of_the_last_time(api: ManagementApi, operator: Operator) -> None:
    began = read(api)[-1].offset
    first = a_new_user(operator, "first")
    found = read(api, began)
    second = a_new_user(operator, "second")

    assert users_in(found) == [first]
    assert users_in(read(api, found[-1].offset)) == [second]


def test_only_the_types_asked_for_are_read_and_the_offset_goes_on(
    api: ManagementApi, operator: Operator
) -> None:
    began = read(api)[-1].offset
    made = a_new_user(operator)

    found = read(api, began, event_types=["user.updated", "user.deleted"])

    assert users_in(found) == []
    assert users_in(read(api, found[-1].offset)) == []
    assert users_in(read(api, began)) == [made]


def test_reading_ends_after_its_time_however_much_happens(api: ManagementApi, operator: Operator) -> None:
    began = read(api)[-1].offset
    a_new_user(operator)

    found = read(api, began, quiet_s=TIMEOUT_S, lasts_s=0.0)

    assert len(found) == 1


def test_an_offset_that_events_do_not_reach_back_to_is_told(api: ManagementApi, operator: Operator) -> None:
    began = read(api)[-1].offset
    for number in range(5):
        a_new_user(operator, f"user-{number}")

    with pytest.raises(EventOffsetGone):
        read(api, began)


def test_an_offset_that_auth0_does_not_know_is_gone_too(api: ManagementApi, operator: Operator) -> None:
    with pytest.raises(EventOffsetGone):
        read(api, "monday")


def test_a_token_without_the_scope_says_which_one(
    api: ManagementApi, operator: Operator, tenant: LocalAuth0
) -> None:
    grants = requests.get(
        f"{operator.base}/client-grants?client_id={OPERATOR}", headers=operator.headers, timeout=TIMEOUT_S
    ).json()
    narrow = {"allow_all_scopes": False, "scope": ["read:users"]}
    operator.answer("PATCH", f"/client-grants/{grants[0]['id']}", narrow)

    with ManagementApi(tenant.url, CREDENTIALS) as poor, pytest.raises(Auth0ScopeMissing) as refused:
        read(poor)

    assert refused.value.scopes == ("read:events",)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (sse("error", {"error": {"code": "cursor_expired", "message": "gone"}}), EventOffsetGone),
        (sse("error", {"error": {"code": "processing_error", "message": "oh"}}), Auth0Unavailable),
        (sse("user.created", {"event": {}}), Auth0Unavailable),
        (Answer(status=410, body={"message": "gone"}), EventOffsetGone),
        (Answer(status=429, body={"message": "too many"}), Auth0Unavailable),
        (Answer(status=503, body={"message": "later"}), Auth0Unavailable),
        (Answer(hang_up=True), Auth0Unavailable),
    ],
    ids=["expired", "processing", "no-offset", "410", "429", "503", "hung-up"],
)
def test_what_goes_wrong_has_an_error_of_its_kind(answer: Answer, error: type[Auth0Error]) -> None:
    with (
        ScriptedServer({"/api/v2/events": [answer]}) as server,
        ManagementApi(server.url, CREDENTIALS) as api,
        pytest.raises(error),
    ):
        read(api, "an-offset")


@pytest.mark.parametrize("code", ["timeout", "connection_timeout"])
def test_a_connection_that_has_lasted_its_time_is_over_and_no_fault(code: str) -> None:
    over = sse("error", {"error": {"code": code, "message": "over"}})
    with (
        ScriptedServer({"/api/v2/events": [over]}) as server,
        ManagementApi(server.url, CREDENTIALS) as api,
    ):
        assert read(api, "an-offset") == []
