"""Values on their way to PostgreSQL."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localhasura.catalog import PgType
from localhasura.errors import EngineError
from localhasura.jsontext import compact, parse_body, pointer
from localhasura.operators import array_of
from localhasura.pgvalues import ValueMismatchError, array_literal, as_integer, pg_text, scientific
from localhasura.sql.jsonpath import path_literal

INT, TEXT, NUMERIC = PgType("int4", "integer"), PgType("text", "text"), PgType("numeric", "numeric")
BOOL, JSONB, UUID = PgType("bool", "boolean"), PgType("jsonb", "jsonb"), PgType("uuid", "uuid")


LTREE = PgType("ltree", "ltree")
LABELS = "Expecting label path: a sequence of zero or more labels separated by dots, for example L1.L2.L3"


@pytest.mark.parametrize(
    ("number", "text"),
    [
        ("1.5", "1.5"),
        ("2147483648", "2.147483648e9"),
        ("3000000000", "3.0e9"),
        ("-0.5", "-0.5"),
        ("0.05", "5.0e-2"),
        ("1234567.5", "1234567.5"),
        ("12345678", "1.2345678e7"),
        ("0", "0.0"),
        ("1E+400", "1.0e400"),
    ],
)
def test_numbers_print_as_haskell_prints_them(number: str, text: str) -> None:
    assert scientific(Decimal(number)) == text


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        (INT, 5, "5"),
        (INT, Decimal("5.0"), "5"),
        (INT, "what PostgreSQL will refuse", "what PostgreSQL will refuse"),
        (NUMERIC, Decimal("1.10"), "1.1"),
        (NUMERIC, Decimal("1E+3"), "1000.0"),
        (NUMERIC, 5, "5.0"),
        (NUMERIC, "5.00", "5.00"),
        (NUMERIC, 12345678901234567890, "1.234567890123456789e19"),
        (BOOL, True, "true"),
        (JSONB, "a string", '"a string"'),
        (JSONB, {"n": Decimal("1.10"), "l": [None, True]}, '{"n":1.10,"l":[null,true]}'),
        (array_of(TEXT), ["a", 'b "c"', "d\\e"], '{"a","b \\"c\\"","d\\\\e"}'),
        (array_of(TEXT), "{a,b}", "{a,b}"),
        (array_of(INT), [1, None, "3"], '{"1",NULL,"3"}'),
        (array_of(INT), "{{1,2},{3,NULL}}", "{{1,2},{3,NULL}}"),
        (UUID, "x", "x"),
    ],
)
def test_values_become_text(kind: PgType, value: Any, text: str) -> None:
    assert pg_text(kind, value) == text


@pytest.mark.parametrize(
    ("kind", "value", "message"),
    [
        (TEXT, 5, "parsing Text failed, expected String, but encountered Number"),
        (UUID, True, "parsing UUID failed, expected String, but encountered Boolean"),
        (BOOL, 1, "expected Bool, but encountered Number"),
        (
            INT,
            True,
            "parsing Integer expected for input type: PGInteger failed, expected Number, but encountered Boolean",
        ),
        (LTREE, "a..b", LABELS),
        (LTREE, 5, LABELS),
        (PgType("bpchar", "bpchar"), 5, "parsing Char failed, expected String, but encountered Number"),
        (PgType("timetz", "timetz"), 5, "Expecting a string for timetz"),
        (
            PgType("float4", "real"),
            Decimal("1e39"),
            "The value 1.0e39 lies outside the bounds. Is it overflowing the float bounds?",
        ),
        (PgType("interval", "interval"), 5, "A string is expected for type: interval"),
        (
            array_of(INT),
            [[1, 2]],
            "parsing Integer expected for input type: PGInteger failed, expected Number, but encountered Array",
        ),
        (array_of(TEXT), [["a"]], "parsing Text failed, expected String, but encountered Array"),
        (array_of(TEXT), 5, "parsing [] failed, expected Array, but encountered Number"),
    ],
)
def test_values_of_the_wrong_kind_are_refused_in_hasuras_words(
    kind: PgType, value: Any, message: str
) -> None:
    with pytest.raises(ValueMismatchError) as caught:
        pg_text(kind, value)
    assert str(caught.value) == message


def test_a_huge_exponent_is_not_spelled_out() -> None:
    assert as_integer(Decimal("1E+1000000"), 2**31) is None
    assert len(pg_text(NUMERIC, Decimal("1E+1000000"))) < 20


@given(st.lists(st.text()))
def test_array_literals_keep_their_elements_apart(elements: list[str]) -> None:
    """Each element is quoted, so only quotes that are not escaped can end it."""
    literal = array_literal(elements)

    inside = literal.removeprefix("{").removesuffix("}").replace("\\\\", "").replace('\\"', "")
    assert inside.count('"') == 2 * len(elements)


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner)))
def test_json_comes_back_as_it_went(value: Any) -> None:
    assert parse_body(compact(value).encode("utf-8", "surrogatepass")) == value


def test_decimals_keep_their_digits() -> None:
    assert compact(parse_body(b'{"a":[1.10,2e5]}')) == '{"a":[1.10,2E+5]}'


@pytest.mark.parametrize("raw", [b"", b"{", b"NaN", b"[1e5", b"\xff", b'"' + b"\\", b"[" * 50_000])
def test_what_is_no_json_is_told(raw: bytes) -> None:
    with pytest.raises(EngineError) as caught:
        parse_body(raw)
    assert caught.value.code == "invalid-json"


def test_paths_name_odd_keys_in_brackets() -> None:
    assert pointer("$.args", "a_b") == "$.args.a_b"
    assert pointer("$.args", 2) == "$.args[2]"
    assert pointer("$.args", 'a"b') == '$.args["a\\"b"]'


@pytest.mark.parametrize(
    ("path", "literal"),
    [
        ("$", None),
        ("$.a.b", '{"a","b"}'),
        ("a[0]", '{"a","0"}'),
        ('$["a b"].c', '{"a b","c"}'),
        ("$['你好'][1]", '{"你好","1"}'),
        ("$a_b-1.[02]", '{"a_b-1","2"}'),
        (r"""['it\'s "x"']""", r"""{"it's \"x\""}"""),
    ],
)
def test_json_paths(path: str, literal: str | None) -> None:
    assert path_literal(path, "$") == literal


@pytest.mark.parametrize("path", ["", "$.", "$.a[", "$[x]", "$..a", "$.a b", "$.1", r'["\x"]'])
def test_json_paths_that_cannot_be_read(path: str) -> None:
    with pytest.raises(EngineError) as caught:
        path_literal(path, "$.where")
    assert (caught.value.code, caught.value.path) == ("validation-failed", "$.where")


def test_json_text_is_compact() -> None:
    assert json.loads(compact({"a": 1, "b": [True]})) == {"a": 1, "b": [True]}
    assert " " not in compact({"a": 1, "b": [True]})
