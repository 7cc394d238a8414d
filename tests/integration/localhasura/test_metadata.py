"""The metadata API: tracking, replacing, inconsistencies, bulk, versions, and what a restart keeps."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from tests.conftest import new_database
from tests.integration.localhasura.client import ADMIN_SECRET, Client
from tests.integration.localhasura.conftest import library_metadata, library_schema

from localhasura import LocalHasura

SUCCESS = {"message": "success"}


def test_a_table_is_tracked_and_untracked(client: Client) -> None:
    client.sql('CREATE TABLE "Odd Name" (id int PRIMARY KEY)')

    tracked = client.metadata(
        "pg_track_table",
        {"source": "default", "table": "Odd Name", "configuration": {"custom_name": "odd"}},
    )

    assert tracked == SUCCESS
    assert client.data("{odd {id}}") == {"odd": []}
    assert client.metadata("pg_untrack_table", {"table": {"schema": "public", "name": "Odd Name"}}) == SUCCESS
    assert client.error("{odd {id}}")[2] == "field 'odd' not found in type: 'query_root'"


@pytest.mark.parametrize(
    ("kind", "args", "code", "message"),
    [
        ("pg_track_table", {"table": "author"}, "already-tracked", 'view/table already tracked: "author"'),
        (
            "pg_track_table",
            {"table": {"schema": "other", "name": "x"}},
            "not-exists",
            'no such table/view exists in source: "other.x"',
        ),
        ("pg_untrack_table", {"table": "x"}, "already-untracked", 'view/table already untracked: "x"'),
        (
            "pg_track_table",
            {"source": "x", "table": "author"},
            "not-exists",
            'source with name "x" does not exist',
        ),
        (
            "pg_create_select_permission",
            {"table": "author", "role": "user", "permission": {"columns": "*", "filter": {}}},
            "already-exists",
            'select permission already defined on table "author" with role "user"',
        ),
        (
            "pg_create_select_permission",
            {"table": "author", "role": "admin", "permission": {"columns": "*", "filter": {}}},
            "already-exists",
            'select permission already defined on table "author" with role "admin"',
        ),
        (
            "pg_drop_delete_permission",
            {"table": "author", "role": "user"},
            "permission-denied",
            'delete permission on "author" for role "user" does not exist',
        ),
        ("replace_metadata", {"metadata": 1}, "parse-failed", "expected an object"),
        ("no_such_command", {}, "parse-failed", 'unknown metadata command "no_such_command"'),
        ("create_action", {}, "not-supported", "create_action is not supported by this engine"),
        (
            "pg_track_function",
            {"function": "f"},
            "not-supported",
            "pg_track_function is not supported by this engine",
        ),
    ],
)
def test_commands_that_are_refused(library: Client, kind: str, args: Any, code: str, message: str) -> None:
    status, answered, _, text = library.refused(kind, args)

    assert (status, answered, text) == (400, code, message)


@pytest.mark.parametrize(
    ("kind", "args"),
    [
        (
            "pg_create_select_permission",
            {"table": "author", "role": "x", "permission": {"columns": ["nope"], "filter": {}}},
        ),
        (
            "pg_create_select_permission",
            {"table": "author", "role": "x", "permission": {"columns": "*", "filter": {"nope": 1}}},
        ),
        (
            "pg_create_select_permission",
            {"table": "author", "role": "x", "permission": {"columns": "*", "filter": {"id": {"_what": 1}}}},
        ),
        (
            "pg_create_object_relationship",
            {"table": "article", "name": "x", "using": {"foreign_key_constraint_on": "title"}},
        ),
    ],
)
def test_objects_that_do_not_fit_the_tables_are_not_created(library: Client, kind: str, args: Any) -> None:
    before = library.metadata("export_metadata", {}, version=2)

    status, code, path, _ = library.refused(kind, args)

    assert (status, code, path) == (400, "invalid-configuration", "$.args")
    assert library.metadata("export_metadata", {}, version=2) == before


def test_what_is_exported_can_be_put_back(library: Client) -> None:
    exported = library.metadata("export_metadata", {}, version=2)

    library.metadata("clear_metadata", {})
    cleared = library.error("{author {id}}")
    answer = library.metadata("replace_metadata", {"metadata": exported["metadata"]}, version=2)
    again = library.metadata("export_metadata", {}, version=2)

    assert cleared[2] == "field 'author' not found in type: 'query_root'"
    assert answer == {"is_consistent": True, "inconsistent_objects": []}
    assert again["metadata"] == exported["metadata"]
    assert again["resource_version"] == exported["resource_version"] + 2
    assert library.metadata("export_metadata", {}) == exported["metadata"]
    assert library.metadata("replace_metadata", exported["metadata"]) == SUCCESS


def test_metadata_before_the_tables_is_kept_and_becomes_consistent(client: Client) -> None:
    """The order of the cli-migrations image: metadata first, migrations after it, then a reload."""
    args = {"allow_inconsistent_metadata": True, "metadata": library_metadata()}

    answer = client.metadata("replace_metadata", args, version=2)

    assert answer["is_consistent"] is False
    assert {
        "type": "table",
        "name": "table author in source default",
        "definition": {"name": "author", "schema": "public"},
        "reason": 'Inconsistent object: no such table/view exists in source: "author"',
    } in answer["inconsistent_objects"]
    assert requests.get(f"{client.url}/healthz", timeout=5).text == "WARN: inconsistent objects in schema"
    assert requests.get(f"{client.url}/healthz?strict=true", timeout=5).status_code == 500
    client.sql(library_schema(), check_metadata_consistency=False)
    assert client.metadata("reload_metadata", {}) == {"message": "success", "is_consistent": True}
    assert client.data("{oneAuthor(id: 1) {name}}") == {"oneAuthor": {"name": "Ann"}}


def test_inconsistent_metadata_is_refused_unless_allowed(client: Client) -> None:
    status, code, _, message = client.refused("replace_metadata", {"metadata": library_metadata()}, version=2)

    assert (status, code, message) == (400, "unexpected", "cannot continue due to inconsistent metadata")
    assert client.metadata("get_inconsistent_metadata", {})["is_consistent"] is True


def test_inconsistent_objects_can_be_dropped(library: Client) -> None:
    library.sql("DROP TABLE passport", check_metadata_consistency=False)
    assert library.metadata("get_inconsistent_metadata", {})["is_consistent"] is False

    library.metadata("drop_inconsistent_metadata", {})

    assert library.metadata("get_inconsistent_metadata", {}) == {
        "is_consistent": True,
        "inconsistent_objects": [],
    }
    tables = library.metadata("export_metadata", {})["sources"][0]["tables"]
    assert "passport" not in [entry["table"]["name"] for entry in tables]
    assert library.data("{oneAuthor(id: 1) {name}}") == {"oneAuthor": {"name": "Ann"}}


def test_an_outdated_version_is_a_conflict(library: Client) -> None:
    version = library.metadata("export_metadata", {}, version=2)["resource_version"]
    args = {"table": "genre", "role": "x", "permission": {"columns": "*", "filter": {}}}

    assert library.metadata("pg_create_select_permission", args, resource_version=version) == SUCCESS
    assert library.refused("clear_metadata", {}, resource_version=version) == (
        409,
        "conflict",
        "$",
        f"metadata resource version referenced ({version}) did not match current version",
    )


def test_a_bulk_is_all_or_nothing(library: Client) -> None:
    good = {"type": "pg_drop_select_permission", "args": {"table": "author", "role": "user"}}
    bad = {"type": "pg_drop_select_permission", "args": {"table": "nope", "role": "user"}}

    status, code, path, _ = library.refused("bulk", [good, bad])

    assert (status, code, path) == (400, "not-exists", "$.args[1].args")
    assert library.metadata("bulk", [good]) == [SUCCESS]
    assert library.metadata("bulk_atomic", [bad | {"args": {"table": "author", "role": "reader"}}]) == SUCCESS


def test_a_bulk_may_keep_going(library: Client) -> None:
    good = {"type": "pg_drop_select_permission", "args": {"table": "author", "role": "user"}}

    answers = library.metadata("bulk_keep_going", [good, good])

    assert answers[0] == SUCCESS
    assert answers[1]["code"] == "permission-denied"
    assert library.error("{author {id}}", X_Hasura_Role="user")[0] == "validation-failed"


def test_relationships_are_created_renamed_and_dropped(library: Client) -> None:
    using = {"foreign_key_constraint_on": {"column": "genre", "table": "article"}}
    library.metadata("pg_create_array_relationship", {"table": "genre", "name": "articles", "using": using})
    library.metadata("pg_rename_relationship", {"table": "genre", "name": "articles", "new_name": "works"})

    assert library.data('{genre_by_pk(value: "poetry") {works {title}}}') == {
        "genre_by_pk": {"works": [{"title": "One"}]}
    }
    library.metadata("pg_drop_relationship", {"table": "genre", "relationship": "works"})
    assert library.error('{genre_by_pk(value: "poetry") {works {title}}}')[0] == "validation-failed"


def test_untracking_what_others_lead_to_needs_cascade(library: Client) -> None:
    status, code, _, _ = library.refused("pg_untrack_table", {"table": "passport"})

    assert (status, code) == (400, "dependency-error")
    assert library.metadata("pg_untrack_table", {"table": "passport", "cascade": True}) == SUCCESS
    assert library.error("{author {passport {number}}}")[0] == "validation-failed"


def test_the_state_of_the_command_line_is_kept_as_it_is(client: Client) -> None:
    state = {"migrations": {"default": {"1700000000000": False}}, "settings": {"migration_mode": "true"}}

    assert client.metadata("set_catalog_state", {"type": "cli", "state": state}) == SUCCESS

    kept = client.metadata("get_catalog_state", {})
    assert kept["cli_state"] == state
    assert kept["console_state"] == {}
    assert len(kept["id"]) == 36


def test_a_restart_serves_the_same(library: Client, database_url: str, engine: LocalHasura) -> None:
    engine.stop()

    with LocalHasura(database_url=database_url, admin_secret=ADMIN_SECRET) as again:
        client = Client(again)
        assert client.data("{oneAuthor(id: 1) {name}}") == {"oneAuthor": {"name": "Ann"}}
        client.close()


def test_a_source_whose_variable_is_missing_is_inconsistent(client: Client) -> None:
    metadata = library_metadata()
    metadata["sources"][0]["configuration"]["connection_info"]["database_url"] = {"from_env": "NOT_SET"}

    answer = client.metadata(
        "replace_metadata", {"allow_inconsistent_metadata": True, "metadata": metadata}, version=2
    )

    assert [each["name"] for each in answer["inconsistent_objects"]] == ["source default"]
    assert 'environment variable "NOT_SET" not set' in answer["inconsistent_objects"][0]["reason"]


def test_a_source_may_be_another_database(client: Client, postgres_url: str, database_url: str) -> None:
    with new_database(postgres_url, database_url.rsplit("/", 1)[1] + "_other") as other:
        metadata: Any = {"version": 3, "sources": [{"name": "default", "kind": "postgres", "tables": []}]}
        metadata["sources"][0]["configuration"] = {"connection_info": {"database_url": other}}
        client.metadata("replace_metadata", {"metadata": metadata}, version=2)

        client.sql("CREATE TABLE there (id int PRIMARY KEY)")
        client.metadata("pg_track_table", {"table": "there"})

        assert client.data("{there {id}}") == {"there": []}
        client.metadata("replace_metadata", {"metadata": {"version": 3, "sources": []}}, version=2)
        assert client.error("{there {id}}")[0] == "validation-failed"


def test_introspection_can_be_switched_off_for_a_role(library: Client) -> None:
    library.metadata("set_graphql_schema_introspection_options", {"disabled_for_roles": ["reader"]})

    assert library.error("{__schema {queryType {name}}}", X_Hasura_Role="reader") == (
        "not-supported",
        "$",
        'introspection is disabled for role: "reader"',
    )
    assert library.data("{__typename}", X_Hasura_Role="reader") == {"__typename": "query_root"}
