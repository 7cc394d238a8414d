"""`frontdesk demo` as a new user runs it."""

from __future__ import annotations

import json
import signal
import socket
import stat
import subprocess
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests

from frontdesk.demo.places import Ports, occupied
from tests.acceptance.conftest import StartDemo, demo_command, free_port_base, wait_for

pytestmark = pytest.mark.timeout(300)
NAMESPACE = "https://hasura.io/jwt/claims"
ANA = "auth0|64b0f1e2d3c4b5a697887766"


def run_once(data_dir: Path, port_base: int, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        demo_command(data_dir, port_base, "--once", *options),
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The facts of one run, in a directory so deep that no Unix socket could lie in it."""
    base = tmp_path_factory.mktemp("demo")
    deep = base.joinpath(*["a-directory-with-a-long-name"] * 5)
    done = run_once(deep, free_port_base(), "--json")
    assert done.returncode == 0, done.stderr
    facts: dict[str, Any] = json.loads(done.stdout)
    return facts


def test_the_json_document_has_the_promised_keys(story: dict[str, Any]) -> None:
    assert set(story) == {
        *("login", "row", "claims", "id_token", "as_user", "as_other", "without_token", "timings_ms"),
    }


def test_the_login_left_the_users_row(story: dict[str, Any]) -> None:
    row = story["row"]

    assert row["userId"] == ANA
    assert row["email"] == "ana@demo.example"
    assert row["appMetadata"] == {"plan": "pro"}
    assert row["blocked"] is False
    assert {"role": "Editor", "source": "auth0"} in row["roles"]


def test_the_log_stream_brought_the_login(story: dict[str, Any]) -> None:
    activity = story["login"]["activity"]

    assert (activity["activity"], activity["type"], activity["source"]) == ("login", "s", "log-stream")
    assert activity["userId"] == ANA


def test_the_access_token_carries_the_hasura_claims(story: dict[str, Any]) -> None:
    assert story["claims"][NAMESPACE] == {
        "x-hasura-default-role": "user",
        "x-hasura-allowed-roles": ["user", "editor"],
        "x-hasura-user-id": ANA,
        "x-hasura-tenant": "default",
        "x-hasura-plan": "pro",
    }


def test_the_id_token_carries_metadata_and_no_hasura_claims(story: dict[str, Any]) -> None:
    assert story["id_token"]["https://demo.example/app_metadata"] == {"plan": "pro"}
    assert story["id_token"]["https://demo.example/user_metadata"] == {"lang": "es"}
    assert NAMESPACE not in story["id_token"]


def test_the_token_sees_its_own_row_and_no_other(story: dict[str, Any]) -> None:
    assert [user["userId"] for user in story["as_user"]["data"]["users"]] == [ANA]
    assert story["as_other"] == {"data": {"users": []}}


def test_without_a_token_hasura_refuses_in_its_own_words(story: dict[str, Any]) -> None:
    (error,) = story["without_token"]["errors"]

    assert error["extensions"]["code"] == "invalid-headers"


def test_the_action_made_one_call_that_was_written(story: dict[str, Any]) -> None:
    call = story["login"]["action_call"]

    assert call["path"] == "/hooks/default/post-login"
    assert call["status"] == 200


def test_a_running_demo_tells_scripts_where_everything_is_and_leaves_nothing(
    start_demo: StartDemo, port_base: int, tmp_path: Path
) -> None:
    demo = start_demo(tmp_path / "demo", port_base)
    facts = demo.announcement
    family = demo.family()

    assert stat.S_IMODE((demo.data_dir / "demo.json").stat().st_mode) == 0o600
    assert requests.get(facts["frontdesk"]["url"] + "/readyz", timeout=10).status_code == 200
    assert requests.get(facts["app"]["url"], timeout=10).status_code == 200
    assert {address for process in family for address in _listening_addresses(process)} == {"127.0.0.1"}

    assert demo.stop(signal.SIGINT) == 0
    assert not (demo.data_dir / "demo.json").exists()
    wait_for(lambda: not any(_is_alive(process) for process in family), 10)
    again = run_once(demo.data_dir, port_base, "--json")
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout)["row"]["loginsCount"] == 1


def test_a_killed_demo_leaves_no_process_and_no_lock(
    start_demo: StartDemo, port_base: int, tmp_path: Path
) -> None:
    demo = start_demo(tmp_path / "demo", port_base)
    family = demo.family()

    demo.stop(signal.SIGKILL)

    wait_for(lambda: not any(_is_alive(process) for process in family), 20)
    assert run_once(demo.data_dir, port_base).returncode == 0


def test_two_demos_run_side_by_side(start_demo: StartDemo, port_base: int, tmp_path: Path) -> None:
    start_demo(tmp_path / "first", port_base)

    second = run_once(tmp_path / "second", port_base + 1000, "--json")

    assert second.returncode == 0, second.stderr


def test_a_second_demo_in_the_same_directory_is_told_so(
    start_demo: StartDemo, port_base: int, tmp_path: Path
) -> None:
    start_demo(tmp_path / "demo", port_base)

    second = run_once(tmp_path / "demo", port_base + 1000)

    assert second.returncode == 1
    assert "--data-dir" in second.stderr


def test_a_taken_port_is_named_with_a_way_out(port_base: int, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", port_base + 1)):
        done = run_once(tmp_path / "demo", port_base)

    assert done.returncode == 1
    assert str(port_base + 1) in done.stderr
    assert "--port-base" in done.stderr


def test_a_directory_of_an_earlier_demo_gets_the_secret_that_it_lacks(port_base: int, tmp_path: Path) -> None:
    ports, kept = Ports.starting_at(port_base), tmp_path / "secrets.json"
    with occupied(tmp_path, ports) as places:
        first = places.secrets
    kept.write_text(
        json.dumps({name: value for name, value in asdict(first).items() if name != "stream_token"})
    )

    with occupied(tmp_path, ports) as places:
        second = places.secrets

    assert len(second.stream_token) >= 32
    assert replace(second, stream_token=first.stream_token) == first
    assert json.loads(kept.read_text()) == asdict(second)


def _is_alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _listening_addresses(process: psutil.Process) -> set[str]:
    return {
        connection.laddr.ip
        for connection in process.net_connections(kind="tcp")
        if connection.status == psutil.CONN_LISTEN
    }
