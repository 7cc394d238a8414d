"""`frontdesk actions` against a running tenant, and the commands of docs/how-to/deploy-actions.md."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.builders import OTHER_HOOK_SECRET
from tests.integration.auth0.action_tenant import (
    CLIENT_ID,
    CLIENT_SECRET,
    CREDENTIALS,
    HOOK_SECRET,
    Tenant,
    a_tenant_of_machines,
)
from typer.testing import CliRunner, Result

from frontdesk.auth0.management import ManagementApi
from frontdesk.auth0.plan import PlanBlocked
from frontdesk.cli import app
from frontdesk.errors import SettingsInvalid, UsageError
from localauth0 import LocalAuth0

GUIDE = Path(__file__).resolve().parents[3] / "docs" / "how-to" / "deploy-actions.md"
OURS = "frontdesk-post-login"


class Operator:
    """Somebody at a terminal, in a folder of their own, with settings for one running tenant."""

    def __init__(self, tenant: Tenant, url: str, folder: Path) -> None:
        self.tenant, self.folder = tenant, folder
        config = folder / "frontdesk.toml"
        config.write_text(
            f'[hasura]\nurl = "https://hasura.example.com"\n'
            f'[tenants.acme]\ndomain = "acme.eu.auth0.com"\naudience = "https://api.example.com"\n'
            f'management_url = "{url}"\nmanagement_client_id = "{CLIENT_ID}"\n'
            f'[action]\nurl = "https://frontdesk.example.com"\n'
        )
        self.variables = {
            "FRONTDESK_CONFIG": str(config),
            "FRONTDESK_HASURA_ADMIN_SECRET": "admin-secret-of-hasura",
            "FRONTDESK_TENANTS_ACME_HOOK_SECRETS": HOOK_SECRET,
            "FRONTDESK_TENANTS_ACME_MANAGEMENT_CLIENT_SECRET": CLIENT_SECRET,
            "COLUMNS": "200",
        }

    def run(self, *arguments: str, **variables: str | None) -> Result:
        return CliRunner().invoke(app, ["actions", *arguments], env={**self.variables, **variables})


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAuth0]:
    """One tenant with somebody else's Action in its post-login flow."""
    keys = tmp_path_factory.mktemp("localauth0")
    with LocalAuth0(tenant=a_tenant_of_machines("log-country"), data_dir=keys) as tenant:
        yield tenant


@pytest.fixture
def operator(running: LocalAuth0, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Operator]:
    running.reset()
    monkeypatch.chdir(tmp_path)
    with ManagementApi(running.url, CREDENTIALS) as api:
        yield Operator(Tenant(api), running.url, tmp_path)


def test_diff_ends_with_1_until_there_is_nothing_to_do(operator: Operator) -> None:
    before = operator.run("diff")
    deployed = operator.run("deploy")
    after = operator.run("diff")

    assert before.exit_code == 1
    assert re.search(rf"create\s+Action {OURS}\s+trigger post-login v3", before.stdout)
    assert re.search(rf"bind\s+Flow post-login\s+log-country → {OURS}", before.stdout)
    assert deployed.exit_code == 0
    assert f"acme: Created and deployed {OURS}, version 1." in deployed.stdout
    assert after.exit_code == 0
    assert operator.run("deploy").stdout == "acme: Nothing had to be changed.\n"


def test_a_changed_setting_is_shown_as_a_difference_of_the_code(operator: Operator) -> None:
    operator.run("deploy")

    changed = operator.run("diff", FRONTDESK_ACTION_DEADLINE_MS="2500")

    assert changed.exit_code == 1
    assert "-const DEADLINE_MS = /* setting: deadline_ms */ 1500;" in changed.stdout
    assert "+const DEADLINE_MS = /* setting: deadline_ms */ 2500;" in changed.stdout


