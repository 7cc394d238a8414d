"""The rule that moves the project to another schema, and that the project's files keep to it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from frontdesk.hasura.metadata_merge import graphql_name
from frontdesk.hasura.migration_record import Timeouts
from frontdesk.hasura.project import Migration, read_project
from frontdesk.hasura.schema_move import moved_sql

DIRECTORY = Path(__file__).parents[3] / "hasura"
PUBLIC, MOVED = read_project(DIRECTORY), read_project(DIRECTORY, schema="elsewhere")
# What makes or names an object: its name must come with a schema, or it would not move.
_UNQUALIFIED = re.compile(
    r"\b(?:CREATE TABLE|DROP TABLE|ALTER TABLE|CREATE (?:OR REPLACE )?FUNCTION|DROP FUNCTION|EXECUTE FUNCTION"
    r"|REFERENCES|INSERT INTO|DELETE FROM|COMMENT ON (?:TABLE|COLUMN|FUNCTION))\s+(?!public\.)(\w+)"
    r"|\b(?:BEFORE|AFTER) (?:INSERT|UPDATE|DELETE) ON (?!public\.)(\w+)"
    r"|\b(?:CREATE INDEX \w+ ON|DROP TRIGGER \w+ ON|DROP INDEX)\s+(?!public\.)(\w+)"
)


@pytest.mark.parametrize(
    ("sql", "moved"),
    [
        ("SELECT * FROM public.users", 'SELECT * FROM "elsewhere".users'),
        ('SELECT * FROM "public"."users"', 'SELECT * FROM "elsewhere"."users"'),
        ("public.users%ROWTYPE", '"elsewhere".users%ROWTYPE'),
        ("(public.users, jsonb)", '("elsewhere".users, jsonb)'),
        ("republic.users", "republic.users"),
        ("a.public.b", "a.public.b"),
    ],
)
def test_a_name_moves_with_its_schema_and_nothing_else_does(sql: str, moved: str) -> None:
    assert moved_sql(sql, "elsewhere") == moved
    assert moved_sql(sql, "public") == sql


@pytest.mark.parametrize("migration", MOVED.migrations, ids=lambda migration: migration.name)
def test_no_migration_names_public_once_it_is_moved(migration: Migration) -> None:
    assert not re.search(r"\bpublic\b", migration.up + migration.down)


@pytest.mark.parametrize("migration", PUBLIC.migrations, ids=lambda migration: migration.name)
def test_every_name_in_a_migration_has_its_schema(migration: Migration) -> None:
    code = re.sub(r"--[^\n]*", "", migration.up + migration.down)

    assert _UNQUALIFIED.findall(code) == []


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE TABLE users (id int)",
        "CREATE FUNCTION f() RETURNS int",
        "BEFORE INSERT ON users",
        "CREATE INDEX i ON users (id)",
    ],
)
def test_a_name_without_its_schema_is_found(sql: str) -> None:
    assert _UNQUALIFIED.search(sql)
    assert not _UNQUALIFIED.search(re.sub(r"\b(users|f)\b", r"public.\1", sql))


def test_metadata_moves_whole_and_keeps_its_graphql_names() -> None:
    assert "public" not in str(MOVED.metadata)
    assert [graphql_name(table) for table in MOVED.tables] == [graphql_name(table) for table in PUBLIC.tables]
    assert all(not differs(*pair) for pair in zip(PUBLIC.tables, MOVED.tables, strict=True))


def differs(one: Any, other: Any) -> bool:
    """Tell whether two entries differ in more than schema and custom name."""
    moved = {**other, "configuration": {**other["configuration"]}}
    moved["configuration"].pop("custom_name")
    return str(one).replace("'public'", "'elsewhere'") != str(moved)


def test_limits_that_are_given_take_the_place_of_those_in_the_file() -> None:
    sql = "SET LOCAL lock_timeout = '5s';\nSET LOCAL statement_timeout = '60s';\nSELECT 1;\n"

    limited = Timeouts(lock_s=0.25, statement_s=600).applied_to(sql)

    assert re.findall(r"SET LOCAL .*", limited) == [
        "SET LOCAL lock_timeout = '250ms';",
        "SET LOCAL statement_timeout = '600000ms';",
    ]
    assert Timeouts().applied_to(sql) == sql
