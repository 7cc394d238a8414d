"""Deploys to an engine that serves other people's tables already: theirs stay, and a failure leaves all as it was."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml
from tests.integration.hasura.deploys import (
    add_migration,
    call,
    check_in,
    copy_of_project,
    exported,
    sql,
    track,
)
from tests.integration.hasura.engine import ADMIN_SECRET
from tests.integration.hasura.migrations import PROJECT

from frontdesk.errors import HasuraBlocked, HasuraRejected
from frontdesk.hasura.deploy import Options, apply, status
from frontdesk.hasura.metadata_merge import tables_of
from frontdesk.hasura.plan import StepKind

ARTICLES = {
    "table": {"schema": "public", "name": "articles"},
    "configuration": {"custom_name": "posts", "column_config": {"title": {"custom_name": "heading"}}},
    "select_permissions": [{"role": "user", "permission": {"columns": ["title"], "filter": {}}}],
    "array_relationships": [
        {
            "name": "children",
            "using": {
                "foreign_key_constraint_on": {
                    "column": "parent",
                    "table": {"schema": "public", "name": "articles"},
                }
            },
        }
    ],
}
THEIRS = {
    "inherited_roles": [{"role_name": "chief", "role_set": ["user", "editor"]}],
    "query_collections": [
        {"name": "allowed", "definition": {"queries": [{"name": "q", "query": "{posts{heading}}"}]}}
    ],
    "allowlist": [{"collection": "allowed"}],
    "api_limits": {"disabled": False, "depth_limit": {"global": 5, "per_role": {}}},
    "graphql_schema_introspection": {"disabled_for_roles": ["user"]},
    "metrics_config": {"analyze_query_variables": True, "analyze_response_body": False},
    "network": {"tls_allowlist": [{"host": "example.com"}]},
}
GHOST = {"table": {"schema": "public", "name": "ghosts"}}


@pytest.fixture
def busy_engine(empty_engine: str) -> str:
    """An engine with a table, permissions, roles, collections and limits of other people."""
    sql(
        empty_engine, "create table articles (id int primary key, title text, parent int references articles)"
    )
    replace(empty_engine, {**exported(empty_engine), **THEIRS}, ARTICLES)
    return empty_engine


def replace(url: str, document: dict[str, Any], *tables: dict[str, Any]) -> None:
    document["sources"][0]["tables"] = [*document["sources"][0]["tables"], *tables]
    call(url, "replace_metadata", {"allow_inconsistent_metadata": True, "metadata": document}, version=2)


def without_ours(document: dict[str, Any]) -> dict[str, Any]:
    (source,) = document["sources"]
    kept = [entry for entry in source["tables"] if entry["table"]["name"] in ("articles", "ghosts")]
    return {**document, "sources": [{**source, "tables": kept}]}


def test_what_others_have_is_the_same_byte_for_byte(busy_engine: str) -> None:
    before = json.dumps(exported(busy_engine), sort_keys=True)

    apply(busy_engine, ADMIN_SECRET, PROJECT)

    assert json.dumps(without_ours(exported(busy_engine)), sort_keys=True) == before
    assert not apply(busy_engine, ADMIN_SECRET, PROJECT).anything
    check_in(busy_engine, "auth0|ann")


def test_replace_makes_the_metadata_that_of_the_project(busy_engine: str) -> None:
    plan = status(busy_engine, ADMIN_SECRET, PROJECT, Options(replace=True)).plan
    apply(busy_engine, ADMIN_SECRET, PROJECT, Options(replace=True))

    assert ("metadata of public.articles", StepKind.DELETE) in {(step.what, step.kind) for step in plan.steps}
    assert set(exported(busy_engine)) == {"version", "sources"}
    assert ("public", "articles") not in tables_of(exported(busy_engine), "default")


def test_a_plan_changes_nothing_and_names_every_table_and_migration(busy_engine: str) -> None:
    before = exported(busy_engine)

    plan = status(busy_engine, ADMIN_SECRET, PROJECT).plan

    made = {step.what for step in plan.steps if step.kind is StepKind.CREATE}
    assert "metadata of public.users" in made
    assert {f"migration {path.name}" for path in (PROJECT / "migrations" / "default").iterdir()} <= made
    assert exported(busy_engine) == before


def test_a_permission_that_was_opened_is_named_and_set_back(busy_engine: str) -> None:
    apply(busy_engine, ADMIN_SECRET, PROJECT)
    document = exported(busy_engine)
    users = tables_of(document, "default")[("public", "users")]
    user = next(entry for entry in users["select_permissions"] if entry["role"] == "user")
    user["permission"]["filter"] = {}
    replace(busy_engine, document)

    (changed,) = [
        step
        for step in status(busy_engine, ADMIN_SECRET, PROJECT).plan.steps
        if step.kind is not StepKind.KEEP
    ]
    apply(busy_engine, ADMIN_SECRET, PROJECT)

    assert (changed.what, changed.detail) == ("metadata of public.users", "select_permissions user")
    assert status(busy_engine, ADMIN_SECRET, PROJECT).is_current


def test_something_of_others_that_was_broken_before_is_told_and_no_failure(busy_engine: str) -> None:
    replace(busy_engine, exported(busy_engine), GHOST)

    applied = apply(busy_engine, ADMIN_SECRET, PROJECT)

    assert applied.metadata
    assert any("ghosts" in note for note in applied.notes)
    assert status(busy_engine, ADMIN_SECRET, PROJECT).is_current


def test_metadata_of_ours_that_cannot_be_used_leaves_the_metadata_as_it_was(
    busy_engine: str, tmp_path: Path
) -> None:
    project = copy_of_project(tmp_path)
    users = project / "metadata" / "databases" / "default" / "tables" / "public_users.yaml"
    users.write_text(users.read_text().replace("        - nickname\n", "        - nikname\n", 1))
    before = exported(busy_engine)

    with pytest.raises(HasuraRejected, match=r"nikname.*as it was before"):
        apply(busy_engine, ADMIN_SECRET, project)

    assert exported(busy_engine) == before


def test_a_change_that_breaks_what_others_have_on_our_table_is_taken_back(
    empty_engine: str, tmp_path: Path
) -> None:
    """The editor's permission goes through a relationship of ours that leads elsewhere in the newer project."""
    apply(empty_engine, ADMIN_SECRET, PROJECT)
    rule = {"definition": {"description": {"_eq": "public"}}}
    grants = {"schema": "public", "name": "user_roles"}
    permission = {"columns": ["role"], "filter": rule}
    call(
        empty_engine,
        "pg_create_select_permission",
        {"table": grants, "role": "editor", "permission": permission},
    )
    before = exported(empty_engine)
    project = copy_of_project(tmp_path)
    file = project / "metadata" / "databases" / "default" / "tables" / "public_user_roles.yaml"
    newer = yaml.safe_load(file.read_text())
    target = next(each for each in newer["object_relationships"] if each["name"] == "user")["using"]
    next(each for each in newer["object_relationships"] if each["name"] == "definition")["using"] = target
    file.write_text(yaml.safe_dump(newer))

    with pytest.raises(HasuraRejected, match=r"editor.*as it was before"):
        apply(empty_engine, ADMIN_SECRET, project)

    assert exported(empty_engine) == before


