"""docs/how-to/import-users.md: its commands run as they stand."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest
from tests.integration.importing.conftest import NewHouse
from tests.integration.reconcile.scripted_tenant import ScriptedTenant, a_user
from typer.testing import CliRunner

from frontdesk.cli import app

PAGE = (Path(__file__).parents[3] / "docs" / "how-to" / "import-users.md").read_text()
COMMANDS = re.findall(r"^```sh\n(.*?)\n```$", PAGE, flags=re.MULTILINE | re.DOTALL)
USERS = [a_user(number) for number in range(3)]


def test_the_pages_commands_run_as_they_stand(
    new_house: NewHouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = new_house(ScriptedTenant(USERS))
    house.tenant = "default"
    monkeypatch.chdir(tmp_path)
    for name, text in house.environment().items():
        monkeypatch.setenv(name, text)
    (tmp_path / "users.ndjson").write_text("".join(json.dumps(user) + "\n" for user in USERS))
    mended = {"number": 9, "user_id": None, "reason": "half a line", "record": a_user(9)}
    (tmp_path / "rejects.ndjson").write_text(json.dumps(mended) + "\n")

    told = [CliRunner().invoke(app, shlex.split(command)[1:]) for command in COMMANDS]

    assert len(told) == 4
    assert [(run.exit_code, run.exception) for run in told] == [(0, None)] * 4, [run.output for run in told]
    assert "3 of 3 users are in Hasura" in told[1].output
    assert "1 of 1 users of the file are in Hasura" in told[3].output


def test_the_page_names_every_option() -> None:
    shown = (
        CliRunner().invoke(app, ["import", "--help"], env={"COLUMNS": "200", "TERMINAL_WIDTH": "200"}).output
    )
    options = set(re.findall(r"--[a-z-]+", shown)) - {"--help", "--roles", "--organizations"}

    assert options
    assert {option for option in options if option not in PAGE} == set()
