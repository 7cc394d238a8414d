"""The commands of `/v1/metadata`: names, bulk forms, and what all changes have in common."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from localhasura.errors import EngineError, unparsable, unsupported
from localhasura.metadata import (
    collection_commands,
    object_commands,
    role_commands,
    source_commands,
    table_commands,
    whole_commands,
)
from localhasura.metadata.known_commands import is_known_elsewhere
from localhasura.metadata.model import Inconsistency
from localhasura.metadata.root_names import is_conflict
from localhasura.metadata.service import Draft, MetadataService

SUCCESS = {"message": "success"}

Change = Callable[[Draft, Any], Any]
"""Changes the draft's document; returns the answer, or None for plain success."""

CHANGES: Mapping[str, Change] = {
    **table_commands.CHANGES,
    **object_commands.CHANGES,
    **role_commands.CHANGES,
    **source_commands.CHANGES,
    **whole_commands.CHANGES,
    **collection_commands.CHANGES,
}
READS: Mapping[str, Callable[[MetadataService, Mapping[str, Any]], Any]] = {
    **source_commands.READS,
    **whole_commands.READS,
}
_UNPARSABLE_COMMAND = (
    "Error when parsing command {}.\nSee our documentation at "
    "https://hasura.io/docs/latest/graphql/core/api-reference/metadata-api/index.html#metadata-apis.\n"
    "Internal error message: {}"
)
BULKS = ("bulk", "bulk_keep_going", "bulk_atomic")


def run_metadata(service: MetadataService, body: Any) -> Any:
    """Return the answer to a request of `/v1/metadata`."""
    if not isinstance(body, dict):
        raise unparsable("expected an object")
    version = body.get("resource_version")
    if version is not None and (isinstance(version, bool) or not isinstance(version, int)):
        raise unparsable("expected Int for key 'resource_version'", "$.resource_version")
    kind = _kind(body)
    if kind in READS:
        return READS[kind](service, body)
    return service.change(lambda draft: _run(service, draft, body), version)


def _run(service: MetadataService, draft: Draft, command: Any) -> Any:
    kind = _kind(command)
    if kind in BULKS:
        return _run_bulk(service, draft, kind, command.get("args"))
    if kind in whole_commands.IN_BULK:
        return whole_commands.IN_BULK[kind](draft, service, command)
    if kind in READS:
        return READS[kind](service, command)
    act = CHANGES.get(kind)
    if act is None:
        raise _unknown(kind)
    try:
        return _changed(draft, act, command)
    except EngineError as error:
        raise _told_of_command(kind, error) from error


def _told_of_command(kind: str, error: EngineError) -> EngineError:
    """Return the error as it is told: commands of a source say which of them could not be parsed."""
    if error.code != "parse-failed" or not kind.startswith("pg_"):
        return error
    message = _UNPARSABLE_COMMAND.format(kind.removeprefix("pg_"), error.message)
    return EngineError(error.code, message, path=error.path)


def run_older_command(service: MetadataService, body: Mapping[str, Any]) -> Any:
    """Return the answer to a command of the first API, already under its name of today."""
    kind = _kind(body)
    if kind in READS:
        return READS[kind](service, body)
    act = CHANGES.get(kind)
    if act is None:
        raise _unknown(kind)
    return service.change(lambda draft: _changed(draft, act, body))


def _changed(draft: Draft, act: Change, command: Mapping[str, Any]) -> Any:
    undo, before = draft.save_point(), draft.model.inconsistencies
    try:
        draft.may_be_inconsistent, draft.about = False, None
        args = command.get("args")
        answer = act(draft, {**command, "args": {} if args is None else args})
        draft.rebuild()
        draft.changed = True
        _refuse_conflicts(before, draft)
        if not draft.may_be_inconsistent:
            _refuse_new_inconsistencies(before, draft)
    except EngineError:
        undo()
        raise
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        # Deep inside, metadata is read as it should be shaped; here is where a wrong shape comes out.
        undo()
        raise unparsable(f"the arguments do not have the expected shape: {error}", "$.args") from error
    return SUCCESS if answer is None else answer(draft)


def _refuse_conflicts(before: tuple[Inconsistency, ...], draft: Draft) -> None:
    """Two tables with one root field are no mere inconsistency: there would be no schema."""
    known = {each.reason for each in before}
    for each in draft.model.inconsistencies:
        if is_conflict(each.reason) and each.reason not in known:
            raise EngineError("unexpected", each.reason, path="$.args", status=500)


def _refuse_new_inconsistencies(before: tuple[Inconsistency, ...], draft: Draft) -> None:
    known = {each.name for each in before}
    new = tuple(each for each in draft.model.inconsistencies if each.name not in known)
    own = [each for each in new if each.name == draft.about]
    if own:
        reasons = ", ".join(f"Inconsistent object: {each.reason}" for each in own)
        told = [each.json() for each in own]
        raise EngineError("invalid-configuration", reasons, path="$.args", internal=told)
    if new and draft.about is not None:
        message, told = "cannot continue due to new inconsistent metadata", [each.json() for each in new]
        raise EngineError("unexpected", message, path="$.args", internal=told)
    if new:
        raise whole_commands.inconsistent(new).at("$.args")


def _run_bulk(service: MetadataService, draft: Draft, kind: str, commands: Any) -> Any:
    if not isinstance(commands, list):
        raise unparsable("expected a list", "$.args")
    undo = draft.save_point()
    answers: list[Any] = []
    for index, command in enumerate(commands):
        try:
            answers.append(_run(service, draft, command))
        except EngineError as error:
            located = error.at(f"$.args[{index}]")
            if kind != "bulk_keep_going":
                undo()
                raise located from error
            answers.append(located.plain())
    return SUCCESS if kind == "bulk_atomic" else answers


def _kind(command: Any) -> str:
    if not isinstance(command, dict) or not isinstance(command.get("type"), str):
        raise unparsable('key "type" not found')
    kind: str = command["type"]
    return kind.replace("postgres_", "pg_", 1) if kind.startswith("postgres_") else kind


def _unknown(kind: str) -> EngineError:
    if is_known_elsewhere(kind):
        return unsupported(f"{kind} is not supported by this engine", "$.type")
    return unparsable(f'unknown metadata command "{kind}"')
