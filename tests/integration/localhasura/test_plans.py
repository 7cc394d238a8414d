"""Documents asked for again: compiled once, and still answered by the values of each request."""

from __future__ import annotations

from typing import Any

import pytest
from tests.integration.localhasura.client import Client

BY_KEY = "query ($id: Int!) {painter_by_pk(id: $id) {name}}"
BY_AGE = "query ($age: Int) {painter(where: {age: {_gte: $age}}, order_by: {id: asc}) {id}}"
PAGE = "query ($n: Int, $skip: Int = 0) {painter(limit: $n, offset: $skip, order_by: {id: asc}) {id}}"
FILTER = "query ($where: painter_bool_exp!) {painter(where: $where, order_by: {id: asc}) {id}}"
ORDER = "query ($order: [painter_order_by!]!) {painter(order_by: $order) {id}}"
LIST = "query ($id: Int!) {painter(where: {id: {_in: [$id, 4]}}, order_by: {id: asc}) {id}}"
TWICE = "query ($id: Int!) {a: painter_by_pk(id: $id) {id} b: painter(limit: $id, order_by: {id: asc}) {id}}"
SHOWN = "query ($id: Int!, $all: Boolean!) {painter_by_pk(id: $id) {id name @include(if: $all)}}"
DOC = "query ($doc: jsonb!) {item(where: {doc: {_contains: {k: $doc}}}) {id}}"
WHOLE_DOC = "query ($doc: jsonb!) {item(where: {doc: {_contained_in: $doc}}) {id}}"
TYPE = "query ($name: String!) {__type(name: $name) {name} painter(where: {name: {_eq: $name}}) {id}}"


def _painters(*ids: int) -> Any:
    return {"painter": [{"id": each} for each in ids]}


@pytest.mark.parametrize(
    ("document", "requests"),
    [
        (
            BY_KEY,
            [
                ({"id": 1}, {"painter_by_pk": {"name": "Ann"}}),
                ({"id": 2}, {"painter_by_pk": {"name": "Bob"}}),
                ({"id": "3"}, {"painter_by_pk": {"name": "Cid"}}),
                ({"id": 9}, {"painter_by_pk": None}),
            ],
        ),
        (BY_AGE, [({"age": 30}, _painters(1, 2)), ({"age": 40}, _painters(2)), ({"age": 99}, _painters())]),
        (
            PAGE,
            [
                ({"n": 1}, _painters(1)),
                ({"n": 2}, _painters(1, 2)),
                ({"n": 1, "skip": 1}, _painters(2)),
                ({"n": None, "skip": 3}, _painters(4)),
                ({}, _painters(1, 2, 3, 4)),
            ],
        ),
        (
            FILTER,
            [
                ({"where": {"id": {"_eq": 1}}}, _painters(1)),
                ({"where": {"id": {"_eq": 2}}}, _painters(2)),
                ({"where": {}}, _painters(1, 2, 3, 4)),
            ],
        ),
        (
            ORDER,
            [
                ({"order": [{"id": "desc"}]}, _painters(4, 3, 2, 1)),
                ({"order": {"id": "asc"}}, _painters(1, 2, 3, 4)),
            ],
        ),
        (LIST, [({"id": 1}, _painters(1, 4)), ({"id": 2}, _painters(2, 4))]),
        (
            TWICE,
            [
                ({"id": 1}, {"a": {"id": 1}, "b": [{"id": 1}]}),
                ({"id": 2}, {"a": {"id": 2}, "b": [{"id": 1}, {"id": 2}]}),
            ],
        ),
        (
            SHOWN,
            [
                ({"id": 1, "all": True}, {"painter_by_pk": {"id": 1, "name": "Ann"}}),
                ({"id": 2, "all": False}, {"painter_by_pk": {"id": 2}}),
                ({"id": 3, "all": True}, {"painter_by_pk": {"id": 3, "name": "Cid"}}),
            ],
        ),
        (DOC, [({"doc": "v"}, {"item": [{"id": 1}]}), ({"doc": "w"}, {"item": []})]),
        (
            WHOLE_DOC,
            [
                ({"doc": "v"}, {"item": []}),
                ({"doc": {"a": [1, {"b c": 2}], "k": "v"}}, {"item": [{"id": 1}]}),
            ],
        ),
        (
            TYPE,
            [
                ({"name": "painter"}, {"__type": {"name": "painter"}, "painter": []}),
                ({"name": "Ann"}, {"__type": None, "painter": [{"id": 1}]}),
            ],
        ),
    ],
)
def test_each_request_is_answered_by_its_own_values(
    gallery: Client, document: str, requests: list[tuple[Any, Any]]
) -> None:
    for variables, data in [*requests, *requests]:
        assert gallery.data(document, variables) == data


