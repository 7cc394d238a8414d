"""What the metadata of `users` becomes under `[fields]`: names of columns, and who may read and write them.

frontdesk writes what it feeds, and what is fed once it never changes. A person reads of their own row what they could
read at Auth0: nothing that comes from app_metadata. A column of the application gets a name alone; its permissions
are the application's.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from frontdesk.errors import HasuraBlocked, HasuraRejected
from frontdesk.hasura.admin_api import AdminApi
from frontdesk.hasura.metadata_merge import (
    PERMISSIONS,
    RELATIONSHIPS,
    Entry,
    TableKey,
    roles_of,
    table_key,
    tables_of,
)
from frontdesk.hasura.planning import USERS
from frontdesk.hasura.project import Project
from frontdesk.identity.fields import FieldRule, FieldRules, Owner

_COLUMNS = """
select attname from pg_attribute where attrelid = to_regclass('{table}') and attnum > 0 and not attisdropped
"""


def with_fields(entry: Mapping[str, Any], rules: FieldRules, gone: Iterable[str] = ()) -> Entry:
    """Return the entry of `users` with the columns of `rules`; frontdesk lets go of those that are `gone`."""
    made: Entry = copy.deepcopy(dict(entry))
    _name_columns(made, rules)
    fed = [rule for rule in rules.columns if rule.owner is not Owner.APP]
    for kind, role, columns in _permissions(fed):
        _permit(
            made,
            kind,
            role,
            columns,
            frozenset(gone) | _not_fed(rules) if role == "frontdesk" else frozenset(),
        )
    return made


def with_mapped_columns(hasura: AdminApi, project: Project, rules: FieldRules) -> Project:
    """Return the project with the columns of `rules` that its target has: whatever project is applied, they stay."""
    if not rules.columns:
        return project
    table = f'"{project.schema}"."{USERS}"'
    try:
        there = {name for (name,) in hasura.select(_COLUMNS.format(table=table), source=project.source)}
    except HasuraRejected:
        return project  # the source is not there yet, or cannot be used: whoever looks at the target says so
    mapped = FieldRules(rule for rule in rules.rules if rule.is_ours or rule.column in there)
    (source,) = project.metadata["sources"]
    tables = [
        with_fields(table, mapped) if table_key(table["table"]) == (project.schema, USERS) else table
        for table in project.tables
    ]
    return replace(project, metadata={**project.metadata, "sources": [{**source, "tables": tables}]})


def without_columns(
    document: Mapping[str, Any], project: Project, gone: frozenset[tuple[str, str]]
) -> dict[str, Any]:
    """Return metadata without columns of the project's tables, given by table and name.

    Raises HasuraBlocked when a permission of somebody else's has one of them.
    """
    made: dict[str, Any] = copy.deepcopy(dict(document))
    ours = roles_of(project.tables)
    for key, entry in tables_of(made, project.source).items():
        columns = {column for table, column in gone if (project.schema, table) == key}
        if columns:
            _forget_columns(key, entry, columns, ours)
    return made


def _forget_columns(key: TableKey, entry: Entry, columns: set[str], ours: frozenset[str]) -> None:
    configuration = entry.get("configuration") or {}
    for names in ("column_config", "custom_column_names"):
        for column in columns & (configuration.get(names) or {}).keys():
            del configuration[names][column]
    for kind in PERMISSIONS:
        for permission in entry.get(kind) or ():
            role, said = permission.get("role"), permission.get("permission") or {}
            if role in ours and isinstance(said.get("columns"), list):
                said["columns"] = [column for column in said["columns"] if column not in columns]
            if named := columns & _names_in(said):
                raise HasuraBlocked(
                    f"{kind} of the role {role} on {'.'.join(key)} has the column {sorted(named)[0]}, which would go: "
                    "take it out of Hasura first. Nothing was changed"
                )


def _names_in(value: Any) -> set[str]:
    """Return every key and text inside a permission: any of them may be a column."""
    if isinstance(value, Mapping):
        return {*map(str, value)}.union(*map(_names_in, value.values()))
    if isinstance(value, list):
        return set().union(*map(_names_in, value))
    return {value} if isinstance(value, str) else set()


def clashes(entry: Mapping[str, Any], rules: FieldRules) -> Iterator[tuple[FieldRule, str]]:
    """Give the rules whose name in GraphQL a relationship or another column has, with what has it."""
    taken = {str(each["name"]): "a relationship" for kind in RELATIONSHIPS for each in entry.get(kind) or ()}
    named = (entry.get("configuration") or {}).get("column_config") or {}
    for column, said in named.items():
        taken[str(said.get("custom_name"))] = f"the column {column}"
    for rule in rules.columns:
        other = taken.get(rule.graphql_name)
        if other is not None and other != f"the column {rule.column}":
            yield rule, other


def _name_columns(entry: Entry, rules: FieldRules) -> None:
    renamed = {rule.column: rule.graphql_name for rule in rules.columns if rule.column != rule.graphql_name}
    if not renamed:
        return
    configuration = entry.setdefault("configuration", {})
    config = {**(configuration.get("column_config") or {})}
    config |= {column: {**config.get(column, {}), "custom_name": name} for column, name in renamed.items()}
    configuration["column_config"] = dict(sorted(config.items()))
    # What the CLI writes beside it for older engines.
    if former := configuration.get("custom_column_names"):
        configuration["custom_column_names"] = dict(sorted({**former, **renamed}.items()))


def _permissions(fed: list[FieldRule]) -> Iterator[tuple[str, str, list[str]]]:
    every = [rule.column for rule in fed]
    yield "insert_permissions", "frontdesk", every
    yield "update_permissions", "frontdesk", [rule.column for rule in fed if rule.owner is Owner.AUTH0]
    yield "select_permissions", "frontdesk", every
    yield "select_permissions", "user_admin", every
    yield "select_permissions", "user", [rule.column for rule in fed if rule.group != "app_metadata"]


def _not_fed(rules: FieldRules) -> frozenset[str]:
    """Return the columns that frontdesk has to let go of because the application owns them now, or fills them once."""
    return frozenset(rule.column for rule in rules.columns if rule.owner is not Owner.AUTH0)


def _permit(entry: Entry, kind: str, role: str, columns: list[str], gone: frozenset[str]) -> None:
    for permission in entry.get(kind) or ():
        listed = permission.get("permission", {}).get("columns")
        if permission.get("role") == role and isinstance(listed, list):
            permission["permission"]["columns"] = sorted({*listed} - gone | {*columns})
