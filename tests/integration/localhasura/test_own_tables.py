"""A shop that was not made for Hasura: odd names, keys and kinds of tables, all tracked, all asked for."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
from graphql import (
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    build_client_schema,
    get_introspection_query,
)
from psycopg import sql
from tests.conftest import new_database
from tests.integration.localhasura.client import ADMIN_SECRET, Client
from tests.integration.localhasura.shops import TABLES, furnish, rows_of

from localhasura import LocalHasura

ANN = "00000000-0000-0000-0000-00000000000a"
NOT_IN_POSTGRESQL = {("max", "uuid"), ("min", "uuid"), ("max", "ltree"), ("min", "ltree"), ("avg", "money")}
"""Hasura offers these functions of these types; PostgreSQL has them in none or not every version."""
NOT_IN_POSTGRESQL |= {
    (f, "money") for f in ("stddev", "stddev_pop", "stddev_samp", "var_pop", "var_samp", "variance")
}
NOT_IN_POSTGRESQL |= {("max", "size_scalar"), ("min", "size_scalar")}


@pytest.fixture(scope="module")
def shop(postgres_url: str, worker_id: str) -> Iterator[Client]:
    """The shop, for tests that leave its rows as they are."""
    with (
        new_database(postgres_url, f"shop_{worker_id}_{os.getpid()}") as url,
        LocalHasura(database_url=url, admin_secret=ADMIN_SECRET) as running,
    ):
        made = Client(running)
        furnish(made)
        yield made
        made.close()


@pytest.fixture(scope="module")
def types(shop: Client) -> dict[str, GraphQLObjectType]:
    """The object types of the administrator's schema."""
    schema = build_client_schema(shop.data(get_introspection_query()))
    return {name: kind for name, kind in schema.type_map.items() if isinstance(kind, GraphQLObjectType)}


def leaves(kind: GraphQLObjectType) -> list[str]:
    return [
        name for name, field in kind.fields.items() if not isinstance(_bare(field.type), GraphQLObjectType)
    ]


def _bare(kind: Any) -> Any:
    while isinstance(kind, GraphQLList | GraphQLNonNull):
        kind = kind.of_type
    return kind


