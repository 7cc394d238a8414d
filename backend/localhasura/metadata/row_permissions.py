"""What a role may do with the row commands of the first API, judged before they are asked as GraphQL."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from localhasura.catalog import TableName
from localhasura.errors import EngineError, unsupported
from localhasura.metadata.model import ADMIN, RolePermissions, TrackedTable
from localhasura.operators import canonical

Tables = Mapping[TableName, TrackedTable]
Args = Mapping[str, Any]

_OF_COMMANDS = {"count": "select"}
_WRITTEN = ("_set", "_inc")


def permitted(kind: str, table: TrackedTable, tables: Tables, role: str, args: Args) -> dict[str, Any]:
    """Return a command's arguments with `*` written out; raises EngineError for what the role may not do."""
    permissions = table.for_role(role)
    operation = _OF_COMMANDS.get(kind, kind)
    _expect_permission(operation, permissions, table, role)
    made = dict(args)
    if kind == "count" and permissions.select and not permissions.select.allow_aggregations:
        raise unsupported("count needs allow_aggregations in this engine", "$.args")
    if kind == "select":
        made["columns"] = _columns(args.get("columns"), table, tables, role, "$.args.columns")
    if kind == "insert":
        _check_inserted(args.get("objects"), table, role)
    if kind == "update":
        _check_updated(args, table, role)
    if args.get("returning"):
        _expect_permission("select", permissions, table, role)
        made["returning"] = _columns(args["returning"], table, tables, role, "$.args.returning")
    return made


def _expect_permission(operation: str, permissions: RolePermissions, table: TrackedTable, role: str) -> None:
    if getattr(permissions, operation) is None:
        message = f'{operation} on "{table.name}" for role "{role}" is not allowed. '
        raise EngineError("permission-denied", message, path="$.args")


def _columns(columns: Any, table: TrackedTable, tables: Tables, role: str, path: str) -> Any:
    """Return a list of columns and relationships with `*` written out; another shape is left as it is."""
    select = table.for_role(role).select
    if not isinstance(columns, list) or select is None:
        return columns
    made: list[Any] = []
    for index, each in enumerate(columns):
        here = f"{path}[{index}]"
        if each == "*":
            made += [name for name in table.column_names if name in select.columns]
        elif isinstance(each, str):
            _expect_column(each, select.columns, role, "select", here)
            made.append(each)
        elif isinstance(each, dict) and "name" in each:
            made.append(_related(each, table, tables, role, here))
        else:
            made.append(each)
    return made


def _related(each: dict[str, Any], table: TrackedTable, tables: Tables, role: str, path: str) -> Any:
    relationship = table.relationships.get(each["name"])
    if relationship is None:
        message = f'relationship "{each["name"]}" does not exist'
        raise EngineError("not-exists", message, path=f"{path}.name")
    target = tables[relationship.target]
    _expect_permission("select", target.for_role(role), target, role)
    return {**each, "columns": _columns(each.get("columns"), target, tables, role, f"{path}.columns")}


def _check_inserted(objects: Any, table: TrackedTable, role: str) -> None:
    insert = table.for_role(role).insert
    if insert is None or not isinstance(objects, list):
        return
    for index, each in enumerate(objects):
        for name in each if isinstance(each, dict) else ():
            path = f"$.args.objects[{index}]"
            if name in insert.presets:
                message = f'column "{name}" is not insertable for role "{role}"'
                raise EngineError("permission-denied", message, path=path)
            if name in table.column_names:
                _expect_column(name, insert.columns, role, "insert", path)


def _check_updated(args: Args, table: TrackedTable, role: str) -> None:
    update = table.for_role(role).update
    if update is None:
        return
    for key, values in args.items():
        if canonical(key) not in _WRITTEN or not isinstance(values, dict):
            continue
        for name in values:
            if name in update.presets:
                told = "its value is predefined in permission"
                message = f'column "{name}" is not updatable for role "{role}"; {told}'
                raise EngineError("permission-denied", message, path=f"$.args.{key}")
            if name in table.column_names:
                _expect_column(name, update.columns, role, "update", f"$.args.{key}")


def _expect_column(name: str, allowed: frozenset[str], role: str, operation: str, path: str) -> None:
    if name in allowed:
        return
    message = f'role "{role}" does not have permission to {operation} column "{name}"'
    if role == ADMIN:
        message = f'no such column exists : "{name}"'
    raise EngineError("permission-denied", message, path=path)
