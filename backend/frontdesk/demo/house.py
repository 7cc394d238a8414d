"""Start the whole house on one machine, in order, with the commands that an operator would use."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from frontdesk.demo.places import (
    AUDIENCE,
    LOOPBACK,
    TENANT,
    DemoFailed,
    Places,
    write_private,
    write_private_json,
)
from frontdesk.demo.postgres import EmbeddedPostgres, PostgresFailed
from frontdesk.demo.processes import Processes
from frontdesk.demo.tenant import AUTH0_TENANT, MACHINE_CLIENT_ID, tenant_document
from frontdesk.hasura.deploy import apply
from frontdesk.settings import environment_of_a_child

PROJECT = Path(__file__).resolve().parents[3]
COMMAND_LIMIT_S = 60.0

SETTINGS = """\
# Written by `frontdesk demo` at every start; the secrets come from the environment.
[hasura]
url = "{hasura_url}"

[tenants.{tenant}]
name = "{auth0_tenant}"
domain = "{auth0_host}"
issuer = "{auth0_url}/"
audience = "{audience}"
management_url = "{auth0_url}"
management_client_id = "{machine_client_id}"

[login]
id_token_namespace = "https://demo.example/"

[claims]
role_map = {{ Editor = "editor" }}
extra = {{ "x-hasura-plan" = "app_metadata.plan" }}

[action]
url = "{frontdesk_url}"

[server]
host = "{host}"
port = {port}

