"""Filters, orders, aggregates and rules drawn by chance over the shop, against what Python says of the same rows."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.conftest import new_database
from tests.integration.localhasura.client import ADMIN_SECRET, Client
from tests.integration.localhasura.documents import Name
from tests.integration.localhasura.shops import furnish, rows_of
from tests.integration.localhasura.truth import Link, Row, World

from localhasura import LocalHasura

_drawn = settings(
    max_examples=100,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
_drawn_rules = settings(_drawn, max_examples=40)
MORE_ROWS = """
INSERT INTO category (path, parent_id) SELECT ('c' || n)::ltree, nullif(n % 4, 0) FROM generate_series(1, 12) n;
INSERT INTO customer (id, email, name, vip, balance, referred_by)
  SELECT ('00000000-0000-0000-0000-0000000000' || (n + 10))::uuid, n || '@y',
         (ARRAY['ann', 'abba', 'bo', ''])[1 + n % 4], (ARRAY[true, false, NULL])[1 + n % 3], n % 5 - 1.5,
         CASE n % 4 WHEN 0 THEN '00000000-0000-0000-0000-00000000000a'::uuid
                    WHEN 2 THEN '00000000-0000-0000-0000-00000000000b' END
    FROM generate_series(1, 20) n;
INSERT INTO "order" SELECT n, date '2024-01-01' + n, CASE WHEN n % 5 > 0
         THEN ('00000000-0000-0000-0000-0000000000' || (10 + n % 7 + 1))::uuid END,
         (ARRAY['open', 'paid', 'sent'])[1 + n % 3], (ARRAY['x', 'y', NULL])[1 + n % 3], nullif(n % 4, 0)
    FROM generate_series(10, 40) n;
INSERT INTO "OrderLine" SELECT 10 + n % 20, date '2024-01-01' + 10 + n % 20, n, 1 + nullif(n % 4, 3), nullif(n % 6, 0),
         nullif(n % 5, 0) * 0.5, nullif(n % 3, 1), NULL, nullif(n % 2, 0) = 1
    FROM generate_series(1, 50) n;
