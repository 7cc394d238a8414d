"""Permissions: from their metadata to the records that the schema and the compiler use."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from localhasura.boolexp import BoolExp
from localhasura.catalog import TableName
from localhasura.errors import unsupported
from localhasura.metadata.model import (
    NOTHING,
    DeletePermission,
    InsertPermission,
    RolePermissions,
    SelectPermission,
    TrackedTable,
    UpdatePermission,
)
from localhasura.metadata.rule_values import RuleError
from localhasura.metadata.rules import parse_presets, parse_rule

PERMISSION_KINDS = {
    "select_permissions": "select",
    "insert_permissions": "insert",
    "update_permissions": "update",
    "delete_permissions": "delete",
}
_ROOT_FIELDS = frozenset({"select", "select_by_pk", "select_aggregate", "select_stream"})
_INFERRED = "permissions for relationships are automatically inferred"
_NO_COLUMN = "Only table columns can have {} permissions defined, not relationships or other field types"
_UNSUPPORTED = ("validate_input", "computed_fields")

Tables = Mapping[TableName, TrackedTable]


def refuse_unsupported(permission: Any, path: str) -> None:
    """Raise `not-supported` when a permission that comes in asks for what is not here."""
    for key in _UNSUPPORTED:
        if isinstance(permission, dict) and permission.get(key):
            raise unsupported(f'"{key}" of a permission is not supported by this engine', f"{path}.{key}")


def add_permission(table: TrackedTable, tables: Tables, kind: str, role: str, permission: Any) -> None:
    """Put a role's permission on the table; raises RuleError when it does not fit."""
    if not isinstance(permission, dict):
        raise RuleError("permission: expected an object")
    for key in _UNSUPPORTED:
        if permission.get(key):
            raise RuleError(f"{key} is not supported by this engine")
    known = table.permissions.get(role, NOTHING)
    table.permissions[role] = _READERS[kind](known, permission, table, tables)


def _select(
    known: RolePermissions, permission: Mapping[str, Any], table: TrackedTable, tables: Tables
) -> RolePermissions:
    limit = permission.get("limit")
    if limit is not None and (not isinstance(limit, int) or limit < 0):
        raise RuleError("limit: expected a non-negative integer")
    select = SelectPermission(
        columns=_columns(permission, table, "select"),
        filter=_rule(permission, "filter", table, tables),
        limit=limit,
        allow_aggregations=bool(permission.get("allow_aggregations")),
        query_root_fields=_root_fields(permission.get("query_root_fields")),
        subscription_root_fields=_root_fields(permission.get("subscription_root_fields")),
    )
    _check_root_fields(select, table)
    return replace(known, select=select)


def _insert(
    known: RolePermissions, permission: Mapping[str, Any], table: TrackedTable, tables: Tables
) -> RolePermissions:
    presets = parse_presets(permission.get("set"), table)
    insert = InsertPermission(
        columns=_columns(permission, table, "insert") - presets.keys(),
        check=_rule(permission, "check", table, tables),
        presets=presets,
        backend_only=bool(permission.get("backend_only")),
    )
    return replace(known, insert=insert)


def _update(
    known: RolePermissions, permission: Mapping[str, Any], table: TrackedTable, tables: Tables
) -> RolePermissions:
    presets = parse_presets(permission.get("set"), table)
    check = permission.get("check")
    update = UpdatePermission(
        columns=_columns(permission, table, "update") - presets.keys(),
        filter=_rule(permission, "filter", table, tables),
        check=None if check is None else parse_rule(check, table, tables),
        presets=presets,
        backend_only=bool(permission.get("backend_only")),
    )
    return replace(known, update=update)


def _delete(
    known: RolePermissions, permission: Mapping[str, Any], table: TrackedTable, tables: Tables
) -> RolePermissions:
    delete = DeletePermission(
        filter=_rule(permission, "filter", table, tables), backend_only=bool(permission.get("backend_only"))
    )
    return replace(known, delete=delete)


_READERS: Mapping[
    str, Callable[[RolePermissions, Mapping[str, Any], TrackedTable, Tables], RolePermissions]
] = {
    "select": _select,
    "insert": _insert,
    "update": _update,
    "delete": _delete,
}


def _rule(permission: Mapping[str, Any], key: str, table: TrackedTable, tables: Tables) -> BoolExp:
    if permission.get(key) is None:
        raise RuleError(f'key "{key}" not found')
    return parse_rule(permission[key], table, tables)


def _columns(permission: Mapping[str, Any], table: TrackedTable, kind: str) -> frozenset[str]:
    columns = permission.get("columns")
    if columns == "*" or (columns is None and kind == "insert"):
        return frozenset(table.catalog.columns)
    if not isinstance(columns, list):
        raise RuleError("columns: expected '*' or a list of columns")
    for name in columns:
        if name in table.relationships:
            told = f'expecting a database column; but, "{name}" is a relationship; '
            raise RuleError(told + (_INFERRED if kind == "select" else _NO_COLUMN.format(kind)))
        if name not in table.catalog.columns:
            raise RuleError(f'column "{name}" does not exist')
    return frozenset(columns)


def _check_root_fields(select: SelectPermission, table: TrackedTable) -> None:
    listed = (select.query_root_fields or frozenset()) | (select.subscription_root_fields or frozenset())
    where = "the query_root_fields or subscription_root_fields"
    if "select_aggregate" in listed and not select.allow_aggregations:
        raise RuleError(
            f'The "select_aggregate" root field can only be enabled in {where} when "allow_aggregations" is set to true'
        )
    key = table.catalog.primary_key
    if "select_by_pk" in listed and not (key and all(column.name in select.columns for column in key)):
        raise RuleError(
            f'The "select_by_pk" field cannot be included in {where} because the role does not have access to '
            f'the primary key of the table "{table.name}"'
        )


def _root_fields(value: Any) -> frozenset[str] | None:
    if value is None:
        return None
    if not isinstance(value, list) or not _ROOT_FIELDS.issuperset(value):
        raise RuleError(f"root fields: expected some of {', '.join(sorted(_ROOT_FIELDS))}")
    return frozenset(value)
