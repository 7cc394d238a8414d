"""Moves a project that is written for the schema `public` to another schema, while it is read.

The rule is one of the text: every name of the project's SQL is written with its schema, so `public.` becomes the
other schema wherever it stands. tests/unit/hasura/test_schema_move.py holds the migrations to it. In the metadata a
table keeps its GraphQL names by `custom_name`: Hasura would otherwise lead them with the schema.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

PUBLIC = "public"
_IN_PUBLIC = re.compile(r'(?<![\w".])(?:"public"|public)\s*\.(?=\s*["\w])')


def moved_sql(sql: str, schema: str) -> str:
    """Return SQL whose names in `public` are in `schema` instead."""
    return sql if schema == PUBLIC else _IN_PUBLIC.sub(f'"{schema}".', sql)


def moved_metadata(metadata: Mapping[str, Any], schema: str) -> dict[str, Any]:
    """Return metadata in which the tables of `public`, and all that refers to them, are in `schema`."""
    if schema == PUBLIC:
        return dict(metadata)
    sources = [
        {**source, "tables": [_moved_table(table, schema) for table in source.get("tables") or []]}
        for source in metadata["sources"]
    ]
    return {**metadata, "sources": sources}


def _moved_table(entry: Any, schema: str) -> Any:
    moved = _moved(entry, schema)
    if moved == entry:
        return entry
    configuration = dict(moved.get("configuration") or {})
    configuration.setdefault("custom_name", entry["table"]["name"])
    return {**moved, "configuration": configuration}


def _moved(value: Any, schema: str) -> Any:
    """Rewrite every `{name, schema: public}`: metadata says it so wherever it means a table."""
    if isinstance(value, Mapping):
        if set(value) == {"name", "schema"} and value["schema"] == PUBLIC:
            return {"name": value["name"], "schema": schema}
        return {key: _moved(inner, schema) for key, inner in value.items()}
    if isinstance(value, list):
        return [_moved(inner, schema) for inner in value]
    return value
