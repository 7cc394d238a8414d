"""`POST /v1/query`: the first API, in which metadata, SQL and rows are commands of one endpoint.

Each command is carried out by what serves it today. As in Hasura a `bulk` that fails leaves the metadata as it was,
while SQL that it has run stays.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from localhasura.errors import EngineError, unparsable
from localhasura.metadata.commands import CHANGES, READS, run_older_command
from localhasura.metadata.model import ADMIN
from localhasura.metadata.rows import AS_ADMIN, ROW_COMMANDS, run_row_command
from localhasura.metadata.run_sql import RUN_SQL, run_query
from localhasura.metadata.service import MetadataService
from localhasura.sql.builder import Session

_RENAMED = {
    "add_existing_table_or_view": "pg_track_table",
    "set_table_custom_fields": "pg_set_table_customization",
}
_CUSTOM_FIELDS = ("custom_root_fields", "custom_column_names")


def run_legacy(service: MetadataService, body: Any, session: Session = AS_ADMIN) -> Any:
    """Return the answer to a request of `/v1/query`; whoever is not the administrator may ask for rows alone."""
    if not isinstance(body, dict) or not isinstance(body.get("type"), str):
        raise unparsable('key "type" not found')
    kind, args = body["type"], body.get("args")
    if session.role != ADMIN and not _is_about_rows(body):
        raise EngineError("access-denied", "restricted access : admin only", path="$.args")
    if kind == "bulk":
        return _bulk(service, args, session)
    if kind in ROW_COMMANDS:
        return run_row_command(service.engine, service.model, kind, args, session)
    if kind in RUN_SQL:
        return _run_sql(service, body)
    return run_older_command(service, _today(kind, args, body))


def _run_sql(service: MetadataService, body: Mapping[str, Any]) -> Any:
    try:
        return run_query(service, body)
    except EngineError as error:
        # Here errors are told from the arguments; the later endpoint tells those of the database from the top.
        raise error if error.path.startswith("$.args") else error.at("$.args") from error


def _is_about_rows(body: Any) -> bool:
    if not isinstance(body, dict):
        return False
    if body.get("type") == "bulk" and isinstance(body.get("args"), list):
        return all(_is_about_rows(command) for command in body["args"])
    return body.get("type") in ROW_COMMANDS


def _bulk(service: MetadataService, commands: Any, session: Session) -> Any:
    if not isinstance(commands, list):
        raise unparsable("expected a list", "$.args")
    with service.locked():
        before = service.stored().document
        answers: list[Any] = []
        for index, command in enumerate(commands):
            try:
                answers.append(run_legacy(service, command, session))
            except EngineError as error:
                service.restore(before)
                raise error.at(f"$.args[{index}]") from error
    return answers


def _today(kind: str, args: Any, body: Mapping[str, Any]) -> dict[str, Any]:
    if kind == "set_table_custom_fields" and isinstance(args, dict):
        configuration = {key: args[key] for key in _CUSTOM_FIELDS if key in args}
        args = {"table": args.get("table"), "configuration": configuration}
    name = _RENAMED.get(kind, kind)
    if name not in CHANGES and name not in READS and f"pg_{name}" in CHANGES:
        name = f"pg_{name}"
    version = {} if name.startswith("pg_") else {"version": body.get("version", 1)}
    return {"type": name, "args": args, **version}
