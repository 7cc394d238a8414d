"""Brings migrations and metadata of a project into a running Hasura, over its HTTP API.

It does what `hasura deploy` does and keeps the CLI's own record of migrations, so that `hasura migrate status`
agrees and either tool can go on where the other stopped. Run it from one place at a time:
like the CLI it takes no lock.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from frontdesk.errors import HasuraRejected
from frontdesk.hasura.admin_api import AdminApi
from frontdesk.hasura.project import Migration, Project, read_project


@dataclass(frozen=True, kw_only=True)
class Applied:
    """What a deploy changed: migrations by directory name, in order."""

    migrations: tuple[str, ...]
    metadata: bool

    @property
    def anything(self) -> bool:
        """Whether anything changed at all."""
        return bool(self.migrations) or self.metadata


class MigrationState(StrEnum):
    """Where a migration stands. `FAILED`: it began and nobody knows how it ended."""

    APPLIED = "applied"
    PENDING = "pending"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True)
class Status:
    """How Hasura compares with the project. `inconsistent` names objects that Hasura cannot use."""

    migrations: tuple[tuple[str, MigrationState], ...]
    metadata_is_current: bool
    inconsistent: tuple[str, ...]

    @property
    def is_current(self) -> bool:
        """Whether there is nothing to apply and nothing wrong."""
        applied = all(state is MigrationState.APPLIED for _, state in self.migrations)
        return applied and self.metadata_is_current and not self.inconsistent


def apply(url: str, admin_secret: str, project_dir: Path) -> Applied:
    """Apply what is missing and return what changed; a second run changes nothing.

    Raises UsageError for a project that cannot be read, HasuraUnavailable, and HasuraRejected naming the migration or
    the metadata objects that Hasura refused.
    """
    project = read_project(project_dir)
    with AdminApi(url, admin_secret) as hasura:
        record = _MigrationRecord(hasura)
        pending = [migration for migration in project.migrations if not record.has(migration)]
        before = _exported(hasura)
        if pending and not _same(before, project.metadata):
            # First for the source to be there at all; tables that do not exist yet are inconsistent until the end.
            _replace_metadata(hasura, project)
        for migration in pending:
            record.run(migration)
        if pending or not _same(before, project.metadata):
            _replace_metadata(hasura, project)
            hasura.metadata("reload_metadata", {"reload_sources": True, "reload_remote_schemas": False})
        _refuse_inconsistency(_inconsistent(hasura))
        return Applied(
            migrations=tuple(migration.directory.name for migration in pending),
            metadata=_exported(hasura) != before,
        )


def status(url: str, admin_secret: str, project_dir: Path) -> Status:
    """Return how Hasura compares with the project, without changing anything."""
    project = read_project(project_dir)
    with AdminApi(url, admin_secret) as hasura:
        record = _MigrationRecord(hasura)
        return Status(
            migrations=tuple(
                (migration.directory.name, record.state(migration)) for migration in project.migrations
            ),
            metadata_is_current=_same(_exported(hasura), project.metadata),
            inconsistent=_inconsistent(hasura),
        )


class _MigrationRecord:
    """The CLI's record in Hasura's catalog: per source a map from version to "dirty".

    Source: hasura/graphql-engine, cli/internal/statestore.
    """

    def __init__(self, hasura: AdminApi) -> None:
        self._hasura = hasura
        answer = hasura.metadata("get_catalog_state", {})
        stored = answer.get("cli_state") if isinstance(answer, Mapping) else None
        self._state: dict[str, Any] = dict(stored) if isinstance(stored, Mapping) else {}

    def state(self, migration: Migration) -> MigrationState:
        dirty = self._versions(migration.source).get(str(migration.version))
        if dirty is None:
            return MigrationState.PENDING
        return MigrationState.FAILED if dirty else MigrationState.APPLIED

    def has(self, migration: Migration) -> bool:
        """Tell whether it is applied. Raises HasuraRejected when it began and nobody knows how it ended."""
        state = self.state(migration)
        if state is MigrationState.FAILED:
            raise HasuraRejected(
                f"migration {migration.directory.name} began and did not report its end. Look whether its tables are "
                f"there, then say so: `hasura migrate apply --version {migration.version} --skip-execution` when they "
                f"are, with `--type down` when they are not",
                code="dirty-migration",
            )
        return state is MigrationState.APPLIED

    def run(self, migration: Migration) -> None:
        """Run it. Its file is one transaction: a refusal leaves nothing, only a lost answer leaves a doubt."""
        self._note(migration, dirty=True)
        try:
            if migration.up.strip():
                self._hasura.run_sql(migration.up, source=migration.source)
        except HasuraRejected as err:
            self._forget(migration)
            raise HasuraRejected(
                f"migration {migration.directory.name}: {err.detail}", path=err.path, code=err.code
            ) from err
        self._note(migration, dirty=False)

    def _versions(self, source: str) -> dict[str, bool]:
        migrations = self._state.get("migrations")
        versions = migrations.get(source) if isinstance(migrations, Mapping) else None
        return dict(versions) if isinstance(versions, Mapping) else {}

    def _note(self, migration: Migration, *, dirty: bool) -> None:
        self._save(migration.source, {**self._versions(migration.source), str(migration.version): dirty})

    def _forget(self, migration: Migration) -> None:
        versions = self._versions(migration.source)
        versions.pop(str(migration.version), None)
        self._save(migration.source, versions)

    def _save(self, source: str, versions: Mapping[str, bool]) -> None:
        self._state = {
            "settings": {"migration_mode": "true"},
            "isStateCopyCompleted": True,
            **self._state,
            "migrations": {**self._state.get("migrations", {}), source: dict(versions)},
        }
        self._hasura.metadata("set_catalog_state", {"type": "cli", "state": self._state})


def _replace_metadata(hasura: AdminApi, project: Project) -> None:
    args = {"allow_inconsistent_metadata": True, "metadata": project.metadata}
    hasura.metadata("replace_metadata", args, version=2)


def _exported(hasura: AdminApi) -> Any:
    answer = hasura.metadata("export_metadata", {}, version=2)
    return answer.get("metadata") if isinstance(answer, Mapping) else None


def _same(exported: Any, project: Any) -> bool:
    return bool(_plain(exported) == _plain(project))


def _plain(value: Any) -> Any:
    """Return metadata without empty keys, and lists of names in one order: neither means anything."""
    if isinstance(value, Mapping):
        plain = {key: _plain(inner) for key, inner in value.items() if key != "custom_column_names"}
        return {key: inner for key, inner in plain.items() if inner not in (None, [], {})}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return sorted((_plain(inner) for inner in value), key=repr)
    return value


def _inconsistent(hasura: AdminApi) -> tuple[str, ...]:
    answer = hasura.metadata("get_inconsistent_metadata", {})
    objects = answer.get("inconsistent_objects") if isinstance(answer, Mapping) else None
    return tuple(
        f"{entry.get('name') or entry.get('type')}: {entry.get('reason')}"
        for entry in objects or ()
        if isinstance(entry, Mapping)
    )


def _refuse_inconsistency(names: Sequence[str]) -> None:
    if names:
        raise HasuraRejected(
            "Hasura cannot use these metadata objects: " + "; ".join(names), code="inconsistent-metadata"
        )
