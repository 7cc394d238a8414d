"""The log stream's hook: records a second until acknowledged and until they are rows, and its p99 while Hasura ails.

Everything is a process of its own: PostgreSQL, localhasura, `frontdesk serve`, `frontdesk worker`, and what sends. The
same rows are inserted by plain psycopg in the same run, onto the same table with the same indexes.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import http.client
import json
import os
import platform
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
from psycopg.types.json import Jsonb
from rich.console import Console
from rich.table import Table

from benchmarks.cpu import cpu_by_process
from benchmarks.measure import Figures, at_a_pace, figures, measure, post, start_engine
from frontdesk.auth0.log_record import incoming_from_log
from frontdesk.demo.postgres import EmbeddedPostgres, free_port
from frontdesk.demo.processes import Processes
from frontdesk.hasura.activities import activity_object
from frontdesk.hasura.deploy import apply
from frontdesk.settings import environment_of_a_child

PROJECT = Path(__file__).resolve().parents[1] / "hasura"
ADMIN_SECRET = "the-admin-secret-of-the-benchmark"
TOKEN = "the-stream-token-of-the-benchmark-0123456789"
HOOK_SECRET = "whsec_" + base64.b64encode(b"the hook secret of the benchmark").decode()
TENANT, WAY = "default", "log-stream"
PEOPLE = 500
TYPES = ("s", "s", "s", "ssa", "seacft", "fp", "slo", "ss")
SETTLE_LIMIT_S = 300.0
SLOW_S = 2.0


@dataclass(frozen=True, kw_only=True)
class House:
    """What runs, and how frontdesk's processes know it."""

    directory: Path
    database: str
    raw_database: str
    hasura: str
    port: int

    def environment(self, *, hasura: str | None = None, port: int | None = None) -> dict[str, str]:
        """Return the variables of a process, at another Hasura or port than the house's own when there is one."""
        prefix = f"FRONTDESK_TENANTS_{TENANT.upper()}"
        ours = {
            "FRONTDESK_HASURA_URL": hasura or self.hasura,
            "FRONTDESK_HASURA_ADMIN_SECRET": ADMIN_SECRET,
            "FRONTDESK_DATABASE_URL": self.database,
            "FRONTDESK_SERVER_PORT": str(port or self.port),
            "FRONTDESK_LOG_LEVEL": "warning",
            f"{prefix}_DOMAIN": "acme.eu.auth0.com",
            f"{prefix}_AUDIENCE": "https://api.example.com",
            f"{prefix}_HOOK_SECRETS": HOOK_SECRET,
            f"{prefix}_STREAM_TOKENS": TOKEN,
        }
        return environment_of_a_child() | ours


def main() -> None:
    """Measure and print; each ratio is of one run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--deliveries", type=int, default=500)
    parser.add_argument("--records", type=int, default=100, help="records of a delivery")
    parser.add_argument("--concurrency", type=int, default=8)
    parser.add_argument("--per-minute", type=int, default=200, help="deliveries a minute of the paced series")
    parser.add_argument("--seconds", type=float, default=60.0, help="of each paced series")
    options = parser.parse_args()
    console = Console()
    bodies = [_body(number, options.records) for number in range(options.deliveries)]
    with running_house() as house:
        raw_s = _raw(house, bodies)
        for table in _throughput(house, bodies, raw_s, options.records, options.concurrency):
            console.print(table)
        paced = _Pace(options.per_minute, options.seconds, options.records)
        console.print(_paced(house, paced))
    console.print(f"{os.cpu_count()} cores, Python {platform.python_version()}, {platform.machine()}")


def _throughput(
    house: House, bodies: Sequence[bytes], raw_s: float, records: int, concurrency: int
) -> tuple[Table, Table]:
    """Send everything as fast as it is taken, with a worker at work, and wait until all of it are rows."""
    rows = len(bodies) * records
    calls = [post(f"/hooks/{TENANT}/{WAY}", body, {"Authorization": f"Bearer {TOKEN}"}) for body in bodies]
    with worker_of(house):
        before = cpu_by_process()
        started = time.perf_counter()
        sent = measure("until acknowledged", house.port, calls, concurrency, wanted="202")
        acknowledged_s = len(calls) / sent.per_second
        _wait_for_rows(house, rows)
        stand_s = time.perf_counter() - started
        used = {name: seconds - before[name] for name, seconds in cpu_by_process().items() if name in before}
    table = Table(
        "what", "s", "records/s", "of psycopg", title=f"{len(bodies)} deliveries of {records} records"
    )
    for name, seconds in (
        ("psycopg, batched inserts", raw_s),
        ("until acknowledged", acknowledged_s),
        ("until the rows stand", stand_s),
    ):
        table.add_row(name, f"{seconds:.1f}", f"{rows / seconds:,.0f}", f"{raw_s / seconds:.0%}")
    used["driver"] = sent.driver_cpu_ms * len(calls) / 1000
    return table, _cpu(used, rows)


def _cpu(used: Mapping[str, float], rows: int) -> Table:
    """Return what each process used for a record; two cores have so many records' worth of it in a second."""
    table = Table("process", "CPU ms/record", title="CPU from the first byte until the rows stand")
    for name, seconds in sorted(used.items()):
        table.add_row(name, f"{seconds * 1000 / rows:.3f}")
    whole = sum(used.values())
    table.add_row("all", f"{whole * 1000 / rows:.3f}")
    table.add_row("records/s of two busy cores", f"{2 * rows / whole:,.0f}")
    return table


