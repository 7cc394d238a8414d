"""`frontdesk import` as people and machines run it: what it prints, its exit codes, and all tenants at once."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.integration.hasura.commands import Terminal
from tests.integration.importing.conftest import NewHouse
from tests.integration.importing.house import json_lines
from tests.integration.reconcile.scripted_tenant import ScriptedTenant, a_user

USERS = [a_user(number) for number in range(5)]


def test_the_count_proof_is_a_table_for_people_and_progress_goes_elsewhere(
    new_house: NewHouse, tmp_path: Path
) -> None:
    house = new_house(ScriptedTenant(USERS, roles={"editor": ["auth0|0001"]}))

    run = house.imported(tmp_path)

    assert run.returncode == 0, run.stderr
    assert "Proven: 5 of 5 users are in Hasura." in run.stdout
    assert "GET /roles/{id}/users" in run.stdout
    assert "Reading users by the way `pages`: 5 users are within the 1,000" in run.stderr
    assert "5 of 5" in run.stderr
    assert list(tmp_path.iterdir()) == []


def test_json_lines_tell_progress_and_the_result_and_rejects_lie_beside(
    new_house: NewHouse, tmp_path: Path
) -> None:
    house = new_house(ScriptedTenant([*USERS, {**a_user(7), "email": 7}]))

    run = house.imported(tmp_path, "--json", "--no-roles", "--max-rps", "50")

    *progress, done = json_lines(run.stdout)
    assert run.returncode == 0, run.stderr
    assert {line["event"] for line in progress} == {"phase", "progress"}
    assert progress[-1]["tenant"] == house.tenant
    assert (done["event"], done["proven"], done["rejects"]) == ("done", True, 1)
    assert done["counts"]["written"] == 5
    assert done["peak_memory_bytes"] > 1_000_000
    rejects = tmp_path / done["rejects_file"]
    assert rejects.name.startswith(f"frontdesk-rejects-{house.tenant}-")
    assert json.loads(rejects.read_text())["user_id"] == "auth0|0007"


def test_a_file_is_imported_without_a_management_application(new_house: NewHouse, tmp_path: Path) -> None:
    house = new_house(ScriptedTenant([]))
    (tmp_path / "users.ndjson").write_text("".join(json.dumps(user) + "\n" for user in USERS))
    prefix = f"FRONTDESK_TENANTS_{house.tenant.upper()}_MANAGEMENT_CLIENT_"
    environment = house.environment()
    environment = {name: value for name, value in environment.items() if not name.startswith(prefix)}

    for source, given in (("users.ndjson", None), ("-", (tmp_path / "users.ndjson").read_bytes())):
        run = subprocess.run(
            house.command("--from", source),
            cwd=tmp_path,
            env=environment,
            input=given,
            capture_output=True,
            timeout=120,
        )

        assert run.returncode == 0, run.stderr.decode()
        assert b"Proven: 5 of 5 users of the file are in Hasura." in run.stdout
        assert b"No management application is in the settings" in run.stderr


def test_all_tenants_are_imported_side_by_side_and_ones_failure_stops_no_other(
    new_house: NewHouse, tmp_path: Path
) -> None:
    well = new_house(ScriptedTenant(USERS))
    also = new_house(ScriptedTenant(USERS[:3]))
    broken = new_house(ScriptedTenant([]))
    environment = {**well.environment(), **also.environment(), **broken.environment()}
    del environment[f"FRONTDESK_TENANTS_{broken.tenant.upper()}_MANAGEMENT_CLIENT_ID"]

    run = subprocess.run(
        [sys.executable, "-m", "frontdesk", "import", "--all"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )

    assert "2 of 3 tenants are in Hasura." in run.stdout, run.stderr
    assert f"frontdesk: {broken.tenant}: The settings are wrong" in run.stderr
    assert run.returncode != 0
    assert (len(well.table("users")), len(also.table("users"))) == (5, 3)
    assert {row["user_id"] for row in also.table("users")} == {user["user_id"] for user in USERS[:3]}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--all", "--tenant", "default"], "name one or the other"),
        (["--all", "--from", "users.ndjson"], "a file belongs to one tenant"),
        (["--way", "job", "--from", "users.ndjson"], "--way is for reading a tenant"),
    ],
)
def test_what_does_not_go_together_is_refused_before_anything_is_read(
    shell: Terminal, arguments: list[str], words: str
) -> None:
    run = shell.run("import", *arguments)

    assert run.returncode == 2
    assert words in run.stderr


def test_a_file_that_is_not_there_is_told_before_anything_is_read(
    new_house: NewHouse, shell: Terminal, tmp_path: Path
) -> None:
    for name, text in new_house(ScriptedTenant(USERS)).environment().items():
        shell.monkeypatch.setenv(name, text)

    missing = shell.run("import", "--from", "missing.ndjson")
    folder = shell.run("import", "--from", str(tmp_path))

    assert (missing.returncode, folder.returncode) == (2, 2)
    assert missing.stderr == "frontdesk: --from missing.ndjson: there is no such file\n"
    assert "name the export in it" in folder.stderr


def test_on_a_terminal_a_bar_shows_how_it_goes(new_house: NewHouse, tmp_path: Path) -> None:
    house = new_house(ScriptedTenant(USERS))
    screen, terminal = pty.openpty()

    process = subprocess.Popen(
        house.command(),
        cwd=tmp_path,
        env=house.environment(TERM="xterm", COLUMNS="120"),
        stdout=subprocess.DEVNULL,
        stderr=terminal,
    )
    os.close(terminal)
    shown = _all_of(screen)

    assert process.wait(60) == 0, shown
    assert "Reading users by the way `pages`" in shown
    assert f"{house.tenant} users" in shown
    assert "━" in shown


def test_an_interrupted_import_says_that_the_same_command_goes_on(
    new_house: NewHouse, tmp_path: Path
) -> None:
    house = new_house(ScriptedTenant(USERS, roles={f"role-{number}": [] for number in range(50)}))
    process = subprocess.Popen(
        house.command("--json", "--max-rps", "2"),
        cwd=tmp_path,
        env=house.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    first = process.stdout.readline()

    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)

    assert json.loads(first)["event"] == "phase"
    assert (process.returncode, errors) == (
        1,
        "frontdesk: stopped; the same command goes on from the last batch\n",
    )
    assert house.imported(tmp_path).returncode == 0


def _all_of(screen: int) -> str:
    """Return what is still to be read of a terminal, and close it."""
    shown = bytearray()
    try:
        while chunk := os.read(screen, 65536):
            shown += chunk
    except OSError:  # Linux ends a terminal that nobody writes to any more with EIO
        pass
    finally:
        os.close(screen)
    return shown.decode()
