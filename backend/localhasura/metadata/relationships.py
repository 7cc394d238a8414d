"""Relationships: from their metadata, through foreign keys or by hand, to column pairs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from localhasura.boolexp import Relationship
from localhasura.catalog import ForeignKey, TableName
from localhasura.errors import EngineError
from localhasura.jsontext import is_graphql_name
from localhasura.metadata.model import TrackedTable
from localhasura.metadata.names import table_name
from localhasura.metadata.rule_values import RuleError

RELATIONSHIP_KINDS = {"object_relationships": "object_relation", "array_relationships": "array_relation"}

Tables = Mapping[TableName, TrackedTable]


class MissingGroundError(RuleError):
    """A relationship is right in itself, but what it leads to, or a column it names, is not there."""


def relationship_from(
    definition: Mapping[str, Any], table: TrackedTable, tables: Tables, *, source: str, is_array: bool
) -> Relationship:
    """Return the relationship that a metadata entry defines; raises RuleError."""
    name, using = definition["name"], definition["using"]
    if not is_graphql_name(name):
        raise RuleError(f'"{name}" is not a valid GraphQL name')
    try:
        found = _relationship(name, using, table, tables, source=source, is_array=is_array)
    except EngineError as error:
        raise RuleError(error.message) from None
    target = _tracked(found.target, tables)
    for local, remote in found.mapping:
        _column_of(table, local)
        _column_of(target, remote)
    return replace(found, comment=definition.get("comment"))


def _relationship(
    name: str, using: Any, table: TrackedTable, tables: Tables, *, source: str, is_array: bool
) -> Relationship:
    if not isinstance(using, dict):
        raise RuleError("using: expected an object")
    manual, key = using.get("manual_configuration"), using.get("foreign_key_constraint_on")
    if manual is not None:
        return _manual(name, manual, is_array)
    if isinstance(key, dict) and "table" in key:
        columns = _column_list(key.get("columns", key.get("column")))
        other = tables.get(table_name(key["table"]))
        if other is None:
            missing = table_name(key["table"])
            raise RuleError(f'table "{missing}" does not exist in source: {source}')
        return _through_their_key(name, columns, table, other, is_array)
    if key is None or is_array:
        raise RuleError("using: expected foreign_key_constraint_on or manual_configuration")
    return _through_own_key(name, _column_list(key), table)


def _manual(name: str, manual: Mapping[str, Any], is_array: bool) -> Relationship:
    mapping = manual.get("column_mapping")
    if not isinstance(mapping, dict):
        raise RuleError("manual_configuration: column_mapping is missing")
    after = is_array or manual.get("insertion_order") == "after_parent"
    target = table_name(manual.get("remote_table"))
    return Relationship(name, is_array, target, tuple(mapping.items()), True, after)


def _through_own_key(name: str, columns: list[str], table: TrackedTable) -> Relationship:
    key = _foreign_key(table, columns)
    mapping = tuple(zip(key.columns, key.target_columns, strict=True))
    nullable = any(table.catalog.columns[column].nullable for column in key.columns)
    return Relationship(name, False, key.target, mapping, nullable)


def _through_their_key(
    name: str, columns: list[str], table: TrackedTable, other: TrackedTable, is_array: bool
) -> Relationship:
    key = _foreign_key(other, columns, table.name)
    mapping = tuple(zip(key.target_columns, key.columns, strict=True))
    return Relationship(name, is_array, other.name, mapping, True, insert_after_parent=True)


def _tracked(name: TableName, tables: Tables) -> TrackedTable:
    found = tables.get(name)
    if found is None:
        raise MissingGroundError(f'table "{name}" is not tracked')
    return found


def _foreign_key(table: TrackedTable, columns: list[str], target: TableName | None = None) -> ForeignKey:
    keys = [
        key
        for key in table.catalog.foreign_keys
        if set(key.columns) == set(columns) and target in (None, key.target)
    ]
    if not keys:
        raise RuleError("no foreign constraint exists on the given column(s)")
    if len(keys) > 1:
        raise RuleError("more than one foreign key constraint exists on the given column(s)")
    return keys[0]


def _column_list(value: Any) -> list[str]:
    columns = [value] if isinstance(value, str) else value
    if not isinstance(columns, list) or not columns or not all(isinstance(item, str) for item in columns):
        raise RuleError("foreign_key_constraint_on: expected a column or a list of columns")
    return columns


def _column_of(table: TrackedTable, name: str) -> None:
    if name not in table.catalog.columns:
        raise MissingGroundError(f'table "{table.name}" has no field named "{name}"')
