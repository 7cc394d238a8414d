"""`frontdesk auth0 setup` against a tenant: what it makes, what it leaves alone, and what it says it could not do."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from auth0.management.types import CreateEventStreamEventBridgeRequestContent
from tests.builders import HOOK_SECRET
from tests.integration.auth0.scripted_server import Answer, ScriptedServer
from typer.testing import CliRunner

from frontdesk.auth0.management import Credentials, ManagementApi
from frontdesk.auth0.scopes import MACHINE_SCOPES, SET_UP_SCOPES
from frontdesk.auth0.setup_apps import Place, found
from frontdesk.auth0.setup_steps import Part
from frontdesk.cli import app
from frontdesk.errors import FrontdeskError
from localauth0 import LocalAuth0

ADMIN = {"client_id": "admin", "client_secret": "the-secret-of-the-admin-application"}
AUDIENCE = "https://hasura.example.com"
STREAM_TOKEN = "the-stream-token-of-the-tests-0123456789"
NOWHERE = "http://127.0.0.1:9"


def a_tenant(scopes: frozenset[str] = SET_UP_SCOPES, **more: Any) -> dict[str, Any]:
    machine = {"app_type": "non_interactive", "grant_types": ["client_credentials"]}
    return {
        "tenant": "acme",
        "clients": [{**ADMIN, **machine, "name": "Admin"}],
        "client_grants": [{"client_id": "admin", "audience": "/api/v2/", "scope": sorted(scopes)}],
        "connections": [{"id": "con_1", "name": "Users", "strategy": "auth0"}],
        "users": [],
        **more,
    }


@dataclass(frozen=True)
class Done:
    """What a command ended with."""

    returncode: int
    stdout: str
    stderr: str


@dataclass(frozen=True)
class Desk:
    """A tenant, and a directory with settings for it in which frontdesk is called."""

    url: str
    place: Path

    def token(self) -> str:
        form = {**ADMIN, "grant_type": "client_credentials", "audience": f"{self.url}/api/v2/"}
        return str(requests.post(f"{self.url}/oauth/token", data=form, timeout=10).json()["access_token"])

    def setup(self, *arguments: str, token: str | None = None) -> Done:
        given = ("--token-file", "-") if token is None else ()
        with contextlib.chdir(self.place):
            ran = CliRunner().invoke(app, ["auth0", "setup", *given, *arguments], input=token or self.token())
        if ran.exception is None or isinstance(ran.exception, SystemExit):
            return Done(ran.exit_code, ran.stdout, ran.stderr)
        assert isinstance(ran.exception, FrontdeskError), ran.exception
        return Done(ran.exception.exit_code, ran.stdout, ran.stderr + ran.exception.detail)

    def facts(self, *arguments: str) -> dict[str, Any]:
        done = self.setup("--yes", "--json", *arguments)
        assert done.stdout, done.stderr
        facts: dict[str, Any] = json.loads(done.stdout)
        return facts | {"exit_code": done.returncode}

    @contextmanager
    def api(self) -> Iterator[ManagementApi]:
        with ManagementApi(self.url, Credentials(**ADMIN)) as api:
            yield api


def settings_of(url: str, *, public_url: str = NOWHERE, more: str = "") -> str:
    host = url.removeprefix("http://")
    return (
        f'[hasura]\nurl = "http://127.0.0.1:1"\n[action]\nurl = "{public_url}"\n[tenants.acme]\ndomain = "{host}"\n'
        f'management_url = "{url}"\nissuer = "{url}/"\naudience = "{AUDIENCE}"\n{more}'
    )


@contextmanager
def a_desk(
    place: Path, tenant: Mapping[str, Any] | None = None, *, public_url: str = NOWHERE, more: str = ""
) -> Iterator[Desk]:
    with LocalAuth0(tenant=dict(tenant or a_tenant())) as auth0:
        (place / "frontdesk.toml").write_text(settings_of(auth0.url, public_url=public_url, more=more))
        (place / ".env").write_text(
            f"FRONTDESK_TENANTS_ACME_HOOK_SECRETS={HOOK_SECRET}\nFRONTDESK_TENANTS_ACME_STREAM_TOKENS={STREAM_TOKEN}\n"
        )
        (place / ".env").chmod(0o600)
        yield Desk(auth0.url, place)


def kinds(facts: Mapping[str, Any]) -> dict[str, str]:
    return {step["what"]: step["kind"] for step in facts["steps"]}


def detail(facts: Mapping[str, Any], what: str) -> str:
    return str(next(step for step in facts["steps"] if step["what"] == what)["detail"])


def by_name(items: Any, name: str) -> dict[str, Any]:
    (found,) = [each for each in items if each.name == name]
    plain: dict[str, Any] = found.model_dump(by_alias=True, exclude_none=True)
    return plain


def test_it_makes_what_frontdesk_needs_and_a_second_time_nothing(tmp_path: Path) -> None:
    with a_desk(tmp_path) as desk:
        first = desk.facts("--write", "--callback", "https://app.example.com/callback")
        second = desk.facts("--write", "--callback", "https://app.example.com/callback")

        assert first["exit_code"] == second["exit_code"] == 0
        assert set(kinds(first).values()) == {"create"}
        assert set(kinds(second).values()) == {"keep"}
        with desk.api() as api:
            server = by_name(api.sdk.resource_servers.list(), "Hasura (frontdesk)")
            assert (server["identifier"], server["signing_alg"], server["enforce_policies"]) == (
                AUDIENCE,
                "RS256",
                False,
            )
            login = by_name(api.sdk.clients.list(), "frontdesk-login")
            assert (login["app_type"], login["token_endpoint_auth_method"]) == ("native", "none")
            assert "https://app.example.com/callback" in login["callbacks"]
            assert "urn:ietf:params:oauth:grant-type:device_code" in login["grant_types"]
            machine = by_name(api.sdk.clients.list(), "frontdesk")
            (grant,) = api.sdk.client_grants.list(client_id=machine["client_id"])
            assert set(grant.scope or ()) == MACHINE_SCOPES
            (log,) = api.sdk.log_streams.list()
            sink = log.model_dump(by_alias=True)["sink"]
            assert sink["httpEndpoint"] == f"{NOWHERE}/hooks/acme/log-stream"
            assert (sink["httpAuthorization"], sink["httpContentFormat"]) == (
                f"Bearer {STREAM_TOKEN}",
                "JSONARRAY",
            )


def test_ids_and_the_secret_go_where_frontdesk_reads_them_and_nowhere_else(tmp_path: Path) -> None:
    with a_desk(tmp_path) as desk:
        done = desk.setup("--yes", "--write", "--only", "app,machine")

        environment = (tmp_path / ".env").read_text()
        secret = environment.rpartition("FRONTDESK_TENANTS_ACME_MANAGEMENT_CLIENT_SECRET=")[2].strip()
        assert len(secret) > 20
        assert secret not in done.stdout + done.stderr
        assert "Wrote management_client_id in frontdesk.toml." in done.stdout
        assert (tmp_path / ".env").stat().st_mode & 0o777 == 0o600
        again = desk.setup("--dry-run", "--only", "api,app,machine,actions,streams", token="unused")
        assert "keep    application frontdesk: As it should be." in again.stdout
        assert "create  API" not in again.stdout
        assert "The token lacks the scope create:resource_servers." in again.stdout


def test_what_cannot_be_written_is_told_and_the_secret_is_safe_all_the_same(tmp_path: Path) -> None:
    with a_desk(tmp_path) as desk:
        path = tmp_path / "frontdesk.toml"
        table = re.search(r"\[tenants.acme\]\n(.*)", path.read_text(), flags=re.DOTALL)
        assert table is not None
        inline = ", ".join(table[1].strip().splitlines())
        path.write_text(f"tenants.acme = {{ {inline} }}\n" + path.read_text()[: table.start()])

        done = desk.setup("--yes", "--write", "--only", "machine")

        assert done.returncode == 1
        assert "management_client_id is not in frontdesk.toml: the file has no line for" in done.stderr
        assert 'Put into [tenants.acme] of frontdesk.toml: management_client_id = "' in done.stdout
        assert "Wrote FRONTDESK_TENANTS_ACME_MANAGEMENT_CLIENT_SECRET in .env." in done.stdout


def test_without_write_it_says_what_to_put_where(tmp_path: Path) -> None:
    with a_desk(tmp_path) as desk:
        before = (tmp_path / "frontdesk.toml").read_text()

        done = desk.setup("--yes", "--only", "machine")

        assert 'Put into [tenants.acme] of frontdesk.toml: management_client_id = "' in done.stdout
        assert "MANAGEMENT_CLIENT_SECRET=<its client secret>" in done.stdout
        assert (tmp_path / "frontdesk.toml").read_text() == before


def test_show_secrets_prints_the_new_secret(tmp_path: Path) -> None:
    with a_desk(tmp_path) as desk:
        facts = desk.facts("--only", "machine", "--show-secrets")

        with ManagementApi(
            desk.url,
            Credentials(
                client_id=facts["management_client_id"], client_secret=facts["management_client_secret"]
            ),
        ) as api:
            assert api.scopes() == MACHINE_SCOPES


def test_the_secret_of_its_own_application_is_the_only_one_that_it_reads(tmp_path: Path) -> None:
    scopes = SET_UP_SCOPES | {"read:client_keys"}
    with a_desk(tmp_path, a_tenant(scopes)) as desk:
        made = desk.facts("--only", "machine", "--show-secrets")
        again = desk.facts("--only", "machine", "--show-secrets")
        with desk.api() as api:
            place = Place(part=Part.APP, name="", role="", key="", by_hand="")
            admin = found(api, place, "admin")

    assert again["management_client_secret"] == made["management_client_secret"]
    assert isinstance(admin, dict)
    assert (admin["name"], "client_secret" in admin) == ("Admin", False)


def test_a_dry_run_changes_nothing(tmp_path: Path) -> None:
    with a_desk(tmp_path) as desk:
        done = desk.setup("--dry-run")

        assert done.returncode == 0
        assert f"create  API {AUDIENCE}: Create it with RS256" in done.stdout
        with desk.api() as api:
            assert [client.name for client in api.sdk.clients.list() if client.name != "Admin"] == []


def test_without_a_terminal_it_asks_for_yes_and_changes_nothing(tmp_path: Path) -> None:
    with a_desk(tmp_path) as desk:
        done = desk.setup("--only", "app")

        assert done.returncode == 2
        assert "add --yes" in done.stderr
        with desk.api() as api:
            assert [client.name for client in api.sdk.clients.list()] == ["Admin"]


JWE = {
    "format": "compact-nested-jwe",
    "encryption_key": {"name": "k", "alg": "RSA-OAEP-256", "kid": "k", "pem": "…"},
}
API_OF_OTHERS = {"identifier": AUDIENCE, "name": "Theirs", "enforce_policies": True}


@pytest.mark.parametrize(
    ("server", "arguments", "kind", "said"),
    [
        ({"token_dialect": "access_token_authz"}, ["--rbac", "permissions"], "keep", "As it should be."),
        ({}, [], "keep", "As it should be."),
        ({}, ["--rbac", "permissions"], "update", "Set token_dialect = access_token_authz."),
        (
            {"token_dialect": "rfc9068_profile"},
            ["--rbac", "permissions"],
            "update",
            "Set token_dialect = rfc9068_profile_authz.",
        ),
        ({}, ["--rbac", "off"], "cannot", "lets everybody ask for every scope"),
        ({}, ["--rbac", "off", "--force"], "update", "Set enforce_policies = False."),
        ({"token_dialect": "access_token_authz"}, ["--rbac", "on"], "cannot", "something may read them"),
        ({"settings": {"signing_alg": "HS256"}}, [], "cannot", "signed with HS256"),
        ({"settings": {"signing_alg": "HS256"}}, ["--force"], "update", "Set signing_alg = RS256."),
        (
            {"settings": {"token_encryption": JWE}},
            ["--force"],
            "cannot",
            "cannot read encrypted",
        ),
    ],
)
def test_an_api_that_is_there_is_never_weakened_unasked(
    tmp_path: Path, server: dict[str, Any], arguments: list[str], kind: str, said: str
) -> None:
    tenant = a_tenant(resource_servers=[{**API_OF_OTHERS, **server}])
    with a_desk(tmp_path, tenant) as desk:
        facts = desk.facts("--only", "api", *arguments)

        (step,) = facts["steps"]
        assert (step["kind"], facts["exit_code"]) == (kind, 1 if kind == "cannot" else 0)
        assert said in step["detail"]
        if kind == "update":
            assert kinds(desk.facts("--only", "api", *arguments)) == {f"API {AUDIENCE}": "keep"}


def test_an_application_of_the_same_name_that_is_somebody_elses_is_left_alone(tmp_path: Path) -> None:
    clients = [*a_tenant()["clients"], {"client_id": "theirs", "name": "frontdesk-login", "app_type": "spa"}]
    with a_desk(tmp_path, a_tenant(clients=clients)) as desk:
        facts = desk.facts("--only", "app,api")

        assert kinds(facts)["application frontdesk-login"] == "cannot"
        assert "that frontdesk did not make: theirs" in detail(facts, "application frontdesk-login")
        assert kinds(facts)[f"API {AUDIENCE}"] == "create", "the rest goes on"
        assert facts["exit_code"] == 1


def test_several_applications_of_ours_are_told_apart_by_the_settings(tmp_path: Path) -> None:
    with a_desk(tmp_path) as desk:
        first = desk.facts("--only", "app")["login_client_id"]
        with desk.api() as api:
            api.sdk.clients.create(
                name="frontdesk-login", app_type="native", client_metadata={"frontdesk": "login"}
            )

        unclear = desk.facts("--only", "app")
        text = (tmp_path / "frontdesk.toml").read_text()
        (tmp_path / "frontdesk.toml").write_text(text + f'login_client_id = "{first}"\n')
        chosen = desk.facts("--only", "app")

        assert "There are several of frontdesk's" in detail(unclear, "application frontdesk-login")
        assert kinds(chosen) == {"application frontdesk-login": "keep"}


def test_an_application_that_the_settings_name_is_not_changed_when_it_is_not_ours(tmp_path: Path) -> None:
    clients = [*a_tenant()["clients"], {"client_id": "theirs", "name": "Web", "app_type": "spa"}]
    with a_desk(tmp_path, a_tenant(clients=clients), more='login_client_id = "theirs"\n') as desk:
        facts = desk.facts("--only", "app")

        assert kinds(facts) == {"application Web": "cannot"}
        assert "it lacks callbacks" in detail(facts, "application Web")


def test_an_application_that_is_gone_is_told(tmp_path: Path) -> None:
    with a_desk(tmp_path, more='management_client_id = "gone"\n') as desk:
        facts = desk.facts("--only", "machine")

        assert "the tenant has no such application" in detail(facts, "application gone")
        assert facts["exit_code"] == 1


def test_callbacks_are_added_and_those_of_others_kept(tmp_path: Path) -> None:
    with a_desk(tmp_path) as desk:
        client_id = desk.facts("--only", "app", "--app", "spa")["login_client_id"]
        with desk.api() as api:
            api.sdk.clients.update(client_id, callbacks=["https://added.example.com/cb"])

        arguments = (
            "--only",
            "app",
            "--app",
            "spa",
            "--callback",
            "https://localhost:8080/callback",
            "--implicit",
        )
        desk.facts(*arguments)

        with desk.api() as api:
            client = api.sdk.clients.get(client_id)
        assert {"https://added.example.com/cb", "https://localhost:8080/callback"} <= set(
            client.callbacks or ()
        )
        assert "https://localhost:8080" in (client.web_origins or ())
        assert "implicit" in (client.grant_types or ())
        assert kinds(desk.facts(*arguments)) == {"application frontdesk-login": "keep"}


@pytest.mark.parametrize(
    ("scopes", "arguments", "kind", "left"),
    [
        (MACHINE_SCOPES | {"read:users"}, [], "keep", MACHINE_SCOPES | {"read:users"}),
        (MACHINE_SCOPES | {"read:users"}, ["--force"], "update", MACHINE_SCOPES),
        ({"read:actions", "read:users"}, [], "update", MACHINE_SCOPES | {"read:users"}),
    ],
    ids=["wider", "narrowed by force", "too narrow"],
)
def test_a_grant_is_widened_to_what_is_needed_and_narrowed_by_force_alone(
    tmp_path: Path, scopes: frozenset[str], arguments: list[str], kind: str, left: frozenset[str]
) -> None:
    with a_desk(tmp_path) as desk:
        client_id = desk.facts("--only", "machine")["management_client_id"]
        with desk.api() as api:
            (grant,) = api.sdk.client_grants.list(client_id=client_id)
            api.sdk.client_grants.update(str(grant.id), scope=sorted(scopes))

        facts = desk.facts("--only", "machine", *arguments)

        assert kinds(facts)["grant of the Management API"] == kind
        with desk.api() as api:
            (grant,) = api.sdk.client_grants.list(client_id=client_id)
        assert set(grant.scope or ()) == left
        if kind == "keep":
            assert "wider than frontdesk needs, by read:users" in detail(facts, "grant of the Management API")


def test_streams_wait_paused_until_frontdesk_answers_and_then_run(tmp_path: Path) -> None:
    unsigned = [Answer(status=401, body={})]
    hooks = {"/hooks/acme/log-stream": unsigned, "/hooks/acme/event-stream": unsigned}
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
    from frontdesk.auth0.setup_streams import plan_streams

    stream = {
        "id": "est_1",
        "name": "frontdesk-event-stream",
        "status": "disabled",
        "subscriptions": [{"event_type": f"user.{verb}"} for verb in ("created", "updated", "deleted")],
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
