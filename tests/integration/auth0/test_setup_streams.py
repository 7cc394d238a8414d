"""`frontdesk auth0 setup`: the log stream and the event stream, on rich plans and poor ones."""

from __future__ import annotations

import json
from pathlib import Path

from auth0.management.types import CreateEventStreamEventBridgeRequestContent
from tests.integration.auth0.desk import (
    AUDIENCE,
    STREAM_TOKEN,
    Desk,
    a_desk,
    a_tenant,
    detail,
    kinds,
    settings_of,
)
from tests.integration.auth0.scripted_server import Answer, ScriptedServer

from frontdesk.auth0.setup_streams import EVENT_TYPES


def test_streams_wait_paused_until_frontdesk_takes_their_token_and_then_run(tmp_path: Path) -> None:
    taken = [Answer(status=401, body={}), Answer(status=200, body={})] * 5
    hooks = {"/hooks/acme/log-stream": taken, "/hooks/acme/event-stream": taken}
    with (
        ScriptedServer({}) as silent,
        ScriptedServer(hooks) as serving,
        a_desk(tmp_path, public_url=silent.url) as desk,
    ):
        first = desk.facts("--only", "streams")
        paused = states(desk)
        (tmp_path / "frontdesk.toml").write_text(settings_of(desk.url, public_url=serving.url))
        second = desk.facts("--only", "streams")

        assert paused == ("paused", "disabled")
        assert "paused, because nothing of frontdesk answers" in first["steps"][0]["detail"]
        assert set(kinds(second).values()) == {"update"}
        assert states(desk) == ("active", "enabled")
        assert set(kinds(desk.facts("--only", "streams")).values()) == {"keep"}
        shown = {call.headers.get("authorization") for call in serving.calls}
        assert shown == {None, f"Bearer {STREAM_TOKEN}"}


def test_a_stream_does_not_run_to_a_frontdesk_without_a_database(tmp_path: Path) -> None:
    missing = Answer(status=503, body={"type": "urn:frontdesk:problem:store-missing"})
    hooks = {"/hooks/acme/log-stream": [Answer(status=401, body={}), missing] * 5}
    with ScriptedServer(hooks) as serving, a_desk(tmp_path, public_url=serving.url) as desk:
        facts = desk.facts("--only", "streams")

        assert states(desk) == ("paused", "disabled")
        assert "FRONTDESK_DATABASE_URL" in detail(facts, "log stream frontdesk-log-stream")


def test_the_event_stream_tells_of_users_and_organizations(tmp_path: Path) -> None:
    with a_desk(tmp_path) as desk:
        desk.facts("--only", "streams")

        with desk.api() as api:
            (event,) = list(api.sdk.event_streams.list())
    assert {each.event_type for each in event.subscriptions} == set(EVENT_TYPES)


def states(desk: Desk) -> tuple[str, str]:
    with desk.api() as api:
        (log,), (event,) = list(api.sdk.log_streams.list()), list(api.sdk.event_streams.list())
    return str(log.status), str(event.status)


def test_a_new_stream_token_reaches_the_log_stream(tmp_path: Path) -> None:
    with a_desk(tmp_path) as desk:
        desk.facts("--only", "streams")
        path = tmp_path / ".env"
        path.write_text(path.read_text().replace(STREAM_TOKEN, STREAM_TOKEN[::-1]))

        facts = desk.facts("--only", "streams")

        assert kinds(facts)["log stream frontdesk-log-stream"] == "update"
        assert "httpAuthorization" in detail(facts, "log stream frontdesk-log-stream")
        assert STREAM_TOKEN[::-1] not in json.dumps(facts)


def test_streams_of_the_same_name_that_go_elsewhere_are_left_alone(tmp_path: Path) -> None:
    with a_desk(tmp_path) as desk:
        with desk.api() as api:
            bridge = {
                "type": "eventbridge",
                "configuration": {"aws_account_id": "242109005777", "aws_region": "us-east-2"},
            }
            api.sdk.event_streams.create(
                request=CreateEventStreamEventBridgeRequestContent.model_validate(
                    {"name": "frontdesk-event-stream", "subscriptions": [], "destination": bridge}
                )
            )

        facts = desk.facts("--only", "streams")

        assert kinds(facts)["event stream frontdesk-event-stream"] == "cannot"
        assert "delivers to eventbridge" in detail(facts, "event stream frontdesk-event-stream")


def test_a_poor_plan_is_told_in_words_and_the_rest_is_done(tmp_path: Path) -> None:
    tenant = a_tenant(plan={"event_streams": False, "log_streams": False})
    with a_desk(tmp_path, tenant) as desk:
        done = desk.setup("--yes", "--only", "api,streams")

        assert done.returncode == 0, "logins work without streams"
        assert f"Created API {AUDIENCE}." in done.stdout
        text = done.stdout + done.stderr
        assert text.count("The tenant's plan does not include it") == 2
        assert "Dashboard > Monitoring > Streams" in text


def test_a_full_list_of_streams_is_told(tmp_path: Path) -> None:
    with a_desk(tmp_path, a_tenant(plan={"max_log_streams": 0})) as desk:
        done = desk.setup("--yes", "--only", "streams")

        assert "as many as its plan allows" in done.stderr
        assert "Created event stream frontdesk-event-stream." in done.stdout
