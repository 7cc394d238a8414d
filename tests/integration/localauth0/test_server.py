"""The server as a process and as an object: start, readiness, end."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest
import requests
from tests.integration.localauth0.acme import TIMEOUT_S, Browser, a_tenant, wait_until, with_action
from tests.integration.localauth0.conftest import StartTenant

from localauth0 import LocalAuth0
from localauth0.errors import LocalAuth0Error

LIMIT_S = 20.0


@pytest.fixture
def tenant_file(tmp_path: Path) -> Path:
    (tmp_path / "actions").mkdir()
    (tmp_path / "actions" / "deny.js").write_text(
        "exports.onExecutePostLogin = async (event, api) => { api.access.deny(event.secrets.WHY); };"
    )
    action = {
        "name": "deny",
        "trigger": "post-login",
        "code_file": "actions/deny.js",
        "runtime": "node22",
        "secrets": {"WHY": "closed today"},
    }
    path = tmp_path / "tenant.json"
    path.write_text(json.dumps(a_tenant(actions=[action], bindings={"post-login": ["deny"]})))
    return path


@pytest.fixture
def process(tenant_file: Path) -> Iterator[subprocess.Popen[str]]:
    with run_process("--port", "0", "--tenant-file", str(tenant_file)) as started:
        yield started
        started.kill()


def test_the_process_says_in_one_line_where_it_is_ready(process: subprocess.Popen[str]) -> None:
    url = ready_url(process)

    with Browser(url) as browser:
        assert browser.log_in().error == ("access_denied", "closed today")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_process_and_its_node_process(
    process: subprocess.Popen[str], number: signal.Signals
) -> None:
    ready_url(process)
    (node,) = psutil.Process(process.pid).children()

    process.send_signal(number)

    assert process.wait(LIMIT_S) == 0
    assert process.communicate()[1] == ""
    assert not node.is_running()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_node_does_not_outlive_its_parent_even_in_an_endless_action(
    tmp_path: Path, number: signal.Signals
) -> None:
    path = tmp_path / "tenant.json"
    path.write_text(json.dumps(with_action("while (true) {}")))
    with run_process("--port", "0", "--tenant-file", str(path)) as process, ThreadPoolExecutor(1) as pool:
        url = ready_url(process)
        (node,) = psutil.Process(process.pid).children()
        idle_threads = node.num_threads()
        login = pool.submit(log_in, url)
        wait_until(lambda: node.num_threads() > idle_threads)

        process.send_signal(number)

        process.communicate(timeout=LIMIT_S / 2)
        psutil.wait_procs([node], timeout=LIMIT_S)
        assert not node.is_running()
        assert isinstance(login.exception(LIMIT_S), requests.ConnectionError)


def test_a_taken_port_is_named(tenant_file: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with run_process("--port", str(port), "--tenant-file", str(tenant_file)) as process:
            out, err = process.communicate(timeout=LIMIT_S)

    assert (process.returncode, out) == (1, "")
    assert err == f"localauth0: port {port} on 127.0.0.1 is taken; choose another with --port\n"


def test_a_faulty_tenant_file_stops_the_start_and_names_the_field(tmp_path: Path) -> None:
    path = tmp_path / "tenant.json"
    path.write_text(json.dumps(a_tenant(users=[{"user_id": "auth0|1", "password": 12345}])))

    with run_process("--port", "0", "--tenant-file", str(path)) as process:
        _, err = process.communicate(timeout=LIMIT_S)

    assert process.returncode == 1
    assert "users[0].password" in err
    assert "12345" not in err


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "example.com"])
def test_only_loopback_addresses_are_listened_on(host: str) -> None:
    with pytest.raises(LocalAuth0Error, match="expected a loopback address"):
        LocalAuth0(tenant=a_tenant(), host=host)


def test_a_stopped_tenant_is_gone_and_can_be_started_again(start_tenant: StartTenant) -> None:
    tenant = start_tenant(a_tenant())
    url = tenant.url

    tenant.stop()
    with pytest.raises(requests.ConnectionError):
        requests.get(url, timeout=TIMEOUT_S)
    tenant.start()

    with Browser(tenant.url) as browser:
        assert browser.tokens()


def test_a_stop_does_not_wait_for_idle_connections(start_tenant: StartTenant) -> None:
    tenant = start_tenant(a_tenant())
    with requests.Session() as idle:
        idle.get(f"{tenant.url}/.well-known/jwks.json", timeout=TIMEOUT_S)

        tenant.stop()

        with pytest.raises(requests.ConnectionError):
            idle.get(f"{tenant.url}/.well-known/jwks.json", timeout=TIMEOUT_S)


def test_a_reset_forgets_sessions_metadata_and_executions(start_tenant: StartTenant) -> None:
    tenant = start_tenant(with_action('api.user.setAppMetadata("new", 1);'))
    with Browser(tenant.url) as browser:
        refresh_token = browser.tokens()["refresh_token"]

        tenant.reset()

        assert browser.silent().error[0] == "login_required"
        assert browser.refresh(refresh_token).status_code == 403
    assert tenant.executions == []
    profile = tenant.store.users["auth0|ana"].profile
    assert (profile["app_metadata"], profile["logins_count"]) == ({"plan": "pro", "old": True}, 4)


def log_in(url: str) -> None:
    with Browser(url) as browser:
        browser.log_in()


def run_process(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "localauth0", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONWARNINGS": "error"},
    )


def ready_url(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line.startswith("localauth0: tenant 'acme' is ready at http://127.0.0.1:"), line
    return line.split()[-1]
