"""The doctor against everything that it looks at: all well first, then one fault after the other."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shlex
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import requests
from auth0.management.types import ActionSecretRequest
from tests.builders import ADMIN_SECRET, OPERATOR_TOKEN, OTHER_HOOK_SECRET
from tests.conftest import new_database
from tests.integration.auth0.scripted_server import Answer, ScriptedServer
from tests.integration.sync.doctor_faults import FAULTS, NOBODY
from tests.integration.sync.doctor_house import House, a_house
from typer.testing import CliRunner, Result

from frontdesk.auth0.action_state import held_actions
from frontdesk.cli import app
from frontdesk.hasura.admin_api import AdminApi
from frontdesk.settings_reference import PROJECT
from frontdesk.sync.doctor import TOTAL_BUDGET_S, Verdict
from frontdesk.sync.doctor.queue_questions import DEAD_LETTERS, QUEUE, SILENCE
from localhasura import LocalHasura


@pytest.fixture(scope="module")
def house(postgres_url: str, worker_id: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Everything connected and well; a test that breaks something of it mends it again."""
    name = f"doctor_{worker_id}_{os.getpid()}"
    with new_database(postgres_url, name) as url, a_house(tmp_path_factory.mktemp("house"), url) as house:
        yield house


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_told_in_a_sentence_with_its_fix(house: House, name: str) -> None:
    fault = FAULTS[name]

    checks = house.checks(ahead_s=fault.ahead_s, **fault.changes_at(house))

    found = checks[fault.check]
    assert found.verdict is Verdict.FAILED, found
    assert fault.says.lower() in found.sentence.lower()
    assert fault.fix.lower() in found.fix.lower()
    if fault.skips is not None:
        assert checks[fault.skips].verdict is Verdict.SKIPPED, checks[fault.skips]
        assert "not looked at, because" in checks[fault.skips].sentence.lower()


def test_all_is_well_when_all_is_connected(house: House) -> None:
    before = time.monotonic()

    checks = house.checks()

    assert time.monotonic() - before < TOTAL_BUDGET_S
    unwanted = {"log stream", "event stream", "frontdesk's database", "worker"}
    verdicts = {name: check.verdict for name, check in checks.items()}
    assert verdicts == {name: Verdict.SKIPPED if name in unwanted else Verdict.OK for name in verdicts}, (
        checks
    )
    assert len(checks) >= 25


def test_others_that_take_the_call_and_say_nothing_cost_less_than_ten_seconds(house: House) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        before = time.monotonic()
        checks = house.checks(HASURA_URL=url, TENANTS_ACME_MANAGEMENT_URL=url, ACTION_URL=url)

    assert time.monotonic() - before < 10
    assert checks["Hasura"].sentence.endswith("/v1/version gives no answer: not in time.")
    assert checks["frontdesk"].sentence.endswith("/healthz gives no answer: not in time.")
    assert checks["Management API"].verdict is Verdict.FAILED
    assert checks["Actions"].verdict is Verdict.SKIPPED


def test_frontdesks_own_database_is_told_with_its_schema_and_its_workers(
    house: House, store_url: str, database_url: str
) -> None:
    well, bare = house.checks(DATABASE_URL=store_url), house.checks(DATABASE_URL=database_url)
    with psycopg.connect(store_url) as connection:
        connection.execute("INSERT INTO frontdesk.procrastinate_workers (last_heartbeat) VALUES (now())")
    watched = house.checks(DATABASE_URL=store_url)

    assert well["frontdesk's database"].verdict is Verdict.OK
    assert (well["queue"].verdict, well["dead letters"].verdict) == (Verdict.OK, Verdict.OK)
    assert well["stream records"].verdict is Verdict.SKIPPED
    assert (well["worker"].verdict, well["worker"].fix) == (
        Verdict.WARNING,
        "Start it with `frontdesk worker`.",
    )
    assert bare["frontdesk's database"].verdict is Verdict.FAILED
    assert "run `frontdesk db apply`" in bare["frontdesk's database"].sentence
    assert bare["worker"].verdict is Verdict.SKIPPED
    assert watched["worker"].sentence == "1 worker is running."


