"""Commands about sources. There is one source here, of kind PostgreSQL; a second one is not supported."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from localhasura.errors import EngineError, unparsable, unsupported
from localhasura.metadata.document import new_source, refuse_customization, source_of
from localhasura.metadata.names import required, required_text
from localhasura.metadata.service import Draft, MetadataService


def add_source(draft: Draft, command: Mapping[str, Any]) -> None:
    args = command["args"]
    name, configuration = required_text(args, "name"), required(args, "configuration")
    if not isinstance(configuration, dict):
        raise unparsable("expected an object", "$.args.configuration")
    refuse_customization(args.get("customization") or {}, "$.args")
    sources = draft.document["sources"]
    if any(each["name"] == name for each in sources):
        if not args.get("replace_configuration"):
            message = f'source with name "{name}" already exists'
            raise EngineError("already-exists", message, path="$.args")
        source_of(draft.document, name)["configuration"] = configuration
        return
    if sources:
        raise unsupported("more than one source is not supported by this engine", "$.args.name")
    sources.append(new_source(name, configuration))


def drop_source(draft: Draft, command: Mapping[str, Any]) -> None:
    source = source_of(draft.document, required_text(command["args"], "name"))
    draft.document["sources"].remove(source)


def rename_source(draft: Draft, command: Mapping[str, Any]) -> None:
    source = source_of(draft.document, required_text(command["args"], "name"))
    source["name"] = required_text(command["args"], "new_name")


def source_tables(service: MetadataService, command: Mapping[str, Any]) -> Any:
    """Return all tables and views of a source, tracked or not."""
    args = command.get("args")
    source_of(
        service.stored().document, args.get("source", "default") if isinstance(args, dict) else "default"
    )
    with service.draft() as draft:
        return [name.json() for name in sorted(draft.catalog.tables)]


def source_kinds(_service: MetadataService, _command: Mapping[str, Any]) -> Any:
    return {"sources": [{"builtin": True, "kind": "postgres", "display_name": "postgres", "available": True}]}


READS: Mapping[str, Callable[[MetadataService, Mapping[str, Any]], Any]] = {
    "pg_get_source_tables": source_tables,
    "list_source_kinds": source_kinds,
}
CHANGES: Mapping[str, Callable[[Draft, Any], Any]] = {
    "pg_add_source": add_source,
    "pg_drop_source": drop_source,
    "rename_source": rename_source,
}
