"""Values of every column type: what goes in, what comes back, and who says no: the value parser or PostgreSQL."""

from __future__ import annotations

from typing import Any

import pytest
from tests.integration.localhasura.client import Client

AT = "$.selectionSet.insert_every_type_one.args.object"
UUID = "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"


def _insert(column: str, value: str) -> str:
    return f"mutation {{insert_every_type_one(object: {{{column}: {value}}}) {{{column}}}}}"


@pytest.mark.parametrize(
    ("column", "value", "stored"),
    [
        ("c_int", "5", 5),
        ("c_int", '"6"', 6),
        ("c_int", "1.0", 1),
        ("c_int", "null", None),
        ("c_small", "-32768", -32768),
        ("c_big", "9223372036854775807", 9223372036854775807),
        ("c_big", '"9223372036854775807"', 9223372036854775807),
        ("c_num", '"1.50"', 1.5),
        ("c_num", "2", 2),
        ("c_real", '"1.5"', 1.5),
        ("c_double", '"NaN"', "NaN"),
        ("c_bool", "true", True),
        ("c_bool", '"off"', False),
        ("c_text", "word", "word"),
        ("c_var", '"abcde"', "abcde"),
        ("c_char", '"a"', "a  "),
        ("c_ci", '"Ab"', "Ab"),
        ("c_uuid", f'"{UUID.upper()}"', UUID),
        ("c_date", '"2020-02-03"', "2020-02-03"),
        ("c_time", '"10:11"', "10:11:00"),
        ("c_timetz", '"10:11+02"', "10:11:00+02"),
        ("c_ts", '"2020-01-01 10:00"', "2020-01-01T10:00:00"),
        ("c_tstz", '"2020-01-01T10:00:00+02:00"', "2020-01-01T08:00:00+00:00"),
        ("c_interval", '"1 day"', "1 day"),
        ("c_json", '{b: 1, a: [null, "x"]}', {"b": 1, "a": [None, "x"]}),
        ("c_jsonb", '"a string"', "a string"),
        ("c_jsonb", "null", None),
        ("c_ints", "[1, null, 3]", [1, None, 3]),
        ("c_ints", '"{4,5}"', [4, 5]),
        ("c_ints", "[]", []),
        ("c_texts", r'["a\"b", "c,d", "NULL", ""]', ['a"b', "c,d", "NULL", ""]),
        ("c_bytea", r'"\\x0102"', "\\x0102"),
        ("c_mood", '"happy"', "happy"),
        ("c_mood", "sad", "sad"),
        ("c_moods", '["sad", "ok"]', ["sad", "ok"]),
        ("c_dom", "5", 5),
        ("c_inet", '"10.0.0.1"', "10.0.0.1"),
    ],
)
def test_values_that_fit_their_column(workshop: Client, column: str, value: str, stored: Any) -> None:
    assert workshop.data(_insert(column, value)) == {"insert_every_type_one": {column: stored}}


_FLOAT_BOUNDS = "The value {} lies outside the bounds. Is it overflowing the float bounds?"


def _not_a(kind: str, parser: str, found: str) -> str:
    return f"parsing {parser} failed, expected {kind}, but encountered {found}"


