"""Makes the plan of a deploy from the project and what was found at the target. Pure: it asks and changes nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from frontdesk.hasura.existing_users import ExistingTable
from frontdesk.hasura.metadata_merge import (
    differences,
    find_source,
    graphql_name,
    merged,
    replaced,
    same,
    table_key,
    tables_of,
)
from frontdesk.hasura.migration_record import MigrationState, newer_applied
from frontdesk.hasura.plan import Plan, Step, StepKind
from frontdesk.hasura.project import Migration, Project
from frontdesk.hasura.schema_move import PUBLIC
from frontdesk.hasura.target import Target, of_project

USERS = "users"


def plan_for(
    target: Target, project: Project, *, replace: bool = False, users: ExistingTable | None = None
) -> Plan:
    """Return what a deploy would do. `users` describes the table of that name when it is there unrecorded."""
    sorting = _Sorting(target, project, users)
    migrations = [sorting.step(migration) for migration in project.migrations]
    wanted = wanted_metadata(target.metadata, project, replace=replace)
    steps = (
        *_source_steps(target, project),
        *_schema_steps(target, project),
        *sorting.strangers(),
        *migrations,
        *(() if replace else _taken_names(target, project)),
        *_metadata_steps(target.metadata, wanted, project, replace=replace),
    )
    return Plan(
        steps=steps,
        pending=tuple(sorting.pending),
        settled=tuple(sorting.settled),
        changes_metadata=not same(target.metadata, wanted),
        notes=tuple(_notes(target, project)),
    )


def wanted_metadata(metadata: Mapping[str, Any], project: Project, *, replace: bool) -> dict[str, Any]:
    """Return what the target's metadata should be."""
    return replaced(metadata, project) if replace else merged(metadata, project)


def unrecorded_users(target: Target, project: Project) -> bool:
    """Tell whether there is a table `users` that no migration on record made."""
    creates = creating(project, USERS)
    there = target.catalog is not None and USERS in target.catalog.tables
    return there and creates is not None and target.record.state(creates) is MigrationState.PENDING


def creating(project: Project, table: str) -> Migration | None:
    """Return the migration that creates a table."""
    return next((migration for migration in project.migrations if table in migration.tables), None)


@dataclass
class _Found:
    """How much of what a migration creates is there."""

    of: int
    there: int


class _Sorting:
    """Sorts migrations into those that run, those that are only recorded, and those that are done."""

    def __init__(self, target: Target, project: Project, users: ExistingTable | None) -> None:
        self._target, self._project, self._users = target, project, users
        self.pending: list[Migration] = []
        self.settled: list[Migration] = []
        self._adopted = {
            migration.takes_the_place_of: migration
            for migration in project.migrations
            if migration.takes_the_place_of is not None
            and target.record.state(migration) is MigrationState.PENDING
            and users is not None
            and not users.is_ours
        }

    def step(self, migration: Migration) -> Step:
        """Return the step of one migration."""
        what = f"migration {migration.directory.name}"
        state = self._target.record.state(migration)
        if state is MigrationState.APPLIED:
            return Step(what, StepKind.KEEP, "applied")
        if state is MigrationState.FAILED:
            return self._doubtful(what, migration)
        if migration.version in self._adopted:
            adopts = self._adopted[migration.version].directory.name
            return Step(what, StepKind.KEEP, f"{adopts} takes its place")
        if migration.takes_the_place_of is not None and migration.takes_the_place_of not in self._adopted:
            self.settled.append(migration)
            return Step(what, StepKind.KEEP, "nothing to adopt here; it is recorded as applied")
        self.pending.append(migration)
        newer = newer_applied(self._target.record, migration, self._project.migrations)
        return Step(what, StepKind.CREATE, f"older than {newer}, which is applied" if newer else "")

    def strangers(self) -> Iterator[Step]:
        """Give the tables of our names that no migration on record made, and records without their tables."""
        catalog = self._target.catalog
        if catalog is None:
            return
        for migration in self._project.migrations:
            if self._target.record.state(migration) is not MigrationState.PENDING:
                continue
            for table in migration.tables:
                if table in catalog.tables and migration.version not in self._adopted:
                    yield self._stranger(table, migration)
        recorded = [each for each in self._project.migrations if self._is_applied(each)]
        tables = {table for migration in recorded for table in migration.tables}
        if tables and not tables & catalog.tables:
            yield Step(
                f"schema {self._project.schema}",
                StepKind.CANNOT,
                "migrations are on record as applied, but none of their tables is here. When they are in another "
                "schema, name that one ([hasura] schema) or move them with ALTER TABLE … SET SCHEMA; when they are "
                "gone, `frontdesk hasura apply --mark-pending VERSION` forgets a migration",
            )

    def _stranger(self, table: str, migration: Migration) -> Step:
        what = f"table {self._project.schema}.{table}"
        other = "put frontdesk's tables into another schema (`[hasura] schema`, such as frontdesk_users)"
        if table != USERS or self._users is None:
            return Step(what, StepKind.CANNOT, f"is there already, made by no migration of ours: {other}")
        if self._users.is_ours:
            detail = (
                f"looks like ours, though nothing is on record: if it is, `frontdesk hasura apply --mark-applied "
                f"{migration.version}` says so"
            )
            return Step(what, StepKind.CANNOT, detail)
        detail = (
            f"is there already, made by no migration of ours: {self._users.told()}. Either {other}, or take the table "
            f"over with its rows: `frontdesk hasura apply --adopt` writes a migration to review, and applies nothing"
        )
        return Step(what, StepKind.CANNOT, detail)

    def _doubtful(self, what: str, migration: Migration) -> Step:
        """Decide by what is there: a migration is one transaction, so all of what it creates is there, or nothing."""
        found = self._found(migration)
        if found.of and found.there == found.of:
            self.settled.append(migration)
            return Step(what, StepKind.KEEP, "its end was not told, but what it creates is there")
        if found.of and not found.there:
            self.pending.append(migration)
            return Step(what, StepKind.CREATE, "it began once and left nothing")
        return Step(
            what,
            StepKind.CANNOT,
            f"it began and did not report its end. Look whether its changes are there, then say so: `frontdesk hasura "
            f"apply --mark-applied {migration.version}` when they are, `--mark-pending {migration.version}` when not",
        )

    def _found(self, migration: Migration) -> _Found:
        catalog = self._target.catalog
        if catalog is None:
            return _Found(0, 0)
        there = [name in catalog.tables for name in migration.tables]
        there += [name in catalog.functions for name in migration.functions]
        return _Found(len(there), sum(there))

    def _is_applied(self, migration: Migration) -> bool:
        return self._target.record.state(migration) is MigrationState.APPLIED


