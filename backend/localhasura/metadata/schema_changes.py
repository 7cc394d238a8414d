"""Lets metadata follow what SQL did to its tables: renames are followed, drops and type changes need room.

Tables and columns are known by PostgreSQL's own identifiers before and after, as in Hasura: a table that was dropped
and made again is another table.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import psycopg

from localhasura.catalog import TableName
from localhasura.errors import EngineError
from localhasura.metadata.document import Entry, find_table, remove_table
from localhasura.metadata.names import table_name
from localhasura.metadata.permissions import PERMISSION_KINDS
from localhasura.metadata.references import Tables, Visitor, visit_permission, visit_relationship
from localhasura.metadata.relationships import RELATIONSHIP_KINDS

_IDENTITIES = b"""
SELECT c.oid, n.nspname, c.relname,
       coalesce(json_object_agg(a.attnum, json_build_array(a.attname, a.atttypid)) FILTER (WHERE a.attnum > 0), '{}')
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
 WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname NOT IN ('pg_catalog', 'information_schema')
 GROUP BY 1, 2, 3
"""


@dataclass(frozen=True)
class Identity:
    """A table's name, and its columns' names and types by their numbers."""

    name: TableName
    columns: Mapping[str, tuple[str, int]]


@dataclass
class Changes:
    """What became of the tracked tables; everything is told in the former names."""

    dropped: set[TableName] = field(default_factory=set)
    renamed: dict[TableName, TableName] = field(default_factory=dict)
    dropped_columns: set[tuple[TableName, str]] = field(default_factory=set)
    renamed_columns: dict[tuple[TableName, str], str] = field(default_factory=dict)
    retyped_columns: set[tuple[TableName, str]] = field(default_factory=set)


@dataclass(frozen=True)
class Dependent:
    """A metadata object that refers to something that went away."""

    label: str
    locate: tuple[str, str, str]


def identities(connection: psycopg.Connection[Any]) -> dict[int, Identity]:
    """Return the database's tables by object identifier."""
    return {
        oid: Identity(TableName(schema, name), {key: (each[0], each[1]) for key, each in columns.items()})
        for oid, schema, name, columns in connection.execute(_IDENTITIES).fetchall()
    }


def changes_between(
    before: Mapping[int, Identity], after: Mapping[int, Identity], tracked: Tables
) -> Changes:
    """Return what happened to the tracked tables."""
    changes = Changes()
    for oid, former in before.items():
        if former.name not in tracked:
            continue
        now = after.get(oid)
        if now is None:
            changes.dropped.add(former.name)
            continue
        if now.name != former.name:
            changes.renamed[former.name] = now.name
        _compare_columns(former, now, changes)
    return changes


def _compare_columns(former: Identity, now: Identity, changes: Changes) -> None:
    for number, (name, kind) in former.columns.items():
        key = (former.name, name)
        if number not in now.columns:
            changes.dropped_columns.add(key)
        elif now.columns[number][0] != name:
            changes.renamed_columns[key] = now.columns[number][0]
        elif now.columns[number][1] != kind:
            changes.retyped_columns.add(key)


class _Collected(Visitor):
    """Keeps what a definition refers to."""

    def __init__(self) -> None:
        self.columns: set[tuple[TableName, str]] = set()
        self.typed: set[tuple[TableName, str]] = set()
        self.tables: set[TableName] = set()
        self.relationships: set[tuple[TableName, str]] = set()

    def column(self, table: TableName, name: str, *, typed: bool = False) -> str:
        self.columns.add((table, name))
        self.tables.add(table)
        if typed:
            self.typed.add((table, name))
        return name

    def relationship(self, table: TableName, name: str) -> str:
        self.relationships.add((table, name))
        return name

    def table(self, name: TableName) -> TableName:
        self.tables.add(name)
        return name


def _objects(source: Entry, tables: Tables) -> Iterator[tuple[Dependent, _Collected]]:
    suffix = f'in source "{source["name"]}"'
    for entry in source["tables"]:
        name = table_name(entry["table"])
        table = tables.get(name)
        if table is None:
            continue
        for key in RELATIONSHIP_KINDS:
            for definition in entry.get(key, []):
                found = _Collected()
                visit_relationship(definition, table, tables, found)
                label = f"relationship {name}.{definition['name']} {suffix}"
                yield Dependent(label, (key, str(name), definition["name"])), found
        for key, kind in PERMISSION_KINDS.items():
            for definition in entry.get(key, []):
                found = _Collected()
                visit_permission(definition["permission"], table, tables, found)
                label = f"permission {name}.{definition['role']}.{kind} {suffix}"
                yield Dependent(label, (key, str(name), definition["role"])), found


