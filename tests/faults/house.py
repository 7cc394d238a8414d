"""A whole house of real processes over a PostgreSQL of its own, with wires between them that faults are made on.

Auth0 ──wire──> frontdesk serve ──wire──> localhasura ──wire──> PostgreSQL
                frontdesk worker ─wire──> PostgreSQL
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psutil
import psycopg
from psycopg.rows import DictRow, dict_row

from frontdesk.demo.postgres import UNPRIVILEGED_ID, EmbeddedPostgres, free_port
from tests.acceptance.conftest import wait_for
from tests.builders import ADMIN_SECRET, HOOK_SECRET
from tests.faults.processes import STOP_LIMIT_S, Child, run_command
from tests.faults.quota import Quota
from tests.faults.wires import Wire, Wires

ROWS, STORE = "rows", "store"
TENANT = "default"
STREAM_TOKEN = "the-stream-token-of-the-fault-tests-0123456789"
WEB_PROCESSES, JOB_WORKERS = 2, 2
QUEUE_DISK_MB = 96  # for what is kept of some minutes of load

SETTINGS = """\
[reconcile]
schedule = ""

[streams]
watch = false

[login]
breaker_retry_s = 0.5

[log]
format = "json"
"""


@dataclass(kw_only=True)
class House:
    """The running house. `disk` is where the queue's small disk is mounted, if it could be."""

    place: Path
    postgres: EmbeddedPostgres
    hasura: Child
    serve: Child
    workers: list[Child]
    to_frontdesk: Wire
    store_wire: Wire  # frontdesk to its PostgreSQL
    hasura_wire: Wire  # frontdesk to Hasura
    rows_wire: Wire  # Hasura to PostgreSQL
    quota: Quota
    disk: Path | None

    def crash_postgres(self) -> None:
        """Stop PostgreSQL immediately: it writes nothing more, and its next start recovers from its log."""
        pid = int((self.postgres.data_dir / "postmaster.pid").read_text().splitlines()[0])
        family = psutil.Process(pid).children()
        os.kill(pid, signal.SIGQUIT)
        self.postgres.stop()
        psutil.wait_procs(family, STOP_LIMIT_S)

    def kill_web_process(self, number: int) -> None:
        """kill -9 one of gunicorn's processes; gunicorn replaces it."""
        alive = sorted(self.serve.children(), key=lambda process: process.pid)
        gone = alive[number % len(alive)]
        gone.kill()
        wait_for(lambda: not gone.is_running() and len(self.serve.children()) == WEB_PROCESSES, STOP_LIMIT_S)

    def children(self) -> list[Child]:
        """All processes but PostgreSQL."""
        return [self.serve, *self.workers, self.hasura]

    def store(self) -> psycopg.Connection[DictRow]:
        """Return a connection to frontdesk's own database, past all wires."""
        return self._connected(STORE)

    def rows(self) -> psycopg.Connection[DictRow]:
        """Return a connection to Hasura's database, past all wires."""
        return self._connected(ROWS)

    def memory_mb(self) -> dict[str, float]:
        """Return what each process holds in memory."""
        return {child.name: child.memory_mb() for child in self.children()}

    def logs(self) -> str:
        """Return the ends of all logs, for a failure."""
        told = [f"--- {child.log}\n{child.end_of_log()}" for child in self.children()]
        return "\n".join([*told, f"--- {self.postgres.log_file}"])

    def _connected(self, database: str) -> psycopg.Connection[DictRow]:
        return psycopg.connect(self.postgres.url(database), autocommit=True, row_factory=dict_row)