@dataclass(frozen=True)
class _Pace:
    per_minute: int
    seconds: float
    records: int


def _paced(house: House, pace: _Pace) -> Table:
    """Send at a steady pace while the worker's Hasura is well, slow, and away."""
    table = Table(
        "Hasura", "p50 ms", "p99 ms", title=f"{pace.per_minute} deliveries of {pace.records} records a minute"
    )
    with slow_way(house.hasura) as slow:
        away = f"http://127.0.0.1:{free_port()}"
        for name, url in (("up", house.hasura), (f"slow ({SLOW_S:g} s)", slow), ("down", away)):
            with worker_of(house, hasura=url):
                series = _steady(house, pace, name)
            table.add_row(name, f"{series.p50:.1f}", f"{series.p99:.1f}")
    return table


def _steady(house: House, pace: _Pace, name: str) -> Figures:
    """Send each delivery at its time, whatever became of those before, and time its answer."""
    count = max(2, round(pace.per_minute * pace.seconds / 60))
    bodies = [_body(f"{name} {number}", pace.records) for number in range(count)]

    def send(body: bytes) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", house.port, timeout=30)
        connection.request("POST", f"/hooks/{TENANT}/{WAY}", body, {"Authorization": f"Bearer {TOKEN}"})
        status = connection.getresponse().status
        connection.close()
        if status != 202:
            raise SystemExit(f"{name}: status {status}")

    started = time.perf_counter()
    durations = at_a_pace(bodies, pace.per_minute / 60, send)
    return figures(name, 1, durations, time.perf_counter() - started)


def _wait_for_rows(house: House, rows: int) -> None:
    limit = time.monotonic() + SETTLE_LIMIT_S
    with psycopg.connect(house.database, autocommit=True) as connection:
        while True:
            # To count rows as they become more would cost PostgreSQL as much as to write them.
            waiting = connection.execute("SELECT FROM frontdesk.deliveries WHERE state <> 'done' LIMIT 1")
            there = 0 if waiting.fetchall() else _count(connection)
            if there >= rows:
                return
            if time.monotonic() > limit:
                raise SystemExit(f"only {_count(connection)} of {rows} rows stand after {SETTLE_LIMIT_S:g} s")
            time.sleep(0.1)


def _count(connection: psycopg.Connection) -> int:
    ((there,),) = connection.execute("SELECT count(*) FROM auth_activities").fetchall()
    return int(there)


def _raw(house: House, bodies: Sequence[bytes]) -> float:
    """Insert the same rows with psycopg alone, those of a delivery in a transaction; return what it took."""
    at, seconds = datetime.now(UTC), 0.0
    with psycopg.connect(house.raw_database) as connection, connection.cursor() as cursor:
        for body in bodies:
            rows = [_row(record, at) for record in json.loads(body)]
            columns = sorted({name for row in rows for name in row})
            statement = (
                f"INSERT INTO auth_activities ({', '.join(columns)}) VALUES ({', '.join(['%s'] * len(columns))})"
                " ON CONFLICT DO NOTHING"
            )
            values = [[row.get(name) for name in columns] for row in rows]
            started = time.perf_counter()
            cursor.executemany(statement, values)
            connection.commit()
            seconds += time.perf_counter() - started
    return seconds


def _row(record: dict[str, Any], at: datetime) -> dict[str, Any]:
    activity = incoming_from_log(record, tenant=TENANT, way=WAY, received_at=at).activity
    if activity is None:
        raise SystemExit("a record of the benchmark is no activity")
    values = {"tenant": TENANT, **activity_object(activity)}
    return {
        re.sub(r"[A-Z]", lambda letter: "_" + letter[0].lower(), name): Jsonb(value)
        if isinstance(value, dict)
        else value
        for name, value in values.items()
    }


def _body(series: int | str, records: int) -> bytes:
    return json.dumps([_record(f"{series}-{number}", number) for number in range(records)]).encode()