[log]
format = "json"
"""


@dataclass
class Timings:
    """How long each step took, in milliseconds, in order."""

    steps: dict[str, float] = field(default_factory=dict)

    @contextlib.contextmanager
    def step(self, name: str, tell: Callable[[str], None]) -> Iterator[None]:
        """Time the block. A failure inside is raised again as DemoFailed that names the step."""
        tell(name)
        start = time.perf_counter()
        try:
            yield
        except (DemoFailed, PostgresFailed) as error:
            raise DemoFailed(f"{name}: {error}") from error
        finally:
            self.steps[name] = round((time.perf_counter() - start) * 1000, 1)


@contextlib.contextmanager
def running_house(places: Places, timings: Timings, tell: Callable[[str], None]) -> Iterator[Processes]:
    """Start PostgreSQL, the tenant, the engine, frontdesk and its worker; end them all when the block ends."""
    postgres = EmbeddedPostgres(places.data_dir / "postgres", port=places.ports.postgres)
    with contextlib.ExitStack() as stack:
        _write_settings(places)
        action = places.data_dir / "action.js"
        printing = _Command(places, "jwt-secret", "--tenant", TENANT)
        rendering = _Command(places, "actions", "render", "--tenant", TENANT, "--out", str(action))
        with timings.step("PostgreSQL", tell):
            stack.callback(postgres.stop)
            postgres.start()
            _write_dotenv(places, postgres.url())
            schema = _Command(places, "db", "apply")
        with timings.step("jwt-secret and Action", tell):
            jwt_secret = printing.output()
            rendering.output()
            write_private_json(places.data_dir / "tenant.json", tenant_document(places, action))
        processes = stack.enter_context(Processes(places.data_dir))
        with timings.step("localauth0", tell):
            _start_auth0(places, processes)
        with timings.step("localhasura", tell):
            _start_hasura(places, processes, postgres.url(), jwt_secret)
        with timings.step("migrations and metadata", tell):
            apply(places.hasura_url, places.secrets.hasura_admin_secret, PROJECT / "hasura")
        with timings.step("frontdesk", tell):
            schema.output()
            _start_frontdesk(places, processes)
        yield processes


def frontdesk_environment(places: Places) -> dict[str, str]:
    """The environment in which every frontdesk command of this demo runs."""
    return {
        "FRONTDESK_CONFIG": str(places.data_dir / "frontdesk.toml"),
        "FRONTDESK_HASURA_ADMIN_SECRET": places.secrets.hasura_admin_secret,
        f"FRONTDESK_TENANTS_{TENANT.upper()}_HOOK_SECRETS": places.secrets.hook_secret,
        f"FRONTDESK_TENANTS_{TENANT.upper()}_MANAGEMENT_CLIENT_SECRET": places.secrets.client_secret,
        f"FRONTDESK_TENANTS_{TENANT.upper()}_STREAM_TOKENS": places.secrets.stream_token,
        "FRONTDESK_OPERATOR_TOKEN": places.secrets.operator_token,
    }


def _write_dotenv(places: Places, database_url: str) -> None:
    """Write what every frontdesk command reads beside the settings file, so that people can run some of their own."""
    variables = frontdesk_environment(places) | {"FRONTDESK_DATABASE_URL": database_url}
    del variables["FRONTDESK_CONFIG"]
    text = "".join(f"{name}='{value}'\n" for name, value in variables.items())
    write_private(places.data_dir / ".env", f"# Secrets of this demo alone; written at every start.\n{text}")


def _write_settings(places: Places) -> None:
    write_private(
        places.data_dir / "frontdesk.toml",
        SETTINGS.format(
            hasura_url=places.hasura_url,
            frontdesk_url=places.frontdesk_url,
            tenant=TENANT,
            auth0_tenant=AUTH0_TENANT,
            auth0_host=f"{LOOPBACK}:{places.ports.auth0}",
            auth0_url=places.auth0_url,
            audience=AUDIENCE,
            machine_client_id=MACHINE_CLIENT_ID,
            host=LOOPBACK,
            port=places.ports.frontdesk,
        ),
    )


class _Command:
    """A frontdesk command as an operator would run it, beside what else goes on."""

    def __init__(self, places: Places, *arguments: str) -> None:
        self._name = "frontdesk " + " ".join(arguments)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "frontdesk", *arguments],
            env=environment_of_a_child() | frontdesk_environment(places),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def output(self) -> str:
        """Return what it printed. Raises DemoFailed with what it said when it failed."""
        try:
            printed, said = self._process.communicate(timeout=COMMAND_LIMIT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            raise DemoFailed(f"`{self._name}` did not end within {COMMAND_LIMIT_S:.0f} s") from None
        if self._process.returncode != 0:
            raise DemoFailed(f"`{self._name}` failed: {said.strip()}")
        return printed.strip()


def _start_auth0(places: Places, processes: Processes) -> None:
    processes.start(
        "localauth0",
        [
            "localauth0",
            f"--port={places.ports.auth0}",
            f"--tenant-file={places.data_dir / 'tenant.json'}",
            f"--data-dir={places.data_dir / 'auth0'}",
        ],
        environment={},
        ready_url=f"{places.auth0_url}/.well-known/openid-configuration",
    )


def _start_hasura(places: Places, processes: Processes, database_url: str, jwt_secret: str) -> None:
    # Secrets go by environment: the arguments of a process can be read by everybody on the machine.
    processes.start(
        "localhasura",
        ["localhasura", f"--port={places.ports.hasura}"],
        environment={
            "HASURA_GRAPHQL_METADATA_DATABASE_URL": database_url,
            "PG_DATABASE_URL": database_url,
            "HASURA_GRAPHQL_ADMIN_SECRET": places.secrets.hasura_admin_secret,
            "HASURA_GRAPHQL_JWT_SECRET": jwt_secret,
        },
        ready_url=f"{places.hasura_url}/healthz",
    )


def _start_frontdesk(places: Places, processes: Processes) -> None:
    environment = frontdesk_environment(places)
    # The worker loads beside `serve`, and nobody waits for it: it brings to Hasura what the inbox has by then.
    processes.start("worker", ["frontdesk", "worker"], environment=environment, ready_url=None)
    processes.start(
        "frontdesk",
        ["frontdesk", "serve"],
        environment=environment,
        ready_url=f"{places.frontdesk_url}/readyz",
    )
