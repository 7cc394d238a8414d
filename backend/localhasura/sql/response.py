"""What a mutation answers: counts and rows, from the writing statement or from rows read back after it."""

# ruff: noqa: S608 - statements are put together from quoted identifiers and bound parameters only

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from localhasura.jsontext import compact
from localhasura.metadata.model import TrackedTable
from localhasura.request.selection import Selected, Walker
from localhasura.schema.objects import Kind
from localhasura.sql.builder import Builder, Supplied, from_rows
from localhasura.sql.mutations import WRITTEN
from localhasura.sql.select import EMPTY_LIST, SelectCompiler, build_object, text_literal

_ONE_ROW = {Kind.INSERT_ONE, Kind.UPDATE_BY_PK, Kind.DELETE_BY_PK}
_NESTED = {Kind.OBJECT_RELATIONSHIP, Kind.ARRAY_RELATIONSHIP, Kind.AGGREGATE_RELATIONSHIP}


class Response:
    """The answer of one mutation field on one table."""

    def __init__(self, table: TrackedTable, selected: Selected, walker: Walker) -> None:
        self._table, self._walker = table, walker
        self._fields = walker.subfields(selected)
        self._one_row = selected.known.kind in _ONE_ROW
        self.reads_relationships = any(
            field.field and field.field.kind in _NESTED for field in self._row_fields()
        )

    def from_write(self, builder: Builder) -> str:
        """Return the expression of the answer, inside the statement that writes."""
        return self._expression(
            builder, lambda alias: f"{WRITTEN} AS {alias}", lambda: f"(SELECT count(*) FROM {WRITTEN})"
        )

    def from_rows(self, builder: Builder) -> str:
        """Return the expression of the answer for rows that were written before, which the run supplies."""
        # The rows are bound where they are read: an answer of nothing but a count has no place for them.
        return self._expression(
            builder,
            lambda alias: from_rows(self._table.name, builder.supplied(Supplied.ROWS, "json"), alias),
            lambda: builder.supplied(Supplied.COUNT, "bigint"),
        )

    def empty(self) -> str:
        """Return the answer, as JSON text, of a mutation that had nothing to do."""
        if self._one_row:
            return "{}"
        values: dict[str, Any] = {}
        for field in self._fields:
            if field.field is None:
                values[field.key] = self._response_type()
            else:
                values[field.key] = 0 if field.field.kind is Kind.AFFECTED_ROWS else []
        return compact(values)

    def _row_fields(self) -> Sequence[Selected]:
        if self._one_row:
            return self._fields
        returning = [field for field in self._fields if field.field and field.field.kind is Kind.RETURNING]
        return [inner for field in returning for inner in self._walker.subfields(field)]

    def _expression(self, builder: Builder, source: Callable[[str], str], count: Callable[[], str]) -> str:
        compiler = SelectCompiler(builder, self._walker)
        if self._one_row:
            alias = builder.alias()
            return f"(SELECT {compiler.row(self._table, alias, self._fields)} FROM {source(alias)} LIMIT 1)"
        pairs: list[tuple[str, str]] = []
        for field in self._fields:
            if field.field is None:
                value = text_literal(self._response_type())
            elif field.field.kind is Kind.AFFECTED_ROWS:
                value = count()
            else:
                alias = builder.alias()
                row = compiler.row(self._table, alias, self._walker.subfields(field))
                value = f"(SELECT coalesce(json_agg({row}), {EMPTY_LIST}) FROM {source(alias)})"
            pairs.append((field.key, value))
        return build_object(pairs)

    def _response_type(self) -> str:
        return f"{self._table.graphql_name}_mutation_response"
