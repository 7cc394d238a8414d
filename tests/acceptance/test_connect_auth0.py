"""docs/how-to/connect-auth0.md, from top to bottom: every command in it is run, against the stand-ins."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import requests

from frontdesk.auth0.scopes import SET_UP_SCOPES
from frontdesk.demo.postgres import free_port
from frontdesk.settings_reference import PROJECT
from localauth0 import LocalAuth0
from localhasura import LocalHasura
from tests.acceptance import browser_login
from tests.acceptance.serving import serving

PAGE = PROJECT / "docs" / "how-to" / "connect-auth0.md"
ADMIN = {"client_id": "admin", "client_secret": "the-secret-of-the-dashboard-token"}
USER = "auth0|64b0f1e2d3c4b5a697887766"
TENANT = {
    "tenant": "acme",
    "clients": [
        {
            **ADMIN,
            "name": "API Explorer",
            "app_type": "non_interactive",
            "grant_types": ["client_credentials"],
        }
    ],
    "client_grants": [{"client_id": "admin", "audience": "/api/v2/", "scope": sorted(SET_UP_SCOPES)}],
    "connections": [{"id": "con_1", "name": "Username-Password-Authentication", "strategy": "auth0"}],
    "users": [
        {
            "user_id": USER,
            "email": browser_login.EMAIL,
            "email_verified": True,
            "password": browser_login.PASSWORD,
        }
    ],
}
LIMIT_S = 90


def commands_of_the_page() -> list[str]:
    blocks = re.findall(r"```sh\n(.*?)```", PAGE.read_text(), flags=re.DOTALL)
    return [line for block in blocks for line in block.splitlines()]


@dataclass
class Walk:
    """The person who follows the page: a directory, an environment, and what is running."""

    place: Path
    stack: ExitStack
    auth0: LocalAuth0
    database_url: str
    addresses: Mapping[str, str]
    environment: dict[str, str]
    printed: dict[str, str] = field(default_factory=dict)

    def follow(self, line: str) -> None:
        """Run one command of the page as it stands, but for the addresses, and do what the page says around it."""
        words = shlex.split(self._local(line))
        assert words[0] == "frontdesk"
        if words[1] == "serve":
            self._serve()
            return
        done = subprocess.run(
            [sys.executable, "-m", *words],
            cwd=self.place,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )
        assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"
        self.printed[line] = done.stdout
        if words[1] == "init":
            self._save_the_management_token()
        elif words[1] == "jwt-secret":
            self._start_hasura(done.stdout.strip())

    def _local(self, line: str) -> str:
        for public, local in self.addresses.items():
            line = line.replace(public, local)
        return line

    def _save_the_management_token(self) -> None:
        form = {**ADMIN, "grant_type": "client_credentials", "audience": f"{self.auth0.url}/api/v2/"}
        answer = requests.post(f"{self.auth0.url}/oauth/token", data=form, timeout=30)
        (self.place / "management-token.txt").write_text(answer.json()["access_token"] + "\n")

    def _start_hasura(self, jwt_secret: str) -> None:
        (secret,) = re.findall(r"^FRONTDESK_HASURA_ADMIN_SECRET=(.+)$", self._dotenv(), flags=re.MULTILINE)
        port = int(self.addresses["https://hasura.internal.example.com"].rpartition(":")[2])
        self.stack.enter_context(
            LocalHasura(database_url=self.database_url, admin_secret=secret, jwt_secret=jwt_secret, port=port)
        )

    def _serve(self) -> None:
        url = self.addresses["https://frontdesk.example.com"]
        self.stack.enter_context(serving(self.place, self.environment, url))

    def _dotenv(self) -> str:
        return (self.place / ".env").read_text()


@contextmanager
def a_walk(place: Path, database_url: str) -> Iterator[Walk]:
    """What the page presupposes: a tenant, a database, and a clone of the project."""
    with ExitStack() as stack:
        auth0 = stack.enter_context(LocalAuth0(tenant=TENANT))
        port, hasura = free_port(), free_port()
        environment = {
            "NO_COLOR": "1",
            "FRONTDESK_SERVER_PORT": str(port),
            "FRONTDESK_SERVER_WORKERS": "1",
            "FRONTDESK_TENANTS_DEFAULT_ISSUER": auth0.issuer,
            "FRONTDESK_TENANTS_DEFAULT_MANAGEMENT_URL": auth0.url,
            "BROWSER": f"{sys.executable} {browser_login.__file__} %s &",
        }
        addresses = {
            "acme.eu.auth0.com": auth0.url.removeprefix("http://"),
            "https://hasura.internal.example.com": f"http://127.0.0.1:{hasura}",
            "https://frontdesk.example.com": f"http://127.0.0.1:{port}",
        }
        yield Walk(place, stack, auth0, database_url, addresses, environment)


@pytest.mark.timeout(240)
def test_the_page_leads_from_an_empty_tenant_to_ones_own_row(tmp_path: Path, database_url: str) -> None:
    lines = commands_of_the_page()

    with a_walk(tmp_path, database_url) as walk:
        for line in lines:
            walk.follow(line)

    (query,) = [line for line in lines if "token query" in line]
    (user,) = json.loads(walk.printed[query])["users"]
    assert (user["userId"], user["email"]) == (USER, browser_login.EMAIL)
    assert "Nothing changed." in walk.printed["frontdesk auth0 setup"]
    assert len(lines) == 11
