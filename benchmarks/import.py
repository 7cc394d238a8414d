"""Import and reconcile at size: rows a second beside plain psycopg, peak memory, and calls to the Management API.

Everything is a process of its own, as in production: PostgreSQL, localhasura, localauth0 with a generated
tenant, and the commands `frontdesk import` and `frontdesk reconcile`.
"""

from __future__ import annotations

import argparse
import base64
import gzip
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

import psycopg
import requests
from psycopg.types.json import Jsonb
from rich.console import Console
from rich.table import Table

from benchmarks.measure import start_engine
from frontdesk.auth0.management_user import user_from_management
from frontdesk.demo.postgres import EmbeddedPostgres, free_port
from frontdesk.demo.processes import Processes
from frontdesk.hasura.deploy import apply
from frontdesk.hasura.user_write import UserWrite, write_for
from frontdesk.settings import environment_of_a_child
from localauth0.generator import CLIENT_ID, CLIENT_SECRET, GeneratedPeople
from localauth0.tenant import Generate

PROJECT = Path(__file__).resolve().parents[1] / "hasura"
ADMIN_SECRET = "the-admin-secret-of-the-benchmark"
BATCH_ROWS = 500
SEED = 7
TENANTS = ("by_job", "by_file", "raw")

SETTINGS = """\
[hasura]
url = "{hasura}"
"""
TENANT = """
[tenants.{key}]
domain = "{host}"
issuer = "{auth0}/"
audience = "https://api.example.com"
management_url = "{auth0}"
management_client_id = "{client_id}"
"""


