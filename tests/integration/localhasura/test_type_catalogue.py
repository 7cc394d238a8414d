"""Types that a team's tables have: their names in the schema, their values in and out, their extremes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
from tests.conftest import new_database
from tests.integration.localhasura.client import ADMIN_SECRET, Client

from localhasura import LocalHasura
from localhasura.config import Options

SCHEMA = """
CREATE EXTENSION IF NOT EXISTS citext;
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE TYPE pair AS (a integer, b text);
CREATE DOMAIN positive AS integer CHECK (value > 0);
CREATE DOMAIN labels AS text[];
CREATE TABLE kind (
  id integer PRIMARY KEY, one "char", fixed char(3), exact numeric, double float8, single real, big bigint,
  bigs bigint[], day date, moment timestamp, instant timestamptz, span interval, clock time, clock_zone timetz,
  pair pair, pairs pair[], range int4range, ranges int4multirange, bits bit(3), mac macaddr, net cidr, words text[],
  moods mood[], docs jsonb[],
  grid integer[][], keys uuid[], positive positive, labels labels, position pg_lsn, flags boolean[]
);
"""
COLUMNS = {
    "one": "bpchar",
    "fixed": "bpchar",
    "exact": "numeric",
    "double": "float8",
    "single": "Float",
    "bigs": "[bigint!]",
    "clock": "time",
    "clock_zone": "timetz",
    "pair": "pair_scalar",
    "pairs": "[pair_scalar!]",
    "range": "int4range",
    "ranges": "int4multirange",
    "bits": "bit",
    "net": "cidr",
    "moods": "[mood!]",
    "grid": "[Int!]",
    "positive": "Int",
    "labels": "[String!]",
    "position": "pg_lsn",
}


@pytest.fixture(scope="module")
def kinds_url(postgres_url: str, worker_id: str) -> Iterator[str]:
    """The URL of a database with one table of many types."""
    with new_database(postgres_url, f"kinds_{worker_id}_{os.getpid()}") as url:
        yield url


@pytest.fixture(scope="module")
def kinds(kinds_url: str) -> Iterator[Client]:
    """An engine that serves the table."""
    with LocalHasura(database_url=kinds_url, admin_secret=ADMIN_SECRET) as running:
        client = Client(running)
        client.sql(SCHEMA)
        client.metadata("pg_track_table", {"table": "kind"})
        yield client
        client.close()


def fields_of(client: Client, type_name: str) -> dict[str, str]:
    kind = "kind name ofType {kind name ofType {kind name}}"
    found = client.data(f'{{__type(name: "{type_name}") {{fields {{name type {{{kind}}}}}}}}}')["__type"]
    return {field["name"]: spelled(field["type"]) for field in found["fields"]}


def spelled(kind: dict[str, Any]) -> str:
    if kind["kind"] == "LIST":
        return f"[{spelled(kind['ofType'])}]"
    return f"{spelled(kind['ofType'])}!" if kind["kind"] == "NON_NULL" else str(kind["name"])


def test_each_type_has_its_scalar(kinds: Client) -> None:
    found = fields_of(kinds, "kind")

    assert {name: found[name] for name in COLUMNS} == COLUMNS


def test_max_and_min_are_offered_for_the_types_that_hasura_knows_by_name(kinds: Client) -> None:
    offered = fields_of(kinds, "kind_max_fields")

    assert offered == fields_of(kinds, "kind_min_fields")
    assert offered["words"] == "[String!]"
    assert not {"span", "clock", "range", "ranges", "bits", "mac", "net", "docs", "position"} & offered.keys()
    assert {"one", "day", "clock_zone", "pair", "moods", "positive", "labels", "flags"} <= offered.keys()


IN_AND_OUT = [
    ("one", "x", "x"),
    ("fixed", "a", "a  "),
    ("exact", "NaN", "NaN"),
    ("exact", "Infinity", "Infinity"),
    ("exact", 10**30, 10**30),
    ("double", "-Infinity", "-Infinity"),
    ("double", 5e-324, 5e-324),
    ("single", "NaN", "NaN"),
    ("big", "-9223372036854775808", -(2**63)),
    ("bigs", ["9223372036854775807", None], [2**63 - 1, None]),
    ("day", "infinity", "infinity"),
    ("day", "0044-03-15 BC", "0044-03-15 BC"),
    ("moment", "-infinity", "-infinity"),
    ("instant", "0044-03-15 12:00:00+00 BC", "0044-03-15T12:00:00+00:00 BC"),
    ("span", "-1 year 2 mons", "-10 mons"),
    ("clock", "24:00", "24:00:00"),
    ("pair", "(1,)", {"a": 1, "b": None}),
    ("pairs", ["(1,x)", None], [{"a": 1, "b": "x"}, None]),
    ("range", "[1,4]", "[1,5)"),
    ("ranges", "{[1,2),[5,7)}", "{[1,2),[5,7)}"),
    ("bits", "101", "101"),
    ("mac", "08002b:010203", "08:00:2b:01:02:03"),
    ("net", "10/8", "10.0.0.0/8"),
    ("words", ["", None, 'a"b\\c', "NULL"], ["", None, 'a"b\\c', "NULL"]),
    ("words", [], []),
    ("moods", "{sad,NULL}", ["sad", None]),
    ("docs", [{"a": [1, None]}, "s", 5], [{"a": [1, None]}, "s", 5]),
    ("grid", "{{1,2},{3,NULL}}", [[1, 2], [3, None]]),
    ("keys", ["00000000-0000-0000-0000-00000000000a"], ["00000000-0000-0000-0000-00000000000a"]),
    ("labels", ["a"], ["a"]),
    ("flags", [True, None, False], [True, None, False]),
]


@pytest.mark.parametrize(("column", "given", "shown"), IN_AND_OUT)
def test_a_value_goes_in_and_is_found_by_itself(kinds: Client, column: str, given: Any, shown: Any) -> None:
    inserted = kinds.data(
        f"mutation ($row: kind_insert_input!) {{insert_kind_one(object: $row) {{{column}}}}}",
        {"row": {"id": 1, column: given}},
    )
    found = kinds.data(
        f"query ($where: kind_bool_exp) {{equal: kind(where: $where, order_by: {{{column}: asc}}) {{{column}}}}}",
        {"where": {column: {"_eq": given, "_in": [given], "_gte": given}}},
    )
    kinds.data("mutation {delete_kind(where: {}) {affected_rows}}")

    assert inserted == {"insert_kind_one": {column: shown}}
    assert found == {"equal": [{column: shown}]}


def test_only_numbers_themselves_become_strings(kinds: Client, kinds_url: str) -> None:
    """Arrays of large numbers, numbers inside jsonb and the smaller types stay as they are."""
    options = Options(database_url=kinds_url, admin_secret=ADMIN_SECRET, port=0, stringify_numeric_types=True)
    row = {
        "id": 1,
        "big": "9007199254740993",
        "bigs": [1],
        "exact": 1.5,
        "double": 2.5,
        "single": 3.5,
        "docs": [1],
    }
    with LocalHasura.from_options(options) as running:
        client = Client(running)
        inserted = client.data(
            "mutation ($row: kind_insert_input!) "
            "{insert_kind_one(object: $row) {id big bigs exact double single docs}}",
            {"row": row},
        )
        deleted = client.data("mutation {delete_kind(where: {exact: {_eq: 1.5}}) {returning {exact}}}")
        client.close()

    assert inserted["insert_kind_one"] == {**row, "exact": "1.5", "double": "2.5"}
    assert deleted == {"delete_kind": {"returning": [{"exact": "1.5"}]}}
