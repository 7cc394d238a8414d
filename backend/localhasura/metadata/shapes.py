"""The shape of metadata objects, judged before anything is looked up: what is wrong here is `parse-failed`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from localhasura.errors import unparsable
from localhasura.jsontext import is_graphql_name
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
_ROOT_FIELDS = frozenset(
    [
        "select",
        "select_by_pk",
        "select_aggregate",
        "select_stream",
        "insert",
        "insert_one",
        "update",
        "update_by_pk",
        "update_many",
        "delete",
        "delete_by_pk",
    ]
)
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
    _check_name(configuration.get("custom_name"), f"{path}.custom_name")
    for name, column in (configuration.get("column_config") or {}).items():
        expect(column, dict, f"{path}.column_config.{name}")
        _check_name(column.get("custom_name"), f"{path}.column_config.{name}.custom_name")
    for name, custom in (configuration.get("custom_column_names") or {}).items():
        _check_name(custom, f"{path}.custom_column_names.{name}")
    _check_root_fields(configuration.get("custom_root_fields") or {}, f"{path}.custom_root_fields")


def _check_root_fields(custom: Mapping[str, Any], path: str) -> None:
    names: list[str] = []
    for key in _ROOT_FIELDS & custom.keys():
        value = custom[key]
        name = value.get("name") if isinstance(value, dict) else value
        _check_name(name, f"{path}.{key}")
        names += [] if name is None else [name]
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        listed = " and ".join(repeated)
        raise unparsable(f"the following custom root field names are duplicated: {listed}", path)


def _check_name(name: Any, path: str) -> None:
    if name is None:
        return
    expect(name, str, path)
    if not is_graphql_name(name):
        raise unparsable(f"{name} is not valid GraphQL name", path)


def check_using(using: Any, path: str) -> None:
    """Raise for a relationship's `using` that is neither of its two forms."""
    expect(using, dict, path)
    given = [key for key in _KEYS if using.get(key) is not None]
    if len(given) != 1:
        message = (
            "invalid relationship: expected exactly one of foreign_key_constraint_on, manual_configuration"
        )
        raise unparsable(message, path)
    if given == ["foreign_key_constraint_on"]:
        _check_key(using["foreign_key_constraint_on"], f"{path}.foreign_key_constraint_on")
    if given == ["manual_configuration"]:
        manual = using["manual_configuration"]
        expect(manual, dict, f"{path}.manual_configuration")
        required(manual, "remote_table", f"{path}.manual_configuration")
        mapping = required(manual, "column_mapping", f"{path}.manual_configuration")
        expect(mapping, dict, f"{path}.manual_configuration.column_mapping")
        order = manual.get("insertion_order")
        if order not in (None, "before_parent", "after_parent"):
            where = f"{path}.manual_configuration.insertion_order"
            raise unparsable("expected 'before_parent' or 'after_parent'", where)


def _check_key(key: Any, path: str) -> None:
    """Raise for a foreign key that is neither columns of the table itself nor a table with its columns."""
    if isinstance(key, dict):
        required(key, "table", path)
        if key.get("columns") is None:
            required(key, "column", path)
    elif not isinstance(key, str):
        expect(key, list, path)
        for index, name in enumerate(key):
            expect(name, str, f"{path}[{index}]")


def _check_members(value: Mapping[str, Any], kinds: Mapping[str, type], path: str) -> None:
    for key, kind in kinds.items():
        if value.get(key) is not None:
            expect(value[key], kind, f"{path}.{key}")
