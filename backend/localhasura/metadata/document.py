"""The metadata document: JSON as `export_metadata` gives it, brought into one form, looked up and changed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from localhasura.catalog import TableName
from localhasura.errors import EngineError, unparsable, unsupported
from localhasura.metadata.inherited_roles import KEY as INHERITED
from localhasura.metadata.inherited_roles import inherited_roles
from localhasura.metadata.names import required, required_text, table_name
from localhasura.metadata.permissions import PERMISSION_KINDS, refuse_unsupported
from localhasura.metadata.relationships import RELATIONSHIP_KINDS
from localhasura.metadata.shapes import check_configuration, check_permission, check_using, expect

Document = dict[str, Any]
Entry = dict[str, Any]

_KEPT = {"query_collections", "allowlist", "api_limits", "metrics_config", "network", "opentelemetry"}
"""Kept and exported again; they change nothing here."""
_KNOWN = _KEPT | {"version", "sources", "graphql_schema_introspection", "backend_configs", INHERITED}
_UNSUPPORTED_OF_TABLES = (
    "computed_fields",
    "remote_relationships",
    "event_triggers",
    "apollo_federation_config",
)

_DEFAULTS: dict[str, Any] = {
    "allow_aggregations": False,
    "backend_only": False,
    "limit": None,
    "set": {},
    "computed_fields": [],
    "query_root_fields": None,
    "subscription_root_fields": None,
    "validate_input": None,
}
"""Members of a permission that an export leaves out when they say what their absence says."""


def empty_document(source: str | None, configuration: Any = None) -> Document:
    """Return metadata with one source without tables, or with none."""
    sources = [] if source is None else [new_source(source, configuration)]
    return {"version": 3, "sources": sources}


def normalised(value: Any, path: str) -> Document:
    """Return a metadata document in the form in which it is kept; raises for what cannot be served."""
    if not isinstance(value, dict):
        raise unparsable("expected an object", path)
    if value.get("version") in (1, 2) and "sources" not in value:
        value = _with_source(value)
    if value.get("version", 3) != 3:
        raise unsupported("only metadata of version 3 is supported", f"{path}.version")
    for key, content in value.items():
        if key not in _KNOWN and not _is_empty(content):
            raise unsupported(f'"{key}" is not supported by this engine', f"{path}.{key}")
    sources = value.get("sources") or []
    expect(sources, list, f"{path}.sources")
    if len(sources) > 1:
        raise unsupported("more than one source is not supported by this engine", f"{path}.sources")
    document: Document = {"version": 3, "sources": []}
    for index, source in enumerate(sources):
        document["sources"].append(_source(source, f"{path}.sources[{index}]"))
    for key in sorted(_KNOWN - {"version", "sources"}):
        if value.get(key):
            there = f"{path}.{key}"
            document[key] = inherited_roles(value[key], there) if key == INHERITED else value[key]
    return document


def _with_source(former: Document) -> Document:
    """Return metadata of versions 1 and 2, which have no sources, in the form of version 3."""
    source = {"name": "default", "tables": former.get("tables") or [], "functions": former.get("functions")}
    others = {
        key: content for key, content in former.items() if key not in ("version", "tables", "functions")
    }
    return {**others, "version": 3, "sources": [source]}


def source_of(document: Document, name: str, path: str = "$.args") -> Entry:
    """Return a source; raises `not-exists` as Hasura does."""
    for source in document["sources"]:
        if source["name"] == name:
            found: Entry = source
            return found
    raise EngineError("not-exists", f'source with name "{name}" does not exist', path=path)


def find_table(source: Entry, name: TableName) -> Entry | None:
    """Return a table's entry, or None when it is not tracked."""
    for entry in source["tables"]:
        if table_name(entry["table"]) == name:
            found: Entry = entry
            return found
    return None


def tracked_table(source: Entry, name: TableName) -> Entry:
    """Return a table's entry; raises `not-exists`."""
    entry = find_table(source, name)
    if entry is None:
        message = f'table "{name}" does not exist in source: {source["name"]}'
        raise EngineError("not-exists", message, path="$.args")
    return entry


def remove_table(source: Entry, name: TableName) -> None:
    """Take a table out, with all relationships of other tables that lead to it."""
    source["tables"] = [entry for entry in source["tables"] if table_name(entry["table"]) != name]
    for entry in source["tables"]:
        for key in RELATIONSHIP_KINDS:
            if key in entry:
                entry[key] = [each for each in entry[key] if relationship_target(each) != name]


def relationship_target(definition: Entry) -> TableName | None:
    """Return the table that a relationship names; None when it goes through the table's own key."""
    using = definition["using"]
    if using.get("manual_configuration"):
        return table_name(using["manual_configuration"].get("remote_table"))
    key = using.get("foreign_key_constraint_on")
    return table_name(key["table"]) if isinstance(key, dict) and "table" in key else None


