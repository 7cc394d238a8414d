"""Everything that the doctor looks at, connected and well: a tenant, a Hasura, and `frontdesk serve`."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.acceptance.serving import serving
from tests.builders import ADMIN_SECRET, HOOK_SECRET, OPERATOR_TOKEN
from tests.integration.auth0.action_tenant import CREDENTIALS

from frontdesk.auth0.action_deploy import Patience, carry_out
from frontdesk.auth0.action_plan import plan_actions
from frontdesk.auth0.actions import rendered_actions
from frontdesk.auth0.management import Credentials, ManagementApi
from frontdesk.auth0.scopes import MACHINE_SCOPES
from frontdesk.demo.postgres import free_port
from frontdesk.hasura.deploy import apply
from frontdesk.settings import Settings, load_settings
from frontdesk.settings_reference import PROJECT
from frontdesk.sync.doctor import Check, examine
from localauth0 import LocalAuth0
from localhasura import LocalHasura

AUDIENCE = "https://api.example.com"
NARROW = Credentials(client_id="narrow", client_secret="secret-of-the-narrow-machine")
HASURA_PROJECT = PROJECT / "hasura"


def a_machine(credentials: Credentials) -> dict[str, Any]:
    return {
        "client_id": credentials.client_id,
        "client_secret": credentials.client_secret,
        "name": credentials.client_id,
        "app_type": "non_interactive",
        "grant_types": ["client_credentials"],
    }


def a_grant(credentials: Credentials, scopes: frozenset[str]) -> dict[str, Any]:
    return {"client_id": credentials.client_id, "audience": "/api/v2/", "scope": sorted(scopes)}


TENANT = {
    "tenant": "acme",
    "clients": [a_machine(CREDENTIALS), a_machine(NARROW)],
    "client_grants": [
        a_grant(CREDENTIALS, MACHINE_SCOPES),
        a_grant(NARROW, MACHINE_SCOPES - {"read:actions", "update:log_streams"}),
    ],
    "resource_servers": [{"identifier": AUDIENCE, "name": "API"}],
    "action_builds": {"seconds": 0.05, "looks": 1},
}


@dataclass(frozen=True)
class House:
    """What runs, and the variables under which frontdesk knows it."""

    auth0: LocalAuth0
    hasura: LocalHasura
    database_url: str
    variables: Mapping[str, str]

    def environment(self, **changes: str | None) -> dict[str, str]:
        """The variables, some of them changed (without FRONTDESK_) or, with None, left out."""
        found = {**self.variables, **changes}
        return {f"FRONTDESK_{name}": value for name, value in found.items() if value is not None}

    def settings(self, **changes: str | None) -> Settings:
        return load_settings(self.environment(**changes), Path("/nowhere"))

    def checks(self, *, ahead_s: float = 0.0, **changes: str | None) -> dict[str, Check]:
        """What the doctor says of the house with these changes, by name; our clock goes ahead by so much."""
        found = examine(self.settings(**changes), clock=lambda: time.time() + ahead_s)
        return {check.name: check for check in found.checks}

    def api(self) -> ManagementApi:
        return ManagementApi(self.auth0.url, CREDENTIALS)

    def deploy_actions(self) -> None:
        """Bring the tenant's Actions to what the settings say."""
        with self.api() as api:
            plan = plan_actions(api, rendered_actions(self.settings(), "acme", ("post-login",)))
            carry_out(api, plan, patience=Patience(build_s=10, deploy_s=10))

    def apply_project(self) -> None:
        """Bring Hasura to what the project says."""
        apply(self.hasura.url, ADMIN_SECRET, HASURA_PROJECT)


@contextmanager
def a_house(place: Path, database_url: str) -> Iterator[House]:
    """Start everything; `place` is a directory for the log of `frontdesk serve`."""
    with ExitStack() as stack:
        auth0 = stack.enter_context(LocalAuth0(tenant=TENANT))
        hasura = stack.enter_context(
            LocalHasura(
                database_url=database_url,
                admin_secret=ADMIN_SECRET,
                jwt_secret=json.dumps(
                    {
                        "jwk_url": f"{auth0.url}/.well-known/jwks.json",
                        "audience": AUDIENCE,
                        "issuer": auth0.issuer,
                    }
                ),
            )
        )
        port = free_port()
        house = House(
            auth0,
            hasura,
            database_url,
            {
                "HASURA_URL": hasura.url,
                "HASURA_ADMIN_SECRET": ADMIN_SECRET,
                "OPERATOR_TOKEN": OPERATOR_TOKEN,
                "ACTION_URL": f"http://127.0.0.1:{port}",
                "SERVER_PORT": str(port),
                "SERVER_WORKERS": "1",
                "TENANTS_ACME_DOMAIN": auth0.url.removeprefix("http://"),
                "TENANTS_ACME_ISSUER": auth0.issuer,
                "TENANTS_ACME_MANAGEMENT_URL": auth0.url,
                "TENANTS_ACME_AUDIENCE": AUDIENCE,
                "TENANTS_ACME_HOOK_SECRETS": HOOK_SECRET,
                "TENANTS_ACME_MANAGEMENT_CLIENT_ID": CREDENTIALS.client_id,
                "TENANTS_ACME_MANAGEMENT_CLIENT_SECRET": CREDENTIALS.client_secret,
            },
        )
        house.apply_project()
        house.deploy_actions()
        stack.enter_context(serving(place, house.environment(), house.variables["ACTION_URL"]))
        yield house
