"""Query collections and the allow list: kept, changed and exported, without effect while no allow list is enforced."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from localhasura.errors import EngineError, unparsable
from localhasura.metadata.document import Entry
from localhasura.metadata.names import required, required_text
from localhasura.metadata.service import Draft
from localhasura.metadata.shapes import expect

_ALREADY_LISTED = (
    "collection already exists in allowlist, scope ignored; to change scope, use "
    "update_scope_of_collection_in_allowlist"
)


def create_collection(draft: Draft, command: Mapping[str, Any]) -> None:
    args = command["args"]
    name, definition = required_text(args, "name"), required(args, "definition")
    expect(definition, dict, "$.args.definition")
    queries = required(definition, "queries", "$.args.definition")
    expect(queries, list, "$.args.definition.queries")
    for index, query in enumerate(queries):
        for key in ("name", "query"):
            required_text(query, key, f"$.args.definition.queries[{index}]")
    if any(each["name"] == name for each in _collections(draft)):
        raise _refused("already-exists", f'query collection with name "{name}" already exists')
    made: Entry = {"name": name, "definition": definition}
    if args.get("comment"):
        made["comment"] = args["comment"]
    draft.document.setdefault("query_collections", []).append(made)


def rename_collection(draft: Draft, command: Mapping[str, Any]) -> None:
    found = _collection(draft, required_text(command["args"], "name"))
    new = required_text(command["args"], "new_name")
    if any(each["name"] == new for each in _collections(draft)):
        raise _refused("already-exists", f'query collection with name "{new}" already exists')
    for listed in _allowlist(draft):
        if listed["collection"] == found["name"]:
            listed["collection"] = new
    found["name"] = new


def drop_collection(draft: Draft, command: Mapping[str, Any]) -> None:
    name = required_text(command["args"], "collection")
    found = _collection(draft, name)
    if any(each["collection"] == name for each in _allowlist(draft)):
        if not required(command["args"], "cascade"):
            message = f'query collection with name "{name}" is present in allowlist; cannot proceed to drop'
            raise _refused("dependency-error", message)
        _unlist(draft, name)
    _collections(draft).remove(found)


def add_query(draft: Draft, command: Mapping[str, Any]) -> None:
    args = command["args"]
    found = _collection(draft, required_text(args, "collection_name"))
    name, text = required_text(args, "query_name"), required_text(args, "query")
    queries = found["definition"]["queries"]
    if any(each["name"] == name for each in queries):
        raise _refused(
            "already-exists", f'query with name "{name}" already exists in collection "{found["name"]}"'
        )
    queries.append({"name": name, "query": text})


def drop_query(draft: Draft, command: Mapping[str, Any]) -> None:
    args = command["args"]
    found, name = (
        _collection(draft, required_text(args, "collection_name")),
        required_text(args, "query_name"),
    )
    queries = found["definition"]["queries"]
    kept = [each for each in queries if each["name"] != name]
    if len(kept) == len(queries):
        raise _refused("not-found", f'query with name "{name}" not found in collection "{found["name"]}"')
    found["definition"]["queries"] = kept


def list_collection(draft: Draft, command: Mapping[str, Any]) -> Callable[[Draft], Any] | None:
    args = command["args"]
    name = _collection(draft, required_text(args, "collection"))["name"]
    scope = _scope(args)
    if any(each["collection"] == name for each in _allowlist(draft)):
        return lambda _draft: {"message": _ALREADY_LISTED}
    draft.document.setdefault("allowlist", []).append({"collection": name, "scope": scope})
    return None


def unlist_collection(draft: Draft, command: Mapping[str, Any]) -> None:
    name = required_text(command["args"], "collection")
    _listed(draft, name)
    _unlist(draft, name)


def set_scope(draft: Draft, command: Mapping[str, Any]) -> None:
    args = command["args"]
    required(args, "scope")
    _listed(draft, required_text(args, "collection"))["scope"] = _scope(args)


def _scope(args: Mapping[str, Any]) -> dict[str, Any]:
    """Return the scope of an entry of the allow list: everybody, or some roles."""
    scope = args.get("scope") or {"global": True}
    expect(scope, dict, "$.args.scope")
    everywhere = required(scope, "global", "$.args.scope")
    expect(everywhere, bool, "$.args.scope.global")
    if not everywhere:
        roles = required(scope, "roles", "$.args.scope")
        expect(roles, list, "$.args.scope.roles")
        if not roles or len(set(map(str, roles))) < len(roles):
            raise unparsable("roles: expected a list of different roles", "$.args.scope.roles")
    return dict(scope)


def _collections(draft: Draft) -> list[Entry]:
    found: list[Entry] = draft.document.get("query_collections") or []
    return found


def _allowlist(draft: Draft) -> list[Entry]:
    found: list[Entry] = draft.document.get("allowlist") or []
    return found


def _collection(draft: Draft, name: str) -> Entry:
    for each in _collections(draft):
        if each["name"] == name:
            return each
    raise _refused("not-exists", f'query collection with name "{name}" does not exist')


def _listed(draft: Draft, name: str) -> Entry:
    for each in _allowlist(draft):
        if each["collection"] == name:
            return each
    raise _refused("not-found", f'collection "{name}" doesn\'t exist in the allowlist')


def _unlist(draft: Draft, name: str) -> None:
    draft.document["allowlist"] = [each for each in _allowlist(draft) if each["collection"] != name]


def _refused(code: str, message: str) -> EngineError:
    return EngineError(code, message, path="$.args")


CHANGES: Mapping[str, Callable[[Draft, Any], Any]] = {
    "create_query_collection": create_collection,
    "rename_query_collection": rename_collection,
    "drop_query_collection": drop_collection,
    "add_query_to_collection": add_query,
    "drop_query_from_collection": drop_query,
    "add_collection_to_allowlist": list_collection,
    "drop_collection_from_allowlist": unlist_collection,
    "update_scope_of_collection_in_allowlist": set_scope,
}
