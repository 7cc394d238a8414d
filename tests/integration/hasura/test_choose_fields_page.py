"""docs/how-to/choose-fields.md: its settings and its commands do what the page says."""

from __future__ import annotations

import re
import shlex
import textwrap
from pathlib import Path

import pytest
import yaml
from tests.builders import HOOK_SECRET, a_signed_call
from tests.integration.hasura.deploys import sql
from tests.integration.hasura.engine import ADMIN_SECRET, Engine
from typer.testing import CliRunner

from frontdesk.cli import app
from frontdesk.identity.fields import BOOKKEEPING
from frontdesk.settings import load_settings
from frontdesk.web.app import create_app

PAGE = (Path(__file__).parents[3] / "docs" / "how-to" / "choose-fields.md").read_text()
BLOCKS = [textwrap.dedent(block) for block in re.findall(r"(?:^    .*\n)+", PAGE, flags=re.MULTILINE)]
COMMANDS = [line for block in BLOCKS for line in block.splitlines() if line.startswith("frontdesk ")]
FIELDS, FILTER = (
    next(block for block in BLOCKS if block.startswith(f"[{name}]")) for name in ("fields", "filter")
)
TENANT = """
[hasura]
url = "{url}"
[login]
budget_s = 4.5
[action]
deadline_ms = 5000
[tenants.acme]
domain = "acme.eu.auth0.com"
audience = "https://api.example.com"
"""


@pytest.fixture
def place(tmp_path: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with secrets in the environment."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FRONTDESK_HASURA_ADMIN_SECRET", ADMIN_SECRET)
    monkeypatch.setenv("FRONTDESK_TENANTS_ACME_HOOK_SECRETS", HOOK_SECRET)
    return tmp_path


def log_in(user_id: str, **user: object) -> bool:
    """Log somebody in, and say whether they were written."""
    body, headers = a_signed_call({"trigger": "post-login", "user": {"user_id": user_id, **user}})
    answer = (
        create_app(load_settings()).test_client().post("/hooks/acme/post-login", data=body, headers=headers)
    )
    assert answer.status_code == 200
    return bool(answer.get_json()["synced"])


def test_the_pages_settings_become_columns_by_the_pages_commands(place: Path, engine: Engine) -> None:
    (place / "frontdesk.toml").write_text(FIELDS + TENANT.format(url=engine.url))
    assert not log_in("auth0|early"), "the page says to apply before frontdesk runs with the new settings"

    told = [CliRunner().invoke(app, shlex.split(command)[1:]) for command in COMMANDS]

    assert [(done.exit_code, done.exception) for done in told] == [(0, None)] * 4
    assert told[-1].output.splitlines()[-1] == "Nothing to do: Hasura has what [fields] needs."
    assert list(place.glob("hasura/migrations/default/*_map_fields"))
    metadata = {"billing": {"seats": 3}, "teams": ["a"]}
    assert log_in("auth0|ann", user_metadata={"company": "Acme"}, app_metadata=metadata)
    assert sql(engine.url, "select company, seats, teams, locale, crm_notes from users") == [
        ["Acme", "3", "{a}", "NULL", "NULL"]
    ]
    users = yaml.safe_load((place / "hasura/metadata/databases/default/tables/public_users.yaml").read_text())
    assert users["configuration"]["column_config"]["crm_notes"] == {"custom_name": "crmNotes"}


def test_the_pages_filter_leaves_out_whom_the_page_says(place: Path, engine: Engine) -> None:
    (place / "frontdesk.toml").write_text(FILTER + TENANT.format(url=engine.url))
    passing = {
        "email": "ann@example.com",
        "email_verified": True,
        "identities": [{"connection": "google-oauth2", "provider": "google-oauth2", "user_id": "1"}],
        "app_metadata": {"plan": "pro"},
    }

    assert log_in("auth0|ann", **passing)
    for missing in ("email_verified", "identities", "app_metadata"):
        assert not log_in(f"auth0|{missing}", **{**passing, missing: None})

    assert sql(engine.url, "select user_id from users") == [["auth0|ann"]]


def test_the_page_names_all_bookkeeping() -> None:
    said = re.search(r"the bookkeeping \((.*?)\)", PAGE, flags=re.DOTALL)

    assert said is not None
    assert {*re.findall(r"`(\w+)`", said[1])} == BOOKKEEPING
