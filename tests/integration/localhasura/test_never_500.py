"""Whatever a request holds, the engine answers it: HTTP 200, and either data or one of Hasura's errors."""

from __future__ import annotations

import json
import string
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.integration.localhasura.client import Client

CODES = {
    *("validation-failed", "parse-failed", "data-exception", "constraint-violation", "permission-error"),
    *("unexpected", "not-found", "not-supported", "unexpected-payload", "constraint-error", "invalid-json"),
    *("bad-request",),
}
COLUMNS = st.sampled_from(
    ["id", "name", "userId", "born", "settings", "nicknames", "articles", "passport", "nope"]
)
OPERATORS = st.sampled_from(
    [
        "_eq",
        "_neq",
        "_gt",
        "_in",
        "_nin",
        "_is_null",
        "_like",
        "_regex",
        "_contains",
        "_has_key",
        "_cast",
        "_what",
    ]
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
    | st.sampled_from(["2020-01-01", "{a,b}", "(", "%", "\\", "poetry"])
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(COLUMNS, inner, max_size=3),
    max_leaves=6,
)
COMPARISONS = st.dictionaries(OPERATORS, JSON, max_size=2)
WHERE = st.recursive(
    st.dictionaries(COLUMNS, COMPARISONS | JSON, max_size=2),
    lambda inner: st.dictionaries(
        st.sampled_from(["_and", "_or", "_not", "articles"]), inner | st.lists(inner)
    ),
    max_leaves=5,
)
ROWS = st.dictionaries(COLUMNS, JSON, max_size=4)
QUERY = """query ($where: author_bool_exp, $order: [author_order_by!], $limit: Int, $path: String)
  {author(where: $where, order_by: $order, limit: $limit) {id settings(path: $path) articles {id}}}"""
MUTATION = """mutation ($rows: [author_insert_input!]!, $set: author_set_input, $where: author_bool_exp!) {
  insert_author(objects: $rows) {affected_rows returning {id articles {id}}}
  update_author(where: $where, _set: $set) {affected_rows}}"""

_relaxed = settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def check(client: Client, body: bytes) -> None:
    response = client.raw("/v1/graphql", body)

    assert response.status_code == 200, response.text
    answer = response.json()
    if "errors" in answer:
        (error,) = answer["errors"]
        assert error["extensions"]["code"] in CODES, answer
        assert error["extensions"]["path"].startswith("$")
    else:
        assert "data" in answer


def request(query: str, variables: Any) -> bytes:
    return json.dumps({"query": query, "variables": variables}).encode()


@_relaxed
@given(where=WHERE, order=JSON, limit=SCALARS, path=st.text(alphabet='$.[]"a0 ', max_size=8) | SCALARS)
def test_queries_with_any_variables(library: Client, where: Any, order: Any, limit: Any, path: Any) -> None:
    check(library, request(QUERY, {"where": where, "order": order, "limit": limit, "path": path}))


@_relaxed
@given(rows=st.lists(ROWS, max_size=3) | JSON, changes=ROWS, where=WHERE)
def test_mutations_with_any_variables(library: Client, rows: Any, changes: Any, where: Any) -> None:
    check(library, request(MUTATION, {"rows": rows, "set": changes, "where": where}))


@_relaxed
@given(
    st.lists(
        st.sampled_from(
            [
                *(
                    "{",
                    "}",
                    "(",
                    ")",
                    "[",
                    "]",
                    ":",
                    "$",
                    "...",
                    "@",
                    "@include(if: true)",
                    "author",
                    "id",
                    "where",
                ),
                *(
                    "query",
                    "mutation",
                    "fragment",
                    "on",
                    "_eq",
                    "5",
                    '"x"',
                    "null",
                    "$a",
                    "Int",
                    "!",
                    "__typename",
                ),
                *(
                    "author_bool_exp",
                    "insert_author",
                    "objects",
                    "articles",
                    "__schema",
                    "types",
                    "name",
                    "{author {id}}",
                ),
            ]
        ),
        max_size=14,
    )
)
def test_documents_of_any_tokens(library: Client, tokens: list[str]) -> None:
    check(library, json.dumps({"query": " ".join(tokens)}).encode())


@_relaxed
@given(st.binary(max_size=60) | st.text(alphabet=string.printable, max_size=60).map(str.encode))
def test_bodies_of_any_bytes(library: Client, body: bytes) -> None:
    check(library, body)


@_relaxed
@given(
    kind=st.sampled_from(
        [
            *(
                "replace_metadata",
                "pg_track_table",
                "pg_create_select_permission",
                "pg_create_array_relationship",
            ),
            *("bulk", "set_catalog_state", "pg_set_table_customization", "pg_untrack_table", "no_such"),
        ]
    ),
    args=st.recursive(
        SCALARS | st.sampled_from(["author", "default", {"schema": "public", "name": "author"}]),
        lambda inner: (
            st.lists(inner, max_size=2)
            | st.dictionaries(
                st.sampled_from(
                    [
                        *("table", "role", "permission", "filter", "columns", "metadata", "sources", "name"),
                        *("tables", "configuration", "using", "column_config", "select_permissions", "set"),
                    ]
                ),
                inner,
            )
        ),
        max_leaves=8,
    ),
)
def test_metadata_commands_with_any_arguments(library: Client, kind: str, args: Any) -> None:
    response = library.post("/v1/metadata", {"type": kind, "args": args, "version": 2})

    assert response.status_code in (200, 400), response.text
    assert isinstance(response.json(), dict | list)
