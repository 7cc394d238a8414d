"""From JSON values to PostgreSQL's text form, with the errors that Hasura's value parser gives.

Every type but json takes a string as it is: whether it fits is for PostgreSQL to say (a `data-exception`).
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from localhasura.catalog.model import FLOATS, INTEGERS, PgType
from localhasura.jsontext import compact

_BOUNDS = {"int2": 2**15, "int4": 2**31, "int8": 2**63}
_INTEGER_PARSERS = {"int2": "PGSmallInt", "int4": "PGInteger", "int8": "PGBigInt"}
_FLOAT_PARSERS = {"float4": "PGFloat", "float8": "PGDouble"}
_FLOAT_CODES = {"float4": "f", "float8": "d"}
"""The formats of `struct` that have the types' width."""
_STRING_PARSERS = {
    **dict.fromkeys(("text", "varchar", "citext", "lquery", "ltxtquery"), "Text"),
    "bpchar": "Char",
    "uuid": "UUID",
    "date": "Day",
    "timestamp": "LocalTime",
    "timestamptz": "UTCTime",
}
_LTREE_EXPECTED = (
    "Expecting label path: a sequence of zero or more labels separated by dots, for example L1.L2.L3"
)
_PRINTABLE_EXPONENT = 400
"""Beyond this a decimal keeps its exponent: spelling it out would only fill memory."""


class ValueMismatchError(ValueError):
    """The JSON value has the wrong kind for the column; the text is Hasura's."""


def pg_text(kind: PgType, value: Any) -> str:
    """Return `value` as PostgreSQL's input text for the type; raises ValueMismatchError."""
    if kind.name in ("json", "jsonb"):
        return compact(value)
    if kind.name == "ltree":
        return _ltree_text(value)
    if isinstance(value, str):
        return value
    if kind.element is not None:
        return _array_text(kind, kind.element, value)
    if kind.name == "bool":
        return _boolean_text(value)
    if kind.name in INTEGERS:
        return _integer_text(kind.name, value)
    if kind.name in FLOATS or kind.name in ("numeric", "money"):
        return _number_text(kind.name, value)
    raise ValueMismatchError(_string_expected(kind, value))


def array_literal(elements: Iterable[str | None], delimiter: str = ",") -> str:
    """Return PostgreSQL's text form of an array with these elements."""
    return "{" + delimiter.join(map(_quoted_element, elements)) + "}"


def scientific(number: Decimal | int) -> str:
    """Return a number as Haskell's `Scientific` prints it: 1.5, but 2.147483648e9 from eight digits on."""
    sign, digits, exponent = Decimal(number).as_tuple()
    if not isinstance(exponent, int):
        return str(number)
    text = "".join(map(str, digits)).lstrip("0")
    exponent += len(text)
    text = text.rstrip("0")
    if not text:
        return "0.0"
    prefix = "-" if sign else ""
    if not 0 <= exponent <= 7:
        return f"{prefix}{text[0]}.{text[1:] or '0'}e{exponent - 1}"
    whole, fraction = text[:exponent].ljust(exponent, "0"), text[exponent:]
    return f"{prefix}{whole or '0'}.{fraction or '0'}"


def out_of_bounds(number: Decimal | int) -> str:
    """Return what Hasura says of a number that is no integer of the wanted size."""
    return (
        f"The value {scientific(number)} lies outside the bounds or is not an integer. "
        "Maybe it is a float, or is there integer overflow?"
    )


def as_integer(number: Decimal | int, bound: int) -> int | None:
    """Return the number as an integer in [-bound, bound), or None; never expands a huge exponent."""
    if isinstance(number, Decimal):
        if number.adjusted() > len(str(bound)) or number != number.to_integral_value():
            return None
        number = int(number)
    return number if -bound <= number < bound else None


def _array_text(kind: PgType, element: PgType, value: Any) -> str:
    if not isinstance(value, list):
        raise ValueMismatchError(f"parsing [] failed, expected Array, but encountered {_json_kind(value)}")
    # A list in the list is no element of the type: arrays of several dimensions are given as PostgreSQL's text.
    return array_literal((None if item is None else pg_text(element, item) for item in value), kind.delimiter)


def _quoted_element(text: str | None) -> str:
    if text is None:
        return "NULL"
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _boolean_text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    raise ValueMismatchError(f"expected Bool, but encountered {_json_kind(value)}")


def _integer_text(name: str, value: Any) -> str:
    number = as_integer(
        _number(f"Integer expected for input type: {_INTEGER_PARSERS[name]}", value), _BOUNDS[name]
    )
    if number is None:
        raise ValueMismatchError(out_of_bounds(value))
    return str(number)


def _number_text(name: str, value: Any) -> str:
    parser = _FLOAT_PARSERS.get(name)
    expected = "Scientific" if parser is None else f"Float expected for input type: {parser}"
    number = _number(expected, value)
    if parser is not None and not _fits_float(number, _FLOAT_CODES[name]):
        raise ValueMismatchError(
            f"The value {scientific(number)} lies outside the bounds. Is it overflowing the float bounds?"
        )
    if name == "numeric":
        # The scale of a numeric column without one is that of the text: Hasura makes 5.0 of 5, and 1.1 of 1.10.
        return scientific(number)
    if isinstance(number, Decimal) and abs(number.adjusted()) < _PRINTABLE_EXPONENT:
        return format(number, "f")
    return str(number)


def _number(expected: str, value: Any) -> Decimal | int:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise ValueMismatchError(
            f"parsing {expected} failed, expected Number, but encountered {_json_kind(value)}"
        )
    return value


def _fits_float(number: Decimal | int, code: str) -> bool:
    """Whether a float of the format can hold the number: neither as infinity nor, unless it is zero, as zero."""
    try:
        (held,) = struct.unpack(code, struct.pack(code, float(number)))
    except OverflowError:
        return False
    return math.isfinite(held) and (held != 0 or number == 0)


def _ltree_text(value: Any) -> str:
    if not isinstance(value, str) or "" in value.split("."):
        raise ValueMismatchError(_LTREE_EXPECTED)
    return value


def _string_expected(kind: PgType, value: Any) -> str:
    if kind.name == "timetz":
        return "Expecting a string for timetz"
    parser = _STRING_PARSERS.get(kind.name)
    if parser is None:
        return f"A string is expected for type: {kind.name}"
    return f"parsing {parser} failed, expected String, but encountered {_json_kind(value)}"


def _json_kind(value: Any) -> str:
    if value is None:
        return "Null"
    if isinstance(value, bool):
        return "Boolean"
    if isinstance(value, list):
        return "Array"
    if isinstance(value, dict):
        return "Object"
    return "String" if isinstance(value, str) else "Number"
