"""Whatever is asked of tables of somebody's own, by whatever token and under whatever rule: never an internal error."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from random import Random
from typing import Any

import jwt
import pytest
import requests
from graphql import GraphQLSchema, build_client_schema, get_introspection_query
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.conftest import new_database
from tests.integration.localhasura.client import ADMIN_SECRET, Client
from tests.integration.localhasura.documents import Documents
from tests.integration.localhasura.shops import furnish

from localhasura.config import Options
from localhasura.server import LocalHasura

SESSION = requests.Session()
KEY = "an-hmac-secret-of-more-than-32-bytes"
NAMESPACE = "https://hasura.io/jwt/claims"
USER = {"X-Hasura-Role": "user", "X-Hasura-User-Id": "00000000-0000-0000-0000-00000000000a"}
HEADERS: dict[str, dict[str, str]] = {"admin": {}, "user": USER}
TYPES = r"(?:json|uuid|ltree|lquery|ltxtquery|money|size)(?:\[\])?"
POSTGRESQL_HAS_NOT = re.compile(
    rf"function \w+\({TYPES}\) does not exist|operator does not exist: {TYPES} \S+ {TYPES}|"
    rf"could not identify an? \w+ (?:operator|function) for type {TYPES}|"
    r"(?:ltree|lquery|ltxtquery) syntax error|syntax error in tsvector|operand syntax error"
)
"""Hasura offers these too: operators of json, the largest uuid, the average of money.

Some types call a value that they cannot read a syntax error.
"""
_drawn = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
_drawn_slowly = settings(_drawn, max_examples=25)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 2**33)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@pytest.fixture(scope="module")
def shop(postgres_url: str, worker_id: str) -> Iterator[Client]:
    """The shop; every role is told what PostgreSQL said, so that a test can see it."""
    with new_database(postgres_url, f"asked_{worker_id}_{os.getpid()}") as url:
        options = Options(
            database_url=url,
            admin_secret=ADMIN_SECRET,
            port=0,
            dev_mode=True,
            jwt_secret=json.dumps({"type": "HS256", "key": KEY}),
        )
        with LocalHasura.from_options(options) as running:
            client = Client(running)
            furnish(client)
            yield client
            client.close()


@pytest.fixture(scope="module")
def schemas(shop: Client) -> dict[str, GraphQLSchema]:
    """The schema of each role."""
    return {
        role: build_client_schema(ask(shop, {"query": get_introspection_query()}, headers)["data"])
        for role, headers in HEADERS.items()
    }


def ask(shop: Client, body: Any, headers: dict[str, str], *, admin: bool = True) -> Any:
    secret = {"X-Hasura-Admin-Secret": ADMIN_SECRET} if admin else {}
    response = SESSION.post(
        f"{shop.url}/v1/graphql", data=json.dumps(body), headers=secret | headers, timeout=30
    )
    assert response.status_code == 200, (response.text, body)
    return response.json()


def check(answer: Any, asked: Any) -> None:
    """An answer is data, or an error that tells what was wrong with the request or the rows."""
    if "errors" not in answer:
        assert list(answer) == ["data"]
        return
    (error,) = answer["errors"]
    assert error["extensions"]["path"].startswith("$")
    if error["extensions"]["code"] == "unexpected":
        told = error["extensions"]["internal"]["error"]
        # 21000: a row of an upsert twice.
        assert told["status_code"] == "21000" or POSTGRESQL_HAS_NOT.match(told["message"]), (told, asked)


@pytest.mark.parametrize("word", ["query", "mutation"])
@pytest.mark.parametrize("role", HEADERS)
@_drawn
@given(seed=st.integers(0, 2**32))
def test_documents_drawn_from_a_schema_of_ones_own(
    shop: Client, schemas: dict[str, GraphQLSchema], role: str, word: str, seed: int
) -> None:
    schema = schemas[role]
    root = schema.query_type if word == "query" else schema.mutation_type
    assert root is not None
    body = Documents(schema, Random(seed)).draw(root, word)

    check(ask(shop, body, HEADERS[role]), body)


CLAIMS = st.fixed_dictionaries(
    {},
    optional={
        "x-hasura-allowed-roles": st.just(["user"]) | JSON,
        "X-Hasura-Default-Role": st.just("user") | JSON,
        "x-hasura-user-id": st.sampled_from(["00000000-0000-0000-0000-00000000000a", "x", "", "\0"]) | JSON,
        "x-other": JSON,
    },
)


@_drawn_slowly
@given(claims=CLAIMS | JSON, role=st.none() | st.sampled_from(["user", "admin", "x"]))
def test_tokens_with_any_claims(shop: Client, claims: Any, role: str | None) -> None:
    token = jwt.encode({NAMESPACE: claims}, KEY)
    headers = {"Authorization": f"Bearer {token}"} | ({"X-Hasura-Role": role} if role else {})

    check(ask(shop, {"query": "{order {id} customer {id}}"}, headers, admin=False), claims)


COLUMNS = [
    "id",
    "price",
    "colours",
    "size",
    "box",
    "weight",
    "lines",
    "stocks",
    "sales",
    "image",
    "no",
    "search",
]
OPERATORS = [
    "_eq",
    "$ne",
    "_in",
    "_gt",
    "_like",
    "_contains",
    "_ceq",
    "_is_null",
    "_cast",
    "_has_key",
    "_what",
]
OPERANDS = JSON | st.sampled_from(
    ["X-Hasura-User-Id", "x-hasura-ids", "id", ["$", "price"], "{1,2}", "1.5", "(1,2)"]
)
RULES = st.recursive(
    st.dictionaries(
        st.sampled_from(COLUMNS),
        st.dictionaries(st.sampled_from(OPERATORS), OPERANDS, max_size=2) | OPERANDS,
        max_size=2,
    ),
    lambda inner: st.dictionaries(
        st.sampled_from(["_and", "_or", "_not", "$not", "_exists", "lines", "_table", "_where"]),
        inner | st.lists(inner, max_size=2),
        max_size=2,
    ),
    max_leaves=4,
)


@_drawn_slowly
@given(rule=RULES)
def test_rules_of_any_shape(shop: Client, rule: Any) -> None:
    """A rule is refused when it is made, or says of every row what it is; PostgreSQL may refuse the values in it."""
    args = {"table": "product", "role": "ruled"}
    made = shop.post(
        "/v1/metadata",
        {
            "type": "pg_create_select_permission",
            "args": {**args, "permission": {"columns": ["id"], "filter": rule}},
        },
    )
    assert made.status_code in (200, 400), (made.text, rule)
    if made.status_code == 400:
        return
    headers = {"X-Hasura-Role": "ruled", "X-Hasura-User-Id": "1", "X-Hasura-Ids": "{1,2}"}
    answer = ask(shop, {"query": "{product {id}}"}, headers)
    shop.metadata("pg_drop_select_permission", args)

    check(answer, rule)
