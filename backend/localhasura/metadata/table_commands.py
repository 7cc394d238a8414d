"""Commands about tables: track, untrack, customise."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from localhasura.catalog import TableName
from localhasura.errors import EngineError
from localhasura.metadata.document import (
    Entry,
    find_table,
    remove_table,
    source_of,
    tracked_table,
)
from localhasura.metadata.names import required, table_name
from localhasura.metadata.schema_changes import dependency_error, dependents_on_table, remove_dependents
from localhasura.metadata.service import Draft
from localhasura.metadata.shapes import check_configuration, expect


def source_in(draft: Draft, args: Mapping[str, Any]) -> Entry:
    """Return the source that a command's arguments name."""
    return source_of(draft.document, args.get("source", "default"))


def table_in(draft: Draft, args: Any) -> tuple[Entry, Entry, TableName]:
    """Return source, table entry and name that a command's arguments name."""
    name = table_name(required(args, "table"))
    source = source_in(draft, args)
    return source, tracked_table(source, name), name


def track_table(draft: Draft, command: Mapping[str, Any]) -> None:
    _track(draft, command["args"])


def track_tables(draft: Draft, command: Mapping[str, Any]) -> Callable[[Draft], Any]:
    answer = _each_table(command["args"], "track", lambda args: _track(draft, args))
    draft.about = None
    return answer


def _each_table(
    args: Mapping[str, Any], verb: str, act: Callable[[dict[str, Any]], None]
) -> Callable[[Draft], Any]:
    """Do what can be done and warn of the rest, unless all of it fails or warnings are not allowed."""
    tables = required(args, "tables")
    expect(tables, list, "$.args.tables")
    asked = [each if isinstance(each, dict) and "table" in each else {"table": each} for each in tables]
    source = {"source": args["source"]} if "source" in args else {}
    _refuse_repeated([{**source, **named} for named in asked])
    warnings: list[dict[str, Any]] = []
    for named in asked:
        try:
            act({**source, **named})
        except EngineError as error:
            if error.code == "parse-failed":
                raise
            warnings.append(_warning(verb, table_name(named["table"]), named, error))
    if warnings and len(warnings) == len(tables):
        message = f"all tables failed to {verb}"
        raise EngineError("invalid-configuration", message, path="$.args", internal=warnings)
    if warnings and args.get("allow_warnings") is False:
        message = "failed due to metadata warnings"
        raise EngineError("metadata-warnings", message, path="$.args", internal=warnings)
    answer = {"message": "success"} | ({"warnings": warnings} if warnings else {})
    return lambda _draft: answer


def _refuse_repeated(asked: list[dict[str, Any]]) -> None:
    names = [f"{each.get('source', 'default')}.{table_name(each['table'])}" for each in asked]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        message = f"The following tables occur more than once in the request: {', '.join(repeated)}"
        raise EngineError("bad-request", message, path="$.args.tables")


def _warning(verb: str, name: TableName, args: Mapping[str, Any], error: EngineError) -> dict[str, Any]:
    return {
        "type": f"{verb}-table-failed",
        "name": f"table {name} in source {args.get('source', 'default')}",
        # In a list a missing table is an inconsistency of its own, and told as one.
        "message": f"Inconsistent object: {error.message}" if error.code == "not-exists" else error.message,
    }


def _track(draft: Draft, args: Any) -> None:
    if isinstance(args, dict) and "table" not in args and "name" in args:
        args = {"table": args}
    name = table_name(args if isinstance(args, str) else required(args, "table"))
    if isinstance(args, dict):
        check_configuration(args.get("configuration") or {}, "$.args.configuration")
        expect(args.get("is_enum") or False, bool, "$.args.is_enum")
    source = source_in(draft, args if isinstance(args, dict) else {})
    if find_table(source, name) is not None:
        raise EngineError("already-tracked", f'view/table already tracked: "{name}"', path="$.args")
    if name not in draft.catalog.tables:
        raise EngineError("not-exists", f'no such table/view exists in source: "{name}"', path="$.args")
    entry: Entry = {"table": name.json()}
    for key in ("configuration", "is_enum"):
        if isinstance(args, dict) and args.get(key):
            entry[key] = args[key]
    source["tables"].append(entry)
    draft.about = _about(name, source)


def _about(name: TableName, source: Entry) -> str:
    return f"table {name} in source {source['name']}"


def untrack_table(draft: Draft, command: Mapping[str, Any]) -> None:
    _untrack(draft, command["args"])


def untrack_tables(draft: Draft, command: Mapping[str, Any]) -> Callable[[Draft], Any]:
    return _each_table(command["args"], "untrack", lambda args: _untrack(draft, args))


def _untrack(draft: Draft, args: Any) -> None:
    name = table_name(args if isinstance(args, str) else required(args, "table"))
    source = source_in(draft, args if isinstance(args, dict) else {})
    if find_table(source, name) is None:
        raise EngineError("already-untracked", f'view/table already untracked: "{name}"', path="$.args")
    dependents = dependents_on_table(source, draft.model.tables, name)
    if dependents and not (isinstance(args, dict) and args.get("cascade")):
        raise dependency_error(dependents).at("$.args")
    remove_dependents(source, dependents)
    remove_table(source, name)


def set_customization(draft: Draft, command: Mapping[str, Any]) -> None:
    source, entry, name = table_in(draft, command["args"])
    draft.about = _about(name, source)
    configuration = required(command["args"], "configuration")
    check_configuration(configuration, "$.args.configuration")
    entry["configuration"] = configuration


def set_is_enum(draft: Draft, command: Mapping[str, Any]) -> None:
    source, entry, name = table_in(draft, command["args"])
    draft.about = _about(name, source)
    is_enum = required(command["args"], "is_enum")
    expect(is_enum, bool, "$.args.is_enum")
    entry["is_enum"] = is_enum


CHANGES: Mapping[str, Callable[[Draft, Any], Any]] = {
    "pg_track_table": track_table,
    "pg_track_tables": track_tables,
    "pg_untrack_table": untrack_table,
    "pg_untrack_tables": untrack_tables,
    "pg_set_table_customization": set_customization,
    "pg_set_table_is_enum": set_is_enum,
}
