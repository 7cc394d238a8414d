"""Brings migrations and metadata of a project into a running Hasura, over its HTTP API.

It does what `hasura deploy` does and keeps the CLI's own record of migrations, so that `hasura migrate status`
agrees and either tool can go on where the other stopped. Run it from one place at a time: like the CLI it takes no lock
on the record. Metadata that somebody changes meanwhile is noticed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from frontdesk.errors import HasuraBlocked, HasuraRejected, UsageError
from frontdesk.hasura.admin_api import AdminApi
from frontdesk.hasura.adopt import Adoption, key_column, write_adoption
from frontdesk.hasura.existing_users import read_table, rows_that_look_like_auth0
from frontdesk.hasura.field_metadata import with_mapped_columns
from frontdesk.hasura.metadata_merge import same
from frontdesk.hasura.migration_record import MigrationState, Timeouts
from frontdesk.hasura.plan import Plan, sentences
from frontdesk.hasura.planning import USERS, creating, plan_for, unrecorded_users, wanted_metadata
from frontdesk.hasura.project import Migration, Project, read_project
from frontdesk.hasura.schema_move import PUBLIC
from frontdesk.hasura.target import Target, export, inconsistencies, look_at, of_project
from frontdesk.identity.fields import NO_RULES, FieldRules

_CONFLICT = "conflict"


@dataclass(frozen=True, kw_only=True)
class Options:
    """How a project meets its target: under which source and schema, whether it replaces all, and the limits.

    `fields` are the settings' own columns: the ones that the target has keep their place in the metadata of `users`,
    also when the project knows nothing of them.
    """

    source: str | None = None
    schema: str = PUBLIC
    replace: bool = False
    fields: FieldRules = NO_RULES
    timeouts: Timeouts = field(default_factory=Timeouts)


@dataclass(frozen=True, kw_only=True)
class Applied:
    """What a deploy changed: migrations by directory name, in order. `notes` are sentences about what is not ours."""

    migrations: tuple[str, ...]
    metadata: bool
    notes: tuple[str, ...] = ()

    @property
    def anything(self) -> bool:
        """Whether anything changed at all."""
        return bool(self.migrations) or self.metadata


@dataclass(frozen=True, kw_only=True)
class Status:
    """How Hasura compares with the project. `inconsistent` names what Hasura cannot use of the project, and what others
    have there stands in the plan's notes.
    """

    migrations: tuple[tuple[str, MigrationState], ...]
    metadata_is_current: bool
    inconsistent: tuple[str, ...]
    plan: Plan

    @property
    def is_current(self) -> bool:
        """Whether there is nothing to apply and nothing wrong."""
        applied = all(state is MigrationState.APPLIED for _, state in self.migrations)
        return applied and self.metadata_is_current and not self.inconsistent and not self.plan.obstacles


DEFAULTS = Options()


def apply(url: str, admin_secret: str, project_dir: Path, options: Options = DEFAULTS) -> Applied:
    """Apply what is missing and return what changed; a second run changes nothing.

    What the plan cannot do is told before anything changes (HasuraBlocked). Raises UsageError for a project that
    cannot be read, HasuraUnavailable, and HasuraRejected naming the migration or the metadata objects that Hasura
    refused; the metadata is then what it was.
    """
    with opened(url, admin_secret, project_dir, options) as (hasura, project):
        target = look_at(hasura, project)
        plan = _unobstructed(_planned(hasura, target, project, options))
        if target.catalog is None:
            target, plan = _with_source(hasura, target, project, options)
        for migration in plan.settled:
            target.record.mark(migration, MigrationState.APPLIED)
        for migration in plan.pending:
            target.record.run(migration, options.timeouts)
        if plan.pending:
            hasura.metadata("reload_metadata", {"reload_sources": True, "reload_remote_schemas": False})
        changed = _bring_metadata(hasura, target, project, options)
        return Applied(
            migrations=tuple(migration.directory.name for migration in plan.pending),
            metadata=changed,
            notes=plan.notes,
        )


def status(url: str, admin_secret: str, project_dir: Path, options: Options = DEFAULTS) -> Status:
    """Return how Hasura compares with the project, and the plan of an `apply`, without changing anything."""
    with opened(url, admin_secret, project_dir, options) as (hasura, project):
        target = look_at(hasura, project)
        plan = _planned(hasura, target, project, options)
        return Status(
            migrations=tuple(
                (migration.directory.name, target.record.state(migration)) for migration in project.migrations
            ),
            metadata_is_current=not plan.changes_metadata,
            inconsistent=tuple(map(str, of_project(target.inconsistent, project))),
            plan=plan,
        )


def adopt(
    url: str,
    admin_secret: str,
    project_dir: Path,
    options: Options = DEFAULTS,
    *,
    tenant: str = "default",
    key: str | None = None,
) -> Adoption:
    """Write a migration that takes over a table `users` which is there already; apply nothing.

    Its rows become users of `tenant`; `key` is the column that holds Auth0's user id, found by its name when None.
    """
    with opened(url, admin_secret, project_dir, options) as (hasura, project):
        target = look_at(hasura, project)
        creates = creating(project, USERS)
        if creates is None or not unrecorded_users(target, project):
            raise UsageError(
                f"there is nothing to adopt: no table {project.schema}.users of somebody else's is there"
            )
        table = read_table(hasura, project.source, project.schema, USERS)
        if table.is_ours:
            raise UsageError(
                f"users is frontdesk's own: `frontdesk hasura apply --mark-applied {creates.version}`"
            )
        column = key_column(table, key)
        rows, alike = rows_that_look_like_auth0(hasura, project.source, project.schema, column)
        if key is None and rows and not alike:
            raise UsageError(
                f"none of the {rows} values of users.{column} looks like an Auth0 user id (auth0|…): name the column "
                f"that holds it with --adopt-key, or say so with --adopt-key {column}"
            )
        return write_adoption(table, creates=creates, key=column, tenant=tenant)


def mark(
    url: str, admin_secret: str, project_dir: Path, options: Options, *, version: int, state: MigrationState
) -> Migration:
    """Record a migration as applied or pending without running it, and return it."""
    with opened(url, admin_secret, project_dir, options) as (hasura, project):
        migration = next((each for each in project.migrations if each.version == version), None)
        if migration is None:
            raise UsageError(f"{project_dir}: there is no migration of version {version}")
        look_at(hasura, project).record.mark(migration, state)
        return migration


@contextmanager
def opened(
    url: str, admin_secret: str, project_dir: Path, options: Options
) -> Iterator[tuple[AdminApi, Project]]:
    """Give the project and its target, for as long as the block runs. Raises UsageError for a project that is wrong."""
    project = read_project(project_dir, schema=options.schema, source=options.source)
    with AdminApi(url, admin_secret) as hasura:
        yield hasura, with_mapped_columns(hasura, project, options.fields)


def _planned(hasura: AdminApi, target: Target, project: Project, options: Options) -> Plan:
    users = None
    if unrecorded_users(target, project):
        users = read_table(hasura, project.source, project.schema, USERS)
    return plan_for(target, project, replace=options.replace, users=users)


def _unobstructed(plan: Plan) -> Plan:
    if plan.obstacles:
        raise HasuraBlocked(f"{sentences(plan.obstacles)}\nNothing was changed.")
    return plan


def _with_source(hasura: AdminApi, target: Target, project: Project, options: Options) -> tuple[Target, Plan]:
    """Connect the source, without tables, so that its database can be looked at; take it back if that fails."""
    source = {**project.metadata["sources"][0], "tables": []}
    with_source = {**target.metadata, "sources": [*(target.metadata.get("sources") or ()), source]}
    replace_metadata(hasura, with_source, target.resource_version)
    try:
        found = look_at(hasura, project)
        return found, _unobstructed(_planned(hasura, found, project, options))
    except HasuraBlocked:
        replace_metadata(hasura, target.metadata, None)
        raise


def _bring_metadata(hasura: AdminApi, target: Target, project: Project, options: Options) -> bool:
    """Make the metadata what it should be; return whether that changed anything."""
    try:
        return _try_metadata(hasura, target, project, options)
    except HasuraRejected as err:
        if err.code != _CONFLICT:
            raise
    try:
        return _try_metadata(hasura, target, project, options)
    except HasuraRejected as err:
        if err.code != _CONFLICT:
            raise
        raise HasuraRejected(
            "somebody else is changing Hasura's metadata at the same time, twice in a row; the metadata is as they "
            "left it: run this again when they are done",
            code=_CONFLICT,
        ) from err


def _try_metadata(hasura: AdminApi, target: Target, project: Project, options: Options) -> bool:
    before, version = export(hasura)
    wanted = wanted_metadata(before, project, replace=options.replace)
    changes = not same(before, wanted)
    if changes:
        replace_metadata(hasura, wanted, version)
    known = {each.name for each in target.inconsistent}
    found = inconsistencies(hasura)
    own = of_project(found, project)
    faults = [each for each in found if each in own or each.name not in known]
    if not faults:
        return changes
    told = "; ".join(map(str, faults))
    if changes:
        put_back(hasura, before, wanted)
        told += ". The metadata is as it was before"
    raise HasuraRejected(f"Hasura cannot use these metadata objects: {told}", code="inconsistent-metadata")


def put_back(hasura: AdminApi, before: Mapping[str, Any], ours: Mapping[str, Any]) -> None:
    """Restore the former metadata, unless somebody has changed ours meanwhile."""
    now, version = export(hasura)
    if same(now, ours):
        replace_metadata(hasura, before, version)


def replace_metadata(hasura: AdminApi, metadata: Mapping[str, Any], resource_version: int | None) -> None:
    """Store a whole document. Raises HasuraRejected `conflict` when somebody has changed the metadata since."""
    args = {"allow_inconsistent_metadata": True, "metadata": metadata}
    hasura.metadata("replace_metadata", args, version=2, resource_version=resource_version)
