"""`run_sql`: result shapes, one transaction, errors, and metadata that follows the tables."""

from __future__ import annotations

from typing import Any

import pytest
from tests.integration.localhasura.client import Client

ADMIN_ONLY = {"path": "$.args", "error": "restricted access : admin only", "code": "access-denied"}


def test_rows_are_text_below_a_header(client: Client) -> None:
    answer = client.sql("SELECT 1 AS id, true AS yes, NULL AS nothing, '{a}'::text[] AS list")

    assert answer == {
        "result_type": "TuplesOk",
        "result": [["id", "yes", "nothing", "list"], ["1", "t", "NULL", "{a}"]],
    }


def test_other_statements_are_command_ok(client: Client) -> None:
    assert client.sql("CREATE TABLE t (id int)") == {"result_type": "CommandOk", "result": None}
    assert client.sql("INSERT INTO t VALUES (1)") == {"result_type": "CommandOk", "result": None}


def test_the_last_of_several_results_is_answered(client: Client) -> None:
    answer = client.sql("SELECT 1; CREATE TABLE t (id int); INSERT INTO t VALUES (1); SELECT id FROM t")

    assert answer == {"result_type": "TuplesOk", "result": [["id"], ["1"]]}


def test_statements_of_one_call_are_one_transaction(client: Client) -> None:
    body = {"type": "run_sql", "args": {"sql": "CREATE TABLE t (id int); SELECT 1/0"}}

    response = client.post("/v2/query", body)

    assert response.status_code == 400
    assert response.json()["internal"]["error"]["status_code"] == "22012"
    assert client.sql("SELECT to_regclass('t')") == {
        "result_type": "TuplesOk",
        "result": [["to_regclass"], ["NULL"]],
    }


def test_errors_say_what_the_database_said(client: Client) -> None:
    response = client.post("/v2/query", {"type": "run_sql", "args": {"sql": "SELECT * FROM nowhere"}})

    assert response.status_code == 400
    assert response.json() == {
        "path": "$",
        "error": "query execution failed",
        "code": "postgres-error",
        "internal": {
            "statement": "SELECT * FROM nowhere",
            "prepared": False,
            "arguments": [],
            "error": {
                "exec_status": "FatalError",
                "status_code": "42P01",
                "message": 'relation "nowhere" does not exist',
                "description": None,
                "hint": None,
            },
        },
    }


def test_only_the_administrator_runs_sql(library: Client) -> None:
    response = library.post(
        "/v2/query", {"type": "run_sql", "args": {"sql": "SELECT 1"}}, X_Hasura_Role="user"
    )

    assert (response.status_code, response.json()) == (400, ADMIN_ONLY)


def test_read_only_sql_cannot_write(client: Client) -> None:
    response = client.post(
        "/v2/query", {"type": "run_sql", "args": {"sql": "CREATE TABLE t ()", "read_only": True}}
    )

    assert response.json()["internal"]["error"]["status_code"] == "25006"


def test_sql_outside_a_transaction(client: Client) -> None:
    client.sql("CREATE TABLE t (id int)")

    answer = client.sql("CREATE INDEX CONCURRENTLY t_id ON t (id)", no_transaction=True)

    assert answer == {"result_type": "CommandOk", "result": None}


def test_new_columns_are_served_at_once(library: Client) -> None:
    library.sql("ALTER TABLE author ADD COLUMN email text DEFAULT 'none'")

    assert library.data("{oneAuthor(id: 1) {email}}") == {"oneAuthor": {"email": "none"}}


def test_a_dropped_table_is_untracked(library: Client) -> None:
    library.sql("DROP TABLE log")

    tables = library.metadata("export_metadata", {})["sources"][0]["tables"]
    assert "log" not in [entry["table"]["name"] for entry in tables]
    assert library.metadata("get_inconsistent_metadata", {})["is_consistent"] is True


def test_dropping_what_metadata_needs_is_refused_unless_it_cascades(library: Client) -> None:
    drop = "ALTER TABLE author DROP COLUMN user_id"

    response = library.post("/v2/query", {"type": "run_sql", "args": {"sql": drop}})

    assert (response.status_code, response.json()["code"]) == (400, "dependency-error")
    assert library.data("{oneAuthor(id: 1) {userId}}") == {"oneAuthor": {"userId": "u1"}}


