"""A query through the auth hook, beside the same query with a JWT secret, and the hook alone."""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import jwt
import psycopg
import requests
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import RSAAlgorithm
from rich.console import Console
from rich.table import Table

from benchmarks.measure import Figures, get, measure, post, wait_until_healthy
from frontdesk.demo.postgres import EmbeddedPostgres, free_port
from frontdesk.hasura.deploy import apply
from frontdesk.settings import HASURA_CLAIMS
from frontdesk.settings_reference import PROJECT

SECRET, AUDIENCE, TENANT, KEY_ID = "benchmark-secret", "https://api.example.com", "bench", "key-1"
PEOPLE = 500
WARM_UP = 200
QUERY = json.dumps({"query": "{users {userId email name}}"}).encode()
HEALTH, HOOK, BY_SECRET, BY_HOOK = "healthz", "hook", "query, JWT secret", "query, hook"


def main() -> None:
    """Measure all series in turns, several rounds of them, and print their medians with the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1000, help="calls of each series in a round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--concurrency", type=int, nargs="+", default=[1, 8])
    options = parser.parse_args()
    console = Console()
    with ExitStack() as stack:
        series = _house(stack)
        for name, (port, prepared) in series.items():
            measure(name, port, _repeated(prepared, WARM_UP), 4)
        for concurrency in options.concurrency:
            rounds = [
                {
                    name: measure(name, port, _repeated(prepared, options.count), concurrency)
                    for name, (port, prepared) in series.items()
                }
                for _ in range(options.rounds)
            ]
            console.print(_table(rounds, concurrency))
    console.print(f"{os.cpu_count()} cores, Python {platform.python_version()}, {platform.machine()}")


def _house(stack: ExitStack) -> dict[str, tuple[int, list[bytes]]]:
    """Start everything; return the port and the requests of each series."""
    place = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    key = generate_private_key(public_exponent=65537, key_size=2048)
    database = stack.enter_context(_database(place))
    issuer = stack.enter_context(_issuer(key))
    desk = stack.enter_context(_desk(place, issuer))
    pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    secret = json.dumps({"type": "RS256", "key": pem, "audience": AUDIENCE, "issuer": issuer})
    by_secret = stack.enter_context(_engine(database, "--jwt-secret", secret))
    apply(f"http://127.0.0.1:{by_secret}", SECRET, PROJECT / "hasura")
    _fill(database)
    hook = f"http://127.0.0.1:{desk}/hasura/auth-hook"
    by_hook = stack.enter_context(_engine(database, "--auth-hook", hook, "--auth-hook-mode", "POST"))
    bearers = [f"Bearer {_token(key, issuer, number)}" for number in range(PEOPLE)]
    queries = [post("/v1/graphql", QUERY, {"Authorization": bearer}) for bearer in bearers]
    for engine in (by_secret, by_hook):
        _expect_a_row(engine, bearers[0])
    asked = [json.dumps({"headers": {"Authorization": bearer}}).encode() for bearer in bearers]
    return {
        HEALTH: (desk, [get("/healthz")]),
        HOOK: (desk, [post("/hasura/auth-hook", body, {}) for body in asked]),
        BY_SECRET: (by_secret, queries),
        BY_HOOK: (by_hook, queries),
    }


def _expect_a_row(port: int, bearer: str) -> None:
    """End when a query is refused: refusals have status 200 too, and are fast."""
    headers = {"Authorization": bearer, "Content-Type": "application/json"}
    answer = requests.post(
        f"http://127.0.0.1:{port}/v1/graphql", data=QUERY, headers=headers, timeout=30
    ).json()
    if len(answer.get("data", {}).get("users", ())) != 1:
        raise SystemExit(f"expected the one row of the token, got {answer}")


def _repeated(prepared: list[bytes], count: int) -> list[bytes]:
    return [prepared[number % len(prepared)] for number in range(count)]


@contextmanager
def _database(place: Path) -> Iterator[str]:
    cluster = EmbeddedPostgres(place / "postgres", port=free_port(), options={"fsync": "off"})
    cluster.start()
    try:
        yield cluster.url()
    finally:
        cluster.stop()


@contextmanager
def _issuer(key: RSAPrivateKey) -> Iterator[str]:
    jwk = RSAAlgorithm.to_jwk(key.public_key(), as_dict=True) | {"kid": KEY_ID, "use": "sig", "alg": "RS256"}
    content = json.dumps({"keys": [jwk]}).encode()

    class Keys(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            """Keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Keys)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def _desk(place: Path, issuer: str) -> Iterator[int]:
    port = free_port()
    tenant = f"TENANTS_{TENANT.upper()}"
    variables = {
        "HASURA_URL": "http://127.0.0.1:9",  # the hook needs none
        "HASURA_ADMIN_SECRET": SECRET,
        f"{tenant}_DOMAIN": "bench.eu.auth0.com",
        f"{tenant}_ISSUER": issuer,
        f"{tenant}_AUDIENCE": AUDIENCE,
        f"{tenant}_HOOK_SECRETS": "whsec_" + "c2VjcmV0" * 5,
        "SERVER_PORT": str(port),
        "LOG_LEVEL": "warning",
    }
    environment = os.environ | {f"FRONTDESK_{name}": value for name, value in variables.items()}
    with _process([sys.executable, "-m", "frontdesk", "serve"], port, cwd=place, env=environment):
        yield port


