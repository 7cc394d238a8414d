"""What metadata commands say when they refuse: code, path and words, and which object they blame."""

from __future__ import annotations

from typing import Any

import pytest
from tests.integration.localhasura.client import Client

FAULT = "Inconsistent object: "
CREATE, CUSTOMISE = "pg_create_object_relationship", "pg_set_table_customization"
DOCUMENTED = "https://hasura.io/docs/latest/graphql/core/api-reference/metadata-api/index.html#metadata-apis."


def _relationship(name: str, **using: Any) -> dict[str, Any]:
    return {"table": "author", "name": name, "using": using}


def _by_hand(remote: str, **columns: str) -> dict[str, Any]:
    return {"manual_configuration": {"remote_table": remote, "column_mapping": columns}}


def _through(table: str) -> dict[str, Any]:
    return {"foreign_key_constraint_on": {"table": table, "column": "author_id"}}


@pytest.mark.parametrize(
    ("kind", "args", "code", "message"),
    [
        (
            CREATE,
            _relationship("articles", **_through("article")),
            "already-exists",
            'field with name "articles" already exists in table "author"',
        ),
        (
            CREATE,
            _relationship("name", **_through("article")),
            "already-exists",
            'field with name "name" already exists in table "author"',
        ),
        (
            "pg_create_array_relationship",
            _relationship("x", **_through("nope")),
            "invalid-configuration",
            f'{FAULT}in table "author": in relationship "x": table "nope" does not exist in source: default',
        ),
        (
            "pg_create_array_relationship",
            _relationship("x", **_by_hand("nope", id="author_id")),
            "invalid-configuration",
            f'{FAULT}table "nope" is not tracked',
        ),
        (
            "pg_create_array_relationship",
            _relationship("x", **_by_hand("article", id="nope")),
            "invalid-configuration",
            f'{FAULT}table "article" has no field named "nope"',
        ),
        (
            "pg_drop_relationship",
            {"table": "author", "relationship": "nope"},
            "not-exists",
            'relationship "nope" does not exist',
        ),
        (
            "pg_drop_relationship",
            {"table": "author", "relationship": "name"},
            "unexpected-payload",
            'expecting a relationship; "name" is a column; ',
        ),
        (
            "pg_rename_relationship",
            {"table": "author", "name": "articles", "new_name": "name"},
            "already-exists",
            (
                'cannot rename relationship "articles" to "name" in table "author" '
                "as a column/relationship with the name already exists"
            ),
        ),
        (
            "pg_set_relationship_comment",
            {"table": "author", "relationship": "nope", "comment": "x"},
            "not-exists",
            'relationship "nope" does not exist',
        ),
        (
            CUSTOMISE,
            {"table": "author", "configuration": {"column_config": {"nope": {"custom_name": "x"}}}},
            "invalid-configuration",
            f'{FAULT}the custom field name "x" was given for the column "nope", but no such column exists',
        ),
        (
            CUSTOMISE,
            {"table": "author", "configuration": {"column_config": {"name": {"custom_name": "id"}}}},
            "invalid-configuration",
            (
                f'{FAULT}the definitions of columns "id" and "name" are in conflict: '
                'they are mapped to the same field name, "id"'
            ),
        ),
        (
            CUSTOMISE,
            {"table": "author", "configuration": {"column_config": {"name": {"custom_name": "articles"}}}},
            "unexpected",
            "cannot continue due to new inconsistent metadata",
        ),
        (
            "pg_create_select_permission",
            {"table": "author", "role": "x", "permission": {"columns": ["articles"], "filter": {}}},
            "invalid-configuration",
            (
                f'{FAULT}in table "author": in permission for role "x": expecting a database column; but, '
                '"articles" is a relationship; permissions for relationships are automatically inferred'
            ),
        ),
        (
            "pg_create_select_permission",
            {"table": "nope", "role": "x", "permission": {"columns": "*", "filter": {}}},
            "not-exists",
            'table "nope" does not exist in source: default',
        ),
    ],
)
def test_a_command_says_what_it_cannot_do(
    library: Client, kind: str, args: Any, code: str, message: str
) -> None:
    before = library.metadata("export_metadata", {}, version=2)

    assert library.refused(kind, args) == (400, code, "$.args", message)
    assert library.metadata("export_metadata", {}, version=2) == before


@pytest.mark.parametrize(
    ("kind", "args", "path", "message"),
    [
        ("track_table", {}, "$.args", 'key "table" not found'),
        (
            "set_permission_comment",
            {"table": "author", "role": "user", "type": "read"},
            "$.args.type",
            "perm_type should be one of 'insert', 'select', 'update', 'delete'",
        ),
        (
            "create_object_relationship",
            _relationship("x", foreign_key_constraint_on=3),
            "$.args.using.foreign_key_constraint_on",
            "parsing List failed, expected Array, but encountered Number",
        ),
        (
            "create_array_relationship",
            _relationship("x", foreign_key_constraint_on={"table": "article"}),
            "$.args.using.foreign_key_constraint_on",
            'key "column" not found',
        ),
        (
            "set_table_customization",
            {"table": "author", "configuration": {"custom_root_fields": {"select": "a-b"}}},
            "$.args.configuration.custom_root_fields.select",
            "a-b is not valid GraphQL name",
        ),
        (
            "set_table_customization",
            {"table": "author", "configuration": {"custom_root_fields": {"select": "x", "insert": "x"}}},
            "$.args.configuration.custom_root_fields",
            "the following custom root field names are duplicated: x",
        ),
    ],
)
def test_what_cannot_be_parsed_names_the_command(
    library: Client, kind: str, args: Any, path: str, message: str
) -> None:
    told = f"Error when parsing command {kind}.\nSee our documentation at {DOCUMENTED}\n"

    assert library.refused(f"pg_{kind}", args) == (
        400,
        "parse-failed",
        path,
        f"{told}Internal error message: {message}",
    )
    older = library.post("/v1/query", {"type": kind, "args": args}).json()
    assert older == {"path": path, "error": message, "code": "parse-failed"}


