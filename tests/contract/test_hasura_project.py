"""hasura/: laid out as the `hasura` CLI writes it, and consistent in itself."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from frontdesk.hasura.project import read_project
from frontdesk.identity.policy import RESERVED_CLAIMS

PROJECT = Path(__file__).parents[2] / "hasura"
METADATA = PROJECT / "metadata"
TABLES = METADATA / "databases" / "default" / "tables"
# What `hasura metadata export` writes; the CLI takes a missing file for an empty one and adds it at the next export.
CLI_FILES = {
    "actions.graphql",
    "actions.yaml",
    "allow_list.yaml",
    "api_limits.yaml",
    "backend_configs.yaml",
    "cron_triggers.yaml",
    "graphql_schema_introspection.yaml",
    "inherited_roles.yaml",
    "metrics_config.yaml",
    "network.yaml",
    "opentelemetry.yaml",
    "query_collections.yaml",
    "remote_schemas.yaml",
    "rest_endpoints.yaml",
    "version.yaml",
}
TABLE_FILES = sorted(TABLES.glob("public_*.yaml"))
MIGRATIONS = sorted((PROJECT / "migrations" / "default").iterdir())


def table(file: Path) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(file.read_text())
    return content


def test_the_metadata_directory_holds_the_files_of_the_cli() -> None:
    assert {file.name for file in METADATA.iterdir() if file.is_file()} == CLI_FILES


def test_the_database_is_named_by_a_variable_and_holds_no_password() -> None:
    (source,) = read_project(PROJECT).metadata["sources"]

    assert source["configuration"]["connection_info"]["database_url"] == {"from_env": "PG_DATABASE_URL"}
    assert "admin_secret" not in (PROJECT / "config.yaml").read_text()


def test_every_table_file_is_included_and_named_after_its_table() -> None:
    included = yaml.safe_load((TABLES / "tables.yaml").read_text())

    assert included == [f"!include {file.name}" for file in TABLE_FILES]
    for file in TABLE_FILES:
        name = table(file)["table"]
        assert file.name == f"{name['schema']}_{name['name']}.yaml"


@pytest.mark.parametrize("file", TABLE_FILES, ids=lambda file: file.stem)
def test_both_notations_of_column_names_agree_and_are_camel_case(file: Path) -> None:
    configuration = table(file)["configuration"]
    names = {column: config["custom_name"] for column, config in configuration["column_config"].items()}

    assert names == configuration["custom_column_names"]
    for column, name in names.items():
        assert name == re.sub(r"_(.)", lambda match: match[1].upper(), column)


@pytest.mark.parametrize("migration", MIGRATIONS, ids=lambda migration: migration.name)
def test_a_migration_is_named_by_milliseconds_and_verb_and_goes_both_ways(migration: Path) -> None:
    assert re.fullmatch(r"\d{13}_[a-z]+(_[a-z0-9]+)+", migration.name)
    assert {file.name for file in migration.iterdir()} == {"up.sql", "down.sql"}


@pytest.mark.parametrize("migration", MIGRATIONS, ids=lambda migration: migration.name)
def test_a_migration_says_whether_it_is_safe_while_old_code_runs(migration: Path) -> None:
    assert "-- Safe while old code runs" in (migration / "up.sql").read_text()


def permissions() -> list[tuple[str, str, str, dict[str, Any]]]:
    return [
        (content["table"]["name"], kind, entry["role"], entry["permission"])
        for content in map(table, TABLE_FILES)
        for kind in ("select", "insert", "update", "delete")
        for entry in content.get(f"{kind}_permissions", [])
    ]


def test_only_the_service_writes_and_only_as_a_backend_and_in_the_tenant_of_its_session() -> None:
    writing = [entry for entry in permissions() if entry[1] != "select"]
    tenant = {"tenant": {"_eq": "X-Hasura-Tenant"}}

    assert {role for _, _, role, _ in writing} == {"frontdesk"}
    for *_, permission in writing:
        assert permission["backend_only"] is True
        assert permission.get("check", tenant) == permission.get("filter", tenant) == tenant
        assert permission.get("set", {"tenant": "x-hasura-tenant"}) == {"tenant": "x-hasura-tenant"}
        assert "tenant" not in permission.get("columns", ())


def test_grants_and_pointers_are_written_by_the_database_and_by_people() -> None:
    writing = {entry[:2] for entry in permissions() if entry[1] != "select"}

    assert {(name, kind) for name, kind in writing if name in ("user_roles", "user_merges")} == {
        ("user_merges", "delete")
    }


def test_there_are_three_roles_and_none_is_anonymous() -> None:
    assert {role for _, _, role, _ in permissions()} == {"user", "user_admin", "frontdesk"}


@pytest.mark.parametrize(
    ("name", "role", "permission"),
    [
        pytest.param(name, role, permission, id=f"{name} {role}")
        for name, kind, role, permission in permissions()
        if kind == "select" and role != "frontdesk"
    ],
)
def test_what_people_read_depends_on_tenant_block_and_deletion(
    name: str, role: str, permission: dict[str, Any]
) -> None:
    told = str(permission["filter"])

    assert "'tenant': {'_eq': 'X-Hasura-Tenant'}" in told
    assert "{'_eq': 'X-Hasura-User-Id'}" in told
    assert "'blocked': {'_eq': False}" in told
    assert "'deleted_at': {'_is_null': True}" in told


def test_what_the_service_reads_hangs_on_a_variable_that_no_token_has() -> None:
    reading = [entry for entry in permissions() if entry[1:3] == ("select", "frontdesk")]

    assert {name for name, *_ in reading} == {file.stem.removeprefix("public_") for file in TABLE_FILES}
    for *_, permission in reading:
        assert permission["filter"] == {
            "_and": [{"tenant": {"_eq": "X-Hasura-Tenant"}}, {"tenant": {"_eq": "X-Hasura-Frontdesk-Tenant"}}]
        }
        assert permission["subscription_root_fields"] == []
    assert "x-hasura-frontdesk-tenant" in RESERVED_CLAIMS
