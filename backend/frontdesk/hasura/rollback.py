"""Takes migrations back, newest first, by their down.sql. Asked for by a person only: it drops tables with their rows.

Metadata goes first: the tables that will go away are taken out of it, with our relationships to them. When something of
somebody else's would lose its ground, nothing is done.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from frontdesk.errors import HasuraBlocked, HasuraRejected, UsageError
from frontdesk.hasura.admin_api import AdminApi
from frontdesk.hasura.deploy import DEFAULTS, Options, opened, put_back, replace_metadata
from frontdesk.hasura.field_metadata import without_columns
from frontdesk.hasura.metadata_merge import same, without_tables
from frontdesk.hasura.migration_record import MigrationState
from frontdesk.hasura.plan import Plan, Step, StepKind, sentences
from frontdesk.hasura.project import Migration, Project
from frontdesk.hasura.target import Target, export, inconsistencies, look_at


@dataclass(frozen=True, kw_only=True)
class HowFar:
    """How much to take back: the newest `count` migrations, or all that are newer than `version`."""

    count: int | None = None
    version: int | None = None

    def of(self, applied: Sequence[Migration]) -> list[Migration]:
        """Return what to take back of the applied migrations, newest first."""
        newest_first = sorted(applied, key=lambda migration: migration.version, reverse=True)
        if self.version is None:
            return newest_first[: self.count]
        return [migration for migration in newest_first if migration.version > self.version]


def plan_rollback(
    url: str, admin_secret: str, project_dir: Path, how_far: HowFar, options: Options = DEFAULTS
) -> Plan:
    """Return what `roll_back` would do, without doing it."""
    with opened(url, admin_secret, project_dir, options) as (hasura, project):
        return _plan(look_at(hasura, project), project, how_far)


def roll_back(
    url: str, admin_secret: str, project_dir: Path, how_far: HowFar, options: Options = DEFAULTS
) -> tuple[str, ...]:
    """Take migrations back and return their names, newest first.

    Raises HasuraBlocked when the plan cannot be carried out or others depend on what would go: nothing was changed.
    Raises HasuraRejected naming the migration whose down.sql was refused; those before it are taken back.
    """
    with opened(url, admin_secret, project_dir, options) as (hasura, project):
        target = look_at(hasura, project)
        plan = _plan(target, project, how_far)
        if plan.obstacles:
            raise HasuraBlocked(f"{sentences(plan.obstacles)}\nNothing was changed.")
        before = target.metadata
        after = _without(target, project, plan.pending)
        if not same(before, after):
            _let_go_of_metadata(hasura, target, after)
        _take_back(hasura, target, plan.pending, options, before if not same(before, after) else None)
        hasura.metadata("reload_metadata", {"reload_sources": True, "reload_remote_schemas": False})
        return tuple(migration.directory.name for migration in plan.pending)


def _plan(target: Target, project: Project, how_far: HowFar) -> Plan:
    known = {migration.version for migration in project.migrations}
    if how_far.version is not None and how_far.version not in {0, *known}:
        raise UsageError(
            f"--to: there is no migration of version {how_far.version} (0 takes all of them back)"
        )
    applied = [
        migration
        for migration in project.migrations
        if target.record.state(migration) is not MigrationState.PENDING
    ]
    chosen = how_far.of(applied)
    adopted = {
        migration.takes_the_place_of for migration in applied if migration.takes_the_place_of is not None
    }
    steps = [_step(migration, target, adopted=migration.version in adopted) for migration in chosen]
    return Plan(steps=tuple(steps), pending=tuple(chosen))


def _step(migration: Migration, target: Target, *, adopted: bool) -> Step:
    what = f"migration {migration.directory.name}"
    if target.record.state(migration) is MigrationState.FAILED:
        return Step(
            what, StepKind.CANNOT, "nobody knows how it ended; `frontdesk hasura apply` tells what to do"
        )
    if adopted or migration.takes_the_place_of is not None:
        return Step(
            what, StepKind.CANNOT, "its table was there before and was adopted: dropping it would drop rows"
        )
    if not migration.down.strip():
        return Step(what, StepKind.CANNOT, "it has no down.sql")
    gone = f"drops {', '.join(migration.tables)} with all rows" if migration.tables else ""
    return Step(what, StepKind.DELETE, gone)


def _without(target: Target, project: Project, chosen: Sequence[Migration]) -> dict[str, object]:
    gone = frozenset((project.schema, table) for migration in chosen for table in migration.tables)
    columns = frozenset(each for migration in chosen for each in migration.columns)
    return without_columns(without_tables(target.metadata, project.source, gone), project, columns)


def _let_go_of_metadata(hasura: AdminApi, target: Target, after: dict[str, object]) -> None:
    known = {each.name for each in target.inconsistent}
    replace_metadata(hasura, after, target.resource_version)
    broken = [each for each in inconsistencies(hasura) if each.name not in known]
    if broken:
        put_back(hasura, target.metadata, after)
        told = "; ".join(map(str, broken))
        raise HasuraBlocked(
            f"others depend on what would be taken back: {told}. Take these out of Hasura first. Nothing was changed"
        )


def _take_back(
    hasura: AdminApi,
    target: Target,
    chosen: Sequence[Migration],
    options: Options,
    metadata: dict[str, object] | None,
) -> None:
    done = 0
    try:
        for migration in chosen:
            target.record.take_back(migration, options.timeouts)
            done += 1
    except HasuraRejected as err:
        if not done and metadata is not None:
            replace_metadata(hasura, metadata, export(hasura)[1])
        rest = f"; {done} newer ones are taken back already" if done else ""
        raise HasuraRejected(
            f"{err.detail}{rest}", path=err.path, code=err.code, sqlstate=err.sqlstate
        ) from err
