"""From an empty directory to streams that bring what happens outside a login, with the commands of the pages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
import requests
from psycopg.rows import dict_row
from typer.testing import CliRunner, Result

from frontdesk.auth0.scopes import SET_UP_SCOPES
from frontdesk.cli import app
from frontdesk.demo.postgres import free_port
from frontdesk.errors import FrontdeskError
from localauth0 import LocalAuth0
from localhasura import LocalHasura
from tests.acceptance.conftest import wait_for
from tests.acceptance.serving import serving, working

pytestmark = pytest.mark.timeout(240)
ADMIN = {"client_id": "admin", "client_secret": "the-secret-of-the-dashboard-token"}
AUDIENCE = "https://hasura.example.com"
CONNECTION = "Username-Password-Authentication"
USER, EMAIL, PASSWORD = "auth0|64b0f1e2d3c4b5a697887766", "ana@example.com", "a-password-of-the-tests"
REALM = "http://auth0.com/oauth/grant-type/password-realm"
TENANT = {
    "tenant": "acme",
    "clients": [
        {**ADMIN, "name": "Dashboard", "app_type": "non_interactive", "grant_types": ["client_credentials"]},
        {"client_id": "shop", "name": "Shop", "app_type": "native", "grant_types": [REALM]},
    ],
    "client_grants": [
        {
            "client_id": "admin",
            "audience": "/api/v2/",
            "scope": sorted({*SET_UP_SCOPES, "update:users", "delete:users"}),
        }
    ],
    "connections": [{"id": "con_1", "name": CONNECTION, "strategy": "auth0"}],
    "users": [{"user_id": USER, "email": EMAIL, "email_verified": True, "password": PASSWORD}],
}
SECONDS = 30  # "within seconds"; a busy machine gets some more


@dataclass(frozen=True)
class House:
    """Where the operator works, and what their commands work on."""

    place: Path
    auth0: LocalAuth0
    url: str
    environment: dict[str, str]
    database: psycopg.Connection[dict[str, Any]]

    def run(self, *arguments: str) -> Result:
        """Run a frontdesk command in the directory; an error of ours is in `exception`."""
        found = CliRunner().invoke(app, list(arguments), env=self.environment)
        if found.exception is not None and not isinstance(found.exception, SystemExit | FrontdeskError):
            raise found.exception
        return found

    def done(self, *arguments: str) -> str:
        """Run a command that has to succeed, and return what it printed."""
        found = self.run(*arguments)
        assert found.exit_code == 0, found.output or found.exception
        return found.stdout

    def secret(self, name: str) -> str:
        (value,) = re.findall(rf"^FRONTDESK_{name}=(.+)$", (self.place / ".env").read_text(), re.MULTILINE)
        return str(value)

    def management_token(self) -> str:
        return self._token(
            {**ADMIN, "grant_type": "client_credentials", "audience": f"{self.auth0.url}/api/v2/"}
        )

    def log_in(self) -> None:
        form = {"grant_type": REALM, "realm": CONNECTION, "client_id": "shop", "audience": AUDIENCE}
        self._token({**form, "username": EMAIL, "password": PASSWORD})

    def change(self, method: str, changes: dict[str, object] | None = None) -> None:
        """Do to the user what an application does by the Management API."""
        answer = requests.request(
            method,
            f"{self.auth0.url}/api/v2/users/{USER}",
            json=changes,
            headers={"Authorization": f"Bearer {self.management_token()}"},
            timeout=30,
        )
        assert answer.ok, answer.text

    def comes_true(self, condition: str) -> None:
        """Wait until the user's row meets an SQL condition."""
        query = f"select 1 from users where user_id = %s and ({condition})"
        wait_for(lambda: bool(self.rows(query, USER)), SECONDS)

    def rows(self, query: str, *values: object) -> list[dict[str, Any]]:
        return self.database.execute(query.encode(), values).fetchall()

    def _token(self, form: dict[str, str]) -> str:
        answer = requests.post(f"{self.auth0.url}/oauth/token", data=form, timeout=30)
        assert answer.ok, answer.text
        return str(answer.json()["access_token"])


