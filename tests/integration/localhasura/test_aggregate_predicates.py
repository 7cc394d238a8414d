"""Filters by aggregates of related rows: `paintings_aggregate: {count: {predicate: …}}` and its kind."""

from __future__ import annotations

import pytest
from tests.integration.localhasura.client import Client

WHERE = "$.selectionSet.painter.args.where.paintings_aggregate"


def painters(gallery: Client, predicate: str, **headers: str) -> list[int]:
    query = f"{{painter(where: {{paintings_aggregate: {{{predicate}}}}}, order_by: {{id: asc}}) {{id}}}}"
    return [row["id"] for row in gallery.data(query, **headers)["painter"]]


@pytest.mark.parametrize(
    ("predicate", "ids"),
    [
        ("count: {predicate: {_gt: 1}}", [1, 2]),
        ("count: {predicate: {_eq: 0}}", [3, 4]),
        ("count: {predicate: {_gt: 0, _lt: 2}, filter: {hung: {_eq: false}}}", [2]),
        ("count: {predicate: {_in: [2]}, arguments: colour, distinct: true}", [1]),
        ("count: {predicate: {_eq: 2}, arguments: [colour, hung], distinct: true}", [1, 2]),
        ("bool_and: {arguments: hung, predicate: {_eq: true}}", [1]),
        ("bool_or: {arguments: hung, predicate: {_eq: false}, filter: {id: {_eq: 3}}}", [2]),
        ("bool_or: {arguments: hung, predicate: {_is_null: true}}", [3, 4]),
        ("avg: {arguments: width, predicate: {_gt: 2}}", [2]),
        ("max: {arguments: width, predicate: {_eq: 4}}", [2]),
        ("min: {arguments: width, predicate: {_lt: 2}}", [1]),
        ("sum: {arguments: width, predicate: {_eq: 4}}", [1, 2]),
        ("stddev_samp: {arguments: width, predicate: {_gt: 0}}", [1]),
        ("var_samp: {arguments: width, predicate: {_eq: 0.5}}", [1]),
        ("corr: {arguments: {X: width, Y: width}, predicate: {_gt: 0.9}}", [1]),
        ("covar_samp: {arguments: {X: width, Y: width}, predicate: {_eq: 0.5}}", [1]),
    ],
)
def test_a_filter_may_ask_for_an_aggregate_of_related_rows(
    gallery: Client, predicate: str, ids: list[int]
) -> None:
    assert painters(gallery, predicate) == ids


def test_only_rows_that_the_role_may_read_are_counted(gallery: Client) -> None:
    assert painters(gallery, "count: {predicate: {_gt: 1}}", X_Hasura_Role="guest") == [1]


def test_a_role_that_may_not_aggregate_has_no_such_filter(gallery: Client) -> None:
    error = gallery.error(
        "{painter(where: {paintings_aggregate: {count: {predicate: {_gt: 1}}}}) {id}}", X_Hasura_Role="blind"
    )

    assert error == (
        "validation-failed",
        "$.selectionSet.painter.args.where.paintings_aggregate",
        "field 'paintings_aggregate' not found in type: 'painter_bool_exp'",
    )


@pytest.mark.parametrize(
    ("predicate", "path", "message"),
    [
        ("", WHERE, "exactly one predicate should be specified"),
        (
            "count: {predicate: {_gt: 1}}, bool_or: {arguments: hung, predicate: {_eq: true}}",
            WHERE,
            "exactly one predicate should be specified",
        ),
        ("count: {}", f"{WHERE}.count.predicate", "missing required field 'predicate'"),
        ("avg: {predicate: {_gt: 1}}", f"{WHERE}.avg.arguments", "missing required field 'arguments'"),
        (
            "avg: {arguments: likes, predicate: {_gt: 1}}",
            f"{WHERE}.avg.arguments",
            (
                "expected one of the values ['width'] for type "
                "'painting_select_column_painting_aggregate_bool_exp_avg_arguments_columns', but found 'likes'"
            ),
        ),
        (
            "count: {predicate: {_gt: 1}, foo: 1}",
            f"{WHERE}.count.foo",
            "field 'foo' not found in type: 'painting_aggregate_bool_exp_count'",
        ),
    ],
)
def test_a_predicate_that_does_not_fit_is_refused(
    gallery: Client, predicate: str, path: str, message: str
) -> None:
    error = gallery.error(f"{{painter(where: {{paintings_aggregate: {{{predicate}}}}}) {{id}}}}")

    assert error == ("validation-failed", path, message)