def test_a_table_in_a_list_twice_is_refused(library: Client) -> None:
    assert library.refused("pg_untrack_tables", {"tables": ["author", "article", "author"]}) == (
        400,
        "bad-request",
        "$.args.tables",
        "The following tables occur more than once in the request: default.author",
    )


@pytest.mark.parametrize(
    ("configuration", "root", "field"),
    [
        ({"custom_root_fields": {"select": "article"}}, "subscription_root", "article"),
        ({"custom_root_fields": {"delete": "delete_article"}}, "mutation_root", "delete_article"),
    ],
)
def test_two_tables_do_not_share_a_root_field(
    library: Client, configuration: Any, root: str, field: str
) -> None:
    status, code, path, message = library.refused(
        CUSTOMISE, {"table": "author", "configuration": configuration}
    )

    assert (status, code, path) == (500, "unexpected", "$.args")
    assert f"in the selection set for '{root}' for fields: ['{field}' defined in [" in message
    assert "table article in source default" in message
    assert library.data("{article(limit: 1) {title}}")


def test_an_enum_that_is_none_is_blamed_alone(library: Client) -> None:
    answer = library.refused("pg_set_table_is_enum", {"table": "author", "is_enum": True})

    assert answer[1] == "invalid-configuration"
    assert "is not tracked" not in answer[3]


def test_errors_of_sql_have_the_path_of_their_endpoint(client: Client) -> None:
    command = {"type": "run_sql", "args": {"sql": "nonsense"}}

    assert client.post("/v2/query", command).json()["path"] == "$"
    assert client.post("/v1/query", command).json()["path"] == "$.args"
    bulk = client.post("/v1/query", {"type": "bulk", "args": [command]}).json()
    assert bulk["path"] == "$.args[0].args"


def test_collections_of_queries_are_kept_and_listed(client: Client) -> None:
    query = {"name": "names", "query": "{author {name}}"}
    client.metadata("create_query_collection", {"name": "known", "definition": {"queries": [query]}})
    client.metadata(
        "add_query_to_collection",
        {"collection_name": "known", "query_name": "ids", "query": "{author {id}}"},
    )
    client.metadata("drop_query_from_collection", {"collection_name": "known", "query_name": "names"})
    client.metadata("rename_query_collection", {"name": "known", "new_name": "allowed"})
    client.metadata("add_collection_to_allowlist", {"collection": "allowed"})
    scope = {"global": False, "roles": ["user"]}
    client.metadata("update_scope_of_collection_in_allowlist", {"collection": "allowed", "scope": scope})

    again = client.metadata("add_collection_to_allowlist", {"collection": "allowed"})
    kept = client.metadata("export_metadata", {})

    assert again["message"].startswith("collection already exists in allowlist, scope ignored")
    assert kept["query_collections"] == [
        {"name": "allowed", "definition": {"queries": [{"name": "ids", "query": "{author {id}}"}]}}
    ]
    assert kept["allowlist"] == [{"collection": "allowed", "scope": scope}]
    assert client.refused("drop_query_collection", {"collection": "allowed", "cascade": False})[1] == (
        "dependency-error"
    )
    client.metadata("drop_query_collection", {"collection": "allowed", "cascade": True})
    assert "allowlist" not in client.metadata("export_metadata", {})


@pytest.mark.parametrize(
    ("kind", "args", "code", "message"),
    [
        (
            "add_query_to_collection",
            {"collection_name": "x", "query_name": "y", "query": "{a}"},
            "not-exists",
            'query collection with name "x" does not exist',
        ),
        (
            "create_query_collection",
            {"name": "here", "definition": {"queries": []}},
            "already-exists",
            'query collection with name "here" already exists',
        ),
        (
            "drop_query_from_collection",
            {"collection_name": "here", "query_name": "y"},
            "not-found",
            'query with name "y" not found in collection "here"',
        ),
        (
            "drop_collection_from_allowlist",
            {"collection": "here"},
            "not-found",
            'collection "here" doesn\'t exist in the allowlist',
        ),
    ],
)
def test_collections_that_do_not_fit_are_refused(
    client: Client, kind: str, args: Any, code: str, message: str
) -> None:
    client.metadata("create_query_collection", {"name": "here", "definition": {"queries": []}})

    assert client.refused(kind, args) == (400, code, "$.args", message)
