"""localhasura under load: the engine in process and over HTTP, beside the same work through psycopg alone."""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import requests
from rich.console import Console
from rich.table import Table

from benchmarks.measure import Figures, figures, get, measure, post, wait_until_healthy
from frontdesk.demo.postgres import EmbeddedPostgres, free_port
from localhasura.config import Options
from localhasura.engine import GraphQLEngine
from localhasura.metadata.service import MetadataService
from localhasura.metadata.store import MetadataStore
from localhasura.sql.builder import Session

SECRET = "benchmark-secret"
ROLE = "user"
PEOPLE = 500
WARM_UP = 200
QUERY_TEXT_BYTES = 16384
"""How much of a statement PostgreSQL shows, so that the engine's own SQL can be read back."""

SCHEMA = """
CREATE TABLE users (
  id text PRIMARY KEY, email text, name text, plan jsonb NOT NULL DEFAULT '{}',
  logins integer NOT NULL DEFAULT 0, seen_at timestamptz);
INSERT INTO users (id, email, name)
  SELECT 'user-' || n, 'person' || n || '@example.com', 'Person ' || n FROM generate_series(0, 499) AS n;
"""
COLUMNS = ["id", "email", "name", "plan", "logins", "seen_at"]
BY_KEY = "query ($id: String!) {users_by_pk(id: $id) {id email name plan logins seen_at}}"
UPSERT = """mutation ($row: users_insert_input!) {
  insert_users_one(object: $row, on_conflict: {
    constraint: users_pkey, update_columns: [email, name, plan, logins, seen_at]}) {id}}"""
UPSERT_SQL = """INSERT INTO users (id, email, name, plan, logins, seen_at) VALUES (%s, %s, %s, %s, %s, %s)
  ON CONFLICT ON CONSTRAINT users_pkey DO UPDATE SET email = EXCLUDED.email, name = EXCLUDED.name,
  plan = EXCLUDED.plan, logins = EXCLUDED.logins, seen_at = EXCLUDED.seen_at RETURNING id"""


@dataclass(frozen=True, kw_only=True)
class Target:
    """One thing to measure; `run` does it `count` times and tells what that took."""

    name: str
    run: Callable[[int], Figures]


@dataclass(frozen=True, kw_only=True)
class Ratio:
    """One target's speed over another's, and how much of it the project asks for."""

    target: str
    baseline: str
    wanted: float


RATIOS = [
    Ratio(target="by key, in process", baseline="by key, psycopg", wanted=0.25),
    Ratio(target="by key, HTTP", baseline="nothing, HTTP", wanted=0.40),
    Ratio(target="upsert, HTTP", baseline="upsert, psycopg", wanted=0.25),
]


