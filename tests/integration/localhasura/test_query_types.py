"""Columns of every kind of type: how they are compared, what their values may be, how they are rendered."""

from __future__ import annotations

import pytest
from tests.integration.localhasura.client import ADMIN_SECRET, Client

from localhasura.config import Options
from localhasura.server import LocalHasura

VALUES = {
    "id": "1",
    "small": "2",
    "big": "9007199254740993",
    "exact": "12.30",
    "single": "1.5",
    "double": "2.5",
    "flag": "true",
    "words": '"hello"',
    "short": '"short"',
    "fixed": '"fix"',
    "folded": '"FOLD"',
    "key": '"11111111-1111-1111-1111-111111111111"',
    "day": '"2024-01-02"',
    "clock": '"03:04:05"',
    "clock_zone": '"03:04:05+02"',
    "moment": '"2024-01-02T03:04:05"',
    "instant": '"2024-01-02T04:04:05+01:00"',
    "span": '"26:00:00"',
    "doc": "$doc",
    "numbers": "[1, 2, 3]",
    "names": '["a", "b"]',
    "path": '"Top.Science.Astronomy"',
    "bytes": '"\\\\x01ff"',
    "address": '"10.0.0.1"',
    "price": '"$12.50"',
    "feeling": '"ok"',
    "extent": "5",
    "mail": '"a@b"',
    "label": '"tag"',
    "object": '"42"',
    "feelings": '["sad", "ok"]',
    "paths": '["a.b", "c"]',
    "CamelCase": "8",
}
DOC = {"a": [1, {"b c": 2}], "k": "v"}


def found(gallery: Client, where: str) -> list[int]:
    declared, variables = ("($doc: jsonb!)", {"doc": DOC}) if "$doc" in where else ("", None)
    query = f"query {declared} {{item(where: {{{where}}}, order_by: {{id: asc}}) {{id}}}}"
    return [row["id"] for row in gallery.data(query, variables)["item"]]


@pytest.mark.parametrize("column", VALUES)
def test_every_type_has_the_basic_operators(gallery: Client, column: str) -> None:
    value, first = VALUES[column], f"_and: [{{id: {{_eq: 1}}}}], {column}"

    for operator in ("_eq", "_gte", "_lte"):
        assert found(gallery, f"{first}: {{{operator}: {value}}}") == [1], operator
    for operator in ("_neq", "_gt", "_lt"):
        assert found(gallery, f"{first}: {{{operator}: {value}}}") == [], operator
    assert found(gallery, f"{first}: {{_in: [{value}]}}") == [1]
    assert found(gallery, f"{first}: {{_nin: [{value}]}}") == []
    assert found(gallery, f"{first}: {{_is_null: false}}") == [1]
    assert found(gallery, f"{first}: {{_is_null: true}}") == []