def dependents_of_drops(source: Entry, tables: Tables, changes: Changes) -> list[Dependent]:
    """Return the objects of other tables, or of columns' own tables, that a drop leaves without ground."""
    gone = {str(name) for name in changes.dropped}
    return [
        dependent
        for dependent, refers in _objects(source, tables)
        if dependent.locate[1] not in gone
        and (refers.tables & changes.dropped or refers.columns & changes.dropped_columns)
    ]


def dependents_on_relationship(source: Entry, tables: Tables, table: TableName, name: str) -> list[Dependent]:
    """Return the permissions whose rules go through a relationship."""
    return [
        dependent for dependent, refers in _objects(source, tables) if (table, name) in refers.relationships
    ]


def dependents_on_table(source: Entry, tables: Tables, table: TableName) -> list[Dependent]:
    """Return the objects of other tables that refer to a table."""
    return dependents_of_drops(source, tables, Changes(dropped={table}))


def dependency_error(dependents: list[Dependent]) -> EngineError:
    """Return the error for dropping something that other metadata needs."""
    listed = ", ".join(sorted(each.label for each in dependents))
    return EngineError("dependency-error", f"cannot drop due to the following dependent objects: {listed}")


def remove_dependents(source: Entry, dependents: list[Dependent]) -> None:
    """Take objects out of the metadata."""
    for key, table, name in (each.locate for each in dependents):
        for entry in source["tables"]:
            if str(table_name(entry["table"])) == table:
                kept = [each for each in entry.get(key, []) if each.get("name", each.get("role")) != name]
                entry[key] = kept


def refuse_type_changes(source: Entry, tables: Tables, changes: Changes) -> None:
    """Raise for a column whose type changed while a permission holds a fixed value of the former type."""
    for table, column in sorted(changes.retyped_columns):
        found = [each.label for each, refers in _objects(source, tables) if (table, column) in refers.typed]
        if found:
            message = f'cannot change type of column "{column}" in table "{table}" because of the following '
            raise EngineError("dependency-error", f"{message}dependencies: {', '.join(sorted(found))}")


class _Renamed(Visitor):
    def __init__(self, changes: Changes) -> None:
        self._changes = changes

    def column(self, table: TableName, name: str, *, typed: bool = False) -> str:
        return self._changes.renamed_columns.get((table, name), name)

    def table(self, name: TableName) -> TableName:
        return self._changes.renamed.get(name, name)


class _RenamedRelationship(Visitor):
    def __init__(self, table: TableName, former: str, new: str) -> None:
        self._table, self._former, self._new = table, former, new

    def relationship(self, table: TableName, name: str) -> str:
        return self._new if (table, name) == (self._table, self._former) else name


def rename_relationship(source: Entry, tables: Tables, table: TableName, former: str, new: str) -> None:
    """Rename a relationship, and let the rules that go through it follow."""
    _rewrite(source, tables, _RenamedRelationship(table, former, new))
    for key in RELATIONSHIP_KINDS:
        for definition in (find_table(source, table) or {}).get(key, []):
            if definition["name"] == former:
                definition["name"] = new


def apply_changes(source: Entry, tables: Tables, changes: Changes) -> bool:
    """Make the source's metadata follow the changes; return whether anything in it had to."""
    for name in changes.dropped:
        remove_table(source, name)
    if changes.renamed or changes.renamed_columns:
        _rewrite(source, tables, _Renamed(changes))
    touched = bool(changes.dropped or changes.renamed or changes.renamed_columns)
    for entry in source["tables"]:
        name = table_name(entry["table"])
        touched = _follow_in_configuration(entry, name, changes) or touched
        if name in changes.renamed:
            entry["table"] = changes.renamed[name].json()
    return touched


def _rewrite(source: Entry, tables: Tables, visitor: Visitor) -> None:
    for entry in source["tables"]:
        table = tables.get(table_name(entry["table"]))
        if table is None:
            continue
        for key in RELATIONSHIP_KINDS:
            listed = entry.get(key, [])
            entry[key] = [visit_relationship(each, table, tables, visitor) for each in listed]
        for key in PERMISSION_KINDS:
            entry[key] = [
                {**each, "permission": visit_permission(each["permission"], table, tables, visitor)}
                for each in entry.get(key, [])
            ]


def _follow_in_configuration(entry: Entry, name: TableName, changes: Changes) -> bool:
    """Take custom names of dropped columns out and move those of renamed ones."""
    configuration = entry.get("configuration") or {}
    touched = False
    for key in ("custom_column_names", "column_config"):
        known = configuration.get(key) or {}
        kept = {
            changes.renamed_columns.get((name, column), column): value
            for column, value in known.items()
            if (name, column) not in changes.dropped_columns
        }
        if list(kept) != list(known):
            configuration[key], touched = kept, True
    return touched