def exported(document: Document) -> Document:
    """Return the document without empty members, as an export has it."""
    sources = [
        {**source, "tables": [_exported_table(entry) for entry in source["tables"]]}
        for source in document["sources"]
    ]
    told = {key: content for key, content in document.items() if not _is_empty(content)}
    return {**told, "sources": sources}


def _exported_table(entry: Entry) -> Entry:
    made = {key: value for key, value in entry.items() if not _is_empty(value)}
    for key in (*RELATIONSHIP_KINDS, *PERMISSION_KINDS):
        if key in made:
            made[key] = [_exported_object(each) for each in made[key]]
    return made


def _exported_object(definition: Entry) -> Entry:
    made = {key: value for key, value in definition.items() if key != "comment" or value is not None}
    if "permission" in made:
        made["permission"] = {
            key: value
            for key, value in made["permission"].items()
            if key not in _DEFAULTS or value not in (None, _DEFAULTS[key])
        }
    return made


def _source(source: Any, path: str) -> Entry:
    name = required_text(source, "name", path)
    kind = source.get("kind", "postgres")
    if kind not in ("postgres", "pg"):
        raise unsupported(f"sources of kind {kind} are not supported by this engine", f"{path}.kind")
    for key in ("functions", "logical_models", "native_queries", "stored_procedures"):
        if source.get(key):
            raise unsupported(f'"{key}" is not supported by this engine', f"{path}.{key}")
    refuse_customization(source.get("customization") or {}, path)
    made = new_source(name, source.get("configuration"))
    expect(source.get("tables") or [], list, f"{path}.tables")
    seen: set[TableName] = set()
    for index, entry in enumerate(source.get("tables") or []):
        table = _table(entry, f"{path}.tables[{index}]")
        listed = table_name(table["table"])
        if listed in seen:
            message = f'multiple declarations exist for the following table: "{listed}"'
            raise unparsable(message, f"{path}.tables")
        seen.add(listed)
        made["tables"].append(table)
    return made


def refuse_customization(customization: Any, path: str) -> None:
    """Raise for a customization of a source that would change the schema."""
    convention = customization.get("naming_convention") or "hasura-default"
    others = [key for key in ("root_fields", "type_names") if not _is_empty(customization.get(key))]
    if others or convention != "hasura-default":
        raise unsupported(
            "customization of a source is not supported by this engine", f"{path}.customization"
        )


def new_source(name: str, configuration: Any) -> Entry:
    """Return a source without tables; without a configuration it is the server's own database."""
    default = {"connection_info": {"database_url": {"from_env": "HASURA_GRAPHQL_DATABASE_URL"}}}
    return {"name": name, "kind": "postgres", "tables": [], "configuration": configuration or default}


def _table(entry: Any, path: str) -> Entry:
    name = table_name(required(entry, "table", path), f"{path}.table")
    for key in _UNSUPPORTED_OF_TABLES:
        if entry.get(key):
            raise unsupported(f'"{key}" of a table is not supported by this engine', f"{path}.{key}")
    made: Entry = {"table": name.json()}
    expect(entry.get("is_enum") or False, bool, f"{path}.is_enum")
    check_configuration(entry.get("configuration") or {}, f"{path}.configuration")
    for key in ("is_enum", "configuration"):
        if entry.get(key):
            made[key] = entry[key]
    for key in RELATIONSHIP_KINDS:
        listed = _entries(entry, key, path)
        for index, definition in enumerate(listed):
            required_text(definition, "name", f"{path}.{key}[{index}]")
            check_using(
                required(definition, "using", f"{path}.{key}[{index}]"), f"{path}.{key}[{index}].using"
            )
        made[key] = listed
    for key, kind in PERMISSION_KINDS.items():
        listed = _entries(entry, key, path)
        for index, definition in enumerate(listed):
            required_text(definition, "role", f"{path}.{key}[{index}]")
            permission = required(definition, "permission", f"{path}.{key}[{index}]")
            check_permission(kind, permission, f"{path}.{key}[{index}].permission")
            refuse_unsupported(permission, f"{path}.{key}[{index}].permission")
        made[key] = listed
    return made


def _entries(entry: Entry, key: str, path: str) -> list[Entry]:
    listed = entry.get(key) or []
    if not isinstance(listed, list) or not all(isinstance(each, dict) for each in listed):
        raise unparsable("expected a list of objects", f"{path}.{key}")
    names = [each.get("name", each.get("role")) for each in listed]
    for name in names:
        if names.count(name) > 1:
            raise unparsable(f'multiple declarations exist in {key}: "{name}"', f"{path}.{key}")
    return [dict(each) for each in listed]


def _is_empty(content: Any) -> bool:
    """Whether a part of the metadata says nothing: empty, null, or an object of such parts."""
    if isinstance(content, dict):
        return all(map(_is_empty, content.values()))
    return content in (None, [], "", False)


def tables_of(document: Document) -> Iterator[Entry]:
    """Give all table entries."""
    for source in document["sources"]:
        yield from source["tables"]