@contextmanager
def a_house(place: Path, database_url: str) -> Iterator[House]:
    """Everything that runs already when somebody sets frontdesk up: a tenant and a database."""
    with ExitStack() as stack:
        auth0 = stack.enter_context(LocalAuth0(tenant=TENANT))
        url = f"http://127.0.0.1:{free_port()}"
        environment = {
            "NO_COLOR": "1",
            "FRONTDESK_CONFIG": str(place / "frontdesk.toml"),
            "FRONTDESK_SERVER_PORT": url.rpartition(":")[2],
            "FRONTDESK_SERVER_WORKERS": "1",
            "FRONTDESK_TENANTS_DEFAULT_ISSUER": auth0.issuer,
            "FRONTDESK_TENANTS_DEFAULT_MANAGEMENT_URL": auth0.url,
            "FRONTDESK_DATABASE_URL": database_url,
        }
        database = stack.enter_context(psycopg.connect(database_url, autocommit=True, row_factory=dict_row))
        yield House(place, auth0, url, environment, database)


def set_up(house: House, stack: ExitStack, database_url: str) -> str:
    """Follow the pages up to `auth0 setup`, and return what that said."""
    hasura = f"http://127.0.0.1:{free_port()}"
    addresses = (
        "--domain",
        house.auth0.url.removeprefix("http://"),
        "--hasura-url",
        hasura,
        "--url",
        house.url,
    )
    house.done("init", "--dir", str(house.place), "--audience", AUDIENCE, *addresses)
    engine = LocalHasura(
        database_url=database_url,
        admin_secret=house.secret("HASURA_ADMIN_SECRET"),
        jwt_secret=house.done("jwt-secret").strip(),
        port=int(hasura.rpartition(":")[2]),
    )
    stack.enter_context(engine)
    house.done("hasura", "apply")
    house.done("db", "apply")
    stack.enter_context(serving(house.place, house.environment, house.url))
    token = house.place / "management-token.txt"
    token.write_text(house.management_token() + "\n")
    return house.done("auth0", "setup", "--token-file", str(token), "--write", "--yes")


def test_a_new_installation_sees_what_happens_outside_a_login(tmp_path: Path, database_url: str) -> None:
    with a_house(tmp_path, database_url) as house, ExitStack() as stack:
        told = set_up(house, stack, database_url)
        assert "Created log stream frontdesk-log-stream." in told
        assert "Created event stream frontdesk-event-stream." in told
        assert "paused" not in told

        with working(tmp_path, house.environment):
            _what_happens_to_a_user_reaches_hasura(house)
            assert house.done("doctor").endswith("Nothing is broken.\n")

        _what_comes_without_a_worker_waits_and_is_told(house)
        with working(tmp_path, house.environment):
            wait_for(lambda: house.done("jobs", "list").startswith("Nothing waits"), SECONDS)
            _kept_deliveries_can_be_taken_again(house)


def _what_happens_to_a_user_reaches_hasura(house: House) -> None:
    house.log_in()
    house.comes_true("last_login is not null")
    house.change("PATCH", {"email": "new@example.com"})
    house.comes_true("email = 'new@example.com'")
    house.change("PATCH", {"blocked": True})
    house.comes_true("blocked")
    house.change("DELETE")
    house.comes_true("deleted_at is not null")
    wait_for(lambda: {"login", "email_changed", "deleted"} <= _activities(house), SECONDS)


def _what_comes_without_a_worker_waits_and_is_told(house: House) -> None:
    token = house.secret("TENANTS_DEFAULT_STREAM_TOKENS")
    hook = f"{house.url}/hooks/default/webhook-extension"
    record = {"_id": "9" * 24, "date": "2026-11-01T00:00:00.000Z", "type": "fp", "user_name": EMAIL}

    refused = requests.post(hook, params={"writeKey": "w" * 40}, json=[record], timeout=30)
    taken = requests.post(hook, params={"writeKey": token}, json=[record], timeout=30)

    assert (refused.status_code, taken.status_code) == (401, 202)
    assert "no valid signature or token" in refused.json()["detail"]
    assert token not in (house.place / "serve.log").read_text()
    assert "webhook-extension" in house.done("jobs", "list")
    told = house.done("doctor")
    assert "! worker: None is running" in told
    assert "Nothing is broken; warnings: " in told


def _kept_deliveries_can_be_taken_again(house: House) -> None:
    before = house.rows("select * from auth_activities order by id")
    assert "failed_login" in {row["activity"] for row in before}

    told = house.done("replay", "--since", "2026-01-01T00:00", "--way", "webhook-extension")

    assert told == "Waiting again: deliveries: 1, records: 1.\n"
    wait_for(lambda: house.done("jobs", "list").startswith("Nothing waits"), SECONDS)
    assert [row for row in house.rows("select * from auth_activities order by id") if row in before] == before


def _activities(house: House) -> set[str]:
    return {
        row["activity"] for row in house.rows("select activity from auth_activities where user_id = %s", USER)
    }
