"""`frontdesk hasura …`, as a shell runs it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.integration.hasura.engine import ADMIN_SECRET
from tests.integration.hasura.migrations import PROJECT, migrations


def frontdesk(
    tmp_path: Path, *arguments: str, hasura_url: str = "http://127.0.0.1:1"
) -> subprocess.CompletedProcess[str]:
    """Run the command line with settings of its own and nothing else in the environment."""
    environment = {
        "FRONTDESK_HASURA_URL": hasura_url,
        "FRONTDESK_HASURA_ADMIN_SECRET": ADMIN_SECRET,
        "FRONTDESK_TENANTS_ACME_DOMAIN": "acme.eu.auth0.com",
        "FRONTDESK_TENANTS_ACME_AUDIENCE": "https://api.example.com",
        "FRONTDESK_TENANTS_ACME_HOOK_SECRETS": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    }
    return subprocess.run(
        [sys.executable, "-m", "frontdesk", *arguments],
        env=environment,
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
    assert "Hasura" in done.stderr
    assert "Traceback" not in done.stderr
    assert ADMIN_SECRET not in done.stderr


def test_apply_without_a_project_is_wrong_usage(tmp_path: Path) -> None:
    done = frontdesk(tmp_path, "hasura", "apply")

    assert done.returncode == 2
    assert "config.yaml" in done.stderr