@contextmanager
def _engine(database: str, *options: str) -> Iterator[int]:
    port = free_port()
    command = [sys.executable, "-m", "localhasura", "--port", str(port), "--database-url", database]
    with _process([*command, "--admin-secret", SECRET, *options], port):
        yield port


@contextmanager
def _process(
    command: list[str], port: int, *, cwd: Path | None = None, env: dict[str, str] | None = None
) -> Iterator[None]:
    process = subprocess.Popen(command, cwd=cwd, env=env, stdout=subprocess.DEVNULL)
    try:
        wait_until_healthy(port)
        yield
    finally:
        process.terminate()
        process.wait()


def _fill(database: str) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(
            "insert into users (tenant, user_id, email, name) "
            "select %s, 'auth0|' || n, 'person' || n || '@example.com', 'Person ' || n "
            "from generate_series(0, %s) n",
            [TENANT, PEOPLE - 1],
        )


def _token(key: RSAPrivateKey, issuer: str, number: int) -> str:
    claims = {
        "x-hasura-default-role": "user",
        "x-hasura-allowed-roles": ["user"],
        "x-hasura-user-id": f"auth0|{number}",
        "x-hasura-tenant": TENANT,
    }
    now = int(time.time())
    payload = {"iss": issuer, "aud": AUDIENCE, "sub": f"auth0|{number}", "iat": now, "exp": now + 86_400}
    return jwt.encode({**payload, HASURA_CLAIMS: claims}, key, algorithm="RS256", headers={"kid": KEY_ID})


def _table(rounds: list[dict[str, Figures]], concurrency: int) -> Table:
    """Both sides of a ratio come from the same round; what is shown is the median of the rounds."""
    table = Table(title=f"Concurrency {concurrency}, median of {len(rounds)} rounds", title_justify="left")
    for heading in ("", "p50 ms", "p99 ms", "per second", f"this / {BY_SECRET}: p50", "p99"):
        table.add_column(heading, justify="left" if not heading else "right")
    for name in rounds[0]:
        p50, p99 = (
            statistics.median(getattr(each[name], part) / getattr(each[BY_SECRET], part) for each in rounds)
            for part in ("p50", "p99")
        )
        table.add_row(
            name,
            f"{statistics.median(each[name].p50 for each in rounds):.2f}",
            f"{statistics.median(each[name].p99 for each in rounds):.2f}",
            f"{statistics.median(each[name].per_second for each in rounds):.0f}",
            f"{p50:.2f}",
            f"{p99:.2f}",
        )
    return table


if __name__ == "__main__":
    main()
