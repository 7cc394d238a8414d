"""Names as metadata spells them: a table is a string or `{schema, name}`."""

from __future__ import annotations

from typing import Any

from localhasura.catalog import TableName
from localhasura.errors import unparsable


def table_name(value: Any, path: str = "$.args.table") -> TableName:
    """Return the table that a string or `{schema, name}` names; raises `parse-failed`."""
    if isinstance(value, str) and value:
        return TableName("public", value)
    if isinstance(value, dict) and isinstance(value.get("name"), str):
        schema = value.get("schema", "public")
        if isinstance(schema, str):
            return TableName(schema, value["name"])
    raise unparsable("expected a table: a name, or an object with schema and name", path)


def required(args: Any, key: str, path: str = "$.args") -> Any:
    """Return a member of a command's arguments; raises `parse-failed` when it is not there."""
    if not isinstance(args, dict):
        raise unparsable("expected an object", path)
    if key not in args:
        raise unparsable(f'key "{key}" not found', path)
    return args[key]


def required_text(args: Any, key: str, path: str = "$.args") -> str:
    """Return a member that must be a string."""
    value = required(args, key, path)
    if not isinstance(value, str) or not value:
        raise unparsable(f"expected String for key {key!r}", f"{path}.{key}")
    return value