"""
COLUMNS = {
    "customer": {"id": "uuid", "name": "text", "vip": "bool", "balance": "number", "referred_by": "uuid"},
    "category": {"id": "number", "parent_id": "number"},
    "order": {
        "id": "number",
        "placed_at": "date",
        "customer_id": "uuid",
        "group": "text",
        "select": "number",
    },
    "OrderLine": {
        **dict.fromkeys(("orderId", "lineNo", "productId", "where", "limit"), "number"),
        "placedAt": "date",
    },
}
KEYS = {
    "customer": ("id",),
    "category": ("id",),
    "order": ("id", "placed_at"),
    "OrderLine": ("orderId", "placedAt", "lineNo"),
}
ORDER_KEY = (("orderId", "id"), ("placedAt", "placed_at"))
LINKS = {
    "customer": {
        "referrer": Link("customer", (("referred_by", "id"),), many=False),
        "referred": Link("customer", (("id", "referred_by"),), many=True),
        "orders": Link("order", (("id", "customer_id"),), many=True),
    },
    "category": {
        "parent": Link("category", (("parent_id", "id"),), many=False),
        "children": Link("category", (("id", "parent_id"),), many=True),
    },
    "order": {
        "customer": Link("customer", (("customer_id", "id"),), many=False),
        "lines": Link("OrderLine", tuple((theirs, mine) for mine, theirs in ORDER_KEY), many=True),
    },
    "OrderLine": {"order": Link("order", ORDER_KEY, many=False)},
}
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "uuid": st.sampled_from(
        [f"00000000-0000-0000-0000-0000000000{end}" for end in ("0a", "0b", "12", "13", "99")]
    ),
    "text": st.sampled_from(["ann", "abba", "bo", "", "x", "y", "Ann"]),
    "bool": st.booleans(),
    "number": st.integers(-1, 14) | st.sampled_from([0.5, 1.5, -0.5, 2.25]),
    "date": st.sampled_from(["2023-06-01", "2024-01-15", "2024-02-01", "2024-02-29", "2025-01-01"]),
}
COLUMN_SIGNS = ["_ceq", "_cneq", "_cgt", "_cgte", "_clt", "_clte"]
FRACTIONS = {"balance": "numeric", "limit": "float8"}
NOT_INT = {**FRACTIONS, "productId": "bigint"}
"""Columns of two types are not compared with each other in a rule."""
ORDERS = {  # descending, nulls first
    "asc": (False, False),
    "asc_nulls_first": (False, True),
    "asc_nulls_last": (False, False),
    "desc": (True, True),
    "desc_nulls_first": (True, True),
    "desc_nulls_last": (True, False),
}
SESSION = {
    "x-hasura-user-id": "00000000-0000-0000-0000-00000000000a",
    "x-hasura-number": 3,
    "x-hasura-word": "ann",
    "x-hasura-day": "2024-02-01",
}
SESSION_OF = {
    "uuid": "X-Hasura-User-Id",
    "number": "x-hasura-number",
    "text": "X-HASURA-WORD",
    "date": "x-hasura-day",
}


class Place:
    """The served shop and its rows as Python knows them."""

    def __init__(self, client: Client, world: World) -> None:
        self.client, self.world = client, world
        self.ruled: set[str] = set()
        """Tables on which a rule was made before."""


@pytest.fixture(scope="module")
def place(postgres_url: str, worker_id: str) -> Iterator[Place]:
    """The shop with more rows, none of which a test changes for good."""
    with (
        new_database(postgres_url, f"drawn_{worker_id}_{os.getpid()}") as url,
        LocalHasura(database_url=url, admin_secret=ADMIN_SECRET) as running,
    ):
        client = Client(running)
        furnish(client)
        client.sql(MORE_ROWS)
        yield Place(client, World({table: rows_of(client, table) for table in COLUMNS}, LINKS, SESSION))
        client.close()


@st.composite
def comparisons(draw: st.DrawFn, table: str, column: str, *, root: str = "") -> dict[str, Any]:
    """Draw the operators of one column."""
    kind = COLUMNS[table][column]
    value = plain = st.integers(-1, 14) if kind == "number" and column not in FRACTIONS else VALUES[kind]
    if root and kind in SESSION_OF:
        value = value | st.just(SESSION_OF[kind])
    signs = st.sampled_from(["_eq", "_neq", "_gt", "_gte", "_lt", "_lte"])
    chosen = [
        st.tuples(signs, value),
        st.tuples(st.sampled_from(["_in", "_nin"]), st.lists(plain, max_size=3)),
        st.tuples(st.just("_is_null"), st.booleans()),
    ]
    if kind == "text":
        patterns = st.text(alphabet="aAbn%_", max_size=4)
        chosen.append(st.tuples(st.sampled_from(["_like", "_nlike", "_ilike", "_nilike"]), patterns))
        chosen.append(
            st.tuples(st.sampled_from(["_regex", "_niregex"]), st.text(alphabet="abn.", max_size=3))
        )
    if root:
        chosen.append(
            st.tuples(st.sampled_from(COLUMN_SIGNS), st.sampled_from(_same_type(table, column, table)))
        )
        of_root = [["$", name] for name in _same_type(table, column, root)]
        chosen += [st.tuples(st.sampled_from(COLUMN_SIGNS), st.sampled_from(of_root))] if of_root else []
    return dict(draw(st.lists(st.one_of(chosen), max_size=2)))


def _same_type(table: str, column: str, among: str) -> list[str]:
    kind, exact = COLUMNS[table][column], NOT_INT.get(column)
    return [name for name, other in COLUMNS[among].items() if (other, NOT_INT.get(name)) == (kind, exact)]


@st.composite
def filters(draw: st.DrawFn, table: str, levels: int = 3, *, root: str = "") -> dict[str, Any]:
    """Draw a `where` of the table, or a permission rule."""
    members: dict[str, Any] = {}
    for name in draw(st.lists(st.sampled_from(_members(table, levels, root=root)), max_size=2, unique=True)):
        members[name] = draw(_member(table, name, levels - 1, root=root))
    return members


def _members(table: str, levels: int, *, root: str) -> list[str]:
    if levels <= 0:
        return list(COLUMNS[table])
    many = [f"{name}_aggregate" for name, link in LINKS[table].items() if link.many and not root]
    return [*COLUMNS[table], *LINKS[table], *many, "_and", "_or", "_not", *(["_exists"] if root else [])]


def _member(table: str, name: str, levels: int, *, root: str) -> st.SearchStrategy[Any]:
    link = LINKS[table].get(name.removesuffix("_aggregate"))
    if name in ("_and", "_or"):
        return st.lists(filters(table, levels, root=root), max_size=3)
    if name == "_not":
        return filters(table, levels, root=root)
    if name == "_exists":
        return st.fixed_dictionaries(
            {
                "_table": st.just({"schema": "public", "name": "category"}),
                "_where": filters("category", levels, root=root),
            }
        )
    if link is not None and name.endswith("_aggregate"):
        return _counts(link.target, levels)
    if link is not None:
        return filters(link.target, levels, root=root)
    return comparisons(table, name, root=root)


def _counts(target: str, levels: int) -> st.SearchStrategy[Any]:
    count = st.fixed_dictionaries(
        {"predicate": comparisons("category", "id")},
        optional={
            "filter": filters(target, levels),
            "arguments": st.lists(
                st.sampled_from([Name(name) for name in COLUMNS[target]]), min_size=1, max_size=1
            ),
            "distinct": st.booleans(),
        },
    )
    return st.fixed_dictionaries({"count": count})


TABLE_AND_FILTER = st.sampled_from(list(COLUMNS)).flatmap(
    lambda table: st.tuples(st.just(table), filters(table))
)


def key(table: str, row: Row) -> tuple[Any, ...]:
    return tuple(row[name] for name in KEYS[table])


def literal(value: Any) -> str:
    """Return a JSON value as it stands in a document."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}: {literal(each)}" for name, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(literal, value)) + "]"
    return str(value) if isinstance(value, Name) else json.dumps(value)