@pytest.mark.parametrize(
    ("where", "ids"),
    [
        ('words: {_like: "h%"}', [1]),
        ('words: {_nlike: "h%"}', []),
        ('short: {_ilike: "SH%"}', [1]),
        ('short: {_nilike: "SH%"}', []),
        ('fixed: {_similar: "(f|g)ix%"}', [1]),
        ('words: {_nsimilar: "x"}', [1]),
        ('folded: {_like: "fo%"}', [1]),
        ('folded: {_regex: "^FO"}', [1]),
        ('words: {_iregex: "^H"}', [1]),
        ('words: {_nregex: "x"}', [1]),
        ('words: {_niregex: "H"}', []),
        ('mail: {_like: "%@%"}', [1]),
        ('doc: {_contains: {k: "v"}}', [1]),
        ("doc: {_contained_in: $doc}", [1]),
        ('doc: {_has_key: "k"}', [1]),
        ('doc: {_has_keys_any: ["x", "k"]}', [1]),
        ('doc: {_has_keys_any: "k"}', [1]),
        ('doc: {_has_keys_all: ["a", "k"]}', [1]),
        ('doc: {_has_keys_all: ["a", "x"]}', []),
        ("doc: {_has_keys_any: []}", []),
        ('doc: {_cast: {String: {_ilike: "%V%"}}}', [1]),
        ("doc: {_cast: {String: {_is_null: true}}}", [2]),
        ("doc: {_cast: {}}", [1, 2]),
        ("plain: {_is_null: true}", [2]),
        ("numbers: {_contains: [1]}", [1]),
        ("numbers: {_contained_in: [1, 2, 3, 4]}", [1]),
        ('names: {_contains: "{a}"}', [1]),
        ("numbers: {_in: [[1, 2, 3], [4]]}", [1]),
        ('path: {_ancestor: "Top.Science.Astronomy.Stars"}', [1]),
        ('path: {_descendant: "Top"}', [1]),
        ('path: {_ancestor_any: ["x", "Top.Science.Astronomy.Y"]}', [1]),
        ('path: {_descendant_any: "Top.Science"}', [1]),
        ('path: {_matches: "*.Science.*"}', [1]),
        ('path: {_matches_any: ["x", "Top.*"]}', [1]),
        ('path: {_matches_fulltext: "Science & Astronomy"}', [1]),
        ("price: {_gt: 12}", [1]),
        ("id: {_eq: 1.0}", [1]),
        ('flag: {_eq: "yes"}', [1]),
        ("words: {}", [1, 2]),
        ("_and: {id: {_eq: 1}}", [1]),
        ("_or: {id: {_eq: 1}}", [1]),
        ("_or: [{}]", [1, 2]),
        ("_not: {_or: []}", [1, 2]),
    ],
)
def test_operators_of_one_kind_of_type(gallery: Client, where: str, ids: list[int]) -> None:
    assert found(gallery, where) == ids


@pytest.mark.parametrize(
    ("where", "path", "code", "message"),
    [
        (
            'words: {_in: ["a", null]}',
            "words._in[1]",
            "validation-failed",
            "unexpected null value for type 'String'",
        ),
        ("words: {_in: null}", "words._in", "validation-failed", "expected a list, but found null"),
        (
            "words: null",
            "words",
            "validation-failed",
            "expected an object for type 'String_comparison_exp', but found null",
        ),
        (
            "id: {_is_null: null}",
            "id._is_null",
            "validation-failed",
            "expected a boolean for type 'Boolean', but found null",
        ),
        (
            'doc: {_has_keys_all: ["k", 5]}',
            "doc._has_keys_all[1]",
            "parse-failed",
            "parsing Text failed, expected String, but encountered Number",
        ),
        (
            "doc: {_has_keys_any: null}",
            "doc._has_keys_any",
            "validation-failed",
            "expected a list, but found null",
        ),
        (
            "doc: {_eq: null}",
            "doc._eq",
            "validation-failed",
            "unexpected null value for type 'jsonb'",
        ),
        (
            "small: {_eq: 70000}",
            "small._eq",
            "parse-failed",
            (
                "The value 70000.0 lies outside the bounds or is not an integer. "
                "Maybe it is a float, or is there integer overflow?"
            ),
        ),
        (
            "key: {_eq: 1}",
            "key._eq",
            "parse-failed",
            "parsing UUID failed, expected String, but encountered Number",
        ),
        (
            "day: {_eq: 1}",
            "day._eq",
            "parse-failed",
            "parsing Day failed, expected String, but encountered Number",
        ),
        ("span: {_eq: 1}", "span._eq", "parse-failed", "A string is expected for type: interval"),
        ("flag: {_eq: 1}", "flag._eq", "parse-failed", "expected Bool, but encountered Number"),
        (
            'feeling: {_like: "o%"}',
            "feeling._like",
            "validation-failed",
            "field '_like' not found in type: 'mood_comparison_exp'",
        ),
        (
            "plain: {_contains: {}}",
            "plain._contains",
            "validation-failed",
            "field '_contains' not found in type: 'json_comparison_exp'",
        ),
        (
            "numbers: {_has_key: 1}",
            "numbers._has_key",
            "validation-failed",
            "field '_has_key' not found in type: 'Int_array_comparison_exp'",
        ),
    ],
)
def test_an_operand_of_the_wrong_kind_is_refused(
    gallery: Client, where: str, path: str, code: str, message: str
) -> None:
    error = gallery.error(f"{{item(where: {{{where}}}) {{id}}}}")

    assert error == (code, f"$.selectionSet.item.args.where.{path}", message)


