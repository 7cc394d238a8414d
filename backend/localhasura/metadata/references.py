"""What metadata objects refer to: one walk over definitions, which either collects the names or writes others.

A definition is read as the tables stood when it was made: `tables` are the tracked tables of that moment.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from localhasura.catalog import TableName
from localhasura.metadata.document import Entry
from localhasura.metadata.model import TrackedTable
from localhasura.metadata.names import table_name
from localhasura.metadata.rules import session_variable
from localhasura.operators import COLUMN_OPERATORS, canonical

Tables = Mapping[TableName, TrackedTable]
_RULES = ("filter", "check")


class Visitor:
    """Meets every name in a definition and answers with the name that shall stand there."""

    def column(self, table: TableName, name: str, *, typed: bool = False) -> str:
        """A column; `typed` when a fixed value beside it has the column's type."""
        return name

    def relationship(self, table: TableName, name: str) -> str:
        return name

    def table(self, name: TableName) -> TableName:
        return name


def visit_relationship(definition: Entry, table: TrackedTable, tables: Tables, visitor: Visitor) -> Entry:
    """Return a relationship's definition with the visitor's names."""
    using = definition["using"]
    manual, key = using.get("manual_configuration"), using.get("foreign_key_constraint_on")
    if manual:
        target = table_name(manual["remote_table"])
        mapping = {
            visitor.column(table.name, local): visitor.column(target, remote)
            for local, remote in manual["column_mapping"].items()
        }
        told = {**manual, "remote_table": visitor.table(target).json(), "column_mapping": mapping}
        return {**definition, "using": {**using, "manual_configuration": told}}
    if isinstance(key, dict) and "table" in key:
        target = table_name(key["table"])
        renamed = {
            name: _columns(key[name], target, visitor) for name in ("column", "columns") if key.get(name)
        }
        told = {**key, **renamed, "table": visitor.table(target).json()}
        return {**definition, "using": {**using, "foreign_key_constraint_on": told}}
    own = _columns(key, table.name, visitor)
    found = table.relationships.get(definition["name"])
    if found is not None:
        visitor.table(found.target)
        for _, remote in found.mapping:
            visitor.column(found.target, remote)
    return {**definition, "using": {**using, "foreign_key_constraint_on": own}}


def _columns(value: Any, table: TableName, visitor: Visitor) -> Any:
    if isinstance(value, list):
        return [visitor.column(table, name) for name in value]
    return visitor.column(table, value) if isinstance(value, str) else value


def visit_permission(permission: Entry, table: TrackedTable, tables: Tables, visitor: Visitor) -> Entry:
    """Return a permission (what stands under `permission`) with the visitor's names."""
    made = dict(permission)
    columns = permission.get("columns")
    if columns == "*" or (columns is None and "check" in permission and "filter" not in permission):
        for name in table.catalog.columns:
            visitor.column(table.name, name)
    elif isinstance(columns, list):
        made["columns"] = [visitor.column(table.name, name) for name in columns]
    if isinstance(permission.get("set"), dict):
        made["set"] = {
            visitor.column(table.name, name, typed=session_variable(value) is None): value
            for name, value in permission["set"].items()
        }
    for key in _RULES:
        if isinstance(permission.get(key), dict):
            made[key] = _RuleWalk(tables, visitor, table).expression(permission[key], table)
    return made


class _RuleWalk:
    def __init__(self, tables: Tables, visitor: Visitor, root: TrackedTable) -> None:
        self._tables, self._visitor, self._root = tables, visitor, root

    def expression(self, rule: Any, table: TrackedTable) -> Any:
        if not isinstance(rule, dict):
            return rule
        return dict(self._member(name, value, table) for name, value in rule.items())

    def _member(self, name: str, value: Any, table: TrackedTable) -> tuple[str, Any]:
        if name in table.catalog.columns:
            compared = self._comparisons(value, table)
            return self._visitor.column(table.name, name, typed=_has_fixed_value(value)), compared
        relationship = table.relationships.get(name)
        if relationship is not None:
            inner = self.expression(value, self._tables[relationship.target])
            return self._visitor.relationship(table.name, name), inner
        if canonical(name) == "_exists" and isinstance(value, dict):
            return name, self._exists(value)
        aggregated = table.relationships.get(name.removesuffix("_aggregate"))
        if aggregated is not None and isinstance(value, dict):
            inner = self._tables[aggregated.target]
            told = {function: self._aggregate(asked, inner) for function, asked in value.items()}
            return self._visitor.relationship(table.name, aggregated.name) + "_aggregate", told
        if isinstance(value, list):
            return name, [self.expression(part, table) for part in value]
        return name, self.expression(value, table)

    def _aggregate(self, asked: Any, table: TrackedTable) -> Any:
        if not isinstance(asked, dict):
            return asked
        made = dict(asked)
        if "filter" in asked:
            made["filter"] = self.expression(asked["filter"], table)
        match asked.get("arguments"):
            case str(name):
                made["arguments"] = self._visitor.column(table.name, name)
            case [*names]:
                made["arguments"] = [self._visitor.column(table.name, name) for name in names]
            case {"X": str(first), "Y": str(second)}:
                columns = (self._visitor.column(table.name, name) for name in (first, second))
                made["arguments"] = dict(zip(("X", "Y"), columns, strict=True))
        return made

    def _exists(self, asked: dict[str, Any]) -> dict[str, Any]:
        made = dict(asked)
        for key in ("_table", "$table"):
            if key in asked:
                name = table_name(asked[key])
                made[key] = self._visitor.table(name).json()
                made |= self._where(asked, name)
        return made

    def _where(self, asked: dict[str, Any], name: TableName) -> dict[str, Any]:
        other = self._tables.get(name)
        if other is None:
            return {}
        return {key: self.expression(asked[key], other) for key in ("_where", "$where") if key in asked}

    def _comparisons(self, value: Any, table: TrackedTable) -> Any:
        if not isinstance(value, dict):
            return value
        return {
            name: self._column_operand(operand, table) if canonical(name) in COLUMN_OPERATORS else operand
            for name, operand in value.items()
        }

    def _column_operand(self, value: Any, table: TrackedTable) -> Any:
        match value:
            case str(name):
                return self._visitor.column(table.name, name)
            case [str(name)]:
                return [self._visitor.column(table.name, name)]
            case ["$", str(name)]:
                return ["$", self._visitor.column(self._root.name, name)]
        return value


def _has_fixed_value(value: Any) -> bool:
    """Whether a comparison holds a value of the column's type: neither a session variable, a column nor a test."""
    if not isinstance(value, dict):
        return session_variable(value) is None
    untyped = COLUMN_OPERATORS.keys() | {"_is_null", "_cast"}
    return any(
        canonical(name) not in untyped and session_variable(operand) is None
        for name, operand in value.items()
    )
