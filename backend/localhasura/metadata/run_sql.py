"""`run_sql`: an administrator's SQL in one transaction, with tracked tables kept true to the result."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from typing import Any

import psycopg
from psycopg import pq

from localhasura.database import internal_of
from localhasura.errors import EngineError, unparsable, unsupported
from localhasura.metadata.names import required
from localhasura.metadata.rows import ROW_COMMANDS, run_row_command
from localhasura.metadata.schema_changes import (
    Identity,
    apply_changes,
    changes_between,
    dependency_error,
    dependents_of_drops,
    identities,
    refuse_type_changes,
    remove_dependents,
)
from localhasura.metadata.service import Draft, MetadataService, view_of
from localhasura.metadata.whole_commands import drop_objects, inconsistent
from localhasura.sql.builder import Statement

_CHECKED = re.compile(r"\b(ALTER|DROP|REPLACE|CREATE\s+FUNCTION|COMMENT\s+ON)\b", re.IGNORECASE)
RUN_SQL, BULKS = ("run_sql", "pg_run_sql"), ("bulk", "concurrent_bulk")
_SWITCHES = ("cascade", "read_only", "no_transaction", "check_metadata_consistency")


def run_query(service: MetadataService, body: Any) -> Any:
    """Return the answer to a request of `/v2/query`."""
    if not isinstance(body, dict) or not isinstance(body.get("type"), str):
        raise unparsable('key "type" not found')
    kind, args = body["type"], body.get("args")
    if kind in RUN_SQL:
        return _run_sql(service, args)
    if kind in ROW_COMMANDS:
        return run_row_command(service.engine, service.model, kind, args)
    if kind == "concurrent_bulk":
        _refuse_writes(args)
    if kind in BULKS:
        if not isinstance(args, list):
            raise unparsable("expected a list", "$.args")
        return [_one_of(service, index, command) for index, command in enumerate(args)]
    raise _unknown(kind)


def _unknown(kind: str) -> EngineError:
    if kind.endswith("_run_sql"):
        return unsupported(f"{kind} is not supported by this engine", "$.type")
    return unparsable(f'unknown schema command "{kind}"', "$.type")


def _refuse_writes(commands: Any) -> None:
    """A concurrent bulk holds reading `run_sql` alone."""
    for command in commands if isinstance(commands, list) else ():
        args = command.get("args") if isinstance(command, dict) else None
        if not isinstance(args, dict) or command.get("type") != "run_sql" or not args.get("read_only"):
            raise EngineError(
                "bad-request", "Only read-only run_sql is allowed in concurrent_bulk", path="$.args"
            )


def _one_of(service: MetadataService, index: int, command: Any) -> Any:
    try:
        return run_query(service, command)
    except EngineError as error:
        raise error.at(f"$.args[{index}]") from error


def _run_sql(service: MetadataService, args: Any) -> Any:
    text, source = required(args, "sql"), args.get("source", "default")
    if not isinstance(text, str):
        raise unparsable("expected String for key 'sql'", "$.args.sql")
    for name in _SWITCHES:
        if args.get(name) is not None and not isinstance(args[name], bool):
            raise unparsable(f"expected Bool for key {name!r}", f"$.args.{name}")
    with service.locked(), service.source_connection(source) as connection:
        if args.get("no_transaction"):
            answer = _execute(connection, text)
            service.reload()
            return answer
        return _in_transaction(service, connection, text, args)


def _in_transaction(
    service: MetadataService, connection: psycopg.Connection[Any], text: str, args: Mapping[str, Any]
) -> Any:
    read_only = bool(args.get("read_only"))
    checked = args.get("check_metadata_consistency")
    checked = bool(_CHECKED.search(text)) if checked is None else checked
    try:
        with connection.transaction():
            if read_only:
                connection.execute("SET TRANSACTION READ ONLY")
            before = identities(connection) if checked and not read_only else None
            answer = _execute(connection, text)
            draft = None if read_only else _draft(service, connection)
            if draft is not None and before is not None:
                _adapt(service, draft, before, identities(connection), cascade=bool(args.get("cascade")))
    except psycopg.Error as error:
        raise _failed(error, text) from error
    if draft is not None:
        service.adopt(draft)
    return answer


def _draft(service: MetadataService, connection: psycopg.Connection[Any]) -> Draft:
    # No second connection here: its look at the catalog would wait for the locks of this transaction.
    view = view_of(connection)
    draft = Draft(copy.deepcopy(service.stored().document), lambda _document: view)
    draft.rebuild()
    return draft


def _adapt(
    service: MetadataService,
    draft: Draft,
    before: Mapping[int, Identity],
    after: Mapping[int, Identity],
    *,
    cascade: bool,
) -> None:
    """Let metadata follow; refuse (or with cascade drop) what does not fit any more."""
    tables = service.model.tables
    changes = changes_between(before, after, tables)
    for source in draft.document["sources"]:
        dependents = dependents_of_drops(source, tables, changes)
        if dependents and not cascade:
            raise dependency_error(dependents)
        remove_dependents(source, dependents)
        refuse_type_changes(source, tables, changes)
        draft.changed = apply_changes(source, tables, changes) or bool(dependents) or draft.changed
    draft.rebuild()
    known = {each.name for each in service.model.inconsistencies}
    while new := tuple(each for each in draft.model.inconsistencies if each.name not in known):
        if not cascade:
            raise inconsistent(new)
        if not drop_objects(draft.document, new):
            return
        draft.changed = True
        draft.rebuild()


def _execute(connection: psycopg.Connection[Any], text: str) -> dict[str, Any]:
    """Run the statements and return the last result as Hasura shows it: everything is text."""
    try:
        cursor = connection.execute(text.encode())
        while cursor.nextset():
            pass
    except psycopg.Error as error:
        raise _failed(error, text) from error
    result = cursor.pgresult
    if result is None or result.status != pq.ExecStatus.TUPLES_OK:
        return {"result_type": "CommandOk", "result": None}
    header = [_decoded(result.fname(column)) for column in range(result.nfields)]
    rows = [
        [_shown(result.get_value(row, column)) for column in range(result.nfields)]
        for row in range(result.ntuples)
    ]
    return {"result_type": "TuplesOk", "result": [header, *rows]}


def _shown(value: bytes | None) -> str:
    return "NULL" if value is None else _decoded(value)


def _decoded(value: bytes | None) -> str:
    return (value or b"").decode("utf-8", "replace")


def _failed(error: psycopg.Error, text: str) -> EngineError:
    internal = internal_of(error, Statement(text, []))
    internal["prepared"] = False
    return EngineError("postgres-error", "query execution failed", internal=internal)
