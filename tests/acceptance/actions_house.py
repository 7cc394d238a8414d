"""Two tenants of one frontdesk, and a Hasura for each over one database, for tests of what deployed Actions do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import requests
from psycopg.rows import DictRow, dict_row
from typer.testing import CliRunner, Result

from frontdesk.cli import app
from frontdesk.demo.postgres import free_port
from frontdesk.errors import FrontdeskError
from frontdesk.hasura.deploy import apply
from frontdesk.settings_reference import PROJECT
from localauth0 import LocalAuth0
from localhasura import LocalHasura
from tests.acceptance.serving import serving
from tests.builders import HOOK_SECRET, OTHER_HOOK_SECRET
from tests.integration.hasura.engine import ADMIN_SECRET, Engine
from tests.integration.localauth0.acme import API
from tests.integration.localauth0.managed import OPERATOR, OPERATOR_SECRET, Operator, an_operated_tenant

TENANTS = ("acme", "beta")
MACHINE, MACHINE_SECRET = "robot", "robot-secret"
METADATA_NAMESPACE = "https://app.example.com"
# What other people have bound in each flow before frontdesk comes: the trigger, its export, and the names in order.
OTHERS = {
    "post-login": ("onExecutePostLogin", ["log-country", "greet"]),
    "credentials-exchange": ("onExecuteCredentialsExchange", ["count-machines"]),
    "post-user-registration": ("onExecutePostUserRegistration", ["welcome"]),
    "post-change-password": ("onExecutePostChangePassword", ["warn"]),
}
_REPORTS = """
create table reports (id int primary key, tenant text not null, text text not null);
insert into reports values (1, 'acme', 'of acme'), (2, 'beta', 'of beta');
"""
_MAY_READ = {"columns": ["text"], "filter": {"tenant": {"_eq": "X-Hasura-Tenant"}}}


@dataclass(frozen=True)
class House:
    """The commands of an operator, and what they work on; tenants and engines by the tenant's key."""

    place: Path
    environment: dict[str, str]
    auth0: dict[str, LocalAuth0]
    engines: dict[str, Engine]
    database: psycopg.Connection[DictRow]

    def run(self, *arguments: str, stdin: str = "", **changes: str) -> Result:
        """Run a frontdesk command; `changes` are variables without FRONTDESK_. An error of ours is in `exception`."""
        variables = self.environment | {f"FRONTDESK_{name}": value for name, value in changes.items()}
        found = CliRunner().invoke(app, list(arguments), input=stdin, env=variables)
        if found.exception is not None and not isinstance(found.exception, SystemExit | FrontdeskError):
            raise found.exception
        return found

    def deploy(self, *names: str, tenant: str = "acme", **changes: str) -> str:
        """Deploy these Actions and take our others away; return what was said."""
        chosen = {"ACTION_NAMES": ",".join(names), **changes}
        found = self.run("actions", "deploy", "--tenant", tenant, "--prune", **chosen)
        assert found.exit_code == 0, found.output or found.exception
        return found.stdout

    def flow(self, trigger: str) -> list[str]:
        """Return the names of the Actions of a flow of acme, in order."""
        answer = Operator(self.auth0["acme"]).answer("GET", f"/actions/triggers/{trigger}/bindings")
        return [binding["action"]["name"] for binding in answer["bindings"]]

    def rows(self, query: str, *values: object) -> list[DictRow]:
        return self.database.execute(query.encode(), values).fetchall()

    def clear(self) -> None:
        """Everything as it was when the house was built."""
        for tenant in self.auth0.values():
            tenant.reset()
        self.database.execute("truncate users, user_roles, auth_activities, roles cascade")


