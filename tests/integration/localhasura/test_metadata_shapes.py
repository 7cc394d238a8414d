"""Metadata of the wrong shape is refused with the path of the fault, and what is put in comes out again."""

from __future__ import annotations

from typing import Any

import pytest
from tests.integration.localhasura.client import Client

SUCCESS = {"message": "success"}
NOT_AN_OBJECT = "parsing Object failed, expected Object, but encountered String"


def _document(**table: Any) -> Any:
    entry = {"table": {"name": "author", "schema": "public"}, **table}
    source = {"name": "default", "kind": "postgres", "tables": [entry]}
    return {"version": 3, "sources": [source]}


@pytest.fixture
def tables(client: Client) -> Client:
    client.sql(
        "CREATE TABLE author (id int PRIMARY KEY, name text);"
        "CREATE TABLE genre (value text PRIMARY KEY, comment text);"
        "CREATE TABLE pair (a int, b int, PRIMARY KEY (a, b)); CREATE TABLE keyless (a int);"
        "CREATE TABLE wide (value text PRIMARY KEY, b text, c text);"
        "CREATE TABLE words (value text PRIMARY KEY); INSERT INTO words VALUES ('a-b'), ('ok'), ('1')"
    )
    return client


@pytest.mark.parametrize(
    ("table", "path", "message"),
    [
        ({"configuration": "x"}, "configuration", NOT_AN_OBJECT),
        (
            {"is_enum": "x"},
            "is_enum",
            "parsing Bool failed, expected Boolean, but encountered String",
        ),
        (
            {"select_permissions": [{"role": "u", "permission": {"columns": "*"}}]},
            "select_permissions[0].permission",
            'key "filter" not found',
        ),
        (
            {
                "select_permissions": [
                    {"role": "u", "permission": {"columns": "*", "filter": {}, "limit": "1"}}
                ]
            },
            "select_permissions[0].permission.limit",
            "parsing Int failed, expected Number, but encountered String",
        ),
        (
            {"insert_permissions": [{"role": "u", "permission": {"check": "x"}}]},
            "insert_permissions[0].permission.check",
            NOT_AN_OBJECT,
        ),
        (
            {"object_relationships": [{"name": "x", "using": "x"}]},
            "object_relationships[0].using",
            NOT_AN_OBJECT,
        ),
        (
            {
                "object_relationships": [
                    {"name": "x", "using": {"manual_configuration": {"remote_table": "y"}}}
                ]
            },
            "object_relationships[0].using.manual_configuration",
            'key "column_mapping" not found',
        ),
    ],
)
def test_the_path_of_a_fault_is_told(tables: Client, table: Any, path: str, message: str) -> None:
    answer = tables.refused("replace_metadata", {"metadata": _document(**table)}, version=2)

    assert answer == (400, "parse-failed", f"$.args.metadata.sources[0].tables[0].{path}", message)


@pytest.mark.parametrize(
    ("kind", "args", "path"),
    [
        ("reload_metadata", {"reload_sources": 1}, "$.args.reload_sources"),
        (
            "set_graphql_schema_introspection_options",
            {"disabled_for_roles": "x"},
            "$.args.disabled_for_roles",
        ),
        ("pg_track_table", {"table": "author", "configuration": "x"}, "$.args.configuration"),
        ("pg_track_tables", {"tables": "author"}, "$.args.tables"),
        ("replace_metadata", {"metadata": {"version": 3, "sources": "x"}}, "$.args.metadata.sources"),
        ("pg_add_source", {"name": "x", "configuration": 1}, "$.args.configuration"),
    ],
)
def test_arguments_of_another_shape(client: Client, kind: str, args: Any, path: str) -> None:
    assert client.refused(kind, args)[:3] == (400, "parse-failed", path)


