"""Events read from the Events API: each once, on from the offset that is kept."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from tests.integration.auth0.scripted_server import Answer, ScriptedServer
from tests.integration.jobs.past import Clock, Past
from tests.integration.users.house import ANN, MACHINE, a_tenant, a_user

from frontdesk.auth0.management import ManagementApi, StaticToken
from frontdesk.errors import Auth0Rejected, QueueFull
from frontdesk.store.database import Database
from frontdesk.store.inbox import Inbox
from frontdesk.store.inbox_load import QueueBound
from frontdesk.sync.catching_up import pull_events
from localauth0 import LocalAuth0


@pytest.fixture
def past(store_url: str) -> Iterator[Past]:
    clock = Clock()
    tenant = {**a_tenant([a_user(ANN)]), "event_delivery": {"keep_alive_s": 0.2}}
    with (
        LocalAuth0(tenant=tenant, clock=clock) as auth0,
        Database(store_url, max_connections=3) as database,
    ):
        yield Past(auth0, clock, "default", database)


def go_on() -> None:
    """Nobody asks to stop."""


def renamed(past: Past, api: ManagementApi, *names: str) -> None:
    """Change Ann's name; each change is an event."""
    for name in names:
        api.sdk.users.update(ANN, name=name)


def names_in_inbox(past: Past) -> list[str]:
    with past.database.transaction() as connection:
        rows = connection.execute("SELECT way, body FROM deliveries ORDER BY id").fetchall()
    events: list[dict[str, Any]] = [event for _, body in rows for event in json.loads(bytes(body))]
    assert {way for way, _ in rows} == {"events"}
    return [event["data"]["object"]["name"] for event in events if event["type"] == "user.updated"]


def test_events_are_read_on_from_the_kept_offset(past: Past) -> None:
    with past.api(MACHINE) as api:
        place = past.place(api)
        renamed(past, api, "One", "Two")
        pull_events(place, request_id="r", stop_when_asked=go_on)
        renamed(past, api, "Three")
        again = pull_events(place, request_id="r", stop_when_asked=go_on)
        nothing = pull_events(place, request_id="r", stop_when_asked=go_on)

    assert names_in_inbox(past) == ["One", "Two", "Three"]
    assert (again, nothing) == (1, 0)


def test_an_offset_is_kept_when_its_events_are(past: Past) -> None:
    """Otherwise what the inbox had no room for would never be read again."""
    with past.api(MACHINE) as api:
        place = past.place(api)
        renamed(past, api, "One")
        full = replace(place, inbox=Inbox(past.database, QueueBound(deliveries=0, size_bytes=0)))
        with pytest.raises(QueueFull):
            pull_events(full, request_id="r", stop_when_asked=go_on)
        pull_events(place, request_id="r", stop_when_asked=go_on)

    assert names_in_inbox(past) == ["One"]


def scripted(*answers: Answer) -> ScriptedServer:
    return ScriptedServer({"/api/v2/events": list(answers)})


def a_message(name: str, **data: Any) -> str:
    return f"event: {name}\ndata: {json.dumps(data)}\n\n"


@pytest.mark.parametrize(
    "refusal",
    [
        Answer(status=410, body={"statusCode": 410}),
        Answer(body=a_message("error", error={"code": "cursor_expired"})),
    ],
    ids=["at once", "in the stream"],
)
def test_an_expired_offset_is_given_up_for_what_is_left(past: Past, refusal: Answer) -> None:
    event = {"id": "evt_1", "type": "user.updated", "data": {"object": {"name": "Left"}}}
    past.marks.go_on_from("default", "events", {"offset": "old"})
    with (
        scripted(refusal, Answer(body=a_message("user.updated", offset="new", event=event))) as server,
        ManagementApi(server.url, StaticToken("token")) as api,
    ):
        pull_events(past.place(api), request_id="r", stop_when_asked=go_on)

    assert names_in_inbox(past) == ["Left"]
    assert past.marks.state("default", "events").position == {"offset": "new"}


def test_a_plan_without_the_api_is_told(past: Past) -> None:
    with (
        scripted(Answer(status=403, body={})) as server,
        ManagementApi(server.url, StaticToken("token")) as api,
        pytest.raises(Auth0Rejected),
    ):
        pull_events(past.place(api), request_id="r", stop_when_asked=go_on)
