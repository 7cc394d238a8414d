"""What a Hasura needs for `[fields]`, as a plan, and written into a Hasura project for people to review.

Nothing is applied here: `frontdesk hasura apply` brings in the project with what was written into it, as all else.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml

from frontdesk.errors import HasuraBlocked, UsageError
from frontdesk.hasura.admin_api import AdminApi
from frontdesk.hasura.deploy import Options, opened
from frontdesk.hasura.existing_users import Column, read_table
from frontdesk.hasura.field_metadata import clashes, with_fields
from frontdesk.hasura.field_migration import (
    NAME,
    NO_MIGRATION,
    FieldMigration,
    StoredRules,
    migration_for,
)
from frontdesk.hasura.metadata_merge import differences, table_key, tables_of
from frontdesk.hasura.plan import Plan, Step, StepKind, sentences
from frontdesk.hasura.planning import USERS
from frontdesk.hasura.project import Project, project_dir, read_project
from frontdesk.hasura.schema_move import PUBLIC
from frontdesk.hasura.target import look_at
from frontdesk.identity.fields import OWN_COLUMNS, FieldRule, FieldRules

RULES = "users_field_rules"
_APPLY_FIRST = (
    "run `frontdesk hasura apply` first; then `frontdesk fields plan` says what [fields] needs beside it"
)


@dataclass(frozen=True, kw_only=True)
class FieldsPlan(Plan):
    """The steps, and the migration among them; `gone` are columns that frontdesk fed before and feeds no more."""

    migration: FieldMigration = NO_MIGRATION
    gone: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class FieldsWritten:
    """What was written into a project; None for what it has already."""

    migration: Path | None
    metadata: Path | None


def plan_fields(
    url: str, admin_secret: str, directory: Path, rules: FieldRules, options: Options
) -> FieldsPlan:
    """Return what the Hasura at `url` lacks of these rules, and change nothing.

    `directory` is the project that `hasura apply` brings in; raises UsageError for one that is wrong, HasuraError.
    """
    with opened(url, admin_secret, directory, options) as (hasura, project):
        target = look_at(hasura, project)
        entry = tables_of(target.metadata, project.source).get((project.schema, USERS))
        catalog = target.catalog
        if (
            catalog is None
            or entry is None
            or not {USERS} <= catalog.tables
            or RULES not in catalog.functions
        ):
            return FieldsPlan(steps=(Step("table users", StepKind.CANNOT, _APPLY_FIRST),))
        table = read_table(hasura, project.source, project.schema, USERS)
        stored = _stored_rules(hasura, project)
    columns = {column.name: column for column in table.columns}
    missing = [rule for rule in rules.columns if rule.column not in columns]
    kept = {*OWN_COLUMNS, *(rule.column for rule in rules.rules)}
    gone = tuple(sorted(stored.keys() - kept))
    steps = [_column_step(rule, columns.get(rule.column)) for rule in rules.columns]
    steps += [
        Step(
            f"column {rule.column}",
            StepKind.CANNOT,
            f"its name in GraphQL, {rule.graphql_name}, is that of {other}",
        )
        for rule, other in clashes(entry, rules)
    ]
    steps.append(_rules_step(rules, stored))
    steps.append(_metadata_step(entry, with_fields(entry, rules, gone)))
    return FieldsPlan(
        steps=tuple(steps), migration=migration_for(rules, missing=missing, stored=stored), gone=gone
    )


def write_fields(plan: FieldsPlan, directory: Path, rules: FieldRules, *, now: datetime) -> FieldsWritten:
    """Write what a plan needs into the project `directory`, which is made as a copy of the one that ships if missing.

    What is there already is not written again. Raises HasuraBlocked when something stands in the way, UsageError.
    """
    if plan.obstacles:
        raise HasuraBlocked(f"{sentences(plan.obstacles)}\nNothing was written.")
    if not directory.exists():
        shutil.copytree(project_dir(), directory)
    project = read_project(directory)
    return FieldsWritten(
        migration=_write_migration(plan.migration, project, now),
        metadata=_write_metadata(directory, project, rules, plan.gone),
    )


def _stored_rules(hasura: AdminApi, project: Project) -> StoredRules:
    ((said,),) = hasura.select(f'select "{project.schema}".{RULES}()::text', source=project.source)
    rules = json.loads(said)
    return rules if isinstance(rules, dict) else {}


def _column_step(rule: FieldRule, there: Column | None) -> Step:
    what = f"column {rule.column}"
    if there is None:
        return Step(what, StepKind.CREATE, rule.type.sql)
    if there.type != rule.type.sql:
        return Step(
            what,
            StepKind.CANNOT,
            f"is there as {there.type}, and [fields] says {rule.type.value}, which is {rule.type.sql}: choose another "
            "column or type, or change the column's type in a migration of your own",
        )
    if there.not_null and rule.default is None:
        return Step(what, StepKind.CANNOT, "may not be empty, and Auth0 may have no value: give it a default")
    return Step(what, StepKind.KEEP, rule.type.sql)


def _rules_step(rules: FieldRules, stored: StoredRules) -> Step:
    wanted = rules.for_database()
    changed = sorted(column for column in {*wanted, *stored} if wanted.get(column) != stored.get(column))
    what = f"function {RULES}"
    return Step(what, StepKind.UPDATE, ", ".join(changed)) if changed else Step(what, StepKind.KEEP)


def _metadata_step(entry: Mapping[str, Any], wanted: Mapping[str, Any]) -> Step:
    changed = tuple(differences(entry, wanted))
    what = f"metadata of {USERS}"
    return Step(what, StepKind.UPDATE, ", ".join(changed)) if changed else Step(what, StepKind.KEEP)


def _write_migration(migration: FieldMigration, project: Project, now: datetime) -> Path | None:
    if not migration.up or any(each.name == NAME and each.up == migration.up for each in project.migrations):
        return None
    newest = project.migrations[-1]
    version = max(int(now.timestamp() * 1000), newest.version + 1)
    directory = newest.directory.parent / f"{version}_{NAME}"
    directory.mkdir()
    (directory / "up.sql").write_text(migration.up, encoding="utf-8")
    (directory / "down.sql").write_text(migration.down, encoding="utf-8")
    return directory


def _write_metadata(
    directory: Path, project: Project, rules: FieldRules, gone: tuple[str, ...]
) -> Path | None:
    path, entry = next(_users_files(directory), (None, None))
    if path is None or entry is None:
        raise UsageError(f"{directory}: no file of its metadata is that of the table {PUBLIC}.{USERS}")
    wanted = with_fields(entry, rules, gone)
    if wanted == entry:
        return None
    path.write_text(_yaml(wanted), encoding="utf-8")
    return path


def _users_files(directory: Path) -> Iterator[tuple[Path, Any]]:
    for path in sorted(directory.glob("metadata/databases/*/tables/*.yaml")):
        content = yaml.safe_load(path.read_text(encoding="utf-8").replace("!include", ""))
        if isinstance(content, dict) and table_key(content.get("table")) == (PUBLIC, USERS):
            yield path, content


def _yaml(entry: Mapping[str, Any]) -> str:
    # A comment that is wrapped would be a change, too.
    return yaml.dump(entry, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=4096)


class _Dumper(yaml.SafeDumper):
    """Writes lists as the `hasura` CLI does, indented below their key, so that a diff shows what changed alone."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        """Indent lists too."""
        super().increase_indent(flow, False)