@pytest.mark.parametrize(
    ("table", "reason"),
    [
        ("author", 'because the table’s primary key ("id") must have type "text", not type "integer"'),
        ("genre", "because the table must have at least one row"),
        ("pair", 'because the table’s primary key must not span multiple columns ("a", "b")'),
        ("keyless", "because the table must have a primary key"),
        (
            "wide",
            (
                "because the table must have exactly one primary key and optionally one comment column, "
                'not 3 columns ("b", "c", "value")'
            ),
        ),
        ("words", 'because values "1" and "a-b" are not valid GraphQL enum value names'),
    ],
)
def test_a_table_that_is_no_enum_says_why(tables: Client, table: str, reason: str) -> None:
    message = f'Inconsistent object: the table "{table}" cannot be used as an enum {reason}'

    assert tables.refused("pg_track_table", {"table": table, "is_enum": True}) == (
        400,
        "invalid-configuration",
        "$.args",
        message,
    )


def test_a_list_of_tables_warns_of_what_it_cannot_do(tables: Client) -> None:
    warning = {
        "type": "track-table-failed",
        "name": "table nope in source default",
        "message": 'Inconsistent object: no such table/view exists in source: "nope"',
    }

    answer = tables.metadata("pg_track_tables", {"tables": ["author", "nope"]})

    assert answer == {"message": "success", "warnings": [warning]}
    assert tables.refused("pg_track_tables", {"tables": ["pair", "nope"], "allow_warnings": False})[1:] == (
        "metadata-warnings",
        "$.args",
        "failed due to metadata warnings",
    )
    assert tables.refused("pg_track_tables", {"tables": ["nope"]})[3] == "all tables failed to track"
    assert tables.error("{pair {a}}")[0] == "validation-failed"


def test_a_bulk_sees_what_its_commands_before_have_done(tables: Client) -> None:
    commands = [
        {"type": "pg_track_table", "args": {"table": "author"}},
        {"type": "export_metadata", "args": {}},
        {"type": "get_inconsistent_metadata", "args": {}},
        {"type": "reload_metadata", "args": {"reload_sources": ["default"]}},
    ]

    answers = tables.metadata("bulk", commands)

    assert answers[1]["sources"][0]["tables"] == [{"table": {"name": "author", "schema": "public"}}]
    assert answers[2:] == [
        {"is_consistent": True, "inconsistent_objects": []},
        {"message": "success", "is_consistent": True},
    ]


def test_an_export_leaves_out_what_says_nothing(tables: Client) -> None:
    permission: dict[str, Any] = {"columns": ["id"], "filter": {}, "limit": None, "allow_aggregations": False}
    listed = [{"role": "u", "permission": permission, "comment": None}]

    document = _document(select_permissions=listed, insert_permissions=[], configuration={"comment": None})
    tables.metadata("replace_metadata", {"metadata": document}, version=2)

    exported = tables.metadata("export_metadata", {})["sources"][0]["tables"]
    assert exported == [
        {
            "table": {"name": "author", "schema": "public"},
            "select_permissions": [{"role": "u", "permission": {"columns": ["id"], "filter": {}}}],
        }
    ]


def test_metadata_of_version_2_becomes_a_source(tables: Client) -> None:
    former = {"version": 2, "tables": [{"table": "author"}]}

    assert tables.metadata("replace_metadata", former) == SUCCESS

    assert tables.data("{author {id}}") == {"author": []}
    assert tables.metadata("export_metadata", {})["sources"][0]["name"] == "default"


def test_the_one_source_is_dropped_added_and_renamed(tables: Client) -> None:
    configuration = {"connection_info": {"database_url": {"from_env": "HASURA_GRAPHQL_DATABASE_URL"}}}

    assert tables.metadata("pg_drop_source", {"name": "default"}) == SUCCESS
    assert tables.metadata("pg_add_source", {"name": "main", "configuration": configuration}) == SUCCESS
    assert tables.metadata("pg_track_table", {"source": "main", "table": "author"}) == SUCCESS
    assert tables.metadata("rename_source", {"name": "main", "new_name": "default"}) == SUCCESS

    assert tables.data("{author {id}}") == {"author": []}
    assert (
        tables.refused("pg_add_source", {"name": "two", "configuration": configuration})[1] == "not-supported"
    )
    assert tables.refused("pg_add_source", {"name": "default", "configuration": {}})[1] == "already-exists"
    assert {"name": "pair", "schema": "public"} in tables.metadata("pg_get_source_tables", {})