def test_it_changes_nothing(house: House) -> None:
    with house.api() as api:
        actions = held_actions(api)
    before = _rows_and_metadata(house)

    house.checks()

    with house.api() as api:
        assert held_actions(api) == actions
    assert _rows_and_metadata(house) == before


def _rows_and_metadata(house: House) -> Any:
    with AdminApi(house.hasura.url, ADMIN_SECRET) as hasura:
        tables = ("users", "roles", "user_roles", "auth_activities")
        rows = [hasura.select(f"select count(*) from {table}", source="default") for table in tables]
        return rows, hasura.metadata("export_metadata", {}, version=2)


@pytest.mark.parametrize(
    ("command", "args", "check", "says"),
    [
        (
            "pg_drop_select_permission",
            {"table": "users", "role": "user"},
            "permissions",
            "public.users: select_permissions user",
        ),
        (
            "pg_drop_insert_permission",
            {"table": "users", "role": "frontdesk"},
            "writing as frontdesk",
            "the role frontdesk may not write users",
        ),
        (
            "pg_untrack_table",
            {"table": "auth_activities", "cascade": True},
            "permissions",
            "public.auth_activities: is not tracked",
        ),
    ],
    ids=["a dropped permission", "the writer's permission", "a table that is not tracked"],
)
def test_drift_of_the_metadata_is_shown_by_table_and_role(
    house: House, command: str, args: dict[str, Any], check: str, says: str
) -> None:
    with AdminApi(house.hasura.url, ADMIN_SECRET) as hasura:
        hasura.metadata(command, {"source": "default", **args})
    try:
        found = house.checks()[check]
    finally:
        house.apply_project()

    assert (found.verdict, says.lower() in found.sentence.lower()) == (Verdict.FAILED, True), found
    assert "`frontdesk hasura apply`" in found.fix


@contextlib.contextmanager
def another_hasura(house: House, **options: Any) -> Iterator[LocalHasura]:
    """One more Hasura over the same database, started in another way."""
    with LocalHasura(database_url=house.database_url, **options) as hasura:
        yield hasura


def test_an_empty_hasura_is_told_to_apply_the_project(house: House, database_url: str) -> None:
    with LocalHasura(database_url=database_url, admin_secret=ADMIN_SECRET) as hasura:
        checks = house.checks(HASURA_URL=hasura.url)

    found = checks["migrations"]
    assert (found.verdict, found.fix) == (Verdict.FAILED, "`frontdesk hasura apply`.")
    assert re.match(r"(\d+) of \1 migrations are not applied: ", found.sentence), found
    assert checks["writing as frontdesk"].verdict is Verdict.SKIPPED


@pytest.mark.parametrize(
    ("sql", "undo", "verdict", "says"),
    [
        (
            "ALTER TABLE users RENAME COLUMN nickname TO pet_name",
            "ALTER TABLE users RENAME COLUMN pet_name TO nickname",
            Verdict.FAILED,
            "Hasura cannot use these metadata objects: ",
        ),
        (
            "DROP TABLE theirs",
            "",
            Verdict.WARNING,
            "Hasura cannot use something that is not frontdesk's: table theirs in source default",
        ),
    ],
    ids=["ours", "other people's"],
)
def test_metadata_that_hasura_cannot_use_is_told(
    house: House, sql: str, undo: str, verdict: Verdict, says: str
) -> None:
    theirs = {"source": "default", "table": "theirs"}
    with AdminApi(house.hasura.url, ADMIN_SECRET) as hasura:
        hasura.run_sql("CREATE TABLE theirs (id integer PRIMARY KEY)", source="default")
        hasura.metadata("pg_track_table", theirs)
        hasura.run_sql(sql, source="default")
        hasura.metadata("reload_metadata", {"reload_sources": True})
        try:
            found = house.checks()["Hasura's metadata"]
        finally:
            hasura.run_sql(f"DROP TABLE IF EXISTS theirs; {undo}", source="default")
            hasura.metadata("reload_metadata", {"reload_sources": True})
            hasura.metadata("drop_inconsistent_metadata", {})
            house.apply_project()

    assert (found.verdict, says in found.sentence) == (verdict, True), found


