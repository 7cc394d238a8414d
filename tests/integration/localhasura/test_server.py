"""The program: options, endpoints, keep-alive, signals, and what is left when it has ended."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.client import HTTPConnection

import psycopg
import pytest
import requests
from tests.integration.localhasura.client import ADMIN_SECRET, Client

from localhasura import LocalHasura

STOP_LIMIT_S = 20


@contextmanager
def program(arguments: Sequence[str], **environment: str) -> Iterator[subprocess.Popen[str]]:
    """The engine as a process of its own, ended at the latest with the block."""
    started = subprocess.Popen(
        [sys.executable, "-m", "localhasura", *arguments],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield started
    finally:
        if started.poll() is None:
            started.kill()
        started.communicate(timeout=STOP_LIMIT_S)


def ready_url(started: subprocess.Popen[str]) -> str:
    assert started.stdout is not None
    line = started.stdout.readline()
    assert line.startswith("localhasura is ready on http://127.0.0.1:"), line
    return line.split()[-1]


def connections(postgres_url: str, database_url: str) -> int:
    with psycopg.connect(postgres_url) as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = %s", [database_url.rsplit("/", 1)[1]]
        ).fetchone()
    return 0 if row is None else int(row[0])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_cleanly(database_url: str, postgres_url: str, number: signal.Signals) -> None:
    with program(["--port", "0", "--database-url", database_url, "--admin-secret", "s"]) as started:
        url = ready_url(started)
        keep_alive = requests.Session()
        keep_alive.get(f"{url}/healthz", timeout=5)

        started.send_signal(number)
        _, errors = started.communicate(timeout=STOP_LIMIT_S)
        keep_alive.close()

    assert (started.returncode, errors) == (0, "")
    assert connections(postgres_url, database_url) == 0


def test_it_is_configured_by_hasuras_variables(database_url: str) -> None:
    environment = {
        "HASURA_GRAPHQL_SERVER_PORT": "0",
        "HASURA_GRAPHQL_DATABASE_URL": database_url,
        "HASURA_GRAPHQL_ADMIN_SECRET": "from-environment",
        "HASURA_GRAPHQL_UNAUTHORIZED_ROLE": "anonymous",
        "HASURA_GRAPHQL_STRINGIFY_NUMERIC_TYPES": "true",
    }
    with program([], **environment) as started:
        url = ready_url(started)
        admin = {"x-hasura-admin-secret": "from-environment"}
        for statement in (
            "CREATE TABLE t (id bigint PRIMARY KEY, n numeric, f float8, i int)",
            "INSERT INTO t VALUES (1, 2.50, 0.5, 3)",
        ):
            sql = {"type": "run_sql", "args": {"sql": statement}}
            requests.post(f"{url}/v2/query", json=sql, headers=admin, timeout=5).raise_for_status()
        track = {"type": "pg_track_table", "args": {"table": "t"}}
        requests.post(f"{url}/v1/metadata", json=track, headers=admin, timeout=5).raise_for_status()

        query = {"query": "{t {id n f i} t_aggregate {aggregate {sum {id n i}}}}"}
        data = requests.post(f"{url}/v1/graphql", json=query, headers=admin, timeout=5).json()["data"]
        anonymous = requests.post(f"{url}/v1/graphql", json={"query": "{t {id}}"}, timeout=5).json()

    assert data == {
        "t": [{"id": "1", "n": "2.50", "f": "0.5", "i": 3}],
        "t_aggregate": {"aggregate": {"sum": {"id": "1", "n": "2.50", "i": 3}}},
    }
    assert anonymous["errors"][0]["message"] == "field 't' not found in type: 'query_root'"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (
            ["--jwt-secret", '{"type":"HS256","key":"short"}'],
            "Key size too small; should be atleast 32 characters",
        ),
        (["--jwt-secret", '{"key":"x","jwk_url":"y"}'], "key, jwk_url both cannot be present"),
    ],
)
def test_a_bad_secret_stops_the_start_and_is_not_repeated(
    database_url: str, arguments: list[str], told: str
) -> None:
    base = ["--port", "0", "--database-url", database_url, "--admin-secret", "the-admin-secret"]
    with program([*base, *arguments]) as started:
        output, errors = started.communicate(timeout=STOP_LIMIT_S)

    assert (started.returncode, output) == (1, "")
    assert told in errors
    assert "the-admin-secret" not in errors


def test_a_taken_port_is_told(database_url: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        with program(["--port", str(port), "--database-url", database_url]) as started:
            _, errors = started.communicate(timeout=STOP_LIMIT_S)

    assert started.returncode == 1
    assert "Address already in use" in errors


def test_an_engine_in_a_thread_leaves_nothing_behind(database_url: str, postgres_url: str) -> None:
    before = set(threading.enumerate())
    engine = LocalHasura(database_url=database_url, admin_secret=ADMIN_SECRET).start()
    port = engine.port
    session = requests.Session()
    session.get(f"{engine.url}/healthz", timeout=5)

    engine.stop()
    engine.stop()
    session.close()

    assert set(threading.enumerate()) == before
    assert connections(postgres_url, database_url) == 0
    with socket.socket() as free:
        free.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        free.bind(("127.0.0.1", port))


def test_the_other_endpoints(engine: LocalHasura) -> None:
    health = requests.get(f"{engine.url}/healthz?strict=true", timeout=5)
    version = requests.get(f"{engine.url}/v1/version", timeout=5)
    unknown = requests.get(f"{engine.url}/v1/nothing", timeout=5)

    assert (health.status_code, health.text) == (200, "OK")
    assert version.json() == {"version": "v2.48.16", "server_type": "ce"}
    assert unknown.status_code == 404
    assert unknown.json() == {"path": "$", "error": "resource does not exist", "code": "not-found"}


def test_one_connection_serves_many_requests(engine: LocalHasura) -> None:
    connection = HTTPConnection("127.0.0.1", engine.port, timeout=5)
    connection.connect()
    used = connection.sock

    for _ in range(5):
        connection.request("GET", "/v1/version")
        assert connection.getresponse().read()

    assert connection.sock is used
    connection.close()


def test_requests_at_once_do_not_disturb_each_other(library: Client) -> None:
    insert = "mutation ($line: String!) {insert_log_one(object: {line: $line}) {who line}}"

    def write(number: int) -> bool:
        body = {"query": insert, "variables": {"line": f"line {number}"}}
        headers = {
            "X-Hasura-Admin-Secret": ADMIN_SECRET,
            "X-Hasura-Role": "user",
            "X-Hasura-User-Id": f"u{number}",
        }
        answer = requests.post(f"{library.url}/v1/graphql", json=body, headers=headers, timeout=30).json()
        return bool(answer == {"data": {"insert_log_one": {"who": f"u{number}", "line": f"line {number}"}}})

    with ThreadPoolExecutor(12) as pool:
        assert all(pool.map(write, range(120)))


def test_a_body_beyond_the_limit_is_refused(client: Client) -> None:
    response = client.raw("/v1/graphql", b" " * (33 * 1024 * 1024))

    assert response.status_code == 413
    told = {"path": "$", "error": "exceeds max_body of 33554432", "code": "bad-request"}
    assert response.json() == told


@pytest.mark.parametrize(
    ("environment", "told"),
    [
        (
            {"HASURA_GRAPHQL_AUTH_HOOK": "http://hook/", "HASURA_GRAPHQL_JWT_SECRET": "{}"},
            "Fatal Error: Both webhook and JWT mode cannot be enabled at the same time",
        ),
        (
            {"HASURA_GRAPHQL_AUTH_HOOK": "http://hook/", "HASURA_GRAPHQL_UNAUTHORIZED_ROLE": "anonymous"},
            "is not allowed when --auth-hook (HASURA_GRAPHQL_AUTH_HOOK) is set",
        ),
        ({"HASURA_GRAPHQL_AUTH_HOOK": "hook"}, "the auth hook is not an http or https URL"),
        (
            {"HASURA_GRAPHQL_AUTH_HOOK": "http://hook/", "HASURA_GRAPHQL_AUTH_HOOK_MODE": "PUT"},
            "expected the auth hook's mode to be GET or POST, got 'PUT'",
        ),
        ({"HASURA_GRAPHQL_JWT_SECRET": '{"jwk_url": "ftp://x/"}'}, "jwk_url is not an http or https URL"),
    ],
)
def test_settings_that_are_refused_end_the_start(
    database_url: str, environment: dict[str, str], told: str
) -> None:
    base = ["--port", "0", "--database-url", database_url, "--admin-secret", "the-admin-secret"]
    with program(base, **environment) as started:
        output, errors = started.communicate(timeout=STOP_LIMIT_S)

    assert (started.returncode, output) == (1, "")
    assert told in errors
    assert "the-admin-secret" not in errors


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HASURA_GRAPHQL_ENABLED_APIS", "graphql,everything"),
        ("HASURA_GRAPHQL_CORS_DOMAIN", "example.com"),
        ("HASURA_GRAPHQL_AUTH_HOOK_SEND_REQUEST_BODY", "perhaps"),
        ("HASURA_GRAPHQL_DISABLE_CORS", "perhaps"),
        ("LOCALHASURA_MAX_NODES", "0"),
    ],
)
def test_values_that_cannot_be_read_are_wrong_usage(database_url: str, name: str, value: str) -> None:
    with program(["--port", "0", "--database-url", database_url], **{name: value}) as started:
        _, errors = started.communicate(timeout=STOP_LIMIT_S)

    assert started.returncode == 2
    assert name in errors


def test_the_switches_of_the_environment_are_read(database_url: str) -> None:
    environment = {
        "HASURA_GRAPHQL_ADMIN_SECRET": "s",
        "HASURA_GRAPHQL_ENABLED_APIS": "graphql, config",
        "HASURA_GRAPHQL_CORS_DOMAIN": "https://*.example.com",
        "HASURA_GRAPHQL_PRESERVE_401_ERRORS": "true",
    }
    with program(["--port", "0", "--database-url", database_url], **environment) as started:
        url = ready_url(started)
        metadata = requests.post(f"{url}/v1/metadata", json={}, timeout=5)
        allowed = requests.get(f"{url}/healthz", headers={"Origin": "https://app.example.com"}, timeout=5)
        other = requests.get(f"{url}/healthz", headers={"Origin": "https://example.org"}, timeout=5)
        refused = requests.post(f"{url}/v1/graphql", json={"query": "{__typename}"}, timeout=5)

    assert metadata.status_code == 404
    assert allowed.headers["Access-Control-Allow-Origin"] == "https://app.example.com"
    assert "Access-Control-Allow-Origin" not in other.headers
    assert refused.status_code == 401
