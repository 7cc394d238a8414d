"""What a hostile or clumsy client can do: each request is answered in bounded time, and leaves nothing behind."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
import requests
from tests.integration.localhasura.client import ADMIN_SECRET, Client

from localhasura import LocalHasura
from localhasura.config import Options, options_from

BOUND_S = 20.0
"""For any one request, on a machine that does much else; without the limits these take minutes or the memory."""
HEADERS = {"X-Hasura-Admin-Secret": ADMIN_SECRET}


def nested_where(levels: int) -> Any:
    value: Any = {"id": {"_eq": 1}}
    for _ in range(levels):
        value = {"_and": [value]}
    return value


def nested_selection(levels: int) -> str:
    return "{author " + "{articles {author " * levels + "{id}" + "}}" * levels + "}"


def doubling_fragments(number: int) -> str:
    fragments = [f"fragment f{n} on author {{...f{n + 1} ...f{n + 1}}}" for n in range(number)]
    return "{author {...f0}}" + " ".join([*fragments, f"fragment f{number} on author {{id}}"])


def aliases(number: int) -> str:
    return "{" + " ".join(f"a{n}: author {{id}}" for n in range(number)) + "}"


def introspection(levels: int) -> str:
    return "{__schema {types " + "{fields {type " * levels + "{name}" + "}}" * levels + "}}"


REFUSED: dict[str, tuple[str, Any]] = {
    "deep selection": (nested_selection(200), None),
    "very deep selection": (nested_selection(20_000), None),
    "deep braces": ("{" * 30_000, None),
    "deep lists": ("{author(where: {_and: " + "[" * 20_000 + "]" * 20_000 + "}) {id}}", None),
    "deep objects": ("{author(where: " + "{_not: " * 15_000 + "{}" + "}" * 15_000 + ") {id}}", None),
    "deep variables": ("query ($w: author_bool_exp) {author(where: $w) {id}}", {"w": nested_where(300)}),
    "ten thousand aliases": (aliases(10_000), None),
    "too many tokens": ("{" + " id" * 60_000 + "}", None),
    "doubling fragments": (doubling_fragments(40), None),
    "a cycle of fragments": ("{author {...a}} fragment a on author {...b} fragment b on author {...a}", None),
    "a fragment in itself": ("{author {...a}} fragment a on author {articles {author {...a}}}", None),
    "a long cycle": (
        "{author {...f0}} "
        + " ".join(f"fragment f{n} on author {{...f{(n + 1) % 3000}}}" for n in range(3000)),
        None,
    ),
    "deep introspection": (introspection(12), None),
}


@pytest.mark.parametrize("name", REFUSED)
def test_pathological_requests_are_refused_in_bounded_time(library: Client, name: str) -> None:
    query, variables = REFUSED[name]
    started = time.monotonic()

    response = library.post("/v1/graphql", {"query": query, "variables": variables})

    assert time.monotonic() - started < BOUND_S
    assert response.status_code == 200, response.text[:300]
    (error,) = response.json()["errors"]
    assert error["extensions"]["code"] == "validation-failed"
    assert len(error["message"]) < 100_000


ANSWERED: dict[str, tuple[str, Any]] = {
    "a long list": ("query ($l: [Int!]) {author(where: {id: {_in: $l}}) {id}}", {"l": list(range(100_000))}),
    "many alternatives": (
        "query ($w: author_bool_exp) {author(where: $w) {id}}",
        {"w": {"_or": [{"id": {"_eq": number}} for number in range(3000)]}},
    ),
    "more parameters than PostgreSQL takes": (
        "query ($w: author_bool_exp) {author(where: $w) {id}}",
        {"w": {"_or": [{"id": {"_eq": number}} for number in range(70_000)]}},
    ),
    "many rows": (
        "mutation ($o: [log_insert_input!]!) {insert_log(objects: $o) {affected_rows}}",
        {"o": [{"line": f"line {number}", "who": "x"} for number in range(40_000)]},
    ),
    "the same field again and again": ("{author {" + "id " * 4000 + "}}", None),
    "a huge number": ("{author(limit: " + "9" * 5000 + ") {id}}", None),
    "a huge string": (
        "query ($s: String) {author(where: {name: {_eq: $s}}) {id}}",
        {"s": "x" * 5_000_000},
    ),
    "a slow pattern": (
        "query ($s: String) {author(where: {name: {_regex: $s}}) {id}}",
        {"s": "(((((((((a*)*)*)*)*)*)*)*)*)*$" + "(a?){50}" * 5},
    ),
}


@pytest.mark.parametrize("name", ANSWERED)
def test_large_requests_are_answered_in_bounded_time(library: Client, name: str) -> None:
    query, variables = ANSWERED[name]
    started = time.monotonic()

    response = library.post("/v1/graphql", {"query": query, "variables": variables})

    assert time.monotonic() - started < BOUND_S
    assert response.status_code == 200, response.text[:300]
    answer = response.json()
    assert "data" in answer or answer["errors"][0]["extensions"]["code"] in (
        *("validation-failed", "data-exception", "unexpected", "parse-failed", "bad-request"),
    )


def test_the_ordinary_introspection_is_within_the_limits(library: Client) -> None:
    from graphql import get_introspection_query

    assert "types" in library.data(get_introspection_query(descriptions=True))["__schema"]


def test_metadata_that_is_nested_too_deeply_is_refused(library: Client) -> None:
    levels = 20_000
    rule = '{"_not": ' * levels + "{}" + "}" * levels
    permission = f'{{"columns": ["id"], "filter": {rule}}}'
    args = f'{{"source": "default", "table": "author", "role": "deep", "permission": {permission}}}'

    response = library.raw(
        "/v1/metadata", f'{{"type": "pg_create_select_permission", "args": {args}}}'.encode()
    )
    after = library.graphql("{author {id}}", X_Hasura_Role="deep")

    assert response.status_code == 400, response.text[:300]
    assert "errors" in after


@pytest.fixture
def tight(library: Client, database_url: str) -> Iterator[str]:
    """The URL of an engine over the library with limits that a test can reach."""
    options = Options(
        database_url=database_url,
        port=0,
        admin_secret=ADMIN_SECRET,
        statement_timeout_s=0.5,
        max_body_bytes=2000,
        max_depth=3,
        max_nodes=5,
        receive_limit_s=1,
    )
    with LocalHasura.from_options(options) as engine:
        yield engine.url


def ask(url: str, query: str) -> requests.Response:
    return requests.post(f"{url}/v1/graphql", json={"query": query}, headers=HEADERS, timeout=BOUND_S)


def test_limits_are_settings(tight: str, library: Client) -> None:
    library.sql("CREATE VIEW slow AS SELECT 1 AS id, pg_sleep(30)::text AS nap")
    library.metadata("pg_track_table", {"table": "slow"})
    requests.post(
        f"{tight}/v1/metadata",
        json={"type": "reload_metadata", "args": {}},
        headers=HEADERS,
        timeout=BOUND_S,
    ).raise_for_status()

    fine = ask(tight, "{author {id}}").json()
    deep = ask(tight, "{author {articles {author {id}}}}").json()
    wide = ask(tight, "{author {id a: id b: id c: id d: id}}").json()
    large = ask(tight, "{author {id}}" + " " * 3000)
    slow = ask(tight, "{slow {nap}}").json()

    assert "data" in fine
    assert deep["errors"][0]["message"] == "the query is nested more than 3 levels deep"
    assert wide["errors"][0]["message"] == "the query selects more than 5 fields"
    assert large.status_code == 413
    assert slow["errors"][0]["extensions"]["code"] == "unexpected"


@pytest.mark.parametrize("value", ["0", "-1", "many", "1.5", "٣"])
def test_a_limit_that_is_no_number_stops_the_start(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], value: str
) -> None:
    monkeypatch.setenv("LOCALHASURA_MAX_DEPTH", value)

    with pytest.raises(SystemExit):
        options_from(["--database-url", "postgresql://nowhere"])
    assert "LOCALHASURA_MAX_DEPTH: expected a number above 0" in capsys.readouterr().err


def test_limits_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    names = (
        "STATEMENT_TIMEOUT_S",
        "MAX_BODY_BYTES",
        "MAX_DEPTH",
        "MAX_NODES",
        "RECEIVE_LIMIT_S",
        "SEND_LIMIT_S",
    )
    for number, name in enumerate(names):
        monkeypatch.setenv(f"LOCALHASURA_{name}", str(number + 7))

    made = options_from(["--database-url", "postgresql://nowhere"])

    assert [getattr(made, name.lower()) for name in names] == [7, 8, 9, 10, 11, 12]


def until(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + BOUND_S
    while time.monotonic() < deadline:
        if condition():
            return True
        threading.Event().wait(0.05)
    return False


@pytest.mark.parametrize(
    "piece", [b"X-A: b\r\n", b"x"], ids=["a header now and then", "a byte of the body now and then"]
)
def test_a_request_that_never_ends_is_ended(tight: str, piece: bytes) -> None:
    host, port = tight.removeprefix("http://").split(":")
    head = b"POST /v1/graphql HTTP/1.1\r\nHost: x\r\n"
    if piece == b"x":
        head += b"Content-Length: 1500\r\n\r\n"
    with socket.create_connection((host, int(port)), timeout=BOUND_S) as drip:
        drip.sendall(head)

        def is_ended() -> bool:
            try:
                drip.sendall(piece)
            except OSError:
                return True
            return False

        assert until(is_ended)


def test_clients_that_hang_up_leave_no_connection(
    library: Client, postgres_url: str, database_url: str
) -> None:
    library.sql("CREATE VIEW slow AS SELECT 1 AS id, pg_sleep(0.3)::text AS nap")
    library.metadata("pg_track_table", {"table": "slow"})
    host, port = library.url.removeprefix("http://").split(":")
    body = json.dumps({"query": "{slow {nap}}"}).encode()
    head = f"POST /v1/graphql HTTP/1.1\r\nHost: x\r\nX-Hasura-Admin-Secret: {ADMIN_SECRET}\r\n"
    request = f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body

    for _ in range(40):
        with socket.create_connection((host, int(port)), timeout=BOUND_S) as raw:
            raw.sendall(request)

    name = database_url.rsplit("/", 1)[1]
    busy = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND state <> 'idle'"
    open_ones = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s"
    with psycopg.connect(postgres_url, autocommit=True) as watcher:

        def count(statement: Any) -> int:
            row = watcher.execute(statement, [name]).fetchone()
            return 0 if row is None else int(row[0])

        assert until(lambda: count(busy) == 0)
        # Sixteen threads have at most a connection each, and the metadata store has some of its own.
        assert count(open_ones) <= 24
    assert library.data("{author {id}}")["author"]


def test_a_hundred_clients_at_once_are_served(library: Client) -> None:
    ready = threading.Barrier(100)

    def one(number: int) -> list[Any]:
        with requests.Session() as session:
            ready.wait(BOUND_S)
            query = {
                "query": "query ($id: Int!) {author(where: {id: {_eq: $id}}) {id}}",
                "variables": {"id": 1},
            }
            return [
                session.post(f"{library.url}/v1/graphql", json=query, headers=HEADERS, timeout=BOUND_S).json()
                for _ in range(3)
            ]

    with ThreadPoolExecutor(100) as pool:
        for answers in pool.map(one, range(100)):
            assert answers == [{"data": {"author": [{"id": 1}]}}] * 3


def test_idle_connections_do_not_keep_others_out(library: Client) -> None:
    host, port = library.url.removeprefix("http://").split(":")
    idle = [socket.create_connection((host, int(port)), timeout=BOUND_S) for _ in range(300)]
    try:
        answer = requests.post(
            f"{library.url}/v1/graphql", json={"query": "{__typename}"}, headers=HEADERS, timeout=BOUND_S
        )
    finally:
        for each in idle:
            each.close()

    assert answer.json() == {"data": {"__typename": "query_root"}}
