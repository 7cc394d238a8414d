"""`frontdesk reconcile`: what it takes, what it prints, with which exit code, and that a killed one is gone on with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.integration.reconcile.conftest import NewHouse
from tests.integration.reconcile.house import House, kinds
from tests.integration.reconcile.operating import Killer, ended, environment, started, wait_until
from tests.integration.reconcile.scripted_tenant import a_user
from typer.testing import CliRunner, Result

from frontdesk.cli import app
from frontdesk.errors import FrontdeskError
from frontdesk.sync.reconcile.brake import Brake


@pytest.fixture
def house(new_house: NewHouse) -> House:
    made = new_house([a_user(number) for number in range(4)])
    made.repair()
    return made


def run(variables: dict[str, str], *arguments: str) -> Result:
    return CliRunner().invoke(app, ["reconcile", *arguments], env=variables)


def refusal(result: Result) -> str:
    assert isinstance(result.exception, FrontdeskError), result.output
    return f"{result.exception.exit_code} {result.exception.detail}"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "2 without a terminal nothing is guessed"),
        (["--dry-run", "--repair"], "2 --dry-run and --repair exclude each other"),
        (["--dry-run", "--accept", "3"], "2 --accept is for a repair"),
        (["--repair", "--from", "users.ndjson"], "2 a file may hold a part of the tenant alone"),
        (["--dry-run", "--from", "none.ndjson"], "2 --from none.ndjson: there is no such file"),
        (["--dry-run", "--all", "--tenant", "x"], "2 --all and --tenant exclude each other"),
    ],
)
def test_a_call_that_leaves_something_to_guess_is_refused(
    house: House, store_url: str, tmp_path: Path, arguments: list[str], said: str
) -> None:
    assert refusal(run(environment(house, store_url, tmp_path), *arguments)).startswith(said)


def test_it_says_what_differs_and_changes_nothing_until_it_is_told_to(
    house: House, store_url: str, tmp_path: Path
) -> None:
    house.by_hand("auth0|0001", name="by hand")
    variables = environment(house, store_url, tmp_path)

    looked = run(variables, "--dry-run")
    assert looked.exit_code == 0, looked.output
    assert "rows that differ" in looked.stdout
    assert "name: differs in 1 rows" in looked.stdout
    assert "auth0|0001" in looked.stdout
    assert "by hand" not in looked.stdout
    assert "Nothing was changed" in looked.stdout

    repaired = run(variables, "--repair")
    assert (repaired.exit_code, "Repaired: 1 users." in repaired.stdout) == (0, True), repaired.output
    assert "No drift." in run(variables, "--dry-run").stdout


def test_all_tenants_go_side_by_side_and_one_failure_stops_no_other(
    house: House, new_house: NewHouse, store_url: str, tmp_path: Path
) -> None:
    other = new_house([a_user(9)])
    variables = environment(house, store_url, tmp_path, other)
    del variables[f"FRONTDESK_TENANTS_{house.tenant.upper()}_MANAGEMENT_CLIENT_SECRET"]

    result = run(variables, "--all", "--repair", "--json")

    lines: dict[str, Any] = {line["tenant"]: line for line in map(json.loads, result.stdout.splitlines())}
    assert result.exit_code == 1
    assert "MANAGEMENT_CLIENT_SECRET" in lines[house.tenant]["error"]
    assert (lines[other.tenant]["found"]["missing"], lines[other.tenant]["left"]["missing"]) == (1, 0)


def test_a_repair_that_the_brake_stops_ends_with_1_and_says_the_number(
    house: House, store_url: str, tmp_path: Path
) -> None:
    house.auth0.users = house.auth0.users[2:]
    variables = environment(
        house,
        store_url,
        tmp_path,
        FRONTDESK_RECONCILE_BRAKE_ROWS="1",
        FRONTDESK_RECONCILE_BRAKE_PERCENT="1",
    )

    stopped = run(variables, "--repair")
    assert (stopped.exit_code, "--repair --accept 2" in stopped.stdout) == (1, True), stopped.output
    assert run(variables, "--repair", "--accept", "2").exit_code == 0


def test_a_killed_repair_is_gone_on_with_by_the_same_command(
    new_house: NewHouse, store_url: str, tmp_path: Path
) -> None:
    """Killed while members are read, while everybody is, and between looks at single users, some of them repaired."""
    house = new_house(
        [a_user(number) for number in range(140)],
        organizations={"globex": {f"auth0|{number:04}": [] for number in range(110)}},
    )
    house.repair()
    house.brake = Brake(percent=100)
    house.quietly(
        "UPDATE users SET name = 'by hand' WHERE tenant = %s AND user_id < 'auth0|0060'", house.tenant
    )
    command = ("reconcile", "--repair", "--json")
    variables = environment(house, store_url, tmp_path)

    for call, path in ((2, "/members"), (3, "/api/v2/users"), (55, "/api/v2/users/auth0")):
        house.auth0.before = killer = Killer(call, path)
        process = started(variables, *command)
        killer.watch(process)
        ended(process)
        wait_until(lambda killer=killer: killer.has_killed)
    looks_before = house.auth0.single_reads()
    members_read = house.auth0.count("/api/v2/organizations/org_globex/members")
    code, out, err = ended(started(variables, *command))

    assert (code, err) == (0, "")
    report = json.loads(out)
    assert (report["found"]["different"], report["left"]["different"]) == (60, 0)
    # A page of fifty is repaired at once, and no page of them is looked at again.
    assert (looks_before, house.auth0.single_reads()) == (55, 55 + 10)
    assert house.auth0.count("/api/v2/organizations/org_globex/members") == members_read
    assert kinds(house.look()) == {}
