"""docs/how-to/connect-hasura.md: every command in it does what the page says, in the page's order."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from tests.integration.hasura.deploys import TUTORIAL, copy_of_project, sql
from tests.integration.hasura.engine import ADMIN_SECRET
from typer.testing import CliRunner, Result

from frontdesk.cli import app

PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "connect-hasura.md"
COMMANDS = [
    line.strip() for line in PAGE.read_text().splitlines() if line.startswith("    frontdesk hasura ")
]


@pytest.fixture
def project(tmp_path: Path, empty_engine: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with the project in `hasura`, and settings that lead to the engine."""
    monkeypatch.chdir(tmp_path)
    for name, value in {
        "HASURA_URL": empty_engine,
        "HASURA_ADMIN_SECRET": ADMIN_SECRET,
        "TENANTS_ACME_DOMAIN": "acme.eu.auth0.com",
        "TENANTS_ACME_AUDIENCE": "https://api.example.com",
        "TENANTS_ACME_HOOK_SECRETS": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    }.items():
        monkeypatch.setenv(f"FRONTDESK_{name}", value)
    return copy_of_project(tmp_path)


def run(command: str) -> Result:
    """Run a line of the page."""
    done = CliRunner().invoke(app, shlex.split(command)[1:])
    assert done.exit_code == 0, (command, done.output, done.exception)
    return done


def test_every_command_of_the_page_runs_in_its_order(project: Path, empty_engine: str) -> None:
    # The section about a table that is there already has a test of its own.
    ordinary = [command for command in COMMANDS if "--adopt" not in command]

    told = {command: run(command).output for command in ordinary}

    assert len(ordinary) >= 10
    assert "drops users with all rows" not in told["frontdesk hasura apply --down 1 --dry-run"]
    assert "Took back migration 1795230000000_create_users." in told["frontdesk hasura apply --to 0 --yes"]
    assert sql(empty_engine, "select to_regclass('public.users')::text") == [["NULL"]]


def test_the_page_leads_from_the_tutorials_table_to_ours(project: Path, empty_engine: str) -> None:
    sql(empty_engine, TUTORIAL)

    blocked = [CliRunner().invoke(app, ["hasura", *each]) for each in (["diff"], ["apply", "--dry-run"])]
    written = run("frontdesk hasura apply --adopt").output
    run("frontdesk hasura apply")

    assert [(each.exit_code, "cannot" in each.output) for each in blocked] == [(1, True), (1, True)]
    assert "frontdesk hasura apply --adopt" in COMMANDS
    assert "hasura/migrations/default/1795229999999_adopt_users" in written
    assert sql(empty_engine, "select count(*) from users where tenant = 'acme'") == [["2"]]
    assert run("frontdesk hasura status").exit_code == 0


def test_the_page_leads_to_another_schema(
    project: Path, empty_engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sql(empty_engine, TUTORIAL)
    monkeypatch.setenv("FRONTDESK_HASURA_SCHEMA", "frontdesk_users")

    run("frontdesk hasura apply")

    assert "FRONTDESK_HASURA_SCHEMA=frontdesk_users" in PAGE.read_text()
    assert sql(empty_engine, "select schemaname from pg_tables where tablename = 'users' order by 1") == [
        ["frontdesk_users"],
        ["public"],
    ]