@_drawn
@given(TABLE_AND_FILTER)
def test_a_filter_chooses_the_rows_for_which_it_is_true(
    place: Place, drawn: tuple[str, dict[str, Any]]
) -> None:
    """In variables and in the document alike."""
    table, where = drawn
    keys = " ".join(KEYS[table])
    answer = place.client.data(
        f"query ($where: {table}_bool_exp) {{rows: {table}(where: $where) {{{keys}}} "
        f"same: {table}(where: {literal(where)}) {{{keys}}} "
        f"all: {table}_aggregate(where: $where) {{aggregate {{count}}}}}}",
        {"where": where},
    )

    expected = sorted(key(table, row) for row in place.world.chosen(table, where))
    assert sorted(key(table, row) for row in answer["rows"]) == expected, where
    assert sorted(key(table, row) for row in answer["same"]) == expected
    assert answer["all"]["aggregate"]["count"] == len(expected)


@_drawn
@given(TABLE_AND_FILTER, st.data())
def test_rows_come_in_the_order_that_was_asked_for(
    place: Place, drawn: tuple[str, dict[str, Any]], data: st.DataObject
) -> None:
    """Limit, offset and distinct_on take their rows from that order; the key at its end leaves no tie."""
    table, where = drawn
    columns = data.draw(st.lists(st.sampled_from(list(COLUMNS[table])), max_size=3, unique=True))
    columns += [name for name in KEYS[table] if name not in columns]
    order = [(name, data.draw(st.sampled_from(list(ORDERS)))) for name in columns]
    distinct = columns[: data.draw(st.integers(0, 2))]
    limit, offset = data.draw(st.none() | st.integers(0, 5)), data.draw(st.none() | st.integers(0, 5))

    rows = place.client.data(
        f"query ($where: {table}_bool_exp, $order: [{table}_order_by!], $distinct: [{table}_select_column!], "
        f"$limit: Int, $offset: Int) {{rows: {table}(where: $where, order_by: $order, distinct_on: $distinct, "
        f"limit: $limit, offset: $offset) {{{' '.join(KEYS[table])}}}}}",
        {
            "where": where,
            "order": [{name: direction} for name, direction in order],
            "distinct": distinct,
            "limit": limit,
            "offset": offset,
        },
    )["rows"]

    chosen = _sorted(place.world.chosen(table, where), order)
    expected = _first_of_each(chosen, distinct or list(KEYS[table]))[offset or 0 :]
    assert [key(table, row) for row in rows] == [key(table, row) for row in expected[:limit]]


