"""`frontdesk serve` as an operator runs it: processes of its own, stopped by signals."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from tests.builders import (
    ADMIN_SECRET,
    HOOK_SECRET,
    OPERATOR_TOKEN,
    a_hook_body,
    a_signed_call,
    an_environment,
)
from tests.integration.web.fake_hasura import HANGS, FakeHasura

from frontdesk.demo.postgres import free_port
from frontdesk.web.worker import REQUEST_ARRIVAL_LIMIT_S

START_LIMIT_S = 30.0
STOP_LIMIT_S = 20.0


@dataclass
class Service:
    """A running `frontdesk serve`."""

    process: subprocess.Popen[bytes]
    port: int
    log_file: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log_file.read_text().splitlines()]

    def post_login(self, **changes: Any) -> requests.Response:
        raw, headers = a_signed_call(a_hook_body(changes=changes))
        return requests.post(f"{self.url}/hooks/default/post-login", data=raw, headers=headers, timeout=20)

    def stop(self) -> int:
        self.process.terminate()
        return self.process.wait(STOP_LIMIT_S)


StartService = Callable[..., Service]


def wait_until(condition: Callable[[], bool], limit_s: float = START_LIMIT_S) -> None:
    deadline = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.02)


def answers(url: str) -> bool:
    try:
        return requests.get(f"{url}/healthz", timeout=5).status_code == 200
    except requests.ConnectionError:
        return False


def refuses_connections(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except ConnectionRefusedError:
        return True
    return False


def worker_processes(service: Service) -> list[int]:
    booted = (re.search(r"Booting worker with pid: (\d+)", entry["event"]) for entry in service.log)
    return [int(found[1]) for found in booted if found]


def end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_LIMIT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def environment_of(tmp_path: Path, **changes: str) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return kept | {"TMPDIR": str(tmp_path)} | an_environment(**changes)


@pytest.fixture
def start_service(hasura: FakeHasura, tmp_path: Path) -> Iterator[StartService]:
    """Start `frontdesk serve` on a free port, with the settings of the tests and some changes."""
    with services(hasura, tmp_path) as start:
        yield start


@contextlib.contextmanager
def services(hasura: FakeHasura, place: Path) -> Iterator[StartService]:
    """Start services that run, and write their logs, in a folder; each ends with the block."""
    with contextlib.ExitStack() as stack:

        def start(**changes: str) -> Service:
            port = free_port()
            settings = {"HASURA_URL": hasura.url, "SERVER_PORT": str(port), **changes}
            log_file = place / f"{port}.log"
            with log_file.open("wb") as log:
                process = subprocess.Popen(
                    [sys.executable, "-m", "frontdesk", "serve"],
                    env=environment_of(place, **settings),
                    cwd=place,
                    stdout=log,
                    stderr=log,
                )
            stack.callback(end, process)
            service = Service(process, port, log_file)
            wait_until(lambda: process.poll() is not None or answers(service.url))
            assert process.poll() is None, log_file.read_text()
            return service

        yield start


def run_serve(
    tmp_path: Path, environment: dict[str, str], *arguments: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "frontdesk", "serve", *arguments],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=START_LIMIT_S,
        check=False,
    )


def test_logins_at_the_same_time_are_all_answered_and_every_line_is_json(start_service: StartService) -> None:
    service = start_service()

    with ThreadPoolExecutor(8) as pool:
        logins = [
            pool.submit(service.post_login, **{"user.user_id": f"auth0|{number}"}) for number in range(40)
        ]
        found = [login.result() for login in logins]

    assert {response.status_code for response in found} == {200}
    assert all(response.json()["synced"] for response in found)
    assert any("gunicorn" in entry["event"] for entry in service.log)
    assert sum(entry["event"] == "http.request" and entry["method"] == "POST" for entry in service.log) == 40
    assert not any(secret in service.log_file.read_text() for secret in (ADMIN_SECRET, HOOK_SECRET))


def test_a_login_in_flight_is_answered_when_the_service_is_told_to_stop(
    start_service: StartService, hasura: FakeHasura
) -> None:
    service = start_service(LOGIN_BUDGET_S="1.4")
    hasura.behaviour = HANGS

    with ThreadPoolExecutor(1) as pool:
        login = pool.submit(service.post_login)
        wait_until(lambda: len(hasura.requests) == 1)
        code = service.stop()

    assert login.result().json()["synced"] is False
    assert code == 0


def test_a_service_that_stops_lets_nobody_wait_who_comes_too_late(
    start_service: StartService, hasura: FakeHasura
) -> None:
    service = start_service(LOGIN_BUDGET_S="1.4")
    hasura.behaviour = HANGS

    with ThreadPoolExecutor(1) as pool:
        login = pool.submit(service.post_login)
        wait_until(lambda: len(hasura.requests) == 1)
        service.process.terminate()
        wait_until(lambda: refuses_connections(service.port))

        assert not login.done()
        assert login.result().status_code == 200


def test_connections_that_wait_when_the_service_stops_are_answered(start_service: StartService) -> None:
    service = start_service(SERVER_WORKERS="1")
    raw, headers = a_signed_call(a_hook_body())
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    request = (
        f"POST /hooks/default/post-login HTTP/1.1\r\nHost: desk\r\nContent-Length: {len(raw)}\r\n{head}\r\n"
    ).encode() + raw
    (worker,) = worker_processes(service)

    # A worker that stands still accepts nobody: the connections wait in the queue of the address.
    os.kill(worker, signal.SIGSTOP)
    with contextlib.ExitStack() as stack:
        waiting = [
            stack.enter_context(socket.create_connection(("127.0.0.1", service.port), timeout=20))
            for _ in range(5)
        ]
        for connection in waiting:
            connection.sendall(request)
        service.process.terminate()
        wait_until(lambda: any("Handling signal: term" in entry["event"] for entry in service.log))
        os.kill(worker, signal.SIGCONT)
        answers = [connection.recv(65536) for connection in waiting]

    assert [answer[:15] for answer in answers] == [b"HTTP/1.1 200 OK"] * 5


def test_the_numbers_of_all_processes_come_together_and_leave_nothing_behind(
    start_service: StartService, tmp_path: Path
) -> None:
    service = start_service(OPERATOR_TOKEN=OPERATOR_TOKEN, SERVER_WORKERS="2", SERVER_THREADS="1")
    sent = 0

    def both_processes_have_counted() -> bool:
        nonlocal sent
        sent += 1
        assert service.post_login().status_code == 200
        return len(list(tmp_path.glob("frontdesk-metrics-*/counter_*.db"))) == 2

    wait_until(both_processes_have_counted)
    metrics = requests.get(
        f"{service.url}/metrics", headers={"Authorization": f"Bearer {OPERATOR_TOKEN}"}, timeout=20
    ).text

    assert f'frontdesk_checkins_total{{decision="allow",outcome="written"}} {sent}.0' in metrics
    service.stop()
    assert list(tmp_path.glob("frontdesk-metrics-*")) == []


@pytest.mark.parametrize("chunked", [False, True], ids=["with a length", "chunked"])
def test_a_body_above_the_limit_is_refused_in_production_too(
    start_service: StartService, chunked: bool
) -> None:
    service = start_service()
    body = b"x" * (256 * 1024 + 1)

    response = requests.post(
        f"{service.url}/hooks/default/post-login", data=iter([body]) if chunked else body, timeout=20
    )

    assert response.status_code == 413
    assert service.post_login().status_code == 200


def test_a_request_that_drips_in_is_cut_off(start_service: StartService) -> None:
    service = start_service(SERVER_WORKERS="1", SERVER_THREADS="1")
    start = time.monotonic()

    with socket.create_connection(("127.0.0.1", service.port), timeout=20) as connection:
        connection.sendall(
            b"POST /hooks/default/post-login HTTP/1.1\r\nHost: desk\r\nContent-Length: 1000\r\n\r\nx"
        )
        answer = connection.recv(65536)

    assert answer.startswith(b"HTTP/1.1 400")
    assert REQUEST_ARRIVAL_LIMIT_S - 0.5 < time.monotonic() - start < REQUEST_ARRIVAL_LIMIT_S + 5
    assert service.post_login().status_code == 200


def test_a_kept_alive_connection_serves_request_after_request(start_service: StartService) -> None:
    service = start_service()

    with requests.Session() as session:
        for _ in range(5):
            raw, headers = a_signed_call(a_hook_body())
            response = session.post(
                f"{service.url}/hooks/default/post-login", data=raw, headers=headers, timeout=20
            )
            assert response.json()["synced"] is True


def test_wrong_settings_stop_the_start_with_every_fault_and_exit_code_2(tmp_path: Path) -> None:
    done = run_serve(tmp_path, environment_of(tmp_path, SERVER_PORT="0", HASURA_URL="hasura"))

    assert done.returncode == 2
    assert done.stderr.startswith("frontdesk: The settings are wrong:\n")
    assert "FRONTDESK_SERVER_PORT" in done.stderr
    assert "FRONTDESK_HASURA_URL" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_taken_port_is_named_with_how_to_choose_another(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run_serve(tmp_path, environment_of(tmp_path), "--port", str(port))

    assert done.returncode == 1
    assert f"port {port}" in done.stderr
    assert "--port" in done.stderr
    assert "FRONTDESK_SERVER_PORT" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_older_schema_of_its_own_stops_the_start(tmp_path: Path, database_url: str) -> None:
    done = run_serve(tmp_path, environment_of(tmp_path, DATABASE_URL=database_url))

    assert done.returncode == 1
    assert "run `frontdesk db apply`" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_database_of_its_own_that_is_away_keeps_nobody_from_logging_in(start_service: StartService) -> None:
    service = start_service(DATABASE_URL="postgresql://me:hunter2hunter2@127.0.0.1:1/x")

    answer = service.post_login()

    assert (answer.status_code, answer.json()["synced"]) == (200, True)
    told = next(entry for entry in service.log if entry["event"] == "serve.store_unavailable")
    assert "Connection refused" in told["reason"]
    assert "hunter2" not in service.log_file.read_text()