def test_a_hasura_without_jwt_secret_is_told(house: House) -> None:
    with another_hasura(house, admin_secret=ADMIN_SECRET) as hasura:
        checks = house.checks(HASURA_URL=hasura.url)

    assert "Hasura runs without HASURA_GRAPHQL_JWT_SECRET" in checks["JWT configuration"].sentence
    assert "`frontdesk jwt-secret --format env`" in checks["JWT configuration"].fix
    assert checks["forged tokens"].verdict is Verdict.SKIPPED


def test_a_hasura_where_everybody_is_admin_is_told(house: House) -> None:
    with another_hasura(house) as hasura:
        found = house.checks(HASURA_URL=hasura.url)["Hasura's admin secret"]

    assert found.verdict is Verdict.FAILED
    assert "everybody who reaches it is admin" in found.sentence


@pytest.mark.parametrize(
    ("answers", "says"),
    [
        ({"/v1/version": [Answer(body={"version": "v1.3.3"})]}, "is v1.3.3, and frontdesk needs v2"),
        ({"/v1/version": [Answer(status=404, body="not found")]}, "v3, DDN, has no such API"),
        ({"/v1/version": [Answer(hang_up=True)]}, "the connection broke"),
    ],
    ids=["v1", "v3", "nothing"],
)
def test_a_hasura_that_cannot_be_used_is_told(
    house: House, answers: dict[str, list[Answer]], says: str
) -> None:
    with ScriptedServer(answers) as server:
        found = house.checks(HASURA_URL=server.url)["Hasura"]

    assert (found.verdict, says.lower() in found.sentence.lower()) == (Verdict.FAILED, True), found


def test_an_action_that_is_bound_to_no_flow_is_told(house: House) -> None:
    with house.api() as api:
        api.sdk.actions.triggers.bindings.update_many("post-login", bindings=[])
    try:
        found = house.checks()["flow"]
    finally:
        house.deploy_actions()

    assert found.sentence == "frontdesk-post-login is not bound to post-login, so it never runs."


def test_a_secret_that_somebody_changed_at_auth0_is_found_by_the_probe(house: House) -> None:
    with house.api() as api:
        (action,) = held_actions(api)
        wrong = ActionSecretRequest(name="FRONTDESK_HOOK_SECRET", value=OTHER_HOOK_SECRET)
        api.sdk.actions.update(action.action_id, secrets=[wrong])
        _deployed(api, action.action_id)
        try:
            checks = house.checks()
        finally:
            right = ActionSecretRequest(
                name="FRONTDESK_HOOK_SECRET", value=house.variables["TENANTS_ACME_HOOK_SECRETS"]
            )
            api.sdk.actions.update(action.action_id, secrets=[right])
            _deployed(api, action.action_id)

    found = checks["calls of the Action"]
    assert checks["hook secrets"].verdict is Verdict.OK
    assert "frontdesk-post-login signs with a secret that frontdesk does not take" in found.sentence
    assert found.fix == "`frontdesk actions deploy --secrets`."


def _deployed(api: Any, action_id: str) -> None:
    give_up_at = time.monotonic() + 10
    while api.sdk.actions.get(action_id).status != "built":
        assert time.monotonic() < give_up_at
        time.sleep(0.02)
    api.sdk.actions.deploy(action_id)


def test_every_command_of_the_page_runs_and_its_table_has_every_link(house: House, tmp_path: Path) -> None:
    page = (PROJECT / "docs" / "how-to" / "check-with-doctor.md").read_text()
    commands = re.findall(r"```sh\nfrontdesk doctor ?(.*)\n```", page)
    rows = [line.split("|")[1] for line in page.splitlines() if line.startswith("| `")]

    codes = [_doctor(house, tmp_path, *shlex.split(command)).exit_code for command in commands]

    assert codes == [0, 0]
    named = {name for row in rows for name in re.findall("`(.+?)`", row)}
    # The last three look into frontdesk's own database, which this house has not.
    assert named == {*house.checks(), QUEUE, DEAD_LETTERS, SILENCE}


