"""What wrong queries are told: paths, codes and messages are those of Hasura's parsers."""

from __future__ import annotations

from typing import Any

import pytest
from tests.integration.localhasura.client import Client

FAILED, PARSE = "validation-failed", "parse-failed"
NO_PATH = (
    "Accept letters, digits, underscore (_) or hyphen (-) only. "
    'Use quotes enclosed in bracket (["..."]) if there is any special character'
)


@pytest.mark.parametrize(
    ("where", "error"),
    [
        (
            "path: {_eq: 1}",
            (
                PARSE,
                ".path._eq",
                "Expecting label path: a sequence of zero or more labels separated by dots, for example L1.L2.L3",
            ),
        ),
        (
            "fixed: {_eq: 1}",
            (PARSE, ".fixed._eq", "parsing Char failed, expected String, but encountered Number"),
        ),
        (
            "numbers: {_eq: 1}",
            (PARSE, ".numbers._eq", "parsing [] failed, expected Array, but encountered Number"),
        ),
        ("numbers: {_eq: null}", (FAILED, ".numbers._eq", "unexpected null value for type 'Int'")),
        ("doc: {_has_keys_any: null}", (FAILED, ".doc._has_keys_any", "expected a list, but found null")),
        (
            "doc: {_cast: {Int: {}}}",
            (FAILED, ".doc._cast.Int", "field 'Int' not found in type: 'jsonb_cast_exp'"),
        ),
        ("id: null", (FAILED, ".id", "expected an object for type 'Int_comparison_exp', but found null")),
        ("_and: null", (FAILED, "._and", "expected a list, but found null")),
        ("_or: [null]", (FAILED, "._or[0]", "expected an object for type 'item_bool_exp', but found null")),
        ("id: {_in: [null]}", (FAILED, ".id._in[0]", "unexpected null value for type 'Int'")),
    ],
)
def test_operands_that_do_not_fit(gallery: Client, where: str, error: tuple[str, str, str]) -> None:
    code, path, message = error

    assert gallery.error(f"{{item(where: {{{where}}}) {{id}}}}") == (
        code,
        f"$.selectionSet.item.args.where{path}",
        message,
    )


@pytest.mark.parametrize(
    ("where", "ids"),
    [
        ("doc: {_has_key: null}", []),
        ('path: {_matches_any: ["Top.*"]}', [1]),
        ("_and: {}", [1, 2]),
        ("_or: {id: {_eq: 2}}", [2]),
        ("doc: {_cast: {}}", [1, 2]),
    ],
)
def test_operands_that_hasura_takes_all_the_same(gallery: Client, where: str, ids: list[int]) -> None:
    data = gallery.data(f"{{item(where: {{{where}}}, order_by: {{id: asc}}) {{id}}}}")

    assert [row["id"] for row in data["item"]] == ids


@pytest.mark.parametrize(
    ("query", "path", "message"),
    [
        (
            "{painter(order_by: {paintings_aggregate: {sum: null}}) {id}}",
            "painter.args.order_by[0].paintings_aggregate.sum",
            "expected an object for type 'painting_sum_order_by', but found null",
        ),
        (
            "{painter(where: {paintings_aggregate: {count: {filter: null, predicate: {}}}}) {id}}",
            "painter.args.where.paintings_aggregate.count.filter",
            "expected an object for type 'painting_bool_exp', but found null",
        ),
        (
            "{painter(order_by: {paintings_aggregate: {max: {colour: asc}}}) {id}}",
            "painter.args.order_by[0].paintings_aggregate.max.colour",
            "field 'colour' not found in type: 'painting_max_order_by'",
        ),
        (
            "{painting_aggregate {aggregate {max {colour}}}}",
            "painting_aggregate.selectionSet.aggregate.selectionSet.max.selectionSet.colour",
            "field 'colour' not found in type: 'painting_max_fields'",
        ),
        (
            "{painter_aggregate {aggregate {count(columns: null)}}}",
            "painter_aggregate.selectionSet.aggregate.selectionSet.count.args.columns",
            "expected a list, but found null",
        ),
        (
            "{painter_aggregate {aggregate {count(distinct: null)}}}",
            "painter_aggregate.selectionSet.aggregate.selectionSet.count.args.distinct",
            "expected a boolean for type 'Boolean', but found null",
        ),
        (
            "{item {doc(path: null)}}",
            "item.selectionSet.doc.args.path",
            "expected a string for type 'String', but found null",
        ),
        (
            '{item {doc(path: "$.1")}}',
            "item.selectionSet.doc.args",
            f"parse json path error: $.1. {NO_PATH}",
        ),
        (
            "{painting(where: {colour: {_eq: null}}) {id}}",
            "painting.args.where.colour._eq",
            "expected an enum value for type 'colour_enum', but found null",
        ),
        (
            "{painter {... @cached {id}}}",
            "painter.selectionSet",
            "directive 'cached' is not allowed on an inline fragment",
        ),
        (
            "{painter {id @cached}}",
            "painter.selectionSet",
            "directive 'cached' is not allowed on a field",
        ),
        (
            "{painter {...A}} fragment A on painter {...B} fragment B on painter {...C} fragment C on painter {...A}",
            "painter.selectionSet.A.selectionSet.B.selectionSet.C.selectionSet",
            'the fragment definition(s) "A", "B", and "C" form a cycle',
        ),
        ("subscription {nope {id}}", "nope", "field 'nope' not found in type: 'subscription_root'"),
        (
            "subscription {painter {nope}}",
            "painter.selectionSet.nope",
            "field 'nope' not found in type: 'painter'",
        ),
        (
            "{__schema {types {fields(nope: true) {name}}}}",
            "__schema.selectionSet.types.selectionSet.fields",
            "'fields' has no argument named 'nope'",
        ),
    ],
)
def test_selections_and_arguments_that_do_not_fit(
    gallery: Client, query: str, path: str, message: str
) -> None:
    assert gallery.error(query) == (FAILED, f"$.selectionSet.{path}", message)


