"""What a target's metadata becomes: ours in our tables, and nothing else touched."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from frontdesk.hasura.metadata_merge import differences, graphql_name, merged, replaced, same, tables_of
from frontdesk.hasura.project import read_project

PROJECT = read_project(Path(__file__).parents[3] / "hasura")
OURS = {entry["table"]["name"]: entry for entry in PROJECT.tables}


def somebody_elses(**users: Any) -> dict[str, Any]:
    """Return metadata that uses all that Hasura has, with an entry for `users` when `users` says what is in it."""
    tables: list[Any] = [
        {
            "table": {"schema": "public", "name": "articles"},
            "select_permissions": [{"role": "user", "permission": {"columns": "*", "filter": {}}}],
            "event_triggers": [{"name": "on_article", "definition": {"insert": {"columns": "*"}}}],
        }
    ]
    if users:
        tables.append({"table": {"schema": "public", "name": "users"}, **users})
    return {
        "version": 3,
        "sources": [
            {
                "name": "default",
                "kind": "postgres",
                "tables": tables,
                "functions": [{"function": {"schema": "public", "name": "search"}}],
                "configuration": {"connection_info": {"database_url": "postgres://theirs"}},
            },
            {"name": "other", "kind": "mssql", "tables": [{"table": {"schema": "dbo", "name": "users"}}]},
        ],
        "remote_schemas": [{"name": "stripe", "definition": {"url": "https://example.com/graphql"}}],
        "actions": [{"name": "login", "definition": {"handler": "https://example.com"}}],
        "custom_types": {"objects": [{"name": "Token", "fields": [{"name": "t", "type": "String"}]}]},
        "inherited_roles": [{"role_name": "chief", "role_set": ["user", "editor"]}],
        "query_collections": [{"name": "allowed", "definition": {"queries": []}}],
        "allowlist": [{"collection": "allowed", "scope": {"global": True}}],
        "cron_triggers": [{"name": "nightly", "webhook": "https://example.com", "schedule": "0 0 * * *"}],
        "rest_endpoints": [{"name": "r", "url": "r", "methods": ["GET"], "definition": {"query": {}}}],
        "network": {"tls_allowlist": [{"host": "example.com"}]},
        "a_key_of_a_later_version": {"kept": True},
    }


def users_of(document: dict[str, Any]) -> dict[str, Any]:
    return tables_of(document, "default")[("public", "users")]


def test_all_that_is_not_ours_stays_as_it_was() -> None:
    before = somebody_elses()

    after = merged(before, PROJECT)

    assert after["sources"][0]["tables"][0] == before["sources"][0]["tables"][0]
    after["sources"][0]["tables"] = after["sources"][0]["tables"][:1]
    assert after == before == somebody_elses()


def test_all_our_tables_are_in_it_and_a_second_merge_changes_nothing() -> None:
    once = merged(somebody_elses(), PROJECT)

    assert {name: tables_of(once, "default")[("public", name)] for name in OURS} == OURS
    assert merged(once, PROJECT) == once


def test_what_others_have_on_our_tables_stays() -> None:
    editor = {"role": "editor", "permission": {"columns": ["email"], "filter": {}}}
    posts = {"name": "posts", "using": {"foreign_key_constraint_on": {"column": "author", "table": "posts"}}}
    trigger = {"name": "on_user", "definition": {"insert": {"columns": "*"}}}
    before = somebody_elses(
        select_permissions=[editor],
        delete_permissions=[editor],
        array_relationships=[posts],
        event_triggers=[trigger],
        configuration={"column_config": {"plan": {"custom_name": "thePlan"}}},
    )

    users = users_of(merged(before, PROJECT))

    assert editor in users["select_permissions"]
    assert editor in users["delete_permissions"]
    assert posts in users["array_relationships"]
    assert users["event_triggers"] == [trigger]
    assert users["configuration"]["column_config"]["plan"] == {"custom_name": "thePlan"}


@pytest.mark.parametrize("role", ["user", "user_admin", "frontdesk"])
@pytest.mark.parametrize("kind", ["select", "insert", "update", "delete"])
def test_what_our_roles_may_is_what_the_project_says(role: str, kind: str) -> None:
    too_much = {"role": role, "permission": {"columns": "*", "filter": {}, "check": {}}}

    users = users_of(merged(somebody_elses(**{f"{kind}_permissions": [too_much]}), PROJECT))

    assert users.get(f"{kind}_permissions") == OURS["users"].get(f"{kind}_permissions")


def test_a_relationship_of_our_name_becomes_ours_even_from_the_other_kind() -> None:
    theirs = {"name": "roles", "using": {"foreign_key_constraint_on": "role_id"}}

    users = users_of(merged(somebody_elses(object_relationships=[theirs]), PROJECT))

    assert users == OURS["users"]


def test_a_table_that_is_written_as_a_bare_name_is_found() -> None:
    before = somebody_elses()
    before["sources"][0]["tables"].append({"table": "users"})

    after = merged(before, PROJECT)

    assert len(after["sources"][0]["tables"]) == 1 + len(OURS)


def test_a_source_that_is_missing_comes_with_the_project() -> None:
    after = merged({"version": 3, "sources": []}, PROJECT)

    assert same(after["sources"], PROJECT.metadata["sources"])


def test_replacing_takes_everything_else_away_but_keeps_the_connection() -> None:
    after = replaced(somebody_elses(), PROJECT)

    connection = {"connection_info": {"database_url": "postgres://theirs"}}
    expected = copy.deepcopy(PROJECT.metadata)
    expected["sources"][0]["configuration"] = connection
    assert after == expected


def test_a_list_that_lets_nothing_through_is_not_the_same_as_no_list() -> None:
    """Without `query_root_fields` every root field is there; with none in it, none is."""
    opened = copy.deepcopy(OURS["users"])
    for entry in opened["select_permissions"]:
        entry["permission"].pop("subscription_root_fields", None)

    assert not same(opened, OURS["users"])
    assert list(differences(opened, OURS["users"])) == ["select_permissions frontdesk"]


@pytest.mark.parametrize(
    ("entry", "name"),
    [
        ({"table": {"schema": "public", "name": "users"}}, "users"),
        ({"table": "users"}, "users"),
        ({"table": {"schema": "auth", "name": "users"}}, "auth_users"),
        (
            {"table": {"schema": "auth", "name": "users"}, "configuration": {"custom_name": "people"}},
            "people",
        ),
    ],
    ids=["public", "bare", "another schema", "custom"],
)
def test_the_graphql_name_of_a_table_is_the_one_that_hasura_gives(entry: dict[str, Any], name: str) -> None:
    assert graphql_name(entry) == name