def test_our_names_in_graphql_that_another_table_has_are_told_before_anything_changes(
    empty_engine: str,
) -> None:
    sql(empty_engine, "create table people (id int primary key)")
    track(empty_engine, "people", configuration={"custom_name": "users"})
    before = exported(empty_engine)

    with pytest.raises(HasuraBlocked, match=r"table public\.people.*GraphQL name users"):
        apply(empty_engine, ADMIN_SECRET, PROJECT)

    assert exported(empty_engine) == before
    assert sql(empty_engine, "select to_regclass('public.users')::text") == [["NULL"]]


def test_a_missing_source_is_named_with_those_that_are_there(empty_engine: str) -> None:
    with pytest.raises(HasuraBlocked, match="source warehouse: is not there; Hasura has default"):
        apply(empty_engine, ADMIN_SECRET, PROJECT, Options(source="warehouse"))


def test_a_source_of_another_name_takes_the_tables(empty_engine: str) -> None:
    call(empty_engine, "rename_source", {"name": "default", "new_name": "people"})

    apply(empty_engine, ADMIN_SECRET, PROJECT, Options(source="people"))

    assert list(call(empty_engine, "get_catalog_state")["cli_state"]["migrations"]) == ["people"]
    assert not apply(empty_engine, ADMIN_SECRET, PROJECT, Options(source="people")).anything
    check_in(empty_engine, "auth0|ann")


def test_an_engine_without_any_source_gets_that_of_the_project(empty_engine: str) -> None:
    call(empty_engine, "replace_metadata", {"version": 3, "sources": []})

    assert apply(empty_engine, ADMIN_SECRET, PROJECT).metadata
    check_in(empty_engine, "auth0|ann")


def test_an_engine_without_a_source_whose_database_has_our_names_stays_as_it_was(
    empty_engine: str, database_url: str
) -> None:
    call(empty_engine, "replace_metadata", {"version": 3, "sources": []})
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute('create table users ("userId" text primary key)')

    with pytest.raises(HasuraBlocked, match="another schema"):
        apply(empty_engine, ADMIN_SECRET, PROJECT)

    assert exported(empty_engine) == {"version": 3, "sources": []}


def test_a_migration_that_comes_late_is_told(empty_engine: str, tmp_path: Path) -> None:
    apply(empty_engine, ADMIN_SECRET, PROJECT)
    project = copy_of_project(tmp_path)
    add_migration(project, "select 1", "1700000000000_came_late")

    (late,) = [s for s in status(empty_engine, ADMIN_SECRET, project).plan.steps if "came_late" in s.what]

    assert "older than" in late.detail
    assert apply(empty_engine, ADMIN_SECRET, project).migrations == ("1700000000000_came_late",)
