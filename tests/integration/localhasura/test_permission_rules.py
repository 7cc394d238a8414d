"""Permission rules: what they may say about related rows and other columns, and how a wrong one is refused."""

from __future__ import annotations

from typing import Any

import pytest
from tests.integration.localhasura.client import Client

_COUNTED: list[tuple[dict[str, Any], list[str]]] = [
    ({"count": {"predicate": {"_gt": 1}}}, ["Ann"]),
    ({"count": {"predicate": {"_eq": "X-Hasura-Wanted"}}}, ["Bob"]),
    ({"count": {"predicate": {"_gte": 1}, "filter": {"title": {"_in": ["One", "Three"]}}}}, ["Ann", "Bob"]),
    ({"count": {"predicate": {"_lt": 1}, "filter": {"author_id": {"_ceq": ["$", "id"]}}}}, ["Cid"]),
    ({"count": {"predicate": {"$eq": 1}, "arguments": ["title"], "distinct": True}}, ["Bob"]),
]


def _permit(library: Client, rule: Any, table: str = "author") -> None:
    library.metadata(
        "pg_create_select_permission",
        {"table": table, "role": "guest", "permission": {"columns": "*", "filter": rule}},
    )


def _names(library: Client, **session: str) -> list[str]:
    data = library.data("{author(order_by: {name: asc}) {name}}", X_Hasura_Role="guest", **session)
    return [row["name"] for row in data["author"]]


@pytest.mark.parametrize(("predicate", "names"), _COUNTED, ids=lambda value: str(value)[:40])
def test_a_rule_may_count_related_rows(library: Client, predicate: Any, names: list[str]) -> None:
    _permit(library, {"articles_aggregate": predicate})

    assert _names(library, X_Hasura_Wanted="1") == names


def test_a_counted_rule_follows_renamed_columns(library: Client) -> None:
    _permit(
        library,
        {
            "articles_aggregate": {
                "count": {"predicate": {"_eq": 1}, "arguments": ["title"], "filter": {"title": "Three"}}
            }
        },
    )

    library.sql("ALTER TABLE article RENAME COLUMN title TO headline")

    assert _names(library) == ["Bob"]


def test_dollar_inside_exists_means_the_row_that_the_rule_is_about(library: Client) -> None:
    _permit(
        library,
        {
            "_exists": {
                "_table": "article",
                "_where": {"author_id": {"_ceq": ["$", "id"]}, "title": {"_eq": "Three"}},
            }
        },
    )

    assert _names(library) == ["Bob"]


def test_inside_a_list_the_name_of_a_session_variable_is_a_plain_text(library: Client) -> None:
    _permit(library, {"name": {"_in": ["X-Hasura-Name", "Bob"]}})

    assert _names(library, X_Hasura_Name="Ann") == ["Bob"]


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        ({"nowhere": 1}, 'column "nowhere" does not exist'),
        ({"articles": {"nowhere": 1}}, 'column "nowhere" does not exist'),
        ({"nowhere_aggregate": {}}, 'column "nowhere_aggregate" does not exist'),
        ({"id": {"_cgt": ["$", "nowhere"]}}, 'column "nowhere" does not exist'),
        ({"id": {"_ceq": "name"}}, 'incompatible column types: "id", "name"'),
        ({"id": {"_near": 1}}, "Unknown operator: _near"),
        ({"articles_aggregate": {}}, "exactly one predicate should be specified"),
        ({"articles_aggregate": {"count": {}}}, 'key "predicate" not found'),
        (
            {"articles_aggregate": {"count": {"predicate": {"$ceq": ["$", "id"]}}}},
            "_ceq: an aggregate is not compared with a column",
        ),
        ({"articles_aggregate": {"median": {"predicate": {}}}}, "unknown aggregate function: median"),
        (
            {"articles_aggregate": {"bool_and": {"predicate": {"_eq": True}, "arguments": "title"}}},
            'bool_and: column "title" is not of type bool',
        ),
    ],
)
def test_a_rule_that_does_not_fit_is_refused(library: Client, rule: Any, reason: str) -> None:
    args = {"table": "author", "role": "guest", "permission": {"columns": "*", "filter": rule}}

    status, code, path, message = library.refused("pg_create_select_permission", args)

    assert (status, code, path) == (400, "invalid-configuration", "$.args")
    assert message == f'Inconsistent object: in table "author": in permission for role "guest": {reason}'
