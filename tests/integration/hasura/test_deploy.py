"""Deploys of the project to a running engine, and what they say when something is wrong."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import requests
from tests.integration.hasura.engine import ADMIN_SECRET
from tests.integration.hasura.migrations import PROJECT, migrations

from frontdesk.errors import HasuraBlocked, HasuraRejected, HasuraUnavailable, UsageError
from frontdesk.hasura.deploy import apply, status
from frontdesk.hasura.health import check_health
from frontdesk.hasura.migration_record import MigrationState
from frontdesk.hasura.project import read_project

NAMES = tuple(migration.name for migration in migrations())


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the project that a test may change."""
    return Path(shutil.copytree(PROJECT, tmp_path / "hasura"))


def metadata(url: str, command: str, args: dict[str, Any] | None = None) -> Any:
    body = {"type": command, "args": args or {}}
    headers = {"x-hasura-admin-secret": ADMIN_SECRET}
    return requests.post(f"{url}/v1/metadata", json=body, headers=headers, timeout=30).json()


def add_migration(project: Path, sql: str, version: str = "1999999999999_break_something") -> str:
    directory = project / "migrations" / "default" / version
    directory.mkdir()
    (directory / "up.sql").write_text(sql)
    return version


def test_a_deploy_brings_everything_and_a_second_one_changes_nothing(empty_engine: str) -> None:
    first = apply(empty_engine, ADMIN_SECRET, PROJECT)
    second = apply(empty_engine, ADMIN_SECRET, PROJECT)

    assert (first.migrations, first.metadata) == (NAMES, True)
    assert not second.anything
    check_health(empty_engine, ADMIN_SECRET)


def test_the_record_of_migrations_is_the_one_of_the_hasura_cli(empty_engine: str) -> None:
    metadata(empty_engine, "set_catalog_state", {"type": "cli", "state": {"kept": "by us"}})

    apply(empty_engine, ADMIN_SECRET, PROJECT)

    assert metadata(empty_engine, "get_catalog_state")["cli_state"] == {
        "kept": "by us",
        "settings": {"migration_mode": "true"},
        "isStateCopyCompleted": True,
        "migrations": {"default": {name.split("_")[0]: False for name in NAMES}},
    }


def test_a_migration_that_the_cli_has_applied_is_not_run_again(empty_engine: str, project: Path) -> None:
    apply(empty_engine, ADMIN_SECRET, PROJECT)
    name = add_migration(project, "select 1 / 0")
    state = metadata(empty_engine, "get_catalog_state")["cli_state"]
    state["migrations"]["default"][name.split("_")[0]] = False
    metadata(empty_engine, "set_catalog_state", {"type": "cli", "state": state})

    assert apply(empty_engine, ADMIN_SECRET, project).migrations == ()


def test_a_migration_that_fails_is_named_and_can_be_mended(empty_engine: str, project: Path) -> None:
    name = add_migration(project, "create table half (a int); select * from nowhere;")

    with pytest.raises(HasuraRejected, match=rf'{name} was rolled back: .*relation "nowhere" does not exist'):
        apply(empty_engine, ADMIN_SECRET, project)
    assert dict(status(empty_engine, ADMIN_SECRET, project).migrations)[name] is MigrationState.PENDING

    (project / "migrations" / "default" / name / "up.sql").write_text("create table half (a int);")
    assert apply(empty_engine, ADMIN_SECRET, project).migrations == (name,)


def test_a_migration_without_a_known_end_stops_the_deploy(empty_engine: str, project: Path) -> None:
    name = add_migration(project, "select 1")
    dirty = {"migrations": {"default": {name.split("_")[0]: True}}}
    metadata(empty_engine, "set_catalog_state", {"type": "cli", "state": dirty})

    with pytest.raises(HasuraBlocked, match=f"{name}: it began and did not report its end"):
        apply(empty_engine, ADMIN_SECRET, project)
    assert dict(status(empty_engine, ADMIN_SECRET, project).migrations)[name] is MigrationState.FAILED