@pytest.mark.parametrize(
    ("document", "good", "bad", "error"),
    [
        (
            BY_KEY,
            {"id": 1},
            {"id": True},
            (
                "parse-failed",
                "$.selectionSet.painter_by_pk.args.id",
                "parsing Integer expected for input type: PGInteger failed, expected Number, but encountered Boolean",
            ),
        ),
        (
            BY_KEY,
            {"id": 1},
            {"id": "x"},
            ("data-exception", "$", 'invalid input syntax for type integer: "x"'),
        ),
        (
            BY_KEY,
            {"id": 1},
            {},
            ("validation-failed", "$", 'expecting a value for non-nullable variable: "id"'),
        ),
        (
            BY_KEY,
            {"id": 1},
            {"id": None},
            ("validation-failed", "$", 'null value found for non-nullable type: "Int!"'),
        ),
        (
            BY_KEY,
            {"id": 1},
            {"id": 1, "more": 2},
            ("validation-failed", "$", "unexpected variables in variableValues: more"),
        ),
        (
            BY_AGE,
            {"age": 1},
            {"age": None},
            (
                "validation-failed",
                "$.selectionSet.painter.args.where.age._gte",
                "unexpected null value for type 'Int'",
            ),
        ),
    ],
)
def test_a_value_that_does_not_fit_is_refused_after_one_that_did(
    gallery: Client, document: str, good: Any, bad: Any, error: tuple[str, str, str]
) -> None:
    gallery.data(document, good)

    assert gallery.error(document, bad) == error


def test_session_variables_are_those_of_each_request(gallery: Client) -> None:
    def seen(ids: str) -> list[int]:
        data = gallery.data(
            "{a: painter_by_pk(id: 1) {id} b: painter_by_pk(id: 2) {id}}",
            X_Hasura_Role="listed",
            X_Hasura_Ids=ids,
        )
        return [row["id"] for row in data.values() if row is not None]

    assert (seen("{1}"), seen("{2}"), seen("{1,2}"), seen("{}")) == ([1], [2], [1, 2], [])
    assert gallery.error(
        "{a: painter_by_pk(id: 1) {id} b: painter_by_pk(id: 2) {id}}", X_Hasura_Role="listed"
    ) == ("not-found", "$", 'missing session variable: "x-hasura-ids"')


def test_one_document_means_to_each_role_what_the_role_may_see(gallery: Client) -> None:
    document = "{painter(order_by: {id: asc}) {id}}"

    assert gallery.data(document) == _painters(1, 2, 3, 4)
    assert gallery.data(document, X_Hasura_Role="guest") == _painters(1, 2)
    assert gallery.error(document, X_Hasura_Role="nameless")[0] == "validation-failed"


def test_a_change_of_metadata_or_of_the_tables_is_seen_at_once(library: Client) -> None:
    document = "{author(order_by: {id: asc}, limit: 1) {name born}}"
    library.data(document)

    library.sql("ALTER TABLE author DROP COLUMN born CASCADE", cascade=True)

    assert library.error(document)[2] == "field 'born' not found in type: 'author'"


def test_more_documents_than_are_kept_are_all_answered(gallery: Client) -> None:
    for number in range(300):
        assert gallery.data(f"{{a{number}: painter_by_pk(id: 1) {{id}}}}") == {f"a{number}": {"id": 1}}
    assert gallery.data("{a0: painter_by_pk(id: 1) {id}}") == {"a0": {"id": 1}}
