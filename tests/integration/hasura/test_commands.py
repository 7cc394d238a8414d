"""`frontdesk hasura …`, as a shell runs it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.integration.hasura.commands import Done, Terminal
from tests.integration.hasura.deploys import FIRST, TUTORIAL, copy_of_project, exported, sql
from tests.integration.hasura.engine import ADMIN_SECRET
from tests.integration.hasura.migrations import PROJECT, migrations

Shell = Callable[..., Done]


def settings_of(hasura_url: str) -> dict[str, str]:
    """Return the least environment that the commands need."""
    return {
        "FRONTDESK_HASURA_URL": hasura_url,
        "FRONTDESK_HASURA_ADMIN_SECRET": ADMIN_SECRET,
        "FRONTDESK_TENANTS_ACME_DOMAIN": "acme.eu.auth0.com",
        "FRONTDESK_TENANTS_ACME_AUDIENCE": "https://api.example.com",
        "FRONTDESK_TENANTS_ACME_HOOK_SECRETS": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    }


def frontdesk(
    tmp_path: Path,
    *arguments: str,
    hasura_url: str = "http://127.0.0.1:1",
) -> subprocess.CompletedProcess[str]:
    """Run the command line with settings of its own and nothing else in the environment."""
    return subprocess.run(
        [sys.executable, "-m", "frontdesk", *arguments],
        env=settings_of(hasura_url),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_apply_says_what_it_did_and_the_second_time_that_nothing_changed(
    tmp_path: Path, empty_engine: str
) -> None:
    project = f"--project={PROJECT}"
    first = frontdesk(tmp_path, "hasura", "apply", project, hasura_url=empty_engine)
    second = frontdesk(tmp_path, "hasura", "apply", project, hasura_url=empty_engine)

    assert (first.returncode, first.stderr) == (0, "")
    assert first.stdout.splitlines() == [
        *(f"Applied migration {migration.name}." for migration in migrations()),
        "Changed the metadata.",
    ]
    assert second.stdout == "Nothing changed: migrations and metadata were applied already.\n"


def test_status_ends_with_1_while_there_is_something_to_apply(tmp_path: Path, empty_engine: str) -> None:
    command = ("hasura", "status", "--json", f"--project={PROJECT}")
    before = frontdesk(tmp_path, *command, hasura_url=empty_engine)
    frontdesk(tmp_path, "hasura", "apply", "--json", f"--project={PROJECT}", hasura_url=empty_engine)
    after = frontdesk(tmp_path, *command, hasura_url=empty_engine)

    assert (before.returncode, after.returncode) == (1, 0)
    assert set(json.loads(before.stdout)["migrations"].values()) == {"pending"}
    told = json.loads(after.stdout)
    assert {step.pop("kind") for step in told.pop("steps")} == {"keep"}
    assert told == {
        "migrations": {migration.name: "applied" for migration in migrations()},
        "metadata_is_current": True,
        "inconsistent": [],
        "notes": [],
    }


def test_apply_without_a_hasura_fails_in_words(tmp_path: Path) -> None:
    done = frontdesk(tmp_path, "hasura", "apply", f"--project={PROJECT}")

    assert (done.returncode, done.stdout) == (1, "")
    assert "http://127.0.0.1:1/v1/version: nothing listens there" in done.stderr
    assert "check `[hasura] url` (FRONTDESK_HASURA_URL)" in done.stderr
    assert "Traceback" not in done.stderr
    assert ADMIN_SECRET not in done.stderr


def test_apply_without_a_project_is_wrong_usage(tmp_path: Path) -> None:
    done = frontdesk(tmp_path, "hasura", "apply", "--project", "nowhere")

    assert done.returncode == 2
    assert "config.yaml" in done.stderr


@pytest.fixture
def shell(empty_engine: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    """Runs commands in this process; what the shell adds is tested above."""
    for name, value in settings_of(empty_engine).items():
        monkeypatch.setenv(name, value)
    return Terminal(monkeypatch, capsys).run


def test_diff_prints_a_line_for_each_step_and_a_dry_run_the_same(shell: Shell, empty_engine: str) -> None:
    project = f"--project={PROJECT}"
    diff = shell("hasura", "diff", project)
    dry = shell("hasura", "apply", "--dry-run", project)

    assert (diff.returncode, diff.stderr) == (0, "")
    assert diff.stdout == dry.stdout
    assert "create metadata of public.users\n" in diff.stdout
    assert exported(empty_engine)["sources"][0]["tables"] == []


def test_a_taken_name_stops_apply_and_adopt_leads_on(shell: Shell, tmp_path: Path, empty_engine: str) -> None:
    sql(empty_engine, TUTORIAL)
    project = f"--project={copy_of_project(tmp_path)}"
    stopped = shell("hasura", "apply", project)
    adopted = shell("hasura", "apply", "--adopt", project)
    applied = shell("hasura", "apply", project)

    assert stopped.returncode == 1
    assert "--adopt" in stopped.stderr
    assert adopted.returncode == 0
    assert "nothing was applied" in adopted.stdout
    assert (applied.returncode, applied.stderr) == (0, "")
    assert sql(empty_engine, "select tenant, user_id from users order by 2") == [
        ["acme", "auth0|ann"],
        ["acme", "auth0|bob"],
    ]


def test_the_schema_of_the_settings_is_where_the_tables_go(
    shell: Shell, empty_engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FRONTDESK_HASURA_SCHEMA", "people")

    assert shell("hasura", "apply", f"--project={PROJECT}").returncode == 0
    assert sql(empty_engine, "select schemaname from pg_tables where tablename = 'users'") == [["people"]]


def test_going_back_asks_first(shell: Shell, empty_engine: str) -> None:
    project, table = f"--project={PROJECT}", "select to_regclass('public.users')::text"
    shell("hasura", "apply", project)

    refused = shell("hasura", "apply", "--to", "0", project, typed="n\n")
    after_no = sql(empty_engine, table)
    agreed = shell("hasura", "apply", "--to", "0", project, typed="y\n")

    assert (refused.returncode, agreed.returncode) == (1, 0)
    assert "drops users with all rows" in refused.stdout
    assert (after_no, sql(empty_engine, table)) == ([["users"]], [["NULL"]])


@pytest.mark.parametrize(
    ("options", "told", "code"),
    [
        (["--down", "1", "--adopt"], "one thing at a time", 2),
        (["--down", "1", "--to", "0"], "give one of them", 2),
        (["--lock-timeout", "0"], "lock-timeout", 2),
        (["--dry-run", "--mark-applied", FIRST.partition("_")[0]], "nothing was changed", 2),
        (["--dry-run", "--adopt"], "nothing was changed", 2),
        (["--replace", "--down", "1"], "one thing at a time", 2),
        (["--replace"], "add --yes", 2),
    ],
)
def test_options_that_make_no_sense_are_told(shell: Shell, options: list[str], told: str, code: int) -> None:
    done = shell("hasura", "apply", f"--project={PROJECT}", *options)

    assert done.returncode == code
    assert told in done.stderr


def test_a_version_is_marked_without_running_it(shell: Shell, empty_engine: str) -> None:
    version = FIRST.partition("_")[0]
    command = ("hasura", "apply", f"--project={PROJECT}", "--mark-applied", version)

    done = shell(*command)

    assert done.stdout == f"Recorded migration {FIRST} as applied; nothing was run.\n"
    assert json.loads(shell(*command, "--json").stdout) == {"recorded": {FIRST: "applied"}}
    assert sql(empty_engine, "select to_regclass('public.users')::text") == [["NULL"]]