def test_metadata_that_the_engine_cannot_use_is_named(empty_engine: str, project: Path) -> None:
    tables = project / "metadata" / "databases" / "default" / "tables"
    (tables / "public_ghosts.yaml").write_text("table: {name: ghosts, schema: public}\n")
    with (tables / "tables.yaml").open("a") as file:
        file.write('- "!include public_ghosts.yaml"\n')

    with pytest.raises(HasuraRejected, match="ghosts") as refusal:
        apply(empty_engine, ADMIN_SECRET, project)
    assert refusal.value.code == "inconsistent-metadata"
    check_health(empty_engine, ADMIN_SECRET)
    assert [source["tables"] for source in metadata(empty_engine, "export_metadata")["sources"]] == [[]]


def test_status_tells_what_is_missing_and_changes_nothing(empty_engine: str) -> None:
    before = status(empty_engine, ADMIN_SECRET, PROJECT)
    apply(empty_engine, ADMIN_SECRET, PROJECT)
    after = status(empty_engine, ADMIN_SECRET, PROJECT)

    assert {state for _, state in before.migrations} == {MigrationState.PENDING}
    assert not before.is_current
    assert after.is_current


def test_a_changed_permission_is_seen_and_applied(empty_engine: str, project: Path) -> None:
    apply(empty_engine, ADMIN_SECRET, PROJECT)
    users = project / "metadata" / "databases" / "default" / "tables" / "public_users.yaml"
    users.write_text(users.read_text().replace("allow_aggregations: true", "allow_aggregations: false"))

    assert not status(empty_engine, ADMIN_SECRET, project).metadata_is_current
    changed = apply(empty_engine, ADMIN_SECRET, project)

    assert (changed.migrations, changed.metadata) == ((), True)


def test_a_wrong_admin_secret_is_a_refusal_that_does_not_repeat_it(empty_engine: str) -> None:
    with pytest.raises(HasuraRejected) as refusal:
        apply(empty_engine, "not-the-secret", PROJECT)

    assert refusal.value.code == "access-denied"
    assert "not-the-secret" not in str(refusal.value)


def test_an_engine_that_is_not_there_is_unavailable(unused_port: int) -> None:
    with pytest.raises(HasuraUnavailable):
        apply(f"http://127.0.0.1:{unused_port}", ADMIN_SECRET, PROJECT)
    with pytest.raises(HasuraUnavailable):
        check_health(f"http://127.0.0.1:{unused_port}", ADMIN_SECRET)


def test_the_project_reads_the_same_with_includes_as_tags(project: Path) -> None:
    tables = project / "metadata" / "databases" / "default" / "tables" / "tables.yaml"
    tables.write_text(tables.read_text().replace('"', ""))

    assert read_project(project).metadata == read_project(PROJECT).metadata


@pytest.mark.parametrize(
    ("file", "content", "complaint"),
    [
        ("config.yaml", "version: 2", "config.yaml: expected a Hasura project"),
        ("metadata/version.yaml", "version: 2", "version.yaml: expected version: 3"),
        ("metadata/actions.graphql", "type Query { a: Int }", "actions cannot be applied"),
        ("metadata/cron_triggers.yaml", "- '!include ../../../secrets.yaml'", "is outside"),
        ("metadata/cron_triggers.yaml", "- '!include cron_triggers.yaml'", "includes itself"),
        ("metadata/cron_triggers.yaml", "- '!include missing.yaml'", "missing.yaml: cannot be read"),
        ("metadata/cron_triggers.yaml", "- [", "is no YAML"),
    ],
)
def test_a_project_that_cannot_be_used_names_its_file(
    project: Path, file: str, content: str, complaint: str
) -> None:
    (project / file).write_text(content)

    with pytest.raises(UsageError, match=complaint):
        read_project(project)