def by_key(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(rows, key=lambda row: str(sorted(row.items())))


@pytest.mark.parametrize("base", TABLES)
def test_rows_are_those_of_the_table(shop: Client, types: dict[str, GraphQLObjectType], base: str) -> None:
    columns = leaves(types[base])
    rows = shop.data(f"{{{base} {{{' '.join(columns)}}}}}")[base]

    assert rows
    assert by_key(rows) == by_key(rows_of(shop, base))
    assert list(rows[0]) == columns


@pytest.mark.parametrize("base", TABLES)
def test_every_relationship_and_aggregate_can_be_asked_for(
    shop: Client, types: dict[str, GraphQLObjectType], base: str
) -> None:
    row = " ".join(
        f"{name} {{__typename}}"
        for name, field in types[base].fields.items()
        if isinstance(_bare(field.type), GraphQLObjectType)
    )
    functions = " ".join(
        _function(types, name, field.type) for name, field in types[f"{base}_aggregate_fields"].fields.items()
    )
    answer = shop.data(
        f"{{{base} {{__typename {row}}} {base}_aggregate {{aggregate {{{functions}}} nodes {{__typename}}}}}}"
    )

    assert answer[f"{base}_aggregate"]["aggregate"]["count"] == len(answer[base]) == len(rows_of(shop, base))


def _function(types: dict[str, GraphQLObjectType], name: str, kind: Any) -> str:
    bare = _bare(kind)
    if not isinstance(bare, GraphQLObjectType):
        return name
    source = types[bare.name.removesuffix(f"_{name}_fields")]
    asked = [
        field
        for field in bare.fields
        if (name, str(_bare(source.fields[field].type))) not in NOT_IN_POSTGRESQL
    ]
    return f"{name} {{__typename {' '.join(asked)}}}"


@pytest.mark.parametrize("base", [base for base, table in TABLES.items() if table.key])
def test_rows_are_found_and_written_by_their_key(
    shop: Client, types: dict[str, GraphQLObjectType], base: str
) -> None:
    """Each column is set to the value that it has: what was rendered is taken back."""
    table = TABLES[base]
    declared = {
        name: str(field.type) for name, field in types["query_root"].fields[f"{base}_by_pk"].args.items()
    }
    columns = [name for name in leaves(types[base]) if name not in table.composite]
    selected = " ".join(columns)
    settable = [name for name in columns if name not in table.generated]

    for row in rows_of(shop, base):
        key = {name: row[name] for name in declared}
        found = shop.data(
            f"query ({_declared(declared)}) {{row: {base}_by_pk({_passed(declared)}) {{{selected}}}}}", key
        )
        changed = shop.data(
            f"mutation ($key: {base}_pk_columns_input!, $set: {base}_set_input) "
            f"{{row: update_{base}_by_pk(pk_columns: $key, _set: $set) {{{selected}}}}}",
            {"key": key, "set": {name: row[name] for name in settable}},
        )
        expected = {name: row[name] for name in columns}
        assert found["row"] == changed["row"] == expected


def _declared(arguments: dict[str, str]) -> str:
    return " ".join(f"${name}: {kind}" for name, kind in arguments.items())


def _passed(arguments: dict[str, str]) -> str:
    return " ".join(f"{name}: ${name}" for name in arguments)


@pytest.mark.parametrize("base", [base for base, table in TABLES.items() if not table.writable])
def test_what_cannot_be_written_has_no_mutations(
    shop: Client, types: dict[str, GraphQLObjectType], base: str
) -> None:
    offered = types["mutation_root"].fields

    assert not {
        f"insert_{base}",
        f"insert_{base}_one",
        f"update_{base}",
        f"update_{base}_many",
        f"delete_{base}",
    } & set(offered)


def test_names_that_graphql_does_not_know_are_left_out(types: dict[str, GraphQLObjectType]) -> None:
    assert set(leaves(types["OrderLine"])) == {
        *("orderId", "placedAt", "lineNo", "productId", "where", "limit", "preis", "first"),
    }
    assert set(leaves(types["price_list"])) == {"id", "valid_from"}


@pytest.mark.parametrize(
    ("table", "shown", "name"),
    [
        ({"schema": "public", "name": "a-b"}, "a-b", "a-b"),
        ({"schema": "public", "name": "1st"}, "1st", "1st"),
        ({"schema": "public", "name": "maße"}, "maße", "maße"),
        ({"schema": "odd schema", "name": "fine"}, "odd schema.fine", "odd schema_fine"),
    ],
)
def test_a_table_without_a_graphql_name_needs_a_custom_one(
    shop: Client, table: dict[str, str], shown: str, name: str
) -> None:
    identifier = sql.Identifier(table["schema"], table["name"]).as_string(None)
    schema = sql.Identifier(table["schema"]).as_string(None)
    shop.sql(f"CREATE SCHEMA IF NOT EXISTS {schema}; CREATE TABLE {identifier} (id integer PRIMARY KEY)")

    refused = shop.refused("pg_track_table", {"table": table})
    shop.metadata("pg_track_table", {"table": table, "configuration": {"custom_name": "fine"}})
    rows = shop.data("mutation {insert_fine_one(object: {id: 1}) {id}}")
    shop.metadata("pg_untrack_table", {"table": table})

    assert refused[3] == (
        f'Inconsistent object: cannot include "{shown}" in the GraphQL schema '
        f'because "{name}" is not a valid GraphQL identifier'
    )
    assert rows == {"insert_fine_one": {"id": 1}}


def test_a_trigger_knows_who_writes(shop: Client) -> None:
    shop.data(
        "mutation {update_customer(where: {}, _append: {prefs: {n: 1}}) {affected_rows}}",
        X_Hasura_Role="user",
        X_Hasura_User_Id=ANN,
    )
    logged = shop.data(
        "{audit_log(order_by: {id: desc}, limit: 1) {what who(path: \"$['x-hasura-user-id']\")}}"
    )

    assert logged["audit_log"] == [{"what": "UPDATE customer", "who": ANN}]


def test_a_graph_of_rows_goes_in_at_once(shop: Client) -> None:
    answer = shop.data(
        """mutation ($order: order_insert_input!) {
          insert_order_one(object: $order) {
            id status customer {name total {orders}}
            lines(order_by: {lineNo: asc}) {lineNo preis product {sku} order {id}}
          }
          delete_OrderLine(where: {order: {id: {_eq: 9}}}) {affected_rows}
          delete_order_by_pk(id: 9, placed_at: "2024-12-31") {id}
          delete_customer(where: {email: {_eq: "ZOE@x.org"}}) {returning {email}}
        }""",
        {
            "order": {
                "id": 9,
                "placed_at": "2024-12-31",
                "status": "open",
                "customer": {"data": {"email": "zoe@x.org", "name": "Zoe"}},
                "lines": {"data": [{"lineNo": 1, "preis": 1.50, "productId": 1}, {"lineNo": 2}]},
            }
        },
    )

    assert answer["insert_order_one"] == {
        "id": 9,
        "status": "open",
        "customer": {"name": "Zoe", "total": {"orders": 1}},
        "lines": [
            {"lineNo": 1, "preis": 1.5, "product": {"sku": "S-1"}, "order": {"id": 9}},
            {"lineNo": 2, "preis": None, "product": None, "order": {"id": 9}},
        ],
    }
    assert answer["delete_OrderLine"] == {"affected_rows": 2}
    assert answer["delete_customer"] == {"returning": [{"email": "zoe@x.org"}]}


@pytest.mark.parametrize(
    ("mutation", "code", "message"),
    [
        (
            'insert_order_one(object: {id: 1, placed_at: "2030-01-01", status: open}) {id}',
            "permission-error",
            'Check constraint violation. no partition of relation "order" found for row',
        ),
        (
            'insert_product_one(object: {sku: "x", name: "x", price: -1}) {id}',
            "permission-error",
            (
                'Check constraint violation. new row for relation "product" '
                'violates check constraint "product_price_check"'
            ),
        ),
        (
            'insert_customer_one(object: {email: "ANN@X.ORG", name: "x"}) {id}',
            "constraint-violation",
            'Uniqueness violation. duplicate key value violates unique constraint "customer_email"',
        ),
        (
            'insert_logistics_movement_one(object: {warehouse: "B", product_id: 3, amount: 1}) {id}',
            "constraint-violation",
            (
                'Foreign key violation. insert or update on table "movement" violates foreign key constraint '
                '"movement_warehouse_product_id_fkey"'
            ),
        ),
    ],
)
def test_what_the_tables_refuse_is_told(shop: Client, mutation: str, code: str, message: str) -> None:
    error = shop.error(f"mutation {{{mutation}}}")

    assert (error[0], error[2]) == (code, message)


def test_a_customer_sees_what_the_rules_allow(shop: Client) -> None:
    user = {"X_Hasura_Role": "user", "X_Hasura_User_Id": ANN}
    answer = shop.data(
        """{customer(order_by: {name: asc}) {name referrer {name}}
            OrderLine(order_by: {lineNo: asc}) {lineNo preis product {sku}}
            category {id} category_aggregate {aggregate {count}} product_category {product {sku} category_id}
            product_aggregate {aggregate {count sum {price}}} order {id group status}}""",
        **user,
    )

    assert answer["customer"] == [
        {"name": "Ann", "referrer": None},
        *({"name": name, "referrer": {"name": "Ann"}} for name in ("Bob", "Cid")),
    ]
    assert answer["OrderLine"] == [
        {"lineNo": 1, "preis": 99.9, "product": {"sku": "S-1"}},
        {"lineNo": 2, "preis": None, "product": None},
    ]
    assert len(answer["category"]) == 2
    assert answer["category_aggregate"] == {"aggregate": {"count": 3}}
    assert by_key(answer["product_category"]) == by_key(
        [
            {"product": {"sku": "S-1"}, "category_id": 2},
            {"product": {"sku": "S-1"}, "category_id": 3},
            {"product": None, "category_id": 2},
        ]
    )
    assert answer["product_aggregate"] == {"aggregate": {"count": 2, "sum": {"price": 105.15}}}
    assert answer["order"] == [{"id": 1, "group": "x", "status": "paid"}]