def test_the_command_prints_a_tick_for_each_link_and_ends_with_0(house: House, tmp_path: Path) -> None:
    done = _doctor(house, tmp_path)

    assert done.exit_code == 0, done.output
    assert "✓ frontdesk: " in done.stdout
    assert "Tenant acme" in done.stdout
    assert done.stdout.endswith("Nothing is broken.\n")


def test_the_command_ends_with_1_and_says_what_to_do(house: House, tmp_path: Path) -> None:
    done = _doctor(house, tmp_path, TENANTS_ACME_AUDIENCE="https://other.example.com")
    facts = json.loads(
        _doctor(house, tmp_path, "--json", TENANTS_ACME_AUDIENCE="https://other.example.com").stdout
    )

    assert done.exit_code == 1
    assert "✗ API: The tenant has no API with the identifier https://other.example.com.\n  → " in done.stdout
    assert facts["verdict"] == "failed"
    (api,) = [check for check in facts["checks"] if check["name"] == "API"]
    assert api == {
        "name": "API",
        "tenant": "acme",
        "verdict": "failed",
        "sentence": "The tenant has no API with the identifier https://other.example.com.",
        "fix": "`frontdesk auth0 setup --only api`.",
    }


def test_the_command_tells_every_fault_of_settings_that_cannot_be_used(house: House, tmp_path: Path) -> None:
    done = _doctor(house, tmp_path, HASURA_URL="hasura", ACTION_DEADLINE_MS="soon")

    assert done.exit_code == 1
    assert "FRONTDESK_HASURA_URL" in done.stdout
    assert "FRONTDESK_ACTION_DEADLINE_MS" in done.stdout
    assert "- everything else: Not looked at, because settings is not well." in done.stdout


def test_no_secret_is_shown(house: House, tmp_path: Path) -> None:
    for changes in ({}, {"HASURA_ADMIN_SECRET": "another-secret"}, {"ACTION_URL": NOBODY}):
        shown = _doctor(house, tmp_path, "--json", **changes).output

        names = ("HASURA_ADMIN_SECRET", "OPERATOR_TOKEN", "TENANTS_ACME_HOOK_SECRETS")
        values = [house.variables[name] for name in (*names, "TENANTS_ACME_MANAGEMENT_CLIENT_SECRET")]
        assert not [value for value in (*values, "another-secret") if value in shown]


def _doctor(house: House, place: Path, *arguments: str, **changes: str) -> Result:
    with contextlib.chdir(place):
        return CliRunner().invoke(app, ["doctor", *arguments], env=house.environment(**changes))


def test_the_console_sees_the_same_and_no_test_comes_right_after_another(house: House) -> None:
    url, headers = house.variables["ACTION_URL"], {"Authorization": f"Bearer {OPERATOR_TOKEN}"}

    def ask(method: str, path: str) -> requests.Response:
        return requests.request(method, f"{url}/api/connections{path}", headers=headers, timeout=30)

    untested = ask("GET", "").json()
    tested = ask("POST", "/acme/test")
    again = ask("POST", "/acme/test")
    known = ask("GET", "").json()

    assert untested["items"] == [
        {
            "tenant": "acme",
            "domain": house.variables["TENANTS_ACME_DOMAIN"],
            "state": "untested",
            "tested_at": None,
            "checks": [],
        }
    ]
    assert (tested.status_code, tested.json()["state"]) == (200, "connected"), tested.text
    assert (again.status_code, again.headers["content-type"]) == (429, "application/problem+json")
    assert known == {"items": [tested.json()], "next": None}
    assert {check["name"] for check in tested.json()["checks"]} == set(house.checks())
    assert ask("POST", "/nobody/test").status_code == 404