@contextmanager
def a_house(place: Path, database_url: str) -> Iterator[House]:
    """Build the house in an empty directory, with the commands that an operator would use."""
    with ExitStack() as stack:
        auth0 = {key: stack.enter_context(_tenant(key, place)) for key in TENANTS}
        hasura, url = free_port(), f"http://127.0.0.1:{free_port()}"
        (place / "frontdesk.toml").write_text(_settings(auth0, f"http://127.0.0.1:{hasura}", url))
        database = stack.enter_context(psycopg.connect(database_url, autocommit=True, row_factory=dict_row))
        house = House(place, _environment(place), auth0, {}, database)
        for key in TENANTS:
            printed = house.run("jwt-secret", "--tenant", key)
            assert printed.exit_code == 0, printed.exception
            # The first is the one that frontdesk writes to. The second reads what was applied through the first.
            engine = stack.enter_context(
                LocalHasura(
                    database_url=database_url,
                    admin_secret=ADMIN_SECRET,
                    jwt_secret=printed.stdout,
                    port=0 if house.engines else hasura,
                )
            )
            if not house.engines:
                apply(engine.url, ADMIN_SECRET, PROJECT / "hasura")
                _make_reports(engine.url, database)
            house.engines[key] = Engine(engine.url)
            stack.callback(house.engines[key].close)
        stack.enter_context(serving(place, house.environment, url))
        yield house


def _tenant(key: str, place: Path) -> LocalAuth0:
    """Return a tenant with keys of its own, and the same people in each."""
    document = an_operated_tenant(
        tenant=key,
        actions=[
            {"name": name, "trigger": trigger, "code": f"exports.{export} = async () => {{}};"}
            for trigger, (export, names) in OTHERS.items()
            for name in names
        ],
        bindings={trigger: names for trigger, (_, names) in OTHERS.items()},
        action_builds={"seconds": 0.05, "looks": 1},
    )
    return LocalAuth0(tenant=document, data_dir=place / key)


def _settings(auth0: dict[str, LocalAuth0], hasura: str, url: str) -> str:
    tenants = "".join(
        f'[tenants.{key}]\ndomain = "{key}.eu.auth0.com"\nname = "{key}"\nissuer = "{tenant.issuer}"\n'
        f'audience = "{API}"\nmanagement_url = "{tenant.url}"\nmanagement_client_id = "{OPERATOR}"\n'
        f'machine_roles = {{ {MACHINE} = "reporter" }}\n'
        for key, tenant in auth0.items()
    )
    return (
        f'[hasura]\nurl = "{hasura}"\n{tenants}'
        f'[login]\nbudget_s = 4.5\nid_token_namespace = "{METADATA_NAMESPACE}"\n'
        '[claims]\nrole_map = { Editor = "user_admin", Owner = "owner" }\n'
        'extra = { "x-hasura-plan" = "app_metadata.plan" }\n'
        f'[action]\nurl = "{url}"\ndeadline_ms = 5000\n'
        f"[server]\nport = {url.rpartition(':')[2]}\nworkers = 1\n"
    )


def _environment(place: Path) -> dict[str, str]:
    hook_secrets = dict(zip(TENANTS, (HOOK_SECRET, OTHER_HOOK_SECRET), strict=True))
    variables = {
        "CONFIG": str(place / "frontdesk.toml"),
        "HASURA_ADMIN_SECRET": ADMIN_SECRET,
        **{f"TENANTS_{key.upper()}_HOOK_SECRETS": secret for key, secret in hook_secrets.items()},
        **{f"TENANTS_{key.upper()}_MANAGEMENT_CLIENT_SECRET": OPERATOR_SECRET for key in TENANTS},
    }
    return {"NO_COLOR": "1", **{f"FRONTDESK_{name}": value for name, value in variables.items()}}


def _make_reports(url: str, database: psycopg.Connection[Any]) -> None:
    """A table of the application's own, which machines may read."""
    database.execute(_REPORTS)
    table = {"source": "default", "table": {"schema": "public", "name": "reports"}}
    for command, more in (
        ("pg_track_table", {}),
        ("pg_create_select_permission", {"role": "reporter", "permission": _MAY_READ}),
    ):
        requests.post(
            f"{url}/v1/metadata",
            json={"type": command, "args": {**table, **more}},
            headers={"x-hasura-admin-secret": ADMIN_SECRET},
            timeout=30,
        ).raise_for_status()