@dataclass(frozen=True, kw_only=True)
class Run:
    """One command: seconds, peak memory of its process in MB, and the last JSON line that it printed."""

    name: str
    seconds: float
    peak_mb: float
    said: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class House:
    """What runs, and where commands run."""

    directory: Path
    hasura: str
    auth0: str
    database: str
    raw_database: str

    def frontdesk(self, name: str, *arguments: str) -> Run:
        """Run a command to its end and tell what it took."""
        start = time.perf_counter()
        with subprocess.Popen(
            [sys.executable, "-m", "frontdesk", *arguments, "--json"],
            cwd=self.directory,
            env=environment_of_a_child() | self._secrets(),
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            last = ""
            for line in process.stdout or ():
                last = line.strip() or last
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            raise SystemExit(f"{name}: exit code {process.returncode}: {last}")
        return Run(
            name=name,
            seconds=time.perf_counter() - start,
            peak_mb=usage.ru_maxrss / 1024,
            said=json.loads(last),
        )

    def _secrets(self) -> dict[str, str]:
        variables = {
            "FRONTDESK_HASURA_ADMIN_SECRET": ADMIN_SECRET,
            "FRONTDESK_DATABASE_URL": self.database,
        }
        for number, key in enumerate(TENANTS):
            prefix = f"FRONTDESK_TENANTS_{key.upper()}"
            secret = base64.b64encode(f"hook secret of tenant number {number}".encode()).decode()
            variables[f"{prefix}_HOOK_SECRETS"] = f"whsec_{secret}"
            variables[f"{prefix}_MANAGEMENT_CLIENT_SECRET"] = CLIENT_SECRET
        return variables


def main() -> None:
    """Measure and print; each ratio is of one run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, default=100_000)
    parser.add_argument("--roles", type=int, default=50)
    parser.add_argument("--organizations", type=int, default=20)
    parser.add_argument(
        "--large",
        type=int,
        default=0,
        help="users of a second, larger import from a file: its memory, and a reconcile",
    )
    parser.add_argument("--airbyte", type=Path, help="the source-auth0 of an environment that has it")
    options = parser.parse_args()
    console = Console()
    plan = Generate(users=options.users, roles=options.roles, organizations=options.organizations, seed=SEED)
    with _house(plan) as house:
        export = house.directory / "users.ndjson.gz"
        written = _write_export(plan, export)
        console.print(f"{written:,} users, {export.stat().st_size / 1e6:.0f} MB of NDJSON, gzipped")
        raw = _raw(house, plan)
        runs = [
            house.frontdesk("import from a file", *_users_alone(export)),
            house.frontdesk("the same again", *_users_alone(export)),
            house.frontdesk("import by job, with roles", "import", "--tenant", "by_job", "--way", "job"),
            house.frontdesk("reconcile, unchanged", "reconcile", "--tenant", "by_job", "--dry-run"),
        ]
        console.print(_table(options.users, raw, runs))
        for run in runs:
            console.print(f"[dim]{run.name}:[/dim] {json.dumps(run.said)}")
        if options.airbyte:
            _airbyte(house, options.airbyte, options.users, options.users / runs[0].seconds, console)
    if options.large:
        _large(options.large, console)
    console.print(f"{os.cpu_count()} cores, Python {platform.python_version()}, {platform.machine()}")


def _users_alone(export: Path) -> tuple[str, ...]:
    """Return the import of the rows that psycopg writes too, and of nothing else."""
    return (
        "import", "--tenant", "by_file", "--from", str(export), "--no-roles", "--no-organizations",
    )  # fmt: skip


def _large(users: int, console: Console) -> None:
    """Import and reconcile one large tenant: what memory takes, which must not grow with it."""
    plan = Generate(users=users, seed=SEED)
    with _house(plan) as house:
        export = house.directory / "users.ndjson.gz"
        _write_export(plan, export)
        runs = [
            house.frontdesk("import from a file", "import", "--tenant", "by_file", "--from", str(export)),
            house.frontdesk(
                "reconcile, unchanged", "reconcile", "--tenant", "by_file", "--dry-run", "--from", str(export)
            ),
        ]
        console.print(_table(users, None, runs))
        for run in runs:
            console.print(f"[dim]{run.name}:[/dim] {json.dumps(run.said)}")


@contextmanager
def _house(plan: Generate) -> Iterator[House]:
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        postgres = EmbeddedPostgres(directory / "postgres", port=free_port())
        postgres.start()
        stack.callback(postgres.stop)
        house = House(
            directory=directory,
            hasura=f"http://127.0.0.1:{free_port()}",
            auth0=f"http://127.0.0.1:{free_port()}",
            database=postgres.url(),
            raw_database=postgres.url("raw"),
        )
        with psycopg.connect(house.database, autocommit=True) as connection:
            connection.execute("CREATE DATABASE raw")
        _apply_plainly(house.raw_database)
        _start(house, stack.enter_context(Processes(directory)), plan)
        apply(house.hasura, ADMIN_SECRET, PROJECT)
        _write_settings(house)
        subprocess.run(
            [sys.executable, "-m", "frontdesk", "db", "apply"],
            cwd=directory,
            env=environment_of_a_child() | house._secrets(),
            check=True,
            stdout=subprocess.DEVNULL,
        )
        yield house


def _start(house: House, processes: Processes, plan: Generate) -> None:
    start_engine(processes, house.hasura, database=house.database, admin_secret=ADMIN_SECRET)
    size = f"users={plan.users},roles={plan.roles},organizations={plan.organizations},seed={plan.seed}"
    processes.start(
        "localauth0",
        ["localauth0", f"--port={house.auth0.rpartition(':')[2]}", f"--generate={size}"],
        environment={},
        ready_url=f"{house.auth0}/.well-known/openid-configuration",
    )


def _write_settings(house: House) -> None:
    text = SETTINGS.format(hasura=house.hasura)
    for key in TENANTS:
        text += TENANT.format(
            key=key, auth0=house.auth0, host=house.auth0.removeprefix("http://"), client_id=CLIENT_ID
        )
    (house.directory / "frontdesk.toml").write_text(text)


def _apply_plainly(url: str) -> None:
    """Make our tables, triggers included, in a database that no engine looks at."""
    with psycopg.connect(url) as connection:
        for script in sorted((PROJECT / "migrations" / "default").glob("*/up.sql")):
            connection.execute(script.read_bytes())


def _write_export(plan: Generate, path: Path) -> int:
    people = GeneratedPeople(plan)
    with gzip.open(path, "wt", compresslevel=1) as file:
        for number in range(len(people)):
            file.write(json.dumps(people.profile(number)) + "\n")
    return len(people)


def _raw(house: House, plan: Generate) -> Run:
    """Upsert the same rows with psycopg alone, in batches, onto the same tables with the same triggers."""
    people, seconds = GeneratedPeople(plan), 0.0
    numbers = iter(range(len(people)))
    with psycopg.connect(house.raw_database) as connection, connection.cursor() as cursor:
        while batch := list(islice(numbers, BATCH_ROWS)):
            at = datetime.now(UTC)
            users = (user_from_management(people.profile(n), tenant="raw", read_at=at) for n in batch)
            statements = _statements([write_for(user, write_id=uuid.uuid4()) for user in users])
            start = time.perf_counter()
            for statement, rows in statements:
                cursor.executemany(statement, rows)
            connection.commit()
            seconds += time.perf_counter() - start
    return Run(name="psycopg, batched upserts", seconds=seconds, peak_mb=0.0, said={})


def _statements(writes: Sequence[UserWrite]) -> list[tuple[str, list[list[Any]]]]:
    lanes: dict[tuple[tuple[str, ...], tuple[str, ...]], list[list[Any]]] = {}
    for write in writes:
        values = {"tenant": write.tenant, **write.object}
        lanes.setdefault((tuple(values), write.columns), []).append(
            [Jsonb(value) if isinstance(value, dict | list) else value for value in values.values()]
        )
    return [(_upsert(columns, updated), rows) for (columns, updated), rows in lanes.items()]


def _upsert(columns: Sequence[str], updated: Sequence[str]) -> str:
    changes = ", ".join(f"{_snake(name)} = EXCLUDED.{_snake(name)}" for name in updated)
    return (
        f"INSERT INTO users ({', '.join(map(_snake, columns))}) VALUES ({', '.join(['%s'] * len(columns))}) "
        f"ON CONFLICT ON CONSTRAINT users_pkey DO UPDATE SET {changes}"
    )


def _snake(name: str) -> str:
    return re.sub(r"[A-Z]", lambda letter: "_" + letter[0].lower(), name)


def _airbyte(house: House, source: Path, users: int, ours_per_second: float, console: Console) -> None:
    """Let Airbyte's source read of the same tenant what it can: the first thousand users of a year, at most."""
    config, catalog = house.directory / "airbyte.json", house.directory / "airbyte-catalog.json"
    credentials = {"auth_type": "oauth2_access_token", "access_token": _token(house)}
    config.write_text(
        json.dumps(
            {"base_url": house.auth0, "credentials": credentials, "start_date": "2013-01-01T00:00:00.000Z"}
        )
    )
    found = _lines(source, "discover", "--config", str(config))
    stream = next(
        each
        for line in found
        if (message := json.loads(line)).get("type") == "CATALOG"
        for each in message["catalog"]["streams"]
        if each["name"] == "users"
    )
    wanted = {"stream": stream, "sync_mode": "full_refresh", "destination_sync_mode": "append"}
    catalog.write_text(json.dumps({"streams": [wanted]}))
    start = time.perf_counter()
    lines = _lines(source, "read", "--config", str(config), "--catalog", str(catalog))
    seconds = time.perf_counter() - start
    read = len({json.loads(line)["record"]["data"]["user_id"] for line in lines if '"RECORD"' in line[:40]})
    rate = read / seconds
    console.print(
        f"airbyte-source-auth0 read {read:,} of {users:,} users in {seconds:.1f} s ({rate:.0f}/s); "
        f"ours wrote {ours_per_second / rate if rate else float('inf'):.1f} times as many a second"
    )


def _lines(source: Path, *arguments: str) -> list[str]:
    done = subprocess.run([str(source), *arguments], capture_output=True, text=True, timeout=900, check=False)
    return [line for line in done.stdout.splitlines() if line.startswith("{")]


def _token(house: House) -> str:
    form = {
        "grant_type": "client_credentials",
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "audience": f"{house.auth0}/api/v2/",
    }
    answer = requests.post(f"{house.auth0}/oauth/token", data=form, timeout=30)
    return str(answer.json()["access_token"])


def _table(users: int, raw: Run | None, runs: Sequence[Run]) -> Table:
    table = Table("what", "s", "users/s", "of psycopg", "peak MB", title=f"{users:,} users")
    for run in [*([raw] if raw else []), *runs]:
        ratio = "" if raw is None or run is raw else f"{raw.seconds / run.seconds:.0%}"
        peak = f"{run.peak_mb:.0f}" if run.peak_mb else ""
        table.add_row(run.name, f"{run.seconds:.1f}", f"{users / run.seconds:,.0f}", ratio, peak)
    return table


if __name__ == "__main__":
    main()
