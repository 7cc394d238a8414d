"""A tenant whose logins run our Action, `frontdesk serve` behind it, and an operator who rotates."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests
from tests.builders import ADMIN_SECRET, HOOK_SECRET, OPERATOR_TOKEN, a_hook_body, a_signed_call
from tests.integration.auth0.action_tenant import CLIENT_ID, CLIENT_SECRET, a_tenant_of_machines
from tests.integration.localauth0 import acme
from tests.integration.web.fake_hasura import running_fake_hasura
from typer.testing import CliRunner

from frontdesk.auth0.management import Credentials, ManagementApi
from frontdesk.cli import app
from frontdesk.demo.postgres import free_port
from frontdesk.errors import FrontdeskError
from localauth0 import LocalAuth0

LIMIT_S = 60.0
STREAM_TOKEN = "the-stream-token-of-the-tests-0123456789"
PAUSE_S = 0.4  # between two logins


@dataclass(frozen=True)
class Done:
    """What came of a command."""

    returncode: int
    stdout: str
    stderr: str


@dataclass
class House:
    """What runs, and where its settings are."""

    folder: Path
    auth0: LocalAuth0
    url: str
    environment: dict[str, str]
    log: Path
    pid: int = 0

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "frontdesk", *words]

    def run(self, *words: str, **variables: str) -> Done:
        """Run a command in this process, which spares its start."""
        result = CliRunner().invoke(app, words, env={**self.environment, **variables})
        if isinstance(result.exception, FrontdeskError):
            return Done(result.exception.exit_code, result.stdout, result.stderr + result.exception.detail)
        if not isinstance(result.exception, SystemExit | None):
            raise result.exception
        return Done(result.exit_code, result.stdout, result.stderr)

    def rotate(self, *words: str, **variables: str) -> Done:
        return self.run("secrets", "rotate", *words, "--settle", "0", **variables)

    def rotate_until(self, line: int, *words: str) -> None:
        """Rotate, and kill the process as soon as it has said so many lines."""
        process = subprocess.Popen(
            self.command("secrets", "rotate", *words, "--settle", "0"),
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert process.stdout is not None
        said = [process.stdout.readline() for _ in range(line)]
        process.kill()
        process.wait(LIMIT_S)
        process.stdout.close()
        assert all(said), said

    def secrets(self, name: str = "hook") -> list[str]:
        return (self.folder / name).read_text().split()

    def accepts(self, secret: str) -> bool:
        body, headers = a_signed_call(a_hook_body(), secret=secret)
        answer = requests.post(f"{self.url}/hooks/default/post-login", data=body, headers=headers, timeout=20)
        assert answer.status_code in (200, 401)
        return answer.status_code == 200

    def reads_metrics(self, token: str) -> int:
        headers = {"Authorization": f"Bearer {token}"}
        return requests.get(f"{self.url}/metrics", headers=headers, timeout=20).status_code

    def logged(self, event: str) -> list[dict[str, Any]]:
        entries = [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]
        return [entry for entry in entries if entry.get("event") == event]

    @contextlib.contextmanager
    def logins(self) -> Iterator[Logins]:
        """People log in one after the other inside the block."""
        logins = Logins(self.auth0.url)
        thread = threading.Thread(target=logins.go_on, daemon=True)
        thread.start()
        yield logins
        logins.ending.set()
        thread.join(LIMIT_S)

    def api(self) -> ManagementApi:
        return ManagementApi(self.auth0.url, Credentials(client_id=CLIENT_ID, client_secret=CLIENT_SECRET))


@dataclass
class Logins:
    """Logins at a steady rate: how many came through, and what the others were told."""

    url: str
    done: int = 0
    refused: list[str] = field(default_factory=list)
    ending: threading.Event = field(default_factory=threading.Event)

    def go_on(self) -> None:
        while not self.ending.wait(PAUSE_S):
            try:
                with acme.Browser(self.url) as browser:
                    parameters = browser.log_in().parameters
            except requests.RequestException as error:
                parameters = {"error": repr(error)}
            if "code" in parameters:
                self.done += 1
            else:
                self.refused.append(str(parameters))


def wait_until(condition: Callable[[], bool]) -> None:
    give_up_at = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < give_up_at, "waited too long"
        time.sleep(0.05)


@contextlib.contextmanager
def a_house(folder: Path, *, workers: int = 2) -> Iterator[House]:
    """Everything running, and the Action deployed. Each secret is in a file of its own."""
    with ExitStack() as stack:
        hasura = stack.enter_context(running_fake_hasura())
        auth0 = stack.enter_context(LocalAuth0(tenant=_tenant(), data_dir=folder / "auth0"))
        port = free_port()
        for name, value in (("hook", HOOK_SECRET), ("stream", STREAM_TOKEN), ("operator", OPERATOR_TOKEN)):
            (folder / name).write_text(f"{value}\n")
            (folder / name).chmod(0o600)
        house = House(
            folder=folder,
            auth0=auth0,
            url=f"http://127.0.0.1:{port}",
            environment=_environment(folder, auth0.url, hasura.url, port, workers),
            log=folder / "serve.log",
        )
        deployed = house.run("actions", "deploy")
        assert deployed.returncode == 0, deployed.stderr
        stack.enter_context(_serving(house))
        yield house


def _tenant() -> dict[str, Any]:
    known, machine = acme.a_tenant(), a_tenant_of_machines()
    return {
        **known,
        **{name: [*known[name], *machine[name]] for name in ("clients", "client_grants")},
        # Longer than a replica needs to read its files: a secret that goes too early is missed meanwhile.
        "action_builds": {"seconds": 1.5, "looks": None},
    }


def _environment(folder: Path, auth0: str, hasura: str, port: int, workers: int) -> dict[str, str]:
    tenant = {
        "DOMAIN": "acme.eu.auth0.com",
        "AUDIENCE": acme.API,
        "MANAGEMENT_URL": auth0,
        "MANAGEMENT_CLIENT_ID": CLIENT_ID,
        "MANAGEMENT_CLIENT_SECRET": CLIENT_SECRET,
        "HOOK_SECRETS_FILE": str(folder / "hook"),
        "STREAM_TOKENS_FILE": str(folder / "stream"),
    }
    settings = {
        **{f"TENANTS_DEFAULT_{name}": value for name, value in tenant.items()},
        "HASURA_URL": hasura,
        "HASURA_ADMIN_SECRET": ADMIN_SECRET,
        "OPERATOR_TOKEN_FILE": str(folder / "operator"),
        "ACTION_URL": f"http://127.0.0.1:{port}",
        # A call that is refused then refuses the login, so that no failure goes unseen.
        "ACTION_ON_FAILURE": "deny",
        "ACTION_DEADLINE_MS": "5000",
        "SERVER_PORT": str(port),
        "SERVER_WORKERS": str(workers),
        "LOG_FORMAT": "json",
    }
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return (
        kept | {"TMPDIR": str(folder), "NO_COLOR": "1"} | {f"FRONTDESK_{k}": v for k, v in settings.items()}
    )


@contextlib.contextmanager
def _serving(house: House) -> Iterator[None]:
    with house.log.open("wb") as log:
        process = subprocess.Popen(
            house.command("serve"), cwd=house.folder, env=house.environment, stdout=log, stderr=log
        )
    house.pid = process.pid
    try:
        wait_until(lambda: process.poll() is not None or _answers(house.url))
        assert process.poll() is None, house.log.read_text()
        yield
    finally:
        process.terminate()
        process.wait(LIMIT_S)


def _answers(url: str) -> bool:
    try:
        return requests.get(f"{url}/readyz", timeout=5).status_code == 200
    except requests.ConnectionError:
        return False
