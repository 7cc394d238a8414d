"""What a target's metadata becomes when the project's tables are brought into it. Pure: documents in, documents out.

Of a target's metadata only the entries of the project's tables change. In these the project decides over its own
roles, relationships and column names; what others have put there (permissions of other roles, other relationships,
event triggers, names of columns of their own) stays.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from frontdesk.hasura.project import Project
from frontdesk.hasura.schema_move import PUBLIC

RELATIONSHIPS = ("object_relationships", "array_relationships")
PERMISSIONS = ("select_permissions", "insert_permissions", "update_permissions", "delete_permissions")
_EMPTY_MEANS_NONE = ("columns", "query_root_fields", "subscription_root_fields")
_COLUMN_NAMES = ("column_config", "custom_column_names")

Entry = dict[str, Any]
TableKey = tuple[str, str]


def merged(target: Mapping[str, Any], project: Project) -> dict[str, Any]:
    """Return the target's metadata with the project's tables in it; everything else is as it was."""
    document: dict[str, Any] = {"version": 3, **copy.deepcopy(dict(target))}
    sources = document.setdefault("sources", [])
    source = find_source(document, project.source)
    if source is None:
        source = {**project.metadata["sources"][0], "tables": []}
        sources.append(source)
    tables = source.setdefault("tables", [])
    places = {table_key(entry["table"]): place for place, entry in enumerate(tables)}
    roles = roles_of(project.tables)
    for ours in project.tables:
        place = places.get(table_key(ours["table"]))
        if place is None:
            tables.append(copy.deepcopy(ours))
        else:
            tables[place] = merged_table(tables[place], ours, roles)
    return document


def replaced(target: Mapping[str, Any], project: Project) -> dict[str, Any]:
    """Return the project's metadata, whole; only the connection of its source stays the target's."""
    document = copy.deepcopy(project.metadata)
    there = find_source(target, project.source)
    if there is not None and there.get("configuration"):
        document["sources"][0]["configuration"] = copy.deepcopy(there["configuration"])
    return document


def merged_table(theirs: Mapping[str, Any], ours: Mapping[str, Any], roles: frozenset[str]) -> Entry:
    """Return one table's entry: ours for our roles and relationships, theirs beyond."""
    made: Entry = {**copy.deepcopy(dict(theirs)), **copy.deepcopy(dict(ours))}
    for kind in PERMISSIONS:
        kept = [entry for entry in theirs.get(kind) or [] if entry.get("role") not in roles]
        _set(made, kind, [*(ours.get(kind) or []), *kept])
    names = {entry["name"] for kind in RELATIONSHIPS for entry in ours.get(kind) or []}
    for kind in RELATIONSHIPS:
        kept = [entry for entry in theirs.get(kind) or [] if entry.get("name") not in names]
        _set(made, kind, [*(ours.get(kind) or []), *kept])
    _set(
        made,
        "configuration",
        _configuration(theirs.get("configuration") or {}, ours.get("configuration") or {}),
    )
    return made


def without_tables(
    document: Mapping[str, Any], source_name: str, gone: frozenset[TableKey]
) -> dict[str, Any]:
    """Return metadata without some tables, and without the relationships of the others that lead to them."""
    made: dict[str, Any] = copy.deepcopy(dict(document))
    source = find_source(made, source_name)
    if source is None:
        return made
    source["tables"] = [entry for entry in source["tables"] if table_key(entry["table"]) not in gone]
    for entry in source["tables"]:
        for kind in RELATIONSHIPS:
            if kind in entry:
                _set(entry, kind, [each for each in entry[kind] if _leads_to(each) not in gone])
    return made


def find_source(document: Mapping[str, Any], name: str) -> Entry | None:
    """Return a source of a document, or None."""
    sources: Sequence[Entry] = document.get("sources") or ()
    return next((source for source in sources if source.get("name") == name), None)


def tables_of(document: Mapping[str, Any], source_name: str) -> dict[TableKey, Entry]:
    """Return the tables of a source by schema and name; none when there is no such source."""
    source = find_source(document, source_name) or {}
    return {table_key(entry["table"]): entry for entry in source.get("tables") or []}


def table_key(table: Any) -> TableKey:
    """Return schema and name of a table; Hasura takes a bare name for one in `public`."""
    if isinstance(table, Mapping):
        return str(table.get("schema", PUBLIC)), str(table.get("name"))
    return PUBLIC, str(table)


def graphql_name(entry: Mapping[str, Any]) -> str:
    """Return the name that a table's types and root fields are made of."""
    custom = (entry.get("configuration") or {}).get("custom_name")
    schema, name = table_key(entry["table"])
    return str(custom) if custom else name if schema == PUBLIC else f"{schema}_{name}"


def roles_of(tables: Sequence[Mapping[str, Any]]) -> frozenset[str]:
    """Return the roles that tables have permissions for."""
    return frozenset(
        str(entry["role"]) for table in tables for kind in PERMISSIONS for entry in table.get(kind) or ()
    )


def same(one: Any, other: Any) -> bool:
    """Tell whether two documents mean the same."""
    return bool(_plain(one) == _plain(other))


def differences(theirs: Mapping[str, Any] | None, wanted: Mapping[str, Any]) -> Iterator[str]:
    """Name what of a table's entry is not as wanted, as `select_permissions user` or `configuration`."""
    for key in sorted({*(theirs or {}), *wanted}):
        there, here = (theirs or {}).get(key), wanted.get(key)
        if same(there, here):
            continue
        if key not in (*PERMISSIONS, *RELATIONSHIPS):
            yield key
            continue
        before, after = _by_name(there), _by_name(here)
        yield from (
            f"{key} {name}"
            for name in sorted({*before, *after})
            if not same(before.get(name), after.get(name))
        )


def _by_name(entries: Any) -> dict[str, Any]:
    return {str(entry.get("role") or entry.get("name")): entry for entry in entries or ()}


def _configuration(theirs: Mapping[str, Any], ours: Mapping[str, Any]) -> Entry:
    made = copy.deepcopy(dict(ours))
    for key in _COLUMN_NAMES:
        _set(made, key, {**(theirs.get(key) or {}), **(ours.get(key) or {})})
    return made


def _set(entry: Entry, key: str, value: Any) -> None:
    if value:
        entry[key] = value
    else:
        entry.pop(key, None)


def _leads_to(relationship: Mapping[str, Any]) -> TableKey | None:
    using = relationship.get("using") or {}
    manual, key = using.get("manual_configuration"), using.get("foreign_key_constraint_on")
    if isinstance(manual, Mapping):
        return table_key(manual.get("remote_table"))
    return table_key(key["table"]) if isinstance(key, Mapping) and "table" in key else None


def _plain(value: Any) -> Any:
    """Return metadata without empty keys, and lists of names in one order: neither means anything.

    Where an empty list means "none" and its absence "all", it stays.
    """
    if isinstance(value, Mapping):
        plain = {key: _plain(inner) for key, inner in value.items() if key != "custom_column_names"}
        return {
            key: inner
            for key, inner in plain.items()
            if inner not in (None, [], {}) or (key in _EMPTY_MEANS_NONE and inner == [])
        }
    if isinstance(value, Sequence) and not isinstance(value, str):
        return sorted((_plain(inner) for inner in value), key=repr)
    return value