def test_json_gives_the_same_facts_with_stable_keys(operator: Operator) -> None:
    [planned] = json.loads(operator.run("diff", "--json").stdout)
    [done] = json.loads(operator.run("deploy", "--json").stdout)

    assert planned["tenant"] == "acme"
    assert planned["changes"] is True
    assert [step["kind"] for step in planned["steps"]] == ["create", "bind"]
    assert planned["steps"] == done["steps"]
    assert len(done["done"]) == 2


def test_a_dry_run_changes_nothing_and_ends_well(operator: Operator) -> None:
    result = operator.run("deploy", "--dry-run")

    assert result.exit_code == 0
    assert OURS in result.stdout
    assert operator.tenant.flow() == ["log-country"]


def test_with_all_tenants_none_is_touched_while_one_cannot_be(operator: Operator, tmp_path: Path) -> None:
    with LocalAuth0(tenant=a_tenant_of_machines(OURS), data_dir=tmp_path) as other:
        beta = {
            "DOMAIN": "beta.eu.auth0.com",
            "AUDIENCE": "https://api.example.com",
            "MANAGEMENT_URL": other.url,
            "MANAGEMENT_CLIENT_ID": CLIENT_ID,
            "MANAGEMENT_CLIENT_SECRET": CLIENT_SECRET,
            "HOOK_SECRETS": OTHER_HOOK_SECRET,
        }
        variables = {f"FRONTDESK_TENANTS_BETA_{name}": value for name, value in beta.items()}

        refused = operator.run("deploy", "--all", **variables)
        planned = operator.run("deploy", "--all", "--dry-run", **variables)
        taken = operator.run("deploy", "--all", "--take-over", **variables)

    assert isinstance(refused.exception, PlanBlocked)
    assert f"beta: Action {OURS}" in refused.exception.detail
    assert refused.stdout == ""
    assert planned.exit_code == 1
    assert taken.exit_code == 0
    assert f"acme: Created and deployed {OURS}, version 1." in taken.stdout
    assert f"beta: Updated and deployed {OURS}, version 2." in taken.stdout


def test_nothing_that_is_printed_holds_a_secret(operator: Operator) -> None:
    said = "".join(
        operator.run(*command).output
        for command in (["diff"], ["diff", "--json"], ["deploy"], ["deploy", "--secrets", "--json"])
    )

    assert HOOK_SECRET.removeprefix("whsec_") not in said
    assert CLIENT_SECRET not in said


def test_without_an_application_for_the_management_api_the_missing_key_is_named(operator: Operator) -> None:
    result = operator.run("diff", FRONTDESK_TENANTS_ACME_MANAGEMENT_CLIENT_SECRET=None)

    assert isinstance(result.exception, SettingsInvalid)
    assert "FRONTDESK_TENANTS_ACME_MANAGEMENT_CLIENT_SECRET" in str(result.exception)


@pytest.mark.parametrize(
    "arguments",
    [
        ["deploy", "--tenant", "acme", "--all"],
        ["deploy", "--position", "somewhere"],
        ["diff", "--tenant", "beta"],
        ["render", "--map-secrets", "--format", "terraform", "--out", "out"],
    ],
)
def test_a_contradiction_is_a_wrong_usage(operator: Operator, arguments: list[str]) -> None:
    assert isinstance(operator.run(*arguments).exception, UsageError)


def test_every_command_of_the_guide_works_one_after_the_other(operator: Operator) -> None:
    blocks = re.findall(r"```sh\n(.*?)```", GUIDE.read_text("utf-8"), re.DOTALL)
    commands = [shlex.split(line) for block in blocks for line in block.splitlines()]

    ends = {shlex.join(command): operator.run(*command[2:]) for command in commands}

    assert all(command[:2] == ["frontdesk", "actions"] for command in commands)
    # The first is the diff of an empty tenant, which has something to tell.
    assert [end.exit_code for end in ends.values()] == [1] + [0] * (len(ends) - 1), {
        name: end.output for name, end in ends.items()
    }
    assert operator.tenant.flow() == ["log-country", OURS]
    assert (operator.folder / "action.js").exists()
    assert (operator.folder / "config" / "triggers" / "triggers.json").exists()
