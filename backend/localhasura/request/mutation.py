"""The mutation fields of one request, compiled to steps. The caller holds the transaction around all of them."""

# ruff: noqa: S608 - statements are put together from quoted identifiers and bound parameters only

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from localhasura.boolexp import BoolExp
from localhasura.jsontext import compact
from localhasura.metadata.model import TrackedTable
from localhasura.request.selection import Selected, Walker
from localhasura.schema.objects import Kind
from localhasura.sql.builder import Builder, Statement, Supplied
from localhasura.sql.filters import key_condition, where_expression
from localhasura.sql.mutations import Write, delete_rows, insert_rows, update_rows, written_rows
from localhasura.sql.nested import NestedInsert, has_nested
from localhasura.sql.response import Response
from localhasura.sql.steps import (
    Compiled,
    InTurn,
    Known,
    Run,
    Step,
    WriteAlone,
    WriteAndAnswer,
    WriteThenRead,
    read_back,
)

USER = '"_u"'
"""The part of a statement that sets `hasura.user`."""


@dataclass(frozen=True)
class NestedWrite(Step):
    """An insert with related rows: each statement is made of what the ones before it gave."""

    table: TrackedTable
    objects: Sequence[Mapping[str, Any]]
    on_conflict: Mapping[str, Any] | None
    path: str
    new_builder: Callable[[], Builder]
    read: Statement

    def run(self, run: Run) -> str:
        nested = NestedInsert(self.new_builder, run)
        nested.insert(self.table, self.objects, self.on_conflict, self.path)
        return read_back(run, self.read, f"[{','.join(nested.rows)}]", nested.affected)


class MutationCompiler:
    """Compiles the mutation fields of one request; raises on everything that can be known without the database."""

    def __init__(self, new_builder: Callable[[], Builder], walker: Walker, *, may_stand_alone: bool) -> None:
        self._new_builder, self._walker = new_builder, walker
        self._may_stand_alone, self._single = may_stand_alone, False

    def compile(self, fields: Sequence[Selected]) -> Compiled:
        """Return the operation; a single field without a check needs no transaction around its statement."""
        self._single = self._may_stand_alone and len(fields) == 1
        steps = tuple((field.key, self._field(field)) for field in fields)
        return Compiled(steps, in_transaction=not any(isinstance(step, WriteAlone) for _, step in steps))

    def _field(self, selected: Selected) -> Step:
        if selected.field is None:
            return Known(compact("mutation_root"))
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

    def _insert(self, table: TrackedTable, selected: Selected, response: Response) -> Step:
        single = "object" in selected.args
        objects = [selected.args["object"]] if single else selected.args["objects"]
        on_conflict = selected.args.get("on_conflict")
        path = f"$.selectionSet.{selected.name}.args.{'object' if single else 'objects'}"
        if not objects:
            return Known(response.empty())
        if has_nested(objects, table):
            read = self._read(response)
            return NestedWrite(table, objects, on_conflict, path, self._new_builder, read)
        rows = [{table.columns[name].name: value for name, value in row.items()} for row in objects]
        builder = self._new_builder()
        write = insert_rows(builder, table, rows, on_conflict)
        return self._written(table, builder, write, response, path)

    def _update(
        self, table: TrackedTable, args: Mapping[str, Any], where: BoolExp, response: Response, path: str
    ) -> Step:
        builder = self._new_builder()
        write = update_rows(builder, table, args, where, path)
        if write is None:
            return Known(response.empty())
        return self._written(table, builder, write, response, "$")

    def _update_many(self, table: TrackedTable, selected: Selected) -> Step:
        self._single = False
        response = Response(table, selected, self._walker)
        inputs = self._new_builder().inputs
        path = f"{selected.path}.args.updates"
        return InTurn(
            tuple(
                self._update(
                    table, args, where_expression(args["where"], table, inputs), response, f"{path}[{index}]"
                )
                for index, args in enumerate(selected.args["updates"])
            )
        )

    def _written(
        self, table: TrackedTable, builder: Builder, write: Write, response: Response, path: str
    ) -> Step:
        if response.reads_relationships:
            return self._written_then_read(table, builder, write, response, path)
        answer = response.from_write(builder)
        if self._single and not write.has_check:
            return _written_alone(builder, write, answer, path)
        text = f"{write.text} SELECT ({answer})::text, {write.checked()}"
        return WriteAndAnswer(builder.statement(text), path)

    def _written_then_read(
        self, table: TrackedTable, builder: Builder, write: Write, response: Response, path: str
    ) -> Step:
        """Related rows are read by a second statement: the first one does not see what it writes itself."""
        rows = written_rows(table)
        statement = builder.statement(
            f'{write.text} SELECT ({rows})::text, {write.checked()}, (SELECT count(*)::int FROM "_m")'
        )
        return WriteThenRead(statement, self._read(response), path)

    def _read(self, response: Response) -> Statement:
        builder = self._new_builder()
        return builder.statement(f"SELECT ({response.from_rows(builder)})::text")


def _written_alone(builder: Builder, write: Write, answer: str, path: str) -> Step:
    """Return the statement as a transaction of its own that sets `hasura.user` itself.

    The answer is selected from the setting, so that PostgreSQL sets it before it runs the writing part, which is
    first read for the answer: triggers see the setting.
    """
    setting = f"SELECT set_config('hasura.user', {builder.supplied(Supplied.USER, 'text')}, true)"
    text = f"{write.text}, {USER} AS MATERIALIZED ({setting}) SELECT ({answer})::text FROM {USER}"
    return WriteAlone(builder.statement(text), path)
