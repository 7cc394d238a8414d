"""Documents drawn from the schema itself: every argument of every root field, and never an internal error."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import pytest
import requests
from graphql import GraphQLSchema, build_client_schema, get_introspection_query
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.integration.localhasura.client import ADMIN_SECRET, Client
from tests.integration.localhasura.documents import Documents
from tests.integration.localhasura.test_never_500 import CODES

HEADERS = {"admin": {}, "user": {"X-Hasura-Role": "user", "X-Hasura-User-Id": "u1"}}
_relaxed = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def schema_of(client: Client, role: str) -> GraphQLSchema:
    answer = client.data(
        get_introspection_query(), **{k.replace("-", "_"): v for k, v in HEADERS[role].items()}
    )
    return build_client_schema(answer)


def check(client: Client, body: Any, role: str) -> None:
    response = requests.post(
        f"{client.url}/v1/graphql",
        data=json.dumps(body),
        headers={"X-Hasura-Admin-Secret": ADMIN_SECRET, **HEADERS[role]},
        timeout=30,
    )

    assert response.status_code == 200, (response.text, body)
    answer = response.json()
    if "errors" not in answer:
        assert list(answer) == ["data"]
        return
    (error,) = answer["errors"]
    assert error["extensions"]["code"] in CODES, (error, body)
    assert error["message"] != "database query error" or is_the_databases_own(error), (error, body)


def is_the_databases_own(error: Any) -> bool:
    """Whether the data was at fault, and not the statement that was made: no syntax error, no unknown name or type.

    Hasura offers `max` and `min` of a uuid too, and comparisons of json, which PostgreSQL does not have.
    """
    internal = error["extensions"].get("internal")
    if internal is None or not internal["error"]["status_code"].startswith("42"):
        return True
    message = internal["error"]["message"]
    return message.startswith("operator does not exist: json ") or message in {
        f"function {name}(uuid) does not exist" for name in ("max", "min")
    }


@pytest.fixture(scope="module")
def schemas(reading_room: Client) -> dict[str, GraphQLSchema]:
    """The library's schema for each role; tests that write do not change it."""
    return {role: schema_of(reading_room, role) for role in HEADERS}


@pytest.mark.parametrize("role", HEADERS)
@_relaxed
@given(seed=st.integers(0, 2**32))
def test_queries_drawn_from_the_schema(
    reading_room: Client, schemas: dict[str, GraphQLSchema], role: str, seed: int
) -> None:
    root = schemas[role].query_type
    assert root is not None
    check(reading_room, Documents(schemas[role], Random(seed)).draw(root, "query"), role)


@pytest.mark.parametrize("role", HEADERS)
@_relaxed
@given(seed=st.integers(0, 2**32))
def test_mutations_drawn_from_the_schema(
    library: Client, schemas: dict[str, GraphQLSchema], role: str, seed: int
) -> None:
    root = schemas[role].mutation_type
    assert root is not None
    check(library, Documents(schemas[role], Random(seed)).draw(root, "mutation"), role)


@_relaxed
@given(
    name=st.sampled_from(
        ["X-Hasura-Role", "X-Hasura-User-Id", "X-Hasura-Use-Backend-Only-Permissions", "Cookie"]
    ),
    value=st.text(st.characters(codec="latin-1", exclude_characters="\r\n\0"), max_size=20),
)
def test_headers_of_any_text(reading_room: Client, name: str, value: str) -> None:
    headers = {"X-Hasura-Admin-Secret": ADMIN_SECRET, "X-Hasura-Role": "user"}
    encoded = {key: text.strip().encode("latin-1") for key, text in {**headers, name: value}.items()}

    response = requests.post(
        f"{reading_room.url}/v1/graphql", data=b'{"query": "{author {id}}"}', headers=encoded, timeout=30
    )

    assert response.status_code in (200, 400), response.text