def _out_of_bounds(number: str) -> str:
    return (
        f"The value {number} lies outside the bounds or is not an integer. "
        "Maybe it is a float, or is there integer overflow?"
    )


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("c_int", "1.5", _out_of_bounds("1.5")),
        ("c_int", "2147483648", _out_of_bounds("2.147483648e9")),
        ("c_small", "40000", _out_of_bounds("40000.0")),
        ("c_big", "9223372036854775808", _out_of_bounds("9.223372036854775808e18")),
        ("c_ints", "[1.5]", _out_of_bounds("1.5")),
        ("c_int", "true", _not_a("Number", "Integer expected for input type: PGInteger", "Boolean")),
        ("c_small", "[1]", _not_a("Number", "Integer expected for input type: PGSmallInt", "Array")),
        ("c_big", "{a: 1}", _not_a("Number", "Integer expected for input type: PGBigInt", "Object")),
        ("c_real", "true", _not_a("Number", "Float expected for input type: PGFloat", "Boolean")),
        ("c_double", "[1]", _not_a("Number", "Float expected for input type: PGDouble", "Array")),
        ("c_num", "true", _not_a("Number", "Scientific", "Boolean")),
        ("c_real", "1e39", _FLOAT_BOUNDS.format("1.0e39")),
        ("c_double", "1e400", _FLOAT_BOUNDS.format("1.0e400")),
        ("c_double", "1e-400", _FLOAT_BOUNDS.format("1.0e-400")),
        ("c_text", "1", "parsing Text failed, expected String, but encountered Number"),
        ("c_var", "true", "parsing Text failed, expected String, but encountered Boolean"),
        ("c_ci", "[1]", "parsing Text failed, expected String, but encountered Array"),
        ("c_uuid", "{a: 1}", "parsing UUID failed, expected String, but encountered Object"),
        ("c_bytea", "1", "A string is expected for type: bytea"),
        ("c_mood", "1", "A string is expected for type: mood"),
        ("c_interval", "1", "A string is expected for type: interval"),
    ],
)
def test_values_of_the_wrong_kind_are_refused_where_they_stand(
    workshop: Client, column: str, value: str, message: str
) -> None:
    assert workshop.error(_insert(column, value)) == ("parse-failed", f"{AT}.{column}", message)


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("c_int", '"abc"', 'invalid input syntax for type integer: "abc"'),
        ("c_small", '"40000"', 'value "40000" is out of range for type smallint'),
        ("c_num", '"x"', 'invalid input syntax for type numeric: "x"'),
        ("c_bool", '"maybe"', 'invalid input syntax for type boolean: "maybe"'),
        ("c_var", '"toolong"', "value too long for type character varying(5)"),
        ("c_char", '"abcd"', "value too long for type character(3)"),
        ("c_uuid", '"x"', 'invalid input syntax for type uuid: "x"'),
        ("c_date", '"2020-02-30"', 'date/time field value out of range: "2020-02-30"'),
        ("c_tstz", '"x"', 'invalid input syntax for type timestamp with time zone: "x"'),
        ("c_mood", '"angry"', 'invalid input value for enum mood: "angry"'),
        ("c_moods", '["angry"]', 'invalid input value for enum mood: "angry"'),
        ("c_texts", '"x"', 'malformed array literal: "x"'),
    ],
)
def test_texts_that_postgresql_does_not_read_are_data_exceptions(
    workshop: Client, column: str, value: str, message: str
) -> None:
    assert workshop.error(_insert(column, value)) == ("data-exception", AT, message)


def test_a_domain_is_checked_as_a_check_constraint(workshop: Client) -> None:
    message = (
        'Check constraint violation. value for domain positive violates check constraint "positive_check"'
    )

    assert workshop.error(_insert("c_dom", "0")) == ("permission-error", AT, message)


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("c_need", "null", "unexpected null value for type 'String'"),
        ("c_jneed", "null", "unexpected null value for type 'jsonb'"),
        ("c_gen", "1", "field 'c_gen' not found in type: 'every_type_insert_input'"),
        ("c_ida", "1", "field 'c_ida' not found in type: 'every_type_insert_input'"),
        ("nope", "1", "field 'nope' not found in type: 'every_type_insert_input'"),
    ],
)
@pytest.mark.parametrize("role", ["admin", "user"])
def test_columns_that_take_no_such_value(
    workshop: Client, role: str, column: str, value: str, message: str
) -> None:
    error = workshop.error(_insert(column, value), X_Hasura_Role=role)

    assert error == ("validation-failed", f"{AT}.{column}", message)


@pytest.mark.parametrize(
    ("declared", "column", "value", "stored"),
    [
        ("Int", "c_int", None, None),
        ("Int!", "c_int", "7", 7),
        ("smallint", "c_small", 3, 3),
        ("bigint", "c_big", 2**62, 2**62),
        ("numeric", "c_num", 1.25, 1.25),
        ("float8", "c_double", 2, 2),
        ("Float", "c_real", 2.5, 2.5),
        ("bpchar", "c_char", "abc", "abc"),
        ("citext", "c_ci", "x", "x"),
        ("timestamptz", "c_tstz", "2020-01-01", "2020-01-01T00:00:00+00:00"),
        ("mood", "c_mood", "ok", "ok"),
        ("[Int!]", "c_ints", [1], [1]),
        ("[String!]!", "c_texts", ["a"], ["a"]),
        ("jsonb", "c_jsonb", {"a b": {"$": [1, None]}}, {"a b": {"$": [1, None]}}),
        ("json", "c_json", "text", "text"),
    ],
)
def test_variables_have_the_type_of_their_column(
    workshop: Client, declared: str, column: str, value: Any, stored: Any
) -> None:
    mutation = f"mutation ($v: {declared}) {{insert_every_type_one(object: {{{column}: $v}}) {{{column}}}}}"

    assert workshop.data(mutation, {"v": value}) == {"insert_every_type_one": {column: stored}}