def _record(name: str, number: int) -> dict[str, Any]:
    """Return a record as a log stream wraps it, of the size that a login's has."""
    at = datetime(2026, 3, 2, 10, tzinfo=UTC) + timedelta(milliseconds=number)
    person, log_id = hash(name) % PEOPLE, f"9002026{name.encode().hex():0>49}"[:512]
    data = {
        "date": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "type": TYPES[number % len(TYPES)],
        "description": "",
        "connection": "Username-Password-Authentication",
        "connection_id": "con_Bench0000000000A",
        "client_id": "k2VnQ0f3JXw9sT7pBench00000000000",
        "client_name": "Application of the benchmark",
        "ip": "203.0.113.7",
        "user_agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)",
        "details": {
            "prompts": [{"name": "lock-password-authenticate", "elapsedTime": 812, "flow": "login"}],
            "initiatedAt": 1772445600000,
            "completedAt": 1772445600812,
            "elapsedTime": 812,
            "session_id": f"session-{name}",
            "stats": {"loginsCount": number},
        },
        "hostname": "acme.eu.auth0.com",
        "user_id": f"auth0|bench{person:04}",
        "user_name": f"person{person}@example.com",
        "strategy": "auth0",
        "strategy_type": "database",
        "log_id": log_id,
        "_id": log_id,
        "isMobile": False,
        "location_info": {"country_code": "ES", "city_name": "Madrid", "latitude": 40.4, "longitude": -3.7},
    }
    return {"log_id": log_id, "data": data}


@contextmanager
def running_house() -> Iterator[House]:
    """Run PostgreSQL, localhasura and `frontdesk serve`, each a process of its own."""
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        postgres = EmbeddedPostgres(directory / "postgres", port=free_port())
        postgres.start()
        stack.callback(postgres.stop)
        house = House(
            directory=directory,
            database=postgres.url(),
            raw_database=postgres.url("raw"),
            hasura=f"http://127.0.0.1:{free_port()}",
            port=free_port(),
        )
        with psycopg.connect(house.database, autocommit=True) as connection:
            connection.execute("CREATE DATABASE raw")
        with psycopg.connect(house.raw_database) as connection:
            for script in sorted((PROJECT / "migrations" / "default").glob("*/up.sql")):
                connection.execute(script.read_bytes())
        processes = stack.enter_context(Processes(directory))
        start_engine(processes, house.hasura, database=house.database, admin_secret=ADMIN_SECRET)
        apply(house.hasura, ADMIN_SECRET, PROJECT)
        subprocess.run(
            [sys.executable, "-m", "frontdesk", "db", "apply"],
            cwd=directory,
            env=house.environment(),
            check=True,
            stdout=subprocess.DEVNULL,
        )
        ready = f"http://127.0.0.1:{house.port}/healthz"
        processes.start("serve", ["frontdesk", "serve"], environment=house.environment(), ready_url=ready)
        yield house


@contextmanager
def worker_of(house: House, *, hasura: str | None = None) -> Iterator[None]:
    """Run a worker, and wait until it has given its first sign of life."""
    with (house.directory / "worker.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "frontdesk", "worker"],
            cwd=house.directory,
            env=house.environment(hasura=hasura),
            stdout=log,
            stderr=log,
        )
    try:
        limit = time.monotonic() + 60
        with psycopg.connect(house.database, autocommit=True) as connection:
            while not connection.execute("SELECT 1 FROM frontdesk.procrastinate_workers").fetchall():
                if process.poll() is not None or time.monotonic() > limit:
                    raise SystemExit((house.directory / "worker.log").read_text())
                time.sleep(0.1)
        yield
    finally:
        process.terminate()
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        with psycopg.connect(house.database) as connection:
            connection.execute("DELETE FROM frontdesk.procrastinate_workers")


@contextmanager
def slow_way(url: str) -> Iterator[str]:
    """A way to Hasura on which every answer takes two seconds longer."""
    target = ("127.0.0.1", int(url.rpartition(":")[2]))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_pass_slowly, args=[listener, target], daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)


def _pass_slowly(listener: socket.socket, target: tuple[str, int]) -> None:
    with contextlib.suppress(OSError):
        while True:
            client, _ = listener.accept()
            server = socket.create_connection(target)
            for source, sink, delay_s in ((client, server, 0.0), (server, client, SLOW_S)):
                threading.Thread(target=_pipe, args=[source, sink, delay_s], daemon=True).start()


def _pipe(source: socket.socket, sink: socket.socket, delay_s: float) -> None:
    with contextlib.suppress(OSError):
        while received := source.recv(65536):
            time.sleep(delay_s)
            sink.sendall(received)
    for each in (source, sink):
        with contextlib.suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)


if __name__ == "__main__":
    main()