def main() -> None:
    """Measure all targets in turns and print them, with their ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1000, help="calls of each target in a round")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    console = Console()
    with _database() as url, _server(url) as port, _engine(url) as engine, psycopg.connect(url) as connection:
        connection.autocommit = True
        targets = _targets(engine, port, connection)
        for target in targets:
            target.run(WARM_UP)
        rounds = [
            {target.name: target.run(options.count) for target in targets} for _ in range(options.rounds)
        ]
    console.print(_series(rounds))
    console.print(_ratios(rounds))
    console.print(f"{os.cpu_count()} cores, Python {platform.python_version()}, {platform.machine()}")


def _targets(engine: GraphQLEngine, port: int, connection: psycopg.Connection[Any]) -> list[Target]:
    session = Session(ROLE, {"x-hasura-role": ROLE})
    cursor, raw = connection.cursor(), psycopg.RawCursor(connection)
    by_key = [_by_key(number) for number in range(PEOPLE)]
    engine.answer(by_key[0], session)
    statement = _last_statement(connection).encode()
    headers = {"x-hasura-admin-secret": SECRET, "x-hasura-role": ROLE}
    reads = [post("/v1/graphql", json.dumps(body).encode(), headers) for body in by_key]
    writes = [post("/v1/graphql", json.dumps(_upsert(number)).encode(), headers) for number in range(PEOPLE)]

    def read(number: int) -> None:
        raw.execute(statement, [f"user-{number}"]).fetchone()

    def write(number: int) -> None:
        cursor.execute(UPSERT_SQL, list(_row(number, json.dumps).values())).fetchone()

    def over_http(name: str, prepared: list[bytes]) -> Target:
        return Target(
            name=name,
            run=lambda count: measure(name, port, [prepared[n % len(prepared)] for n in range(count)], 1),
        )

    return [
        _in_process("by key, psycopg", read),
        _in_process("by key, in process", lambda number: engine.answer(by_key[number], session)),
        over_http("nothing, HTTP", [get("/v1/version")]),
        over_http("by key, HTTP", reads),
        _in_process("upsert, psycopg", write),
        over_http("upsert, HTTP", writes),
    ]


def _in_process(name: str, call: Callable[[int], Any]) -> Target:
    def run(count: int) -> Figures:
        durations: list[float] = []
        for number in range(count):
            start = time.perf_counter()
            call(number % PEOPLE)
            durations.append((time.perf_counter() - start) * 1000)
        return figures(name, 1, durations, sum(durations) / 1000)

    return Target(name=name, run=run)


def _last_statement(connection: psycopg.Connection[Any]) -> str:
    """Return the SQL that the engine has just sent, as PostgreSQL saw it."""
    row = connection.execute(
        "SELECT query FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND query LIKE %s", ['%"users"%$1%']
    ).fetchone()
    if row is None:
        raise SystemExit("the engine's statement was not found")
    return str(row[0])


def _by_key(number: int) -> dict[str, Any]:
    return {"query": BY_KEY, "variables": {"id": f"user-{number}"}}


def _upsert(number: int) -> dict[str, Any]:
    return {"query": UPSERT, "variables": {"row": _row(number, lambda plan: plan)}}


def _row(number: int, encode: Callable[[Any], Any]) -> dict[str, Any]:
    return {
        "id": f"user-{number}",
        "email": f"person{number}@example.com",
        "name": f"Person {number}",
        "plan": encode({"plan": "pro"}),
        "logins": number,
        "seen_at": "2026-03-01T09:00:00.123Z",
    }


@contextmanager
def _database() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as directory:
        options = {"fsync": "off", "track_activity_query_size": str(QUERY_TEXT_BYTES)}
        cluster = EmbeddedPostgres(Path(directory) / "postgres", port=free_port(), options=options)
        cluster.start()
        try:
            with psycopg.connect(cluster.url()) as connection:
                connection.execute(SCHEMA)
            yield cluster.url()
        finally:
            cluster.stop()


@contextmanager
def _engine(url: str) -> Iterator[GraphQLEngine]:
    service = MetadataService(Options(database_url=url), MetadataStore(url))
    service.start()
    try:
        yield service.engine
    finally:
        service.stop()


@contextmanager
def _server(url: str) -> Iterator[int]:
    """Serve the database from a process of its own, and let the role have the table."""
    port = free_port()
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "localhasura",
            "--port",
            str(port),
            "--database-url",
            url,
            "--admin-secret",
            SECRET,
        ]
    )
    try:
        wait_until_healthy(port)
        _track(port)
        yield port
    finally:
        process.terminate()
        process.wait()


def _track(port: int) -> None:
    permission = {"columns": COLUMNS, "filter": {}, "check": {}}
    table = {"source": "default", "table": "users"}
    commands = [{"type": "pg_track_table", "args": table}] + [
        {"type": f"pg_create_{kind}_permission", "args": {**table, "role": ROLE, "permission": permission}}
        for kind in ("select", "insert", "update")
    ]
    answer = requests.post(
        f"http://127.0.0.1:{port}/v1/metadata",
        json={"type": "bulk", "args": commands},
        headers={"x-hasura-admin-secret": SECRET},
        timeout=10,
    )
    answer.raise_for_status()


def _series(rounds: list[dict[str, Figures]]) -> Table:
    table = Table(title=f"Median of {len(rounds)} rounds, one call at a time", title_justify="left")
    for heading in ("", "p50 ms", "p99 ms", "per second"):
        table.add_column(heading, justify="left" if not heading else "right")
    for name in rounds[0]:
        table.add_row(
            name,
            f"{statistics.median(each[name].p50 for each in rounds):.2f}",
            f"{statistics.median(each[name].p99 for each in rounds):.2f}",
            f"{statistics.median(each[name].per_second for each in rounds):.0f}",
        )
    return table


def _ratios(rounds: list[dict[str, Figures]]) -> Table:
    """Both sides of a ratio come from the same round; what is shown is the median of the rounds.

    Medians are compared, since a neighbour on the machine shows in the mean of whichever series it hits.
    """
    table = Table(title="Speed beside a baseline, by the median call", title_justify="left")
    for heading in ("", "of", "ratio", "wanted"):
        table.add_column(heading, justify="right" if heading in ("ratio", "wanted") else "left")
    for ratio in RATIOS:
        found = statistics.median(each[ratio.baseline].p50 / each[ratio.target].p50 for each in rounds)
        table.add_row(ratio.target, ratio.baseline, f"{found:.0%}", f"{ratio.wanted:.0%}")
    overhead = statistics.median(each["by key, HTTP"].p50 - each["by key, psycopg"].p50 for each in rounds)
    table.add_row("by key, HTTP", "by key, psycopg", f"+{overhead:.2f} ms p50", "< 2 ms")
    return table


if __name__ == "__main__":
    main()
