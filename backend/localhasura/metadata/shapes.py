"""The shape of metadata objects, judged before anything is looked up: what is wrong here is `parse-failed`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from localhasura.errors import unparsable
from localhasura.metadata.names import required

_NAMES = {dict: "Object", list: "Array", str: "String", bool: "Boolean"}
_PARSED = {dict: "Object", list: "List", str: "Text", bool: "Bool", int: "Int"}
_REQUIRED = {
    "select": ("columns", "filter"),
    "insert": ("check",),
    "update": ("columns", "filter"),
    "delete": ("filter",),
}
_PERMISSION = {
    "filter": dict,
    "check": dict,
    "set": dict,
    "limit": int,
    "allow_aggregations": bool,
    "backend_only": bool,
    "query_root_fields": list,
    "subscription_root_fields": list,
}
_CONFIGURATION = {
    "custom_name": str,
    "comment": str,
    "custom_root_fields": dict,
    "custom_column_names": dict,
    "column_config": dict,
}
_KEYS = ("foreign_key_constraint_on", "manual_configuration")


def expect(value: Any, kind: type, path: str) -> None:
    """Raise `parse-failed` unless the value is of this JSON kind; the words are those of Hasura's parser."""
    if isinstance(value, kind) and not (kind is int and isinstance(value, bool)):
        return
    found = "Null" if value is None else _kind_of(value)
    wanted = _NAMES.get(kind, "Number")
    message = f"parsing {_PARSED[kind]} failed, expected {wanted}, but encountered {found}"
    raise unparsable(message, path)


def _kind_of(value: Any) -> str:
    return _NAMES.get(type(value), "Number")


def check_permission(kind: str, permission: Any, path: str) -> None:
    """Raise for a permission whose members are missing or of another kind."""
    expect(permission, dict, path)
    for key in _REQUIRED[kind]:
        required(permission, key, path)
    _check_members(permission, _PERMISSION, path)
    columns = permission.get("columns")
    if columns is not None and columns != "*":
        expect(columns, list, f"{path}.columns")
        for index, name in enumerate(columns):
            expect(name, str, f"{path}.columns[{index}]")


def check_configuration(configuration: Any, path: str) -> None:
    """Raise for a table's configuration of another shape."""
    expect(configuration, dict, path)
    _check_members(configuration, _CONFIGURATION, path)
    for name, column in (configuration.get("column_config") or {}).items():
        expect(column, dict, f"{path}.column_config.{name}")


def check_using(using: Any, path: str) -> None:
    """Raise for a relationship's `using` that is neither of its two forms."""
    expect(using, dict, path)
    given = [key for key in _KEYS if using.get(key) is not None]
    if len(given) != 1:
        message = (
            "invalid relationship: expected exactly one of foreign_key_constraint_on, manual_configuration"
        )
        raise unparsable(message, path)
    if given == ["manual_configuration"]:
        manual = using["manual_configuration"]
        expect(manual, dict, f"{path}.manual_configuration")
        required(manual, "remote_table", f"{path}.manual_configuration")
        mapping = required(manual, "column_mapping", f"{path}.manual_configuration")
        expect(mapping, dict, f"{path}.manual_configuration.column_mapping")


def _check_members(value: Mapping[str, Any], kinds: Mapping[str, type], path: str) -> None:
    for key, kind in kinds.items():
        if value.get(key) is not None:
            expect(value[key], kind, f"{path}.{key}")
