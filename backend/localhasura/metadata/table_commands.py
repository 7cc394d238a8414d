"""Commands about tables: track, untrack, customise."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from localhasura.catalog import TableName
from localhasura.errors import EngineError, unparsable
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


def track_tables(draft: Draft, command: Mapping[str, Any]) -> None:
    tables = required(command["args"], "tables")
    if not isinstance(tables, list):
        raise unparsable("expected a list", "$.args.tables")
    for index, args in enumerate(tables):
        try:
            _track(draft, args if isinstance(args, dict) and "table" in args else {"table": args})
        except EngineError as error:
            raise error.at(f"$.args.tables[{index}]") from error


def _track(draft: Draft, args: Any) -> None:
    if isinstance(args, dict) and "table" not in args and "name" in args:
        args = {"table": args}
    name = table_name(args if isinstance(args, str) else required(args, "table"))
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


def untrack_table(draft: Draft, command: Mapping[str, Any]) -> None:
    _untrack(draft, command["args"])


def untrack_tables(draft: Draft, command: Mapping[str, Any]) -> None:
    for args in required(command["args"], "tables"):
        _untrack(draft, args if isinstance(args, dict) and "table" in args else {"table": args})


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


def drop_named(entry: Entry, keys: Mapping[str, str], name: str) -> bool:
    """Take a relationship out of a table's entry; return whether it was there."""
    found = False
    for key in keys:
        kept = [each for each in entry.get(key, []) if each["name"] != name]
        found = found or len(kept) != len(entry.get(key, []))
        entry[key] = kept
    return found


def set_customization(draft: Draft, command: Mapping[str, Any]) -> None:
    _, entry, _ = table_in(draft, command["args"])
    configuration = required(command["args"], "configuration")
    if not isinstance(configuration, dict):
        raise unparsable("expected an object", "$.args.configuration")
    entry["configuration"] = configuration


def set_is_enum(draft: Draft, command: Mapping[str, Any]) -> None:
    _, entry, _ = table_in(draft, command["args"])
    entry["is_enum"] = bool(required(command["args"], "is_enum"))


CHANGES: Mapping[str, Callable[[Draft, Any], Any]] = {
    "pg_track_table": track_table,
    "pg_track_tables": track_tables,
    "pg_untrack_table": untrack_table,
    "pg_untrack_tables": untrack_tables,
    "pg_set_table_customization": set_customization,
    "pg_set_table_is_enum": set_is_enum,
}