@pytest.mark.parametrize(
    ("where", "code", "message"),
    [
        ('small: {_eq: "abc"}', "data-exception", 'invalid input syntax for type smallint: "abc"'),
        ('key: {_eq: "x"}', "data-exception", 'invalid input syntax for type uuid: "x"'),
        ('feeling: {_eq: "angry"}', "data-exception", 'invalid input value for enum mood: "angry"'),
        ('words: {_regex: "("}', "data-exception", "invalid regular expression: parentheses () not balanced"),
        ("plain: {_eq: {a: 1}}", "unexpected", "database query error"),
    ],
)
def test_what_postgresql_refuses_is_said_by_it(gallery: Client, where: str, code: str, message: str) -> None:
    assert gallery.error(f"{{item(where: {{{where}}}) {{id}}}}") == (code, "$", message)


RENDERED = {
    "id": 1,
    "small": 2,
    "big": 9007199254740993,
    "exact": 12.3,
    "single": 1.5,
    "double": 2.5,
    "flag": True,
    "fixed": "fix  ",
    "folded": "FoLd",
    "day": "2024-01-02",
    "clock": "03:04:05",
    "clock_zone": "03:04:05+02",
    "moment": "2024-01-02T03:04:05",
    "instant": "2024-01-02T03:04:05+00:00",
    "span": "1 day 02:00:00",
    "plain": {"a": [1, {"b c": 2}]},
    "doc": DOC,
    "numbers": [1, 2, 3],
    "path": "Top.Science.Astronomy",
    "bytes": "\\x01ff",
    "address": "10.0.0.1",
    "price": "$12.50",
    "feeling": "ok",
    "extent": 5,
    "mail": "a@b",
    "feelings": ["sad", "ok"],
    "CamelCase": 8,
}


def test_values_of_every_type_are_rendered_as_json(gallery: Client) -> None:
    data = gallery.data(f"{{item_by_pk(id: 1) {{{' '.join(RENDERED)}}}}}")

    assert data["item_by_pk"] == RENDERED


def test_large_numbers_are_strings_when_that_is_asked_for(gallery: Client, gallery_url: str) -> None:
    columns = "id small big exact single double numbers"
    options = Options(
        database_url=gallery_url, admin_secret=ADMIN_SECRET, port=0, stringify_numeric_types=True
    )
    with LocalHasura.from_options(options) as running:
        client = Client(running)
        row = client.data(f"{{item_by_pk(id: 1) {{{columns}}}}}")["item_by_pk"]
        total = client.data("{item_aggregate {aggregate {count sum {big exact} max {double}}}}")
        client.close()

    assert row == {
        "id": 1,
        "small": 2,
        "big": "9007199254740993",
        "exact": "12.30",
        "single": 1.5,
        "double": "2.5",
        "numbers": [1, 2, 3],
    }
    assert total["item_aggregate"]["aggregate"] == {
        "count": 2,
        "sum": {"big": "9007199254740993", "exact": "12.30"},
        "max": {"double": "2.5"},
    }


def test_null_in_a_comparison_is_no_condition_when_that_is_asked_for(
    gallery: Client, gallery_url: str
) -> None:
    options = Options(
        database_url=gallery_url, admin_secret=ADMIN_SECRET, port=0, v1_boolean_null_collapse=True
    )
    with LocalHasura.from_options(options) as running:
        client = Client(running)
        query = "query ($x: Int) {painter(where: {id: {_eq: $x, _in: null, _lt: 3}}) {id}}"
        some = client.data(query)
        every = client.data("{painting(where: {colour: {_eq: null}}) {id}}")
        client.close()

    assert [row["id"] for row in some["painter"]] == [1, 2]
    assert len(every["painting"]) == 5
