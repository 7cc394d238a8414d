"""`frontdesk auth0 setup` when something is missing or wrong: a sentence with the fix, and nothing half-done."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.integration.auth0.desk import (
    ADMIN,
    AUDIENCE,
    NOWHERE,
    STREAM_TOKEN,
    a_desk,
    a_tenant,
)
from tests.integration.auth0.scripted_server import Answer, ScriptedServer

from frontdesk.auth0.management import Credentials, ManagementApi
from frontdesk.auth0.scopes import SET_UP_SCOPES


@pytest.mark.parametrize(
    ("missing", "part", "said"),
    [
        ("create:resource_servers", "api", "The token lacks the scope create:resource_servers."),
        ("create:clients", "app", "The token lacks the scope create:clients."),
        ("read:clients", "app", "The token lacks the scope read:clients"),
        ("create:client_grants", "machine", "The token lacks the scope create:client_grants."),
        ("read:log_streams", "streams", "The token lacks the scope read:log_streams."),
    ],
)
def test_a_missing_scope_is_named_with_the_way_by_hand(
    tmp_path: Path, missing: str, part: str, said: str
) -> None:
    with a_desk(tmp_path, a_tenant(SET_UP_SCOPES - {missing})) as desk:
        facts = desk.facts("--only", part)

        lacking = [step for step in facts["steps"] if step["kind"] == "cannot"]
        assert said in lacking[0]["detail"]
        assert "By hand: Dashboard > " in lacking[0]["detail"]
        assert facts["exit_code"] == 1


@pytest.mark.parametrize(
    ("arguments", "token", "code", "said"),
    [
        (["--token-file", "-"], "not.a.token", 1, "Make a new token: Dashboard"),
        (["--token-file", "-"], "two words", 2, "expected one Management API token"),
        (["--token-file", "missing"], "", 2, "cannot be read as a token"),
        ([], "", 2, "has no management_client_id and secret yet"),
        (["--token-file", "-", "--only", "everything"], "x", 2, "--only everything: expected some of api"),
    ],
    ids=["refused", "no token", "no file", "no credentials", "unknown part"],
)
def test_wrong_credentials_are_told_with_the_fix(
    tmp_path: Path, arguments: list[str], token: str, code: int, said: str
) -> None:
    with a_desk(tmp_path) as desk:
        done = desk.setup(*arguments, "--yes", token=token or " ")

        assert done.returncode == code
        assert said in done.stderr


def test_a_wrong_secret_is_told_without_the_secret(tmp_path: Path) -> None:
    with a_desk(tmp_path, more='management_client_id = "admin"\n') as desk:
        with (tmp_path / ".env").open("a") as file:
            file.write("FRONTDESK_TENANTS_ACME_MANAGEMENT_CLIENT_SECRET=a-wrong-secret\n")

        done = desk.setup("--yes", token="unused")

        assert done.returncode == 1
        assert "Check the client id, its secret" in done.stderr
        assert "a-wrong-secret" not in done.stderr


def test_a_misspelt_domain_is_told_with_the_domain(tmp_path: Path) -> None:
    with a_desk(tmp_path, more='management_client_id = "admin"\n') as desk:
        with (tmp_path / ".env").open("a") as file:
            file.write("FRONTDESK_TENANTS_ACME_MANAGEMENT_CLIENT_SECRET=x\n")
        path = tmp_path / "frontdesk.toml"
        host = desk.url.removeprefix("http://")
        path.write_text(
            path.read_text().replace(f'"{host}"', '"acme.eu.auht0.invalid"').replace(desk.url, NOWHERE)
        )

        done = desk.setup("--yes", token="unused")

        assert done.returncode == 1
        assert "check the tenant's `domain`" in done.stderr


@pytest.mark.parametrize("url", ["not a url", "app.example.com/callback", "https://", "javascript:alert(1)"])
def test_a_callback_that_is_no_url_is_refused_before_anything_is_made(tmp_path: Path, url: str) -> None:
    with a_desk(tmp_path) as desk:
        done = desk.setup("--yes", "--callback", url)

        assert done.returncode == 2
        assert f"--callback {url}" in done.stderr
        assert done.stdout == ""


def test_placeholders_are_asked_to_be_filled_in_first(tmp_path: Path) -> None:
    with a_desk(tmp_path) as desk:
        path = tmp_path / "frontdesk.toml"
        path.write_text(path.read_text().replace(AUDIENCE, "https://api.change-me.invalid"))

        done = desk.setup("--yes")

        assert done.returncode == 2
        assert "fill in tenants.acme.audience first" in done.stderr


def test_an_older_answer_that_lists_event_streams_bare_is_read_too() -> None:
    from frontdesk.auth0.setup_streams import EVENT_TYPES, plan_streams

    stream = {
        "id": "est_1",
        "name": "frontdesk-event-stream",
        "status": "disabled",
        "subscriptions": [{"event_type": name} for name in EVENT_TYPES],
        "created_at": "2026-01-01T00:00:00Z",
        "updated_at": "2026-01-01T00:00:00Z",
        "destination": {
            "type": "webhook",
            "configuration": {
                "webhook_endpoint": f"{NOWHERE}/hooks/acme/event-stream",
                "webhook_authorization": {"method": "bearer"},
            },
        },
    }
    script = {"/api/v2/event-streams": [Answer(body=[stream])], "/api/v2/log-streams": [Answer(body=[])]}
    with ScriptedServer(script) as server, ManagementApi(server.url, Credentials(**ADMIN)) as api:
        steps = plan_streams(api, public_url=NOWHERE, tenant="acme", token=STREAM_TOKEN, force=False)

    assert [(step.what, step.kind.value) for step in steps] == [
        ("log stream frontdesk-log-stream", "create"),
        ("event stream frontdesk-event-stream", "keep"),
    ]


@pytest.mark.parametrize(("answer", "made"), [("n\n", False), ("y\n", True)], ids=["no", "yes"])
def test_on_a_terminal_it_shows_the_plan_and_asks(tmp_path: Path, answer: str, made: bool) -> None:
    with a_desk(tmp_path) as desk:
        (tmp_path / "token.txt").write_text(desk.token())
        ours, theirs = os.openpty()
        with subprocess.Popen(
            [
                sys.executable,
                "-m",
                "frontdesk",
                "auth0",
                "setup",
                "--token-file",
                "token.txt",
                "--only",
                "api",
            ],
            cwd=tmp_path,
            env={"NO_COLOR": "1"},
            stdin=theirs,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        ) as process:
            os.write(ours, answer.encode())
            shown, _ = process.communicate(timeout=60)
        os.close(ours)
        os.close(theirs)

        assert f"create  API {AUDIENCE}".encode() in shown
        assert process.returncode == (0 if made else 1)
        with desk.api() as api:
            assert (AUDIENCE in [each.identifier for each in api.sdk.resource_servers.list()]) is made
