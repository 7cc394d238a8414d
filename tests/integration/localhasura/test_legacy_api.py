"""`/v1/query`, the first API: metadata under its older names, SQL, and rows without GraphQL."""

from __future__ import annotations

from typing import Any

import pytest
from tests.integration.localhasura.client import Client

SUCCESS = {"message": "success"}
SETUP = {
    "type": "bulk",
    "args": [
        {
            "type": "run_sql",
            "args": {
                "sql": "CREATE TABLE author (id serial PRIMARY KEY, name text UNIQUE, age int);"
                "CREATE TABLE article (id serial PRIMARY KEY, title text, author_id int REFERENCES author (id))"
            },
        },
        {"type": "track_table", "args": {"schema": "public", "name": "author"}},
        {"type": "add_existing_table_or_view", "args": "article"},
        {
            "type": "set_table_custom_fields",
            "version": 2,
            "args": {
                "table": "author",
                "custom_root_fields": {"select": "authors"},
                "custom_column_names": {"age": "years"},
            },
        },
        {
            "type": "create_object_relationship",
            "args": {
                "table": "article",
                "name": "author",
                "using": {"foreign_key_constraint_on": "author_id"},
            },
        },
        {
            "type": "create_array_relationship",
            "args": {
                "table": "author",
                "name": "articles",
                "using": {"foreign_key_constraint_on": {"table": "article", "column": "author_id"}},
            },
        },
        {
            "type": "insert",
            "args": {"table": "author", "objects": [{"name": "Ann", "age": 30}, {"name": "Bob", "age": 40}]},
        },
        {
            "type": "insert",
            "args": {"table": "article", "objects": [{"title": "One", "author_id": 1}], "returning": ["id"]},
        },
    ],
}


def _query(client: Client, kind: str, args: Any) -> Any:
    response = client.post("/v1/query", {"type": kind, "args": args})
    assert response.status_code == 200, response.text
    return response.json()


def _refused(client: Client, body: Any, path: str = "/v1/query") -> tuple[int, str, str, str]:
    response = client.post(path, body)
    told = response.json()
    return response.status_code, told["code"], told["path"], told["error"]


@pytest.fixture
def shelf(client: Client) -> Client:
    answers = client.post("/v1/query", SETUP).json()
    assert answers[0] == {"result_type": "CommandOk", "result": None}
    assert answers[1:6] == [SUCCESS] * 5
    assert answers[6:] == [{"affected_rows": 2}, {"affected_rows": 1, "returning": [{"id": 1}]}]
    return client


def test_what_the_first_api_has_set_up_is_served(shelf: Client) -> None:
    assert shelf.data("{authors(where: {id: {_eq: 1}}) {years articles {title}}}") == {
        "authors": [{"years": 30, "articles": [{"title": "One"}]}]
    }


@pytest.mark.parametrize(
    ("kind", "args", "expected"),
    [
        ("select", {"table": "author", "columns": ["name"], "where": {"id": 1}}, [{"name": "Ann"}]),
        (
            "select",
            {"table": "author", "columns": ["*"], "where": {"age": {"$gt": 30}}},
            [{"id": 2, "name": "Bob", "age": 40}],
        ),
        (
            "select",
            {"table": "author", "columns": ["id"], "order_by": ["-age"], "limit": 1},
            [{"id": 2}],
        ),
        (
            "select",
            {
                "table": "author",
                "columns": ["id"],
                "order_by": {"column": "age", "type": "desc", "nulls": "last"},
            },
            [{"id": 2}, {"id": 1}],
        ),
        (
            "select",
            {
                "table": {"schema": "public", "name": "author"},
                "columns": [
                    "name",
                    {"name": "articles", "columns": ["title"], "where": {"title": {"$like": "O%"}}},
                ],
                "where": {"$or": [{"articles": {"title": "One"}}, {"$not": {"age": {"$lt": 100}}}]},
            },
            [{"name": "Ann", "articles": [{"title": "One"}]}],
        ),
        ("count", {"table": "author"}, {"count": 2}),
        ("count", {"table": "author", "where": {"age": {"$gte": 40}}, "distinct": ["age"]}, {"count": 1}),
        (
            "update",
            {
                "table": "author",
                "$set": {"name": "Cid"},
                "$inc": {"age": 1},
                "where": {"id": 2},
                "returning": ["*"],
            },
            {"affected_rows": 1, "returning": [{"id": 2, "name": "Cid", "age": 41}]},
        ),
        ("delete", {"table": "article", "where": {"id": 1}}, {"affected_rows": 1}),
        (
            "insert",
            {
                "table": "author",
                "objects": [{"name": "Ann", "age": 50}],
                "on_conflict": {"constraint_on": ["name"], "action": "update"},
                "returning": ["id", "age"],
            },
            {"affected_rows": 1, "returning": [{"id": 1, "age": 50}]},
        ),
        (
            "insert",
            {
                "table": "author",
                "objects": [{"name": "Ann"}],
                "on_conflict": {"constraint": "author_name_key", "action": "ignore"},
            },
            {"affected_rows": 0},
        ),
    ],
)
@pytest.mark.parametrize("path", ["/v1/query", "/v2/query"])
def test_rows_are_read_and_written(shelf: Client, path: str, kind: str, args: Any, expected: Any) -> None:
    response = shelf.post(path, {"type": kind, "args": args})

    assert (response.status_code, response.json()) == (200, expected)


