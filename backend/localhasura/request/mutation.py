"""One mutation field: compiled, written, answered. The caller holds the transaction around all of them."""

# ruff: noqa: S608 - statements are put together from quoted identifiers and bound parameters only

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from localhasura.boolexp import BoolExp
from localhasura.errors import EngineError
from localhasura.metadata.model import TrackedTable
from localhasura.request.selection import Selected, Walker
from localhasura.schema.objects import Kind
from localhasura.sql.builder import Builder
from localhasura.sql.filters import key_condition, where_expression
from localhasura.sql.mutations import Write, delete_rows, insert_rows, update_rows, written_rows
from localhasura.sql.nested import CHECK_FAILED, Fetch, NestedInsert, has_nested
from localhasura.sql.response import Response

USER = '"_u"'
"""The part of a statement that sets `hasura.user`."""
Compiled = Callable[[Fetch], str]
"""Runs the field's statements and returns its JSON text."""


class OneStatement:
    """A field whose statement writes and answers at once."""

    def __init__(self, builder: Builder, write: Write, answer: str, path: str) -> None:
        self._builder, self._write, self._answer, self._path = builder, write, answer, path

    @property
    def stands_alone(self) -> bool:
        """Whether the statement needs no transaction around it: no check has to undo what it wrote."""
        return not self._write.has_check

    def __call__(self, fetch: Fetch) -> str:
        text = f"{self._write.text} SELECT ({self._answer})::text, {self._write.checked()}"
        answered, passed = _fetched(fetch, self._builder.statement(text), self._path)
        _require(passed, self._path)
        return _json(answered)

    def alone(self, fetch: Fetch, user: str) -> str:
        """Run as a transaction of its own that tells `hasura.user` itself.

        The answer is selected from the setting, so that PostgreSQL sets it before it runs the writing part,
        which is first read for the answer: triggers see the setting.
        """
        setting = f"SELECT set_config('hasura.user', {self._builder.bind(user, 'text')}, true)"
        text = f"{self._write.text}, {USER} AS MATERIALIZED ({setting}) SELECT ({self._answer})::text FROM {USER}"
        return _json(_fetched(fetch, self._builder.statement(text), self._path)[0])


class MutationCompiler:
    """Compiles the mutation fields of one request."""

    def __init__(self, new_builder: Callable[[], Builder], walker: Walker) -> None:
        self._new_builder, self._walker = new_builder, walker

    def compile(self, selected: Selected) -> Compiled:
        """Return the field ready to run; raises on everything that can be known without the database."""
        table, kind = selected.known.of_table, selected.known.kind
        if kind is Kind.UPDATE_MANY:
            return self._update_many(table, selected)
        response = Response(table, selected, self._walker)
        if kind in (Kind.INSERT, Kind.INSERT_ONE):
            return self._insert(table, selected, response)
        if kind in (Kind.UPDATE, Kind.UPDATE_BY_PK):
            where = self._picked(table, selected)
            return self._update(table, selected.args, where, response, f"{selected.path}.args")
        builder = self._new_builder()
        write = delete_rows(builder, table, self._picked(table, selected))
        return self._written(table, builder, write, response, "$")

    def _picked(self, table: TrackedTable, selected: Selected) -> BoolExp:
        kind = selected.known.kind
        if kind is Kind.UPDATE_BY_PK:
            return key_condition(table, selected.args["pk_columns"])
        if kind is Kind.DELETE_BY_PK:
            return key_condition(table, selected.args)
        return where_expression(selected.args["where"], table, self._new_builder().inputs)

    def _insert(self, table: TrackedTable, selected: Selected, response: Response) -> Compiled:
        single = "object" in selected.args
        objects = [selected.args["object"]] if single else selected.args["objects"]
        on_conflict = selected.args.get("on_conflict")
        path = f"$.selectionSet.{selected.name}.args.{'object' if single else 'objects'}"
        if not objects:
            return _constant(response.empty())
        if has_nested(objects, table):
            return self._nested(table, objects, on_conflict, path, response)
        rows = [{table.columns[name].name: value for name, value in row.items()} for row in objects]
        builder = self._new_builder()
        write = insert_rows(builder, table, rows, on_conflict)
        return self._written(table, builder, write, response, path)

    def _update(
        self, table: TrackedTable, args: Mapping[str, Any], where: BoolExp, response: Response, path: str
    ) -> Compiled:
        builder = self._new_builder()
        write = update_rows(builder, table, args, where, path)
        if write is None:
            return _constant(response.empty())
        return self._written(table, builder, write, response, "$")

    def _update_many(self, table: TrackedTable, selected: Selected) -> Compiled:
        response = Response(table, selected, self._walker)
        inputs = self._new_builder().inputs
        path = f"{selected.path}.args.updates"
        steps = [
            self._update(
                table, args, where_expression(args["where"], table, inputs), response, f"{path}[{index}]"
            )
            for index, args in enumerate(selected.args["updates"])
        ]
        return lambda fetch: "[" + ",".join(step(fetch) for step in steps) + "]"

    def _written(
        self, table: TrackedTable, builder: Builder, write: Write, response: Response, path: str
    ) -> Compiled:
        if response.reads_relationships:
            return self._written_then_read(table, builder, write, response, path)
        return OneStatement(builder, write, response.from_write(builder), path)

    def _written_then_read(
        self, table: TrackedTable, builder: Builder, write: Write, response: Response, path: str
    ) -> Compiled:
        """Related rows are read by a second statement, which sees what the first one wrote."""
        rows = written_rows(table)
        statement = builder.statement(
            f'{write.text} SELECT ({rows})::text, {write.checked()}, (SELECT count(*)::int FROM "_m")'
        )

        def run(fetch: Fetch) -> str:
            written, passed, affected = _fetched(fetch, statement, path)
            _require(passed, path)
            return self._read_back(response, written, affected, fetch)

        return run

    def _nested(
        self,
        table: TrackedTable,
        objects: Sequence[Mapping[str, Any]],
        on_conflict: Mapping[str, Any] | None,
        path: str,
        response: Response,
    ) -> Compiled:
        def run(fetch: Fetch) -> str:
            insert = NestedInsert(self._new_builder, fetch)
            insert.run(table, objects, on_conflict, path)
            return self._read_back(response, f"[{','.join(insert.rows)}]", insert.affected, fetch)

        return run

    def _read_back(self, response: Response, rows: str, affected: int, fetch: Fetch) -> str:
        builder = self._new_builder()
        answer = response.from_rows(builder, rows, affected)
        return _json(fetch(builder.statement(f"SELECT ({answer})::text"))[0])


def _fetched(fetch: Fetch, statement: Any, path: str) -> Sequence[Any]:
    try:
        return fetch(statement)
    except EngineError as error:
        located = EngineError(
            error.code, error.message, path=path, status=error.status, internal=error.internal
        )
        raise located from error.__cause__


def _require(passed: bool, path: str) -> None:
    if not passed:
        raise EngineError("permission-error", CHECK_FAILED, path=path)


def _json(answered: str | None) -> str:
    return "null" if answered is None else answered


def _constant(answer: str) -> Compiled:
    return lambda _fetch: answer
