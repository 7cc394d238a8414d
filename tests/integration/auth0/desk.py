"""A directory with settings for a tenant, in which `frontdesk auth0 setup` is called."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
from tests.builders import HOOK_SECRET
from typer.testing import CliRunner

from frontdesk.auth0.management import Credentials, ManagementApi
from frontdesk.auth0.scopes import SET_UP_SCOPES
from frontdesk.cli import app
from frontdesk.errors import FrontdeskError
from localauth0 import LocalAuth0

ADMIN = {"client_id": "admin", "client_secret": "the-secret-of-the-admin-application"}
AUDIENCE = "https://hasura.example.com"
STREAM_TOKEN = "the-stream-token-of-the-tests-0123456789"
NOWHERE = "http://127.0.0.1:9"


def a_tenant(scopes: frozenset[str] = SET_UP_SCOPES, **more: Any) -> dict[str, Any]:
    machine = {"app_type": "non_interactive", "grant_types": ["client_credentials"]}
    return {
        "tenant": "acme",
        "clients": [{**ADMIN, **machine, "name": "Admin"}],
        "client_grants": [{"client_id": "admin", "audience": "/api/v2/", "scope": sorted(scopes)}],
        "connections": [{"id": "con_1", "name": "Users", "strategy": "auth0"}],
        "users": [],
        **more,
    }


@dataclass(frozen=True)
class Done:
    """What a command ended with."""

    returncode: int
    stdout: str
    stderr: str


@dataclass(frozen=True)
class Desk:
    """A tenant, and a directory with settings for it in which frontdesk is called."""

    url: str
    place: Path

    def token(self) -> str:
        form = {**ADMIN, "grant_type": "client_credentials", "audience": f"{self.url}/api/v2/"}
        return str(requests.post(f"{self.url}/oauth/token", data=form, timeout=10).json()["access_token"])

    def setup(self, *arguments: str, token: str | None = None) -> Done:
        given = ("--token-file", "-") if token is None else ()
        with contextlib.chdir(self.place):
            ran = CliRunner().invoke(app, ["auth0", "setup", *given, *arguments], input=token or self.token())
        if ran.exception is None or isinstance(ran.exception, SystemExit):
            return Done(ran.exit_code, ran.stdout, ran.stderr)
        assert isinstance(ran.exception, FrontdeskError), ran.exception
        return Done(ran.exception.exit_code, ran.stdout, ran.stderr + ran.exception.detail)

    def facts(self, *arguments: str) -> dict[str, Any]:
        done = self.setup("--yes", "--json", *arguments)
        assert done.stdout, done.stderr
        facts: dict[str, Any] = json.loads(done.stdout)
        return facts | {"exit_code": done.returncode}

    @contextmanager
    def api(self) -> Iterator[ManagementApi]:
        with ManagementApi(self.url, Credentials(**ADMIN)) as api:
            yield api


def settings_of(url: str, *, public_url: str = NOWHERE, more: str = "") -> str:
    host = url.removeprefix("http://")
    return (
        f'[hasura]\nurl = "http://127.0.0.1:1"\n[action]\nurl = "{public_url}"\n[tenants.acme]\ndomain = "{host}"\n'
        f'management_url = "{url}"\nissuer = "{url}/"\naudience = "{AUDIENCE}"\n{more}'
    )


@contextmanager
def a_desk(
    place: Path, tenant: Mapping[str, Any] | None = None, *, public_url: str = NOWHERE, more: str = ""
) -> Iterator[Desk]:
    with LocalAuth0(tenant=dict(tenant or a_tenant())) as auth0:
        (place / "frontdesk.toml").write_text(settings_of(auth0.url, public_url=public_url, more=more))
        (place / ".env").write_text(
            f"FRONTDESK_TENANTS_ACME_HOOK_SECRETS={HOOK_SECRET}\nFRONTDESK_TENANTS_ACME_STREAM_TOKENS={STREAM_TOKEN}\n"
        )
        (place / ".env").chmod(0o600)
        yield Desk(auth0.url, place)


def kinds(facts: Mapping[str, Any]) -> dict[str, str]:
    return {step["what"]: step["kind"] for step in facts["steps"]}


def detail(facts: Mapping[str, Any], what: str) -> str:
    return str(next(step for step in facts["steps"] if step["what"] == what)["detail"])


def by_name(items: Any, name: str) -> dict[str, Any]:
    (found,) = [each for each in items if each.name == name]
    plain: dict[str, Any] = found.model_dump(by_alias=True, exclude_none=True)
    return plain