def _sorted(rows: list[Row], order: list[tuple[str, str]]) -> list[Row]:
    """Sort by the last column first: Python's sort leaves equal rows as they were."""
    for name, direction in reversed(order):
        descending, nulls_first = ORDERS[direction]
        known = [row for row in rows if row[name] is not None]
        known.sort(key=lambda row: row[name], reverse=descending)
        unknown = [row for row in rows if row[name] is None]
        rows = [*unknown, *known] if nulls_first else [*known, *unknown]
    return rows


def _first_of_each(rows: list[Row], columns: list[str]) -> list[Row]:
    found: dict[tuple[Any, ...], Row] = {}
    for row in rows:
        found.setdefault(tuple(row[name] for name in columns), row)
    return list(found.values())


@_drawn
@given(TABLE_AND_FILTER, st.booleans())
def test_aggregates_are_those_of_the_chosen_rows(
    place: Place, drawn: tuple[str, dict[str, Any]], distinct: bool
) -> None:
    table, where = drawn
    numbers = [name for name, kind in COLUMNS[table].items() if kind == "number"]
    counts = " ".join(
        f"n_{name}: count(columns: {name}, distinct: {json.dumps(distinct)})" for name in numbers
    )
    functions = " ".join(f"{function} {{{' '.join(numbers)}}}" for function in ("sum", "min", "max"))

    found = place.client.data(
        f"query ($where: {table}_bool_exp) "
        f"{{all: {table}_aggregate(where: $where) {{aggregate {{{counts} {functions}}}}}}}",
        {"where": where},
    )["all"]["aggregate"]

    chosen = place.world.chosen(table, where)
    for name in numbers:
        values = [row[name] for row in chosen if row[name] is not None]
        assert found[f"n_{name}"] == len(set(values) if distinct else values)
        assert found["sum"][name] == (sum(values) if values else None)
        assert found["min"][name] == min(values, default=None)
        assert found["max"][name] == max(values, default=None)


@_drawn_rules
@given(
    st.sampled_from(list(COLUMNS)).flatmap(
        lambda table: st.tuples(st.just(table), filters(table, root=table))
    )
)
def test_a_rule_lets_through_the_rows_for_which_it_is_true(
    place: Place, drawn: tuple[str, dict[str, Any]]
) -> None:
    """For reading as for changing rows; session variables stand for their values."""
    table, rule = drawn
    _give_rule(place, table, rule)
    keys = KEYS[table]
    changed = keys[-1]
    headers = {"X_Hasura_Role": "drawn"} | {
        name.replace("-", "_"): str(value) for name, value in SESSION.items()
    }

    rows = place.client.data(f"{{rows: {table} {{{' '.join(keys)}}}}}", **headers)["rows"]
    some = place.world.rows[table][:6]
    updates = [
        {"where": {name: {"_eq": row[name]} for name in keys}, "_set": {changed: row[changed]}}
        for row in some
    ]
    changes = place.client.data(
        f"mutation ($updates: [{table}_updates!]!) "
        f"{{changes: update_{table}_many(updates: $updates) {{affected_rows}}}}",
        {"updates": updates},
        **headers,
    )["changes"]

    expected = replace(place.world, is_rule=True).chosen(table, rule)
    assert sorted(key(table, row) for row in rows) == sorted(key(table, row) for row in expected), rule
    assert [change["affected_rows"] for change in changes] == [int(row in expected) for row in some]


def _give_rule(place: Place, table: str, rule: dict[str, Any]) -> None:
    """Let the role read and update the table's rows under the rule, and no longer under the one before."""
    args = {"table": table, "role": "drawn"}
    former = (
        {"type": f"pg_drop_{kind}_permission", "args": args}
        for kind in ("select", "update")
        if table in place.ruled
    )
    permissions = {
        "select": {"columns": list(KEYS[table]), "filter": rule},
        "update": {"columns": [KEYS[table][-1]], "filter": rule},
    }
    made = (
        {"type": f"pg_create_{kind}_permission", "args": {**args, "permission": permission}}
        for kind, permission in permissions.items()
    )
    place.client.metadata("bulk", [*former, *made])
    place.ruled.add(table)