@pytest.mark.parametrize(
    ("kind", "args", "code"),
    [
        ("select", {"table": "author", "columns": ["nope"]}, "permission-denied"),
        ("select", {"table": "author", "columns": ["id"], "where": {"id": {"$x": 1}}}, "unexpected-payload"),
        ("select", {"table": "author", "columns": ["id"], "order_by": 1}, "parse-failed"),
        ("select", {"table": "author", "columns": [{"name": [], "columns": []}]}, "parse-failed"),
        ("count", {"table": "author", "distinct": [[]]}, "parse-failed"),
        (
            "insert",
            {"table": "author", "objects": [{"name": "Ann"}], "on_conflict": {"action": "ignore"}},
            "not-supported",
        ),
        ("select", {"table": "author", "columns": [{"name": "nope", "columns": []}]}, "not-exists"),
        ("select", {"table": "author"}, "parse-failed"),
        ("select", {"table": "nope", "columns": ["*"]}, "not-exists"),
        ("count", {"table": "author", "where": {"nope": 1}}, "not-exists"),
        ("insert", {"table": "author", "objects": [{"name": "Ann"}]}, "constraint-violation"),
        ("insert", {"table": "author", "objects": "x"}, "parse-failed"),
        ("update", {"table": "author", "where": {}, "$mul": {"age": 2}}, "not-supported"),
        ("delete", {"table": "author"}, "parse-failed"),
        ("create_event_trigger", {"name": "x", "table": "author"}, "not-supported"),
        ("no_such_command", {}, "parse-failed"),
    ],
)
def test_commands_that_are_refused(shelf: Client, kind: str, args: Any, code: str) -> None:
    assert _refused(shelf, {"type": kind, "args": args})[:2] == (400, code)


def test_permissions_have_their_older_names(shelf: Client) -> None:
    permission = {"columns": "*", "filter": {"id": "X-Hasura-User-Id"}}
    args = {"table": "author", "role": "user", "permission": permission}

    assert _query(shelf, "create_select_permission", args) == SUCCESS
    assert shelf.data("{authors {id}}", X_Hasura_Role="user", X_Hasura_User_Id="2") == {
        "authors": [{"id": 2}]
    }
    assert _refused(shelf, {"type": "create_select_permission", "args": args}) == (
        400,
        "already-exists",
        "$.args",
        'select permission already defined on table "author" with role "user"',
    )
    assert _query(shelf, "drop_select_permission", {"table": "author", "role": "user"}) == SUCCESS