@contextmanager
def a_house(
    place: Path,
    *,
    store_options: str = "",
    disk_mb: int = QUEUE_DISK_MB,
    server: Mapping[str, str] | None = None,
) -> Iterator[House]:
    """Start everything, and end it whatever happens.

    `store_options` are settings of frontdesk's connections (`-c name=value`), `server` those of PostgreSQL.
    """
    with ExitStack() as stack:
        postgres = EmbeddedPostgres(place / "postgres", port=free_port(), options=server)
        stack.callback(postgres.stop)
        postgres.start()
        with psycopg.connect(postgres.url(), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {ROWS}".encode())
            connection.execute(f"CREATE DATABASE {STORE}".encode())
        house = _built(
            place, postgres, stack.enter_context(Wires()), store_options, _small_disk(place, disk_mb)
        )
        # The disk goes after PostgreSQL has let go of it.
        if house.disk is not None:
            stack.callback(_umount, house.disk)
            stack.callback(postgres.stop)
        for child in (house.hasura, house.serve, *house.workers):
            stack.callback(child.end)
        _started(house)
        yield house


def _built(
    place: Path, postgres: EmbeddedPostgres, wires: Wires, store_options: str, disk: Path | None
) -> House:
    quota = Quota()
    hasura_port, serve_port = free_port(), free_port()
    store_wire = wires.to(postgres.port, quota.connection)
    rows_wire = wires.to(postgres.port)
    hasura_wire = wires.to(hasura_port)
    to_frontdesk = wires.to(serve_port)
    (place / "frontdesk.toml").write_text(SETTINGS)
    rows_url = _through(postgres.url(ROWS), rows_wire)
    environment = _frontdesk_environment(
        f"http://127.0.0.1:{hasura_wire.port}",
        _through(postgres.url(STORE), store_wire)
        + (f"?options={quote(store_options)}" if store_options else ""),
        serve_port,
    )
    return House(
        place=place,
        postgres=postgres,
        hasura=Child(
            place,
            "localhasura",
            ["localhasura", f"--port={hasura_port}"],
            {
                "HASURA_GRAPHQL_METADATA_DATABASE_URL": rows_url,
                "PG_DATABASE_URL": rows_url,
                "HASURA_GRAPHQL_ADMIN_SECRET": ADMIN_SECRET,
            },
            f"http://127.0.0.1:{hasura_port}/healthz",
        ),
        serve=Child(
            place, "serve", ["frontdesk", "serve"], environment, f"http://127.0.0.1:{serve_port}/readyz"
        ),
        workers=[
            Child(place, f"worker {number}", ["frontdesk", "worker"], environment, None)
            for number in range(1, JOB_WORKERS + 1)
        ],
        to_frontdesk=to_frontdesk,
        store_wire=store_wire,
        hasura_wire=hasura_wire,
        rows_wire=rows_wire,
        quota=quota,
        disk=disk,
    )


def _started(house: House) -> None:
    environment = house.serve.environment
    house.hasura.start()
    run_command(house.place, ["db", "apply"], environment)
    run_command(house.place, ["hasura", "apply"], environment)
    if house.disk is not None:
        with house.store() as connection:
            _move_queue(connection, house.disk)
    house.serve.start()
    for worker in house.workers:
        worker.start()
    with house.store() as connection:
        wait_for(lambda: _living_workers(connection) == JOB_WORKERS, STOP_LIMIT_S)


def _frontdesk_environment(hasura_url: str, store_url: str, port: int) -> dict[str, str]:
    variables = {
        "HASURA_URL": hasura_url,
        "HASURA_ADMIN_SECRET": ADMIN_SECRET,
        "DATABASE_URL": store_url,
        "SERVER_PORT": str(port),
        "SERVER_WORKERS": str(WEB_PROCESSES),
        "TENANTS_DEFAULT_DOMAIN": "acme.eu.auth0.com",
        "TENANTS_DEFAULT_AUDIENCE": "https://api.example.com",
        "TENANTS_DEFAULT_HOOK_SECRETS": HOOK_SECRET,
        "TENANTS_DEFAULT_STREAM_TOKENS": STREAM_TOKEN,
    }
    return {f"FRONTDESK_{name}": value for name, value in variables.items()}


def _through(url: str, wire: Wire) -> str:
    head, _, database = url.rpartition("/")
    return f"{head.rpartition(':')[0]}:{wire.port}/{database}"


def _living_workers(connection: psycopg.Connection[DictRow]) -> int:
    return _count(connection, "SELECT count(*) AS count FROM frontdesk.procrastinate_workers")


def _count(connection: psycopg.Connection[DictRow], statement: str, *values: Any) -> int:
    row = connection.execute(statement.encode(), values).fetchone()
    return 0 if row is None else int(row["count"])


def _small_disk(place: Path, size_mb: int) -> Path | None:
    """Mount a small disk of memory for the queue; None where that is not allowed, which is most often so."""
    if os.geteuid() != 0:
        return None
    where = place / "queue-disk"
    where.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size_mb}m,mode=700,uid={UNPRIVILEGED_ID}", "tmpfs", where],
        capture_output=True,
        check=False,
    )
    return where if done.returncode == 0 else None


def _umount(where: Path) -> None:
    subprocess.run(["umount", where], check=True)


def _move_queue(connection: psycopg.Connection[DictRow], disk: Path) -> None:
    connection.execute(f"CREATE TABLESPACE queue LOCATION '{disk}'".encode())
    connection.execute("ALTER TABLE frontdesk.deliveries SET TABLESPACE queue")
    found = connection.execute(
        "SELECT indexrelid::regclass::text AS name FROM pg_index WHERE indrelid = 'frontdesk.deliveries'::regclass"
    )
    for index in found.fetchall():
        connection.execute(f"ALTER INDEX {index['name']} SET TABLESPACE queue".encode())