@pytest.mark.parametrize(
    ("document", "error"),
    [
        (
            "subscription {painter {id} painting {id}}",
            (FAILED, "subscriptions must select one top level field"),
        ),
        (
            "subscription ($x: Int!) {painter(limit: $x) {id}}",
            (FAILED, 'expecting a value for non-nullable variable: "x"'),
        ),
        (
            "subscription {painter {id}}",
            ("unexpected-payload", "subscriptions are not supported over HTTP, use websockets instead"),
        ),
    ],
)
def test_a_subscription_hears_of_its_own_faults_first(
    gallery: Client, document: str, error: tuple[str, str]
) -> None:
    code, path, message = gallery.error(document)

    assert (path, (code, message)) == ("$", error)


@pytest.mark.parametrize(
    ("declared", "value", "answer"),
    [
        ("[Int]", [1, 2], [1, 2]),
        ("[Int!]!", [2], [2]),
        ("[Int]", 2, [2]),
        ("[Int]", [1, None], "unexpected null value for type 'Int'"),
        ("Int", 1, "variable 'x' is declared as 'Int', but used where '[Int!]' is expected"),
        ("[String!]", ["1"], "variable 'x' is declared as '[String!]', but used where '[Int!]' is expected"),
    ],
)
def test_nulls_in_a_list_are_for_its_values_to_refuse(
    gallery: Client, declared: str, value: Any, answer: Any
) -> None:
    query = f"query ($x: {declared}) {{painter(where: {{id: {{_in: $x}}}}, order_by: {{id: asc}}) {{id}}}}"

    if isinstance(answer, str):
        assert gallery.error(query, {"x": value})[2] == answer
    else:
        assert [row["id"] for row in gallery.data(query, {"x": value})["painter"]] == answer


def test_a_text_that_is_no_name_is_no_enum_value(gallery: Client) -> None:
    query = "query ($c: colour_enum!) {painting(where: {colour: {_eq: $c}}) {id}}"

    assert gallery.error(query, {"c": "dark red"})[2] == (
        "expected an enum value for type 'colour_enum', but found a string"
    )


def test_directives_are_told_as_hasura_tells_them(gallery: Client) -> None:
    data = gallery.data("{__schema {directives {name description args {name defaultValue}}}}")

    assert [(each["name"], each["description"]) for each in data["__schema"]["directives"]] == [
        ("include", "whether this query should be included"),
        ("skip", "whether this query should be skipped"),
        ("cached", "whether this query should be cached (Hasura Cloud only)"),
    ]
    assert data["__schema"]["directives"][2]["args"] == [
        {"name": "ttl", "defaultValue": "60"},
        {"name": "refresh", "defaultValue": "false"},
    ]


@pytest.mark.parametrize(
    ("kind", "member", "description"),
    [
        ("String_comparison_exp", "_nlike", "does the column NOT match the given pattern"),
        (
            "String_comparison_exp",
            "_iregex",
            "does the column match the given POSIX regular expression, case insensitive",
        ),
        ("String_comparison_exp", "_eq", None),
        ("jsonb_comparison_exp", "_has_key", "does the string exist as a top-level key in the column"),
        ("Int_array_comparison_exp", "_contains", "does the array contain the given value"),
        ("ltree_comparison_exp", "_matches", "does `ltree` match `lquery`?"),
    ],
)
def test_operators_are_described(gallery: Client, kind: str, member: str, description: str | None) -> None:
    data = gallery.data(f'{{__type(name: "{kind}") {{inputFields {{name description}}}}}}')

    assert {"name": member, "description": description} in data["__type"]["inputFields"]