def _source_steps(target: Target, project: Project) -> Iterator[Step]:
    what = f"source {project.source}"
    if find_source(target.metadata, project.source) is None:
        known = [str(source.get("name")) for source in target.metadata.get("sources") or ()]
        if known:
            detail = (
                f"is not there; Hasura has {', '.join(known)}: name one with --source, or connect it first"
            )
            yield Step(what, StepKind.CANNOT, detail)
        else:
            yield Step(
                what,
                StepKind.CREATE,
                "with the connection of the project; its tables cannot be looked at before",
            )
    elif target.catalog is None:
        reason = next(each.reason for each in target.inconsistent if each.name == what)
        yield Step(what, StepKind.CANNOT, f"Hasura cannot use it: {reason}")


def _schema_steps(target: Target, project: Project) -> Iterator[Step]:
    if project.schema == PUBLIC or target.catalog is None or target.catalog.schema_exists:
        return
    what = f"schema {project.schema}"
    if target.catalog.may_create_schema:
        yield Step(what, StepKind.CREATE)
    else:
        yield Step(
            what,
            StepKind.CANNOT,
            "is not there, and the database user of Hasura may not create it: run GRANT CREATE ON DATABASE … TO … for "
            f"it, or CREATE SCHEMA {project.schema} AUTHORIZATION … as the database's owner",
        )


def _taken_names(target: Target, project: Project) -> Iterator[Step]:
    """Give our GraphQL names that other tables have: root fields are one space for all of Hasura."""
    ours = {graphql_name(table): table_key(table["table"]) for table in project.tables}
    for source in target.metadata.get("sources") or ():
        if source.get("customization"):
            continue
        for key, entry in tables_of(target.metadata, str(source.get("name"))).items():
            name = graphql_name(entry)
            if name in ours and (key != ours[name] or source.get("name") != project.source):
                yield Step(
                    f"table {'.'.join(key)} in source {source.get('name')}",
                    StepKind.CANNOT,
                    f"has the GraphQL name {name}, which frontdesk's own table needs: give it another one in Hasura's "
                    f"console (Data, the table, Modify, Custom GraphQL name) or untrack it, and run this again",
                )


def _metadata_steps(
    metadata: Mapping[str, Any], wanted: Mapping[str, Any], project: Project, *, replace: bool
) -> Iterator[Step]:
    there, then = tables_of(metadata, project.source), tables_of(wanted, project.source)
    ours = {table_key(table["table"]) for table in project.tables}
    for key, entry in then.items():
        if key not in ours:
            continue
        changes = tuple(differences(there.get(key), entry))
        kind = StepKind.CREATE if key not in there else StepKind.UPDATE if changes else StepKind.KEEP
        yield Step(f"metadata of {'.'.join(key)}", kind, ", ".join(changes) if key in there else "")
    if not replace:
        return
    for key in sorted(there.keys() - then.keys()):
        yield Step(f"metadata of {'.'.join(key)}", StepKind.DELETE, "the project does not have it")
    for name in sorted({*metadata, *wanted} - {"version"}):
        before, after = metadata.get(name), wanted.get(name)
        if name == "sources":
            before, after = _without_tables(before, project), _without_tables(after, project)
        if not same({name: before}, {name: after}):
            yield Step(
                f"metadata: {name}", StepKind.UPDATE if after else StepKind.DELETE, "as in the project"
            )


def _without_tables(sources: Any, project: Project) -> list[Any]:
    return [
        {
            key: value
            for key, value in source.items()
            if key != "tables" or source.get("name") != project.source
        }
        for source in sources or ()
    ]


def _notes(target: Target, project: Project) -> Iterator[str]:
    own = of_project(target.inconsistent, project)
    for each in target.inconsistent:
        if each not in own:
            yield f"Hasura cannot use something that is not frontdesk's: {each}"
    if target.record.copied_from_former:
        yield "The record of migrations is the one that the CLI kept before config v3; apply copies it to its new place"