def test_a_bulk_that_fails_leaves_the_metadata_as_it_was(shelf: Client) -> None:
    before = _query(shelf, "export_metadata", {})
    commands = [
        {"type": "run_sql", "args": {"sql": "CREATE TABLE kept (id int)"}},
        {"type": "track_table", "args": "kept"},
        {"type": "drop_relationship", "args": {"table": "author", "relationship": "nope"}},
    ]

    status, code, path, _ = _refused(shelf, {"type": "bulk", "args": commands})

    assert (status, code, path) == (400, "not-exists", "$.args[2].args")
    assert _query(shelf, "export_metadata", {}) == before
    assert _query(shelf, "run_sql", {"sql": "SELECT to_regclass('kept')"})["result"][1] == ["kept"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/query", {"type": "run_sql", "args": {"sql": "SELECT 1"}}),
        ("/v1/query", {"type": "bulk", "args": [{"type": "export_metadata", "args": {}}]}),
        ("/v2/query", {"type": "count", "args": {"table": "author"}}),
    ],
)
def test_only_the_administrator_may_ask_for_more_than_rows(shelf: Client, path: str, body: Any) -> None:
    response = shelf.post(path, body, X_Hasura_Role="user")

    assert response.json() == {
        "path": "$.args",
        "error": "restricted access : admin only",
        "code": "access-denied",
    }


@pytest.fixture
def shared(shelf: Client) -> Client:
    """The shelf, where the role `user` reads its own name and adds authors."""
    select = {"columns": ["id", "name"], "filter": {"id": "X-Hasura-User-Id"}}
    insert = {"columns": ["name"], "check": {"name": {"_ne": "bad"}}, "set": {"age": 5}}
    for kind, permission in (("select", select), ("insert", insert)):
        args = {"table": "author", "role": "user", "permission": permission}
        _query(shelf, f"create_{kind}_permission", args)
    return shelf


@pytest.mark.parametrize(
    ("kind", "args", "expected"),
    [
        ("select", {"table": "author", "columns": ["*"]}, [{"id": 1, "name": "Ann"}]),
        (
            "insert",
            {"table": "author", "objects": [{"name": "Cid"}], "returning": ["name"]},
            {"affected_rows": 1, "returning": [{"name": "Cid"}]},
        ),
        ("bulk", [{"type": "select", "args": {"table": "author", "columns": ["id"]}}], [[{"id": 1}]]),
    ],
)
def test_a_role_has_its_rows(shared: Client, kind: str, args: Any, expected: Any) -> None:
    body = {"type": kind, "args": args}

    assert shared.post("/v1/query", body, X_Hasura_Role="user", X_Hasura_User_Id="1").json() == expected


@pytest.mark.parametrize(
    ("kind", "args", "code", "path", "message"),
    [
        (
            "select",
            {"table": "author", "columns": ["id", "age"]},
            "permission-denied",
            "$.args.columns[1]",
            'role "user" does not have permission to select column "age"',
        ),
        (
            "select",
            {"table": "author", "columns": [{"name": "articles", "columns": ["id"]}]},
            "permission-denied",
            "$.args",
            'select on "article" for role "user" is not allowed. ',
        ),
        (
            "insert",
            {"table": "author", "objects": [{"name": "Cid", "id": 7}]},
            "permission-denied",
            "$.args.objects[0]",
            'role "user" does not have permission to insert column "id"',
        ),
        (
            "insert",
            {"table": "author", "objects": [{"name": "Cid", "age": 7}]},
            "permission-denied",
            "$.args.objects[0]",
            'column "age" is not insertable for role "user"',
        ),
        (
            "insert",
            {"table": "author", "objects": [{"name": "bad"}]},
            "permission-error",
            "$.args",
            "check constraint of an insert/update permission has failed",
        ),
        (
            "insert",
            {"table": "author", "objects": [{"name": "Cid"}], "returning": ["age"]},
            "permission-denied",
            "$.args.returning[0]",
            'role "user" does not have permission to select column "age"',
        ),
        (
            "delete",
            {"table": "author", "where": {}},
            "permission-denied",
            "$.args",
            'delete on "author" for role "user" is not allowed. ',
        ),
        ("count", {"table": "author"}, "not-supported", "$.args", None),
        (
            "select",
            {"table": "author", "columns": ["id"], "where": {"age": 1}},
            "validation-failed",
            None,
            None,
        ),
    ],
)
def test_a_role_has_no_more_than_its_rows(
    shared: Client, kind: str, args: Any, code: str, path: str | None, message: str | None
) -> None:
    answer = shared.post(
        "/v1/query", {"type": kind, "args": args}, X_Hasura_Role="user", X_Hasura_User_Id="1"
    )
    told = answer.json()

    assert (answer.status_code, told["code"]) == (400, code)
    assert path in (None, told["path"])
    assert message in (None, told["error"])
