"""A tenant of localauth0, an engine with our project, and frontdesk's own database, for users' own calls."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import requests
from psycopg.rows import DictRow, dict_row
from tests.builders import HOOK_SECRET, OPERATOR_TOKEN, an_environment
from tests.integration.hasura.engine import ADMIN_SECRET
from tests.loopback import LoopbackServer, QuietHandler
from typer.testing import CliRunner
from werkzeug.serving import WSGIRequestHandler, make_server

from frontdesk.cli import app
from frontdesk.errors import FrontdeskError
from frontdesk.settings import Settings, load_settings
from frontdesk.web.app import create_app
from frontdesk.web.users import EXTENSION
from localauth0 import LocalAuth0

ANN = "auth0|ann"
ODD = "auth0|ä/b%2F|?#é"
CONNECTION = "Username-Password-Authentication"
TIMEOUT_S = 30.0
POLL_S = 0.02  # how often the server looks whether it should end
OPERATOR = {"Authorization": f"Bearer {OPERATOR_TOKEN}"}
MACHINE = {"client_id": "machine", "client_secret": "the-secret-of-the-machine-0123456789"}
READER = {"client_id": "reader", "client_secret": "the-secret-of-the-reader-0123456789"}
ROLES = [
    {"id": "rol_0000000000000001", "name": "Editor", "description": "Edits"},
    {"id": "rol_0000000000000002", "name": "Viewer", "description": "Looks"},
]
ORGANIZATIONS = [
    {
        "id": "org_0000000000000001",
        "name": "globex",
        "display_name": "Globex",
        "members": [{"user_id": ANN, "roles": []}],
    }
]


def a_user(user_id: str, **fields: Any) -> dict[str, Any]:
    """Return a user of a tenant file, older than any call."""
    return {
        "user_id": user_id,
        "email_verified": True,
        "nickname": "nick",
        "created_at": "2026-01-05T08:00:00.000Z",
        "updated_at": "2026-02-05T08:00:00.123Z",
        "user_metadata": {"company": "Globex"},
        **fields,
    }


def a_tenant(users: list[dict[str, Any]]) -> dict[str, Any]:
    """Return a tenant file with a machine that may do everything, and one that may read."""
    machine = {"app_type": "non_interactive", "grant_types": ["client_credentials"]}
    reading = ["read:users", "read:roles", "read:role_members"]
    return {
        "tenant": "acme",
        "clients": [{**each, **machine, "name": each["client_id"]} for each in (MACHINE, READER)],
        "client_grants": [
            {"client_id": "machine", "audience": "/api/v2/", "allow_all_scopes": True},
            {"client_id": "reader", "audience": "/api/v2/", "scope": reading},
        ],
        "connections": [{"id": "con_0000000000000001", "name": CONNECTION, "strategy": "auth0"}],
        "users": users,
        "roles": ROLES,
        "organizations": ORGANIZATIONS,
    }


@dataclass(frozen=True)
class Done:
    """What a command ended with."""

    returncode: int
    stdout: str
    stderr: str

    def json(self) -> dict[str, Any]:
        facts: dict[str, Any] = json.loads(self.stdout)
        return facts


@dataclass
class House:
    """Both sides of one tenant."""

    tenant: str
    auth0: LocalAuth0
    hasura_url: str
    rows: psycopg.Connection[DictRow]
    store: psycopg.Connection[DictRow]
    store_url: str
    place: Path
    changes: dict[str, str] = field(default_factory=dict)
    machine: Mapping[str, str] = field(default_factory=lambda: MACHINE)
    url: str = ""  # of a running frontdesk

    def environment(self) -> dict[str, str]:
        """Return the variables of this tenant."""
        key = f"TENANTS_{self.tenant.upper()}"
        known = {
            "HASURA_URL": self.hasura_url,
            "HASURA_ADMIN_SECRET": ADMIN_SECRET,
            "OPERATOR_TOKEN": OPERATOR_TOKEN,
            "DATABASE_URL": self.store_url,
            f"{key}_DOMAIN": self.auth0.url.removeprefix("http://"),
            f"{key}_MANAGEMENT_URL": self.auth0.url,
            f"{key}_ISSUER": self.auth0.issuer,
            f"{key}_AUDIENCE": "https://api.example.com",
            f"{key}_HOOK_SECRETS": HOOK_SECRET,
            f"{key}_MANAGEMENT_CLIENT_ID": self.machine["client_id"],
            f"{key}_MANAGEMENT_CLIENT_SECRET": self.machine["client_secret"],
        }
        made = an_environment(**{**known, **self.changes})
        return {name: value for name, value in made.items() if "TENANTS_DEFAULT_" not in name}

    def settings(self) -> Settings:
        return load_settings(self.environment(), self.place)

    def users(self, *arguments: str, stdin: str | None = None) -> Done:
        """Call `frontdesk users`."""
        ran = CliRunner().invoke(app, ["users", *arguments], env=self.environment(), input=stdin)
        if ran.exception is None or isinstance(ran.exception, SystemExit):
            return Done(ran.exit_code, ran.stdout, ran.stderr)
        assert isinstance(ran.exception, FrontdeskError), ran.exception
        return Done(ran.exception.exit_code, ran.stdout, ran.stderr + ran.exception.detail)

    def call(
        self, method: str, path: str = "", body: Any = None, headers: Mapping[str, str] = OPERATOR
    ) -> requests.Response:
        """Call the API below `/api/users/<tenant>`; `path` is as it goes over the wire."""
        return requests.request(
            method,
            f"{self.url}/api/users/{self.tenant}{path}",
            json=body,
            headers=dict(headers),
            timeout=TIMEOUT_S,
        )

    def profile(self, user_id: str = ANN) -> dict[str, Any]:
        """Return what Auth0 has."""
        found: dict[str, Any] = self.auth0.store.users[user_id].profile
        return found

    def row(self, user_id: str = ANN) -> dict[str, Any] | None:
        """Return what PostgreSQL has."""
        return self.rows.execute(
            "SELECT * FROM public.users WHERE tenant = %s AND user_id = %s", (self.tenant, user_id)
        ).fetchone()

    def there(self, user_id: str = ANN) -> dict[str, Any]:
        """Return a row that has to be there."""
        row = self.row(user_id)
        assert row is not None
        return row

    def grants(self, user_id: str = ANN) -> Sequence[tuple[str, str]]:
        """Return somebody's roles with their source."""
        found = self.rows.execute(
            "SELECT role, source FROM public.user_roles WHERE tenant = %s AND user_id = %s ORDER BY 1, 2",
            (self.tenant, user_id),
        ).fetchall()
        return [(each["role"], each["source"]) for each in found]

    def audit(self) -> list[dict[str, Any]]:
        """Return the lines of the audit as they stand, the oldest first."""
        return self.store.execute("SELECT * FROM frontdesk.audit ORDER BY id").fetchall()

    def killed_at(self, document: str, *arguments: str) -> None:
        """Call `frontdesk users`, and kill it while Hasura has the GraphQL operation `document` and does not answer."""
        with _HoldingHasura(self.hasura_url, document) as hasura:
            process = subprocess.Popen(
                [sys.executable, "-m", "frontdesk", "users", *arguments],
                env={"PATH": os.environ["PATH"], **self.environment(), "FRONTDESK_HASURA_URL": hasura.url},
                cwd=self.place,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            asked = hasura.asked.wait(TIMEOUT_S)
            process.send_signal(signal.SIGKILL)
            process.wait(TIMEOUT_S)
            hasura.go_on.set()
        assert asked


@contextmanager
def a_house(
    *, tenant: str, auth0: LocalAuth0, hasura_url: str, rows_url: str, store_url: str, place: Path
) -> Iterator[House]:
    """Open a house whose tenant is as its file has it; its connections end with the block."""
    auth0.reset()
    with (
        psycopg.connect(rows_url, autocommit=True, row_factory=dict_row) as rows,
        psycopg.connect(store_url, autocommit=True, row_factory=dict_row) as store,
    ):
        store.execute("SET search_path TO frontdesk")
        yield House(
            tenant=tenant,
            auth0=auth0,
            hasura_url=hasura_url,
            rows=rows,
            store=store,
            store_url=store_url,
            place=place,
        )


class _HoldingHasura(LoopbackServer):
    """Hands on what it is asked to `url`, all but one operation, which it holds."""

    def __init__(self, url: str, document: str) -> None:
        self.asked, self.go_on = threading.Event(), threading.Event()
        owner = self

        class Handler(QuietHandler):
            def do_POST(self) -> None:
                body = self.body()
                if document.encode() in body:
                    owner.asked.set()
                    owner.go_on.wait(TIMEOUT_S)
                    return
                headers = {name: value for name, value in self.headers.items() if name.lower() != "host"}
                answer = requests.post(url + self.path, data=body, headers=headers, timeout=TIMEOUT_S)
                self.answer(answer.status_code, {"Content-Type": "application/json"}, answer.content)

        super().__init__(Handler)


class _SilentHandler(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None:
        """Log nothing."""


@contextmanager
def serving(house: House) -> Iterator[None]:
    """Have frontdesk serve the house; `house.url` says where."""
    app = create_app(house.settings())
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_SilentHandler)
    thread = threading.Thread(target=server.serve_forever, args=(POLL_S,), daemon=True)
    thread.start()
    house.url = f"http://127.0.0.1:{server.server_port}"
    yield
    server.shutdown()
    server.server_close()
    thread.join(5)
    app.extensions[EXTENSION].close()
