"""Commands about the metadata as a whole: export, replace, reload, clear, inconsistencies, catalog state."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from localhasura.errors import EngineError, unparsable
from localhasura.metadata.document import (
    Document,
    empty_document,
    exported,
    find_table,
    normalised,
    remove_table,
)
from localhasura.metadata.inherited_roles import KEY as INHERITED
from localhasura.metadata.model import Inconsistency, Model
from localhasura.metadata.names import required, table_name
from localhasura.metadata.service import Draft, MetadataService
from localhasura.metadata.shapes import expect

_CLEARED_ROLES = "graphql_schema_introspection"


def inconsistency_report(model: Model) -> dict[str, Any]:
    """Return the consistent or inconsistent state as several commands answer it."""
    return {
        "is_consistent": not model.reported,
        "inconsistent_objects": [each.json() for each in model.reported],
    }


def inconsistent(objects: tuple[Inconsistency, ...]) -> EngineError:
    """Return the error for a change that leaves other objects without ground."""
    return EngineError(
        "unexpected",
        "cannot continue due to newly found inconsistent metadata",
        status=500,
        internal=[each.json() for each in objects],
    )


def _export(service: MetadataService, command: Mapping[str, Any]) -> Any:
    stored = service.stored()
    document = exported(stored.document)
    if command.get("version", 1) == 2:
        return {"resource_version": stored.resource_version, "metadata": document}
    return document


def _reload(service: MetadataService, command: Mapping[str, Any]) -> Any:
    _check_reload(service.stored().document, command.get("args") or {})
    return _reloaded(service.reload())


def _reloaded(model: Model) -> dict[str, Any]:
    answer: dict[str, Any] = {"message": "success", "is_consistent": not model.reported}
    if model.reported:
        answer["inconsistent_objects"] = [each.json() for each in model.reported]
    return answer


def _check_reload(document: Document, args: Any) -> None:
    """Raise for arguments of another shape, and for names that are not there."""
    expect(args, dict, "$.args")
    known = {
        "reload_sources": ("Source", {source["name"] for source in document["sources"]}),
        "recreate_event_triggers": ("Source", {source["name"] for source in document["sources"]}),
        "reload_remote_schemas": ("Remote schema", set[str]()),
    }
    for key, (what, names) in known.items():
        given = args.get(key)
        if given is None or isinstance(given, bool):
            continue
        expect(given, list, f"$.args.{key}")
        for name in given:
            if name not in names:
                raise EngineError(
                    "not-exists", f'{what} with name "{name}" not found in metadata', path="$.args"
                )


def _inconsistent(service: MetadataService, _command: Mapping[str, Any]) -> Any:
    return inconsistency_report(service.model)


def _catalog_state(service: MetadataService, _command: Mapping[str, Any]) -> Any:
    return service.store.catalog_state()


def _set_catalog_state(service: MetadataService, command: Mapping[str, Any]) -> Any:
    args = command.get("args")
    kind = required(args, "type")
    if kind not in ("cli", "console"):
        raise unparsable("expected 'cli' or 'console'", "$.args.type")
    service.store.set_catalog_state(kind, required(args, "state"))
    return {"message": "success"}


def _replace(draft: Draft, command: Mapping[str, Any]) -> Callable[[Draft], Any] | None:
    args = command["args"]
    second = command.get("version", 1) == 2 or (isinstance(args, dict) and "metadata" in args)
    if second:
        metadata, allowed = required(args, "metadata"), bool(args.get("allow_inconsistent_metadata"))
        for key in ("allow_inconsistent_metadata", "allow_warnings"):
            expect(args.get(key) or False, bool, f"$.args.{key}")
        draft.document = normalised(metadata, "$.args.metadata")
    else:
        allowed = False
        draft.document = normalised(args, "$.args")
    draft.rebuild()
    draft.may_be_inconsistent = True
    if draft.model.inconsistencies and not allowed:
        raise EngineError(
            "unexpected",
            "cannot continue due to inconsistent metadata",
            path="$.args",
            internal=[each.json() for each in draft.model.inconsistencies],
        )
    return (lambda done: inconsistency_report(done.model)) if second else None


def _clear(draft: Draft, _command: Mapping[str, Any]) -> None:
    configuration = [
        each.get("configuration") for each in draft.document["sources"] if each["name"] == "default"
    ]
    draft.document = empty_document("default", configuration[0]) if configuration else empty_document(None)
    draft.may_be_inconsistent = True


def _drop_inconsistent(draft: Draft, _command: Mapping[str, Any]) -> None:
    while draft.model.inconsistencies and drop_objects(draft.document, draft.model.inconsistencies):
        draft.rebuild()
    draft.may_be_inconsistent = True


def drop_objects(document: Document, inconsistencies: tuple[Inconsistency, ...]) -> bool:
    """Take inconsistent objects out of the document; return whether anything was taken out."""
    for each in inconsistencies:
        if each.locate and each.locate[0] != "source":
            _drop_object(document, each.locate)
    return any(each.locate and each.locate[0] != "source" for each in inconsistencies)


def _drop_object(document: Document, locate: tuple[str, ...]) -> None:
    if locate[0] == INHERITED:
        document[INHERITED] = [each for each in document[INHERITED] if each["role_name"] != locate[1]]
        return
    source = document["sources"][0]
    name = next(
        table_name(each["table"]) for each in source["tables"] if str(table_name(each["table"])) == locate[1]
    )
    if locate[0] == "tables":
        remove_table(source, name)
        return
    entry = find_table(source, name)
    if entry is not None:
        entry[locate[0]] = [
            each for each in entry.get(locate[0], []) if each.get("name", each.get("role")) != locate[2]
        ]


def _set_introspection(draft: Draft, command: Mapping[str, Any]) -> None:
    roles = required(command["args"], "disabled_for_roles")
    expect(roles, list, "$.args.disabled_for_roles")
    for index, role in enumerate(roles):
        expect(role, str, f"$.args.disabled_for_roles[{index}]")
    draft.document[_CLEARED_ROLES] = {"disabled_for_roles": roles}


def _exported_draft(draft: Draft, service: MetadataService, command: Mapping[str, Any]) -> Any:
    document = exported(draft.document)
    if command.get("version", 1) == 2:
        return {"resource_version": service.stored().resource_version, "metadata": document}
    return document


def _reloaded_draft(draft: Draft, _service: MetadataService, command: Mapping[str, Any]) -> Any:
    # A draft begins with a look at the database, so there is nothing to read anew.
    _check_reload(draft.document, command.get("args") or {})
    draft.reloaded = True
    return _reloaded(draft.model)


IN_BULK: Mapping[str, Callable[[Draft, MetadataService, Mapping[str, Any]], Any]] = {
    "export_metadata": _exported_draft,
    "reload_metadata": _reloaded_draft,
    "get_inconsistent_metadata": lambda draft, _service, _command: inconsistency_report(draft.model),
}
"""Commands that read, as parts of a bulk: they see what the commands before them have done."""
READS: Mapping[str, Callable[[MetadataService, Mapping[str, Any]], Any]] = {
    "export_metadata": _export,
    "reload_metadata": _reload,
    "get_inconsistent_metadata": _inconsistent,
    "get_catalog_state": _catalog_state,
    "set_catalog_state": _set_catalog_state,
}
CHANGES: Mapping[str, Callable[[Draft, Any], Any]] = {
    "replace_metadata": _replace,
    "clear_metadata": _clear,
    "drop_inconsistent_metadata": _drop_inconsistent,
    "set_graphql_schema_introspection_options": _set_introspection,
}
