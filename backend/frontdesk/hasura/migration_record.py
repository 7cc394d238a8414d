"""The record of migrations that the `hasura` CLI keeps in Hasura's catalog, and running migrations by it.

Per source it is a map from version to "dirty". Whatever else the CLI keeps beside it stays.
Source: hasura/graphql-engine, cli/internal/statestore.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from frontdesk.errors import HasuraRejected
from frontdesk.hasura.admin_api import CALL_BUDGET_S, AdminApi
from frontdesk.hasura.project import Migration
from frontdesk.hasura.schema_move import PUBLIC

# Where the CLI kept its record before config v3; its own upgrade copies it, and so does this.
_FORMER_RECORD = "select version, dirty from hdb_catalog.schema_migrations"
# Not by to_regclass: it needs a right to the schema, which the user of a source beside the metadata may lack.
_HAS_FORMER_RECORD = """
select 'yes' from pg_class c join pg_namespace n on n.oid = c.relnamespace
 where n.nspname = 'hdb_catalog' and c.relname = 'schema_migrations'
"""
_LOCK_TIMEOUT, _STATEMENT_TIMEOUT, _DENIED = "55P03", "57014", "42501"


class MigrationState(StrEnum):
    """Where a migration stands. `FAILED`: it began and nobody knows how it ended."""

    APPLIED = "applied"
    PENDING = "pending"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True)
class Timeouts:
    """Limits of each statement of a migration; None leaves what its file says."""

    lock_s: float | None = None
    statement_s: float | None = None

    def applied_to(self, sql: str) -> str:
        """Return the SQL with these limits at its head, and without its own where one is given."""
        head = ""
        for name, limit in (("lock_timeout", self.lock_s), ("statement_timeout", self.statement_s)):
            if limit is not None:
                sql = re.sub(
                    rf"^SET LOCAL {name}\b[^;\n]*;[ ]*$", "", sql, flags=re.IGNORECASE | re.MULTILINE
                )
                head += f"SET LOCAL {name} = '{int(limit * 1000)}ms';\n"
        return head + sql

    @property
    def budget_s(self) -> float:
        """How long to wait for the answer: longer than what the database may take for a statement."""
        return CALL_BUDGET_S + (self.statement_s or 0)


class MigrationRecord:
    """The record of one target; reads it once, and writes it as migrations go."""

    def __init__(self, hasura: AdminApi, source: str, *, source_is_there: bool) -> None:
        self._hasura, self._source = hasura, source
        answer = hasura.metadata("get_catalog_state", {})
        stored = answer.get("cli_state") if isinstance(answer, Mapping) else None
        self._state: dict[str, Any] = dict(stored) if isinstance(stored, Mapping) else {}
        self.copied_from_former = False
        if source_is_there and not self._state.get("isStateCopyCompleted"):
            self._add_former()

    @property
    def versions(self) -> dict[int, bool]:
        """Every version on record, with whether it is dirty."""
        return {int(version): bool(dirty) for version, dirty in self._versions().items() if version.isdigit()}

    def state(self, migration: Migration) -> MigrationState:
        """Return where a migration stands."""
        dirty = self.versions.get(migration.version)
        if dirty is None:
            return MigrationState.PENDING
        return MigrationState.FAILED if dirty else MigrationState.APPLIED

    def mark(self, migration: Migration, state: MigrationState) -> None:
        """Record where a migration stands, without running it."""
        dirty = None if state is MigrationState.PENDING else state is MigrationState.FAILED
        self._save({migration.version: dirty})

    def run(self, migration: Migration, timeouts: Timeouts) -> None:
        """Bring a migration in. Its file is one transaction: a refusal leaves nothing, only a lost answer a doubt."""
        follows = migration.takes_the_place_of
        done = {version: False for version in (migration.version, follows) if version is not None}
        self._run(migration, migration.up, timeouts, before=None, after=done)

    def take_back(self, migration: Migration, timeouts: Timeouts) -> None:
        """Undo a migration by its down.sql. Raises HasuraRejected when there is none."""
        if not migration.down.strip():
            raise HasuraRejected(
                f"migration {migration.directory.name} has no down.sql, so it cannot be undone"
            )
        self._run(migration, migration.down, timeouts, before=False, after={migration.version: None})

    def _run(
        self,
        migration: Migration,
        sql: str,
        timeouts: Timeouts,
        *,
        before: bool | None,
        after: Mapping[int, bool | None],
    ) -> None:
        self._save({migration.version: True})
        try:
            if sql.strip():
                self._hasura.run_sql(
                    _in_schema(timeouts.applied_to(sql), migration.schema),
                    source=self._source,
                    follow_renames=migration.takes_the_place_of is not None,
                    budget_s=timeouts.budget_s,
                )
        except HasuraRejected as err:
            self._save({migration.version: before})
            raise HasuraRejected(
                f"migration {migration.directory.name} was rolled back: {err.detail}{_advice(err, migration)}",
                path=err.path,
                code=err.code,
                sqlstate=err.sqlstate,
            ) from err
        self._save(after)

    def _versions(self) -> dict[str, Any]:
        migrations = self._state.get("migrations")
        versions = migrations.get(self._source) if isinstance(migrations, Mapping) else None
        return dict(versions) if isinstance(versions, Mapping) else {}

    def _add_former(self) -> None:
        if self._hasura.select(_HAS_FORMER_RECORD, source=self._source) != [["yes"]]:
            return
        former = {
            version: dirty == "t"
            for version, dirty in self._hasura.select(_FORMER_RECORD, source=self._source)
        }
        self._state = {**self._state, "migrations": self._with({**former, **self._versions()})}
        self.copied_from_former = bool(former)

    def _save(self, changes: Mapping[int, bool | None]) -> None:
        versions = self._versions()
        for version, dirty in changes.items():
            versions.pop(str(version), None)
            if dirty is not None:
                versions[str(version)] = dirty
        self._state = {
            "settings": {"migration_mode": "true"},
            **self._state,
            "isStateCopyCompleted": True,
            "migrations": self._with(versions),
        }
        self._hasura.metadata("set_catalog_state", {"type": "cli", "state": self._state})

    def _with(self, versions: Mapping[str, bool]) -> dict[str, Any]:
        return {**self._state.get("migrations", {}), self._source: dict(versions)}


def newer_applied(record: MigrationRecord, migration: Migration, known: Iterable[Migration]) -> str | None:
    """Return the name of a migration that is applied and newer, which a pending one comes late after."""
    late = [each for each in known if each.version > migration.version and each.version in record.versions]
    return late[0].directory.name if late else None


def _in_schema(sql: str, schema: str) -> str:
    """Lead a migration that was moved into its schema, which the first one creates.

    Only when it is missing: `IF NOT EXISTS` needs the right to create schemas even where nothing is to be created. An
    unqualified name must not reach into `public`, so the search path holds the schema alone.
    """
    if schema == PUBLIC:
        return sql
    create = f'IF to_regnamespace(\'"{schema}"\') IS NULL THEN CREATE SCHEMA "{schema}"; END IF;'
    return f'DO $schema$ BEGIN {create} END $schema$;\nSET LOCAL search_path = "{schema}";\n{sql}'


def _advice(err: HasuraRejected, migration: Migration) -> str:
    if err.sqlstate == _LOCK_TIMEOUT:
        return (
            ". Somebody holds a lock on one of its tables: run it again when they are done, or with a longer "
            "--lock-timeout"
        )
    if err.sqlstate == _STATEMENT_TIMEOUT:
        return ". Run it again with a longer --statement-timeout"
    if err.sqlstate == _DENIED:
        return (
            f". The database user of Hasura lacks this right in schema {migration.schema}: grant it (such as GRANT "
            f"CREATE ON DATABASE … TO …), or have its owner create the schema"
        )
    return ""
