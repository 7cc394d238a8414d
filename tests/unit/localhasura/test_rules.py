"""Permission rules: every spelling means the same, and becomes SQL with bound parameters only."""

from __future__ import annotations

from typing import Any

import pytest

from localhasura.catalog import CatalogTable, Column, PgType, TableName
from localhasura.errors import EngineError
from localhasura.metadata.model import Model, TrackedTable
from localhasura.metadata.names import table_name
from localhasura.metadata.rule_values import RuleError
from localhasura.metadata.rules import parse_rule
from localhasura.schema.role_inputs import RoleInputs
from localhasura.sql.builder import Builder, Session

INT, TEXT, JSONB = PgType("int4", "integer"), PgType("text", "text"), PgType("jsonb", "jsonb")
USERS = TrackedTable(
    CatalogTable(
        TableName("public", "users"),
        "r",
        {
            "id": Column("id", INT, nullable=False),
            'odd"name': Column('odd"name', TEXT, nullable=True),
            "extra": Column("extra", JSONB, nullable=True),
        },
    ),
    "users",
)
TABLES = {USERS.name: USERS}


def compiled(rule: Any, **variables: str) -> tuple[str, list[str | None]]:
    builder = Builder(
        RoleInputs(Model(tables=TABLES), "user", backend=False), Session("user", variables), stringify=False
    )
    return builder.condition(parse_rule(rule, USERS, TABLES), '"t"', '"t"'), builder.parameters


@pytest.mark.parametrize(
    "rule",
    [
        {"id": 5},
        {"id": {"_eq": 5}},
        {"id": {"$eq": 5}},
        {"_and": [{"id": 5}]},
        {"$and": [{"id": {"_eq": "5"}}]},
    ],
)
def test_all_spellings_of_equality_compile_alike(rule: Any) -> None:
    assert compiled(rule) == ('("t"."id" = ($1)::integer)', ["5"])


@pytest.mark.parametrize("name", ["x-hasura-user-id", "X-Hasura-User-Id", "X-HASURA-USER-ID", "REQ_USER_ID"])
def test_session_variables_are_named_in_any_case(name: str) -> None:
    assert compiled({"id": name}, **{"x-hasura-user-id": "7"}) == ('("t"."id" = ($1)::integer)', ["7"])


def test_identifiers_are_quoted_and_values_bound() -> None:
    evil = "'; DROP TABLE users; --"

    assert compiled({'odd"name': {"_like": evil}}) == ('("t"."odd""name" LIKE ($1)::text)', [evil])


@pytest.mark.parametrize(
    ("rule", "sql"),
    [
        ({}, "TRUE"),
        ({"_or": []}, "FALSE"),
        ({"_not": {}}, "(NOT TRUE)"),
        ({"id": {"_is_null": True}}, '("t"."id" IS NULL)'),
        ({'odd"name': None}, '("t"."odd""name" IS NULL)'),
        ({'odd"name': {"_ne": None}}, '("t"."odd""name" IS NOT NULL)'),
        ({"id": {"_in": [1, 2]}}, '("t"."id" = ANY (($1)::integer[]))'),
        ({"id": {"_nin": "X-Hasura-Ids"}}, '("t"."id" <> ALL (($1)::integer[]))'),
        ({"id": {"_cgt": ["$", "id"]}}, '("t"."id" > "t"."id")'),
        ({"extra": {"_has_keys_any": ["a"]}}, '("t"."extra" ?| ($1)::text[])'),
        ({"extra": {"a": 1}}, '("t"."extra" = ($1)::jsonb)'),
        (
            {"extra": {"_cast": {"String": {"_like": "%a%"}}}},
            '(("t"."extra")::text LIKE ($1)::text)',
        ),
        (
            {"_exists": {"_table": {"schema": "public", "name": "users"}, "_where": {"id": 1}}},
            '(EXISTS (SELECT 1 FROM "public"."users" AS "_1" WHERE ("_1"."id" = ($1)::integer)))',
        ),
    ],
)
def test_rules_compile(rule: Any, sql: str) -> None:
    assert compiled(rule, **{"x-hasura-ids": "{1}"})[0] == sql


@pytest.mark.parametrize(
    "rule",
    [
        None,
        [],
        {"nope": 1},
        {"id": {"_what": 1}},
        {"id": {"_gt": None}},
        {"id": {"_is_null": "yes"}},
        {"id": {"_in": 5}},
        {"id": {"_ceq": 5}},
        {"id": {"_ceq": "nope"}},
        {"id": 1.5},
        {"id": [1]},
        {"_or": {}},
        {"_exists": {"_table": "nope", "_where": {}}},
        {'odd"name': {"_has_key": "a"}},
    ],
)
def test_rules_that_do_not_fit_are_refused(rule: Any) -> None:
    with pytest.raises(RuleError):
        parse_rule(rule, USERS, TABLES)


def test_a_session_variable_that_is_missing_stops_the_request() -> None:
    with pytest.raises(EngineError, match='missing session variable: "x-hasura-user-id"'):
        compiled({"id": "X-Hasura-User-Id"})


@pytest.mark.parametrize("value", ["users", {"name": "users"}, {"schema": "public", "name": "users"}])
def test_tables_are_named_in_two_ways(value: Any) -> None:
    assert table_name(value) == USERS.name


@pytest.mark.parametrize(
    "value", [None, 5, "", {}, {"schema": "public"}, {"name": 5}, {"schema": 5, "name": "x"}]
)
def test_what_names_no_table_is_refused(value: Any) -> None:
    with pytest.raises(EngineError) as caught:
        table_name(value)
    assert caught.value.code == "parse-failed"