@pytest.mark.parametrize(
    ("declared", "column", "expected"),
    [
        ("String", "c_int", "Int"),
        ("Int", "c_big", "bigint"),
        ("Int", "c_small", "smallint"),
        ("String", "c_uuid", "uuid"),
        ("Int", "c_ints", "[Int!]"),
    ],
)
def test_variables_of_another_type_are_refused(
    workshop: Client, declared: str, column: str, expected: str
) -> None:
    error = workshop.error(
        f"mutation ($v: {declared}) {{insert_every_type_one(object: {{{column}: $v}}) {{id}}}}", {"v": None}
    )

    message = f"variable 'v' is declared as '{declared}', but used where '{expected}' is expected"
    assert error == ("validation-failed", f"{AT}.{column}", message)


def test_columns_left_out_of_one_row_have_their_default(workshop: Client) -> None:
    data = workshop.data(
        'mutation {insert_every_type(objects: [{c_int: 1}, {c_need: "x"}, {}]) {returning {c_int c_need c_gen}}}'
    )

    assert data["insert_every_type"]["returning"] == [
        {"c_int": 1, "c_need": "d", "c_gen": 2},
        {"c_int": None, "c_need": "x", "c_gen": None},
        {"c_int": None, "c_need": "d", "c_gen": None},
    ]


def test_an_identity_column_by_default_may_be_given(workshop: Client) -> None:
    data = workshop.data("mutation {insert_numbered(objects: [{id: 50}, {n: 2}]) {returning {id n}}}")

    assert data["insert_numbered"]["returning"][0] == {"id": 50, "n": None}
    assert data["insert_numbered"]["returning"][1]["n"] == 2


def test_a_table_of_generated_columns_takes_empty_objects(workshop: Client) -> None:
    data = workshop.data("mutation {insert_ticket(objects: [{}, {}]) {affected_rows}}")

    assert data == {"insert_ticket": {"affected_rows": 2}}


@pytest.mark.parametrize(
    ("arguments", "path", "message"),
    [
        ("", ".args.objects", "missing required field 'objects'"),
        ("(objects: null)", ".args.objects", "expected a list, but found null"),
        (
            "(objects: [null])",
            ".args.objects[0]",
            "expected an object for type 'numbered_insert_input', but found null",
        ),
        (
            '(objects: "x")',
            ".args.objects[0]",
            "expected an object for type 'numbered_insert_input', but found a string",
        ),
        ("(objects: [{}, {id: null}])", ".args.objects[1].id", "unexpected null value for type 'Int'"),
        ("(objects: [], rows: [])", "", "'insert_numbered' has no argument named 'rows'"),
    ],
)
def test_objects_that_are_no_rows(workshop: Client, arguments: str, path: str, message: str) -> None:
    error = workshop.error(f"mutation {{insert_numbered{arguments} {{affected_rows}}}}")

    assert error == ("validation-failed", f"$.selectionSet.insert_numbered{path}", message)


def test_a_single_object_is_a_list_of_one(workshop: Client) -> None:
    in_line = workshop.data("mutation {insert_numbered(objects: {n: 1}) {affected_rows}}")
    as_variable = workshop.data(
        "mutation ($o: [numbered_insert_input!]!) {insert_numbered(objects: $o) {affected_rows}}",
        {"o": {"n": 2}},
    )

    assert in_line == as_variable == {"insert_numbered": {"affected_rows": 1}}


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (
            "green",
            "expected one of the values ['blue', 'red'] for type 'color_enum', but found 'green'",
        ),
        ('"red"', "expected an enum value for type 'color_enum', but found a string"),
        ("1", "expected an enum value for type 'color_enum', but found an integer"),
    ],
)
def test_a_column_of_an_enum_table_takes_its_values_only(workshop: Client, value: str, message: str) -> None:
    path = "$.selectionSet.insert_parent_one.args.object.color"

    error = workshop.error(f'mutation {{insert_parent_one(object: {{name: "e", color: {value}}}) {{id}}}}')

    assert error == ("validation-failed", path, message)


def test_a_column_of_an_enum_table_takes_variables_of_the_enum(workshop: Client) -> None:
    mutation = 'mutation ($c: color_enum) {insert_parent_one(object: {name: "enum", color: $c}) {color}}'

    assert workshop.data(mutation, {"c": "blue"}) == {"insert_parent_one": {"color": "blue"}}
