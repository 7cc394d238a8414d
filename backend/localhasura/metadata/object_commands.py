"""Commands about what belongs to a table: relationships and permissions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from localhasura.catalog import TableName
from localhasura.errors import EngineError, unparsable
from localhasura.metadata import schema_changes
from localhasura.metadata.document import Entry
from localhasura.metadata.model import ADMIN
from localhasura.metadata.names import required, required_text
from localhasura.metadata.permissions import PERMISSION_KINDS, refuse_unsupported
from localhasura.metadata.relationships import RELATIONSHIP_KINDS
from localhasura.metadata.schema_changes import (
    dependency_error,
    dependents_on_relationship,
    remove_dependents,
)
from localhasura.metadata.service import Draft
from localhasura.metadata.shapes import check_permission, check_using
from localhasura.metadata.table_commands import table_in


def create_relationship(key: str, draft: Draft, command: Mapping[str, Any]) -> None:
    args = command["args"]
    source, entry, name = table_in(draft, args)
    relationship = required_text(args, "name")
    if relationship in _fields(draft, entry, name):
        message = f'field with name "{relationship}" already exists in table "{name}"'
        raise EngineError("already-exists", message, path="$.args")
    using = required(args, "using")
    check_using(using, "$.args.using")
    definition: Entry = {"name": relationship, "using": using}
    if args.get("comment"):
        definition["comment"] = args["comment"]
    entry.setdefault(key, []).append(definition)
    draft.about = f"{RELATIONSHIP_KINDS[key]} {relationship} in table {name} in source {source['name']}"


def _fields(draft: Draft, entry: Entry, name: TableName) -> set[str]:
    """Return the names of a table's columns and relationships."""
    related = {each["name"] for key in RELATIONSHIP_KINDS for each in entry.get(key, [])}
    table = draft.model.tables.get(name)
    return related if table is None else related | table.catalog.columns.keys()


def _expect_relationship(draft: Draft, entry: Entry, name: TableName, relationship: str) -> None:
    """Raise unless the table has a relationship of this name."""
    if any(each["name"] == relationship for key in RELATIONSHIP_KINDS for each in entry.get(key, [])):
        return
    if relationship in _fields(draft, entry, name):
        message = f'expecting a relationship; "{relationship}" is a column; '
        raise EngineError("unexpected-payload", message, path="$.args")
    raise EngineError("not-exists", f'relationship "{relationship}" does not exist', path="$.args")


def drop_relationship(draft: Draft, command: Mapping[str, Any]) -> None:
    args = command["args"]
    source, entry, name = table_in(draft, args)
    relationship = required_text(args, "relationship")
    _expect_relationship(draft, entry, name, relationship)
    dependents = dependents_on_relationship(source, draft.model.tables, name, relationship)
    if dependents and not args.get("cascade"):
        raise dependency_error(dependents).at("$.args")
    remove_dependents(source, dependents)
    for key in RELATIONSHIP_KINDS:
        entry[key] = [each for each in entry.get(key, []) if each["name"] != relationship]


def rename_relationship(draft: Draft, command: Mapping[str, Any]) -> None:
    args = command["args"]
    source, entry, name = table_in(draft, args)
    former, new = required_text(args, "name"), required_text(args, "new_name")
    _expect_relationship(draft, entry, name, former)
    if new in _fields(draft, entry, name):
        message = (
            f'cannot rename relationship "{former}" to "{new}" in table "{name}" as a column/relationship '
        )
        raise EngineError("already-exists", f"{message}with the name already exists", path="$.args")
    schema_changes.rename_relationship(source, draft.model.tables, name, former, new)


def set_relationship_comment(draft: Draft, command: Mapping[str, Any]) -> None:
    args = command["args"]
    _, entry, name = table_in(draft, args)
    relationship = required_text(args, "relationship")
    _expect_relationship(draft, entry, name, relationship)
    for definition in (each for key in RELATIONSHIP_KINDS for each in entry.get(key, [])):
        if definition["name"] == relationship:
            definition["comment"] = args.get("comment")


def create_permission(key: str, kind: str, draft: Draft, command: Mapping[str, Any]) -> None:
    args = command["args"]
    source, entry, name = table_in(draft, args)
    role = required_text(args, "role")
    if role == ADMIN or any(each["role"] == role for each in entry.get(key, [])):
        message = f'{kind} permission already defined on table "{name}" with role "{role}"'
        raise EngineError("already-exists", message, path="$.args")
    permission = required(args, "permission")
    check_permission(kind, permission, "$.args.permission")
    refuse_unsupported(permission, "$.args.permission")
    definition: Entry = {"role": role, "permission": permission}
    if args.get("comment"):
        definition["comment"] = args["comment"]
    entry.setdefault(key, []).append(definition)
    draft.about = f"{kind}_permission {role} in table {name} in source {source['name']}"


def drop_permission(key: str, kind: str, draft: Draft, command: Mapping[str, Any]) -> None:
    args = command["args"]
    _, entry, name = table_in(draft, args)
    role = required_text(args, "role")
    kept = [each for each in entry.get(key, []) if each["role"] != role]
    if len(kept) == len(entry.get(key, [])):
        message = f'{kind} permission on "{name}" for role "{role}" does not exist'
        raise EngineError("permission-denied", message, path="$.args")
    entry[key] = kept


def set_permission_comment(draft: Draft, command: Mapping[str, Any]) -> None:
    args = command["args"]
    _, entry, name = table_in(draft, args)
    role, kind = required_text(args, "role"), required_text(args, "type")
    if kind not in PERMISSION_KINDS.values():
        message = "perm_type should be one of 'insert', 'select', 'update', 'delete'"
        raise unparsable(message, "$.args.type")
    for definition in entry.get(f"{kind}_permissions", []):
        if definition["role"] == role:
            definition["comment"] = args.get("comment")
            return
    message = f'{kind} permission on "{name}" for role "{role}" does not exist'
    raise EngineError("permission-denied", message, path="$.args")


CHANGES: Mapping[str, Callable[[Draft, Any], Any]] = {
    "pg_create_object_relationship": partial(create_relationship, "object_relationships"),
    "pg_create_array_relationship": partial(create_relationship, "array_relationships"),
    "pg_drop_relationship": drop_relationship,
    "pg_rename_relationship": rename_relationship,
    "pg_set_relationship_comment": set_relationship_comment,
    "pg_set_permission_comment": set_permission_comment,
    **{
        f"pg_create_{kind}_permission": partial(create_permission, key, kind)
        for key, kind in PERMISSION_KINDS.items()
    },
    **{
        f"pg_drop_{kind}_permission": partial(drop_permission, key, kind)
        for key, kind in PERMISSION_KINDS.items()
    },
}
