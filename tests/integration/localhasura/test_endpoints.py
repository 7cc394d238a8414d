"""What is around the API: health, configuration, CORS, switched-off parts, websockets."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import requests
from tests.integration.localhasura.client import ADMIN_SECRET, Client

from localhasura import LocalHasura
from localhasura.config import Options
from localhasura.cors import CorsError, CorsPolicy, parse_cors_domain

ADMIN = {"X-Hasura-Admin-Secret": ADMIN_SECRET}
METHODS = "GET,POST,PUT,PATCH,DELETE,OPTIONS"


@contextmanager
def started(database_url: str, **options: Any) -> Iterator[str]:
    made = Options(database_url=database_url, port=0, admin_secret=ADMIN_SECRET, **options)
    with LocalHasura.from_options(made) as engine:
        yield engine.url


@pytest.mark.parametrize(
    "path", ["/healthz", "/hasura/healthz", "/healthz?strict=true", "/healthz?strict=false"]
)
def test_health_is_told_in_plain_text(engine: LocalHasura, path: str) -> None:
    answer = requests.get(engine.url + path, timeout=5)

    assert (answer.status_code, answer.text) == (200, "OK")
    assert answer.headers["Content-Type"].startswith("text/plain")


@pytest.mark.parametrize("path", ["/healthz", "/hasura/healthz"])
def test_inconsistent_metadata_is_ill_health_only_strictly(client: Client, path: str) -> None:
    table = {"table": {"schema": "public", "name": "gone"}}
    metadata = {
        "version": 3,
        "sources": [
            {
                "name": "default",
                "kind": "postgres",
                "tables": [table],
                "configuration": {"connection_info": {"database_url": {"from_env": "PG_DATABASE_URL"}}},
            }
        ],
    }
    client.metadata(
        "replace_metadata", {"allow_inconsistent_metadata": True, "metadata": metadata}, version=2
    )

    plain = requests.get(client.url + path, timeout=5)
    strict = requests.get(f"{client.url}{path}?strict=true", timeout=5)

    assert (plain.status_code, plain.text) == (200, "WARN: inconsistent objects in schema")
    assert (strict.status_code, strict.text) == (500, "ERROR: inconsistent objects in schema")


def test_the_configuration_is_for_the_administrator(database_url: str) -> None:
    secret = {
        "type": "HS256",
        "key": "a-key-that-nobody-shall-ever-see-here",
        "claims_namespace_path": "$.a['b c']",
    }
    with LocalHasura(
        database_url=database_url, admin_secret=ADMIN_SECRET, jwt_secret=json.dumps(secret)
    ) as engine:
        shown = requests.get(f"{engine.url}/v1alpha1/config", headers=ADMIN, timeout=5)
        other = requests.get(
            f"{engine.url}/v1alpha1/config", headers={**ADMIN, "X-Hasura-Role": "user"}, timeout=5
        )
        nobody = requests.get(f"{engine.url}/v1alpha1/config", timeout=5)

    body = shown.json()
    assert body["version"] == "v2.48.16"
    assert (body["is_admin_secret_set"], body["is_jwt_set"], body["is_auth_hook_set"]) == (True, True, False)
    assert body["jwt"] == [{"claims_namespace": '$.a["b c"]', "claims_format": "json", "claims_map": None}]
    assert secret["key"] not in shown.text
    assert (other.status_code, other.json()) == (
        400,
        {"path": "$", "error": "You have to be an admin to access this endpoint", "code": "access-denied"},
    )
    assert (nobody.status_code, nobody.json()["code"]) == (400, "invalid-headers")


def test_the_configuration_shows_the_claims_map(database_url: str) -> None:
    claims_map = {
        "x-hasura-allowed-roles": {"path": "$.roles"},
        "x-hasura-default-role": {"path": "$.role", "default": "user"},
        "x-hasura-org": "fixed",
    }
    secret = {"type": "HS256", "key": "k" * 32, "claims_map": claims_map}
    with LocalHasura(
        database_url=database_url, admin_secret=ADMIN_SECRET, jwt_secret=json.dumps(secret)
    ) as engine:
        body = requests.get(f"{engine.url}/v1alpha1/config", headers=ADMIN, timeout=5).json()

    assert body["jwt"][0]["claims_map"] == claims_map


@pytest.mark.parametrize(
    ("apis", "there"),
    [
        (("graphql",), {"/v1/graphql"}),
        (("metadata",), {"/v1/metadata", "/v1/query", "/v2/query"}),
        (("config", "graphql"), {"/v1alpha1/config", "/v1/graphql"}),
        ((), set()),
    ],
)
def test_apis_that_are_switched_off_are_not_there(
    database_url: str, apis: tuple[str, ...], there: set[str]
) -> None:
    paths = {
        "/v1/graphql": "POST",
        "/v1/metadata": "POST",
        "/v1/query": "POST",
        "/v2/query": "POST",
        "/v1alpha1/config": "GET",
    }
    with started(database_url, enabled_apis=apis) as url:
        answers = {
            path: requests.request(method, url + path, json={}, headers=ADMIN, timeout=5)
            for path, method in paths.items()
        }
        health = requests.get(f"{url}/healthz", timeout=5)

    assert {path for path, answer in answers.items() if answer.status_code != 404} == there
    assert health.status_code == 200


def test_a_preflight_is_answered(engine: LocalHasura) -> None:
    asked = {
        "Origin": "https://app.example.com",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type,x-hasura-role",
    }

    answer = requests.options(f"{engine.url}/v1/graphql", headers=asked, timeout=5)

    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["Access-Control-Allow-Origin"] == "https://app.example.com"
    assert answer.headers["Access-Control-Allow-Credentials"] == "true"
    assert answer.headers["Access-Control-Allow-Methods"] == METHODS
    assert answer.headers["Access-Control-Allow-Headers"] == "authorization,content-type,x-hasura-role"
    assert answer.headers["Access-Control-Max-Age"] == "1728000"


@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/v1/graphql"), ("GET", "/healthz"), ("GET", "/nothing")]
)
def test_answers_to_other_origins_carry_the_headers(engine: LocalHasura, method: str, path: str) -> None:
    there = requests.request(
        method, engine.url + path, headers={"Origin": "http://localhost:3000"}, timeout=5
    )
    not_there = requests.request(method, engine.url + path, timeout=5)

    assert there.headers["Access-Control-Allow-Origin"] == "http://localhost:3000"
    assert there.headers["Access-Control-Allow-Credentials"] == "true"
    assert "Access-Control-Allow-Origin" not in not_there.headers


def test_options_without_an_origin_is_no_preflight(engine: LocalHasura) -> None:
    assert requests.options(f"{engine.url}/v1/graphql", timeout=5).status_code == 404


@pytest.mark.parametrize(
    ("domain", "origin", "allowed"),
    [
        ("*", "https://any.where", True),
        ("https://app.example.com", "https://app.example.com", True),
        ("https://app.example.com/", "https://app.example.com", True),
        ("https://app.example.com", "http://app.example.com", False),
        ("https://app.example.com", "https://app.example.com.evil.com", False),
        ("https://app.example.com, http://localhost:3000", "http://localhost:3000", True),
        ("http://localhost:3000", "http://localhost:3001", False),
        ("https://*.example.com", "https://app.example.com", True),
        ("https://*.example.com", "https://example.com", False),
        ("https://*.example.com", "https://a.b.example.com", False),
        ("https://*.example.com", "https://evilexample.com", False),
        ("https://*.example.com:8080", "https://app.example.com:8080", True),
        ("https://*.example.com", "null", False),
    ],
)
def test_origins_are_allowed_by_domain(domain: str, origin: str, allowed: bool) -> None:
    policy = CorsPolicy(origins=parse_cors_domain(domain))

    assert bool(policy.headers(origin)) is allowed
    assert (policy.preflight(origin, "") is not None) is allowed


@pytest.mark.parametrize("domain", ["", ",", "app.example.com", "ftp://x", "https://x/path"])
def test_domains_that_cannot_be_read_are_refused(domain: str) -> None:
    with pytest.raises(CorsError):
        parse_cors_domain(domain)


def test_cors_may_be_switched_off(database_url: str) -> None:
    with started(database_url, cors=CorsPolicy(enabled=False)) as url:
        plain = requests.get(f"{url}/healthz", headers={"Origin": "https://x"}, timeout=5)
        preflight = requests.options(f"{url}/v1/graphql", headers={"Origin": "https://x"}, timeout=5)

    assert "Access-Control-Allow-Origin" not in plain.headers
    assert preflight.status_code == 404


def test_a_subscription_over_http_says_what_it_needs(library: Client) -> None:
    code, path, message = library.error("subscription {author {id}}")

    assert (code, path) == ("unexpected-payload", "$")
    assert message == "subscriptions are not supported over HTTP, use websockets instead"


def test_unauthorized_answers_may_keep_their_status(database_url: str) -> None:
    body = {"query": "{__typename}"}
    with started(database_url, preserve_401_errors=True) as url:
        kept = requests.post(f"{url}/v1/graphql", json=body, timeout=5)
        fine = requests.post(f"{url}/v1/graphql", json={"query": "{nothing}"}, headers=ADMIN, timeout=5)

    assert (kept.status_code, fine.status_code) == (401, 200)
    assert kept.json()["errors"][0]["extensions"]["code"] == "access-denied"


def test_header_names_with_underscores_are_no_session_variables(library: Client) -> None:
    """X_Hasura_User_Id beside X-Hasura-User-Id must not become the other one."""
    body = b'{"query": "mutation {insert_log_one(object: {line: \\"x\\"}) {who}}"}'
    head = (
        f"POST /v1/graphql HTTP/1.1\r\nHost: x\r\nX-Hasura-Admin-Secret: {ADMIN_SECRET}\r\nX-Hasura-Role: user\r\n"
        "X-Hasura-User-Id: u1\r\nX_Hasura_User_Id: u2\r\nConnection: close\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    host, port = library.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=5) as raw:
        raw.sendall(head.encode() + body)
        answer = b"".join(iter(lambda: raw.recv(65536), b""))

    assert json.loads(answer.split(b"\r\n\r\n", 1)[1]) == {"data": {"insert_log_one": {"who": "u1"}}}


def test_an_empty_role_header_is_none(library: Client) -> None:
    assert "author" in library.data("{author {id}}", X_Hasura_Role="")