def test_dropping_a_related_table_cascades_into_the_relationship(library: Client) -> None:
    response = library.post("/v2/query", {"type": "run_sql", "args": {"sql": "DROP TABLE passport"}})
    assert response.json()["code"] == "dependency-error"

    library.sql("DROP TABLE passport", cascade=True)

    assert library.error("{author {passport {number}}}")[0] == "validation-failed"
    assert library.metadata("get_inconsistent_metadata", {})["is_consistent"] is True


def test_session_settings_of_run_sql_do_not_reach_other_requests(client: Client) -> None:
    client.sql("SET timezone TO 'Asia/Tokyo'; CREATE TABLE t (id int PRIMARY KEY, at timestamptz)")
    client.sql("INSERT INTO t VALUES (1, '2024-01-01T00:00:00Z')")
    client.metadata("pg_track_table", {"table": "t"})

    assert client.data("{t {at}}") == {"t": [{"at": "2024-01-01T00:00:00+00:00"}]}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"type": "mssql_run_sql", "args": {"sql": "SELECT 1"}}, "not-supported"),
        ({"type": "no_such", "args": {}}, "parse-failed"),
        ({"args": {}}, "parse-failed"),
        ([], "parse-failed"),
        ({"type": "run_sql", "args": {}}, "parse-failed"),
        ({"type": "run_sql", "args": {"sql": "SELECT 1", "source": "x"}}, "not-exists"),
        ({"type": "run_sql", "args": {"sql": "SELECT 1", "cascade": "yes"}}, "parse-failed"),
        ({"type": "run_sql", "args": {"sql": "COPY (SELECT 1) TO STDOUT"}}, "postgres-error"),
        ({"type": "run_sql", "args": {"sql": "SELECT 'a\u0000b'"}}, "postgres-error"),
        (
            {"type": "concurrent_bulk", "args": [{"type": "run_sql", "args": {"sql": "SELECT 1"}}]},
            "bad-request",
        ),
        ({"type": "bulk", "args": {}}, "parse-failed"),
    ],
)
def test_requests_of_the_query_endpoint_that_are_refused(client: Client, body: Any, code: str) -> None:
    response = client.post("/v2/query", body)

    assert (response.status_code, response.json()["code"]) == (400, code)
    assert client.sql("SELECT 1 AS one")["result"] == [["one"], ["1"]]


@pytest.mark.parametrize(
    "sql", ["", "-- nothing", "BEGIN; COMMIT", "COMMIT", "DO $$ BEGIN RAISE NOTICE 'x'; END $$"]
)
def test_sql_without_a_result_is_command_ok(client: Client, sql: str) -> None:
    assert client.sql(sql) == {"result_type": "CommandOk", "result": None}


def test_an_empty_result_is_its_header(client: Client) -> None:
    assert client.sql("SELECT 1 AS a, 2 AS b WHERE false") == {
        "result_type": "TuplesOk",
        "result": [["a", "b"]],
    }


def test_reading_sql_in_a_concurrent_bulk(client: Client) -> None:
    command = {"type": "run_sql", "args": {"sql": "SELECT 1 AS a", "read_only": True}}

    response = client.post("/v2/query", {"type": "concurrent_bulk", "args": [command, command]})

    assert response.json() == [{"result_type": "TuplesOk", "result": [["a"], ["1"]]}] * 2


def test_an_error_tells_hint_and_detail(client: Client) -> None:
    sql = "DO $$ BEGIN RAISE EXCEPTION 'no' USING HINT = 'try', DETAIL = 'since', ERRCODE = 'ZZ001'; END $$"

    error = client.post("/v2/query", {"type": "run_sql", "args": {"sql": sql}}).json()["internal"]["error"]

    assert error == {
        "exec_status": "FatalError",
        "status_code": "ZZ001",
        "message": "no",
        "description": "since",
        "hint": "try",
    }
