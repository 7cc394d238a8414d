"""Select statements: PostgreSQL itself builds the JSON, so keys come in the order of the selection."""

# ruff: noqa: S608 - statements are put together from quoted identifiers and bound parameters only

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from psycopg import sql

from localhasura.boolexp import TRUE, BoolExp, Relationship, all_of
from localhasura.catalog import Column
from localhasura.catalog.model import STRINGIFIED
from localhasura.metadata.model import TrackedTable
from localhasura.request.selection import Selected, Walker
from localhasura.schema.objects import Kind
from localhasura.sql.builder import Builder, Statement, aggregate_call, from_table, join_condition
from localhasura.sql.filters import key_condition, select_filter, where_expression
from localhasura.sql.jsonpath import path_literal
from localhasura.sql.order import distinct_columns, order_clause

EMPTY_LIST = "'[]'::json"
_MAX_BUILD_PAIRS = 50
"""json_build_object takes at most 100 arguments."""

Join = Callable[[str], str]


@lru_cache(maxsize=4096)
def text_literal(text: str) -> str:
    """Return a name of the document as an SQL string (GraphQL names hold letters, digits and _ only)."""
    return sql.Literal(text).as_string(None)


@dataclass(frozen=True)
class _Rows:
    """The rows that a select field is about, before they become JSON."""

    table: TrackedTable
    args: dict[str, Any]
    path: str
    join: Join | None = None


class SelectCompiler:
    """Compiles select fields of one statement."""

    def __init__(self, builder: Builder, walker: Walker) -> None:
        self._b, self._walker = builder, walker

    def root(self, selected: Selected) -> Statement:
        """Return the statement of a root field; its one value is the field's JSON text, or NULL."""
        table, kind = selected.known.of_table, selected.known.kind
        if kind is Kind.SELECT_BY_PK:
            expression = self._by_key(table, selected)
        else:
            rows = _Rows(table, dict(selected.args), selected.path)
            expression = (
                self._list(rows, selected) if kind is Kind.SELECT else self._aggregate(rows, selected)
            )
        return self._b.statement(f"SELECT ({expression})::text")

    def row(self, table: TrackedTable, alias: str, fields: Sequence[Selected]) -> str:
        """Return the JSON object with the selected fields of the row that `alias` names."""
        return build_object([(field.key, self._value(table, alias, field)) for field in fields])

    def row_type_name(self, table: TrackedTable) -> str:
        return text_literal(table.graphql_name)

    def _value(self, table: TrackedTable, alias: str, selected: Selected) -> str:
        field = selected.field
        if field is None:
            return self.row_type_name(table)
        if field.kind is Kind.COLUMN:
            return self._column(self._b.readable(table, field.of_column, alias), selected)
        join = _joining(field.of_relationship, alias)
        if field.kind is Kind.OBJECT_RELATIONSHIP:
            return self._one(field.of_table, selected, join, select_filter(field.of_table, self._b.inputs))
        rows = _Rows(field.of_table, dict(selected.args), selected.path, join)
        if field.kind is Kind.ARRAY_RELATIONSHIP:
            return self._list(rows, selected)
        return self._aggregate(rows, selected)

    def _column(self, plain: str, selected: Selected) -> str:
        path = selected.args.get("path")
        if path is not None:
            steps = path_literal(path, f"{selected.path}.args")
            return plain if steps is None else f"({plain} #> {self._b.bind(steps, 'text[]')})"
        return self._stringified(plain, selected.known.of_column)

    def _stringified(self, expression: str, column: Column) -> str:
        if self._b.stringify and column.type.name in STRINGIFIED:
            return f"({expression})::text"
        return expression

    def _by_key(self, table: TrackedTable, selected: Selected) -> str:
        where = all_of([key_condition(table, selected.args), select_filter(table, self._b.inputs)])
        return self._one(table, selected, None, where)

    def _one(self, table: TrackedTable, selected: Selected, join: Join | None, where: BoolExp) -> str:
        alias = self._b.alias()
        row = self.row(table, alias, self._walker.subfields(selected))
        conditions = self._conditions(where, alias, join)
        return f"(SELECT {row} FROM {from_table(table, alias)}{conditions} LIMIT 1)"

    def _list(self, rows: _Rows, selected: Selected) -> str:
        return self._list_of(rows, self._walker.subfields(selected))

    def _list_of(self, rows: _Rows, fields: Sequence[Selected]) -> str:
        alias, outer = self._b.alias(), self._b.alias()
        row = self.row(rows.table, alias, fields)
        select = self._b.inputs.permissions(rows.table).select
        tail = self._tail(rows, alias, None if select is None else select.limit)
        distinct = self._distinct(rows, alias)
        inner = f'SELECT {distinct}{row} AS "o" FROM {from_table(rows.table, alias)}{tail}'
        return f'(SELECT coalesce(json_agg({outer}."o"), {EMPTY_LIST}) FROM ({inner}) AS {outer})'

    def _aggregate(self, rows: _Rows, selected: Selected) -> str:
        pairs: list[tuple[str, str]] = []
        for field in self._walker.subfields(selected):
            if field.field is None:
                value = text_literal(f"{rows.table.graphql_name}_aggregate")
            elif field.field.kind is Kind.NODES:
                value = self._list_of(rows, self._walker.subfields(field))
            else:
                value = self._aggregate_values(rows, field)
            pairs.append((field.key, value))
        return build_object(pairs)

    def _aggregate_values(self, rows: _Rows, selected: Selected) -> str:
        alias, outer = self._b.alias(), self._b.alias()
        pairs = [
            (field.key, self._aggregate_value(rows.table, outer, field))
            for field in self._walker.subfields(selected)
        ]
        tail = self._tail(rows, alias, None)
        listed = self._all_columns(rows.table, alias)
        inner = f"SELECT {self._distinct(rows, alias)}{listed} FROM {from_table(rows.table, alias)}{tail}"
        # HAVING makes it one row even when nothing but __typename is asked for.
        return f"(SELECT {build_object(pairs)} FROM ({inner}) AS {outer} HAVING TRUE)"

    def _all_columns(self, table: TrackedTable, alias: str) -> str:
        select = self._b.inputs.permissions(table).select
        if select is None or not select.visible_where:
            return f"{alias}.*"
        columns = self._b.inputs.selectable(table).values()
        return ", ".join(f"{self._b.readable(table, column, alias)} AS {column.sql}" for column in columns)

    def _aggregate_value(self, table: TrackedTable, alias: str, selected: Selected) -> str:
        field = selected.field
        if field is None:
            return text_literal(f"{table.graphql_name}_aggregate_fields")
        if field.kind is Kind.COUNT:
            return self._count(table, alias, selected)
        pairs: list[tuple[str, str]] = []
        for inner in self._walker.subfields(selected):
            if inner.field is None:
                pairs.append((inner.key, text_literal(f"{table.graphql_name}_{field.name}_fields")))
                continue
            column = inner.field.of_column
            pairs.append((inner.key, self._stringified(f"{field.name}({alias}.{column.sql})", column)))
        return build_object(pairs)

    def _count(self, table: TrackedTable, alias: str, selected: Selected) -> str:
        columns = [table.columns[name] for name in selected.args.get("columns") or ()]
        return aggregate_call("count", columns, alias, distinct=bool(selected.args.get("distinct")))

    def _distinct(self, rows: _Rows, alias: str) -> str:
        columns = distinct_columns(rows.table, rows.args, f"{rows.path}.args")
        if not columns:
            return ""
        listed = ", ".join(self._b.readable(rows.table, column, alias) for column in columns)
        return f"DISTINCT ON ({listed}) "

    def _tail(self, rows: _Rows, alias: str, permission_limit: int | None) -> str:
        """Return WHERE, ORDER BY, LIMIT and OFFSET."""
        inputs = self._b.inputs
        where = all_of(
            [
                select_filter(rows.table, inputs),
                where_expression(rows.args.get("where"), rows.table, inputs),
            ]
        )
        text = self._conditions(where, alias, rows.join)
        text += order_clause(self._b, rows.table, alias, rows.args.get("order_by") or [])
        limits = [limit for limit in (rows.args.get("limit"), permission_limit) if limit is not None]
        if limits:
            text += f" LIMIT {self._b.bind(str(min(limits)), 'bigint')}"
        if rows.args.get("offset") is not None:
            text += f" OFFSET {self._b.bind(str(rows.args['offset']), 'bigint')}"
        return text

    def _conditions(self, where: BoolExp, alias: str, join: Join | None) -> str:
        parts = [] if join is None else [join(alias)]
        if where != TRUE:
            parts.append(self._b.condition(where, alias, alias))
        return " WHERE " + " AND ".join(parts) if parts else ""


def build_object(pairs: Sequence[tuple[str, str]]) -> str:
    """Return the SQL of a JSON object with these keys in this order; the values are SQL expressions."""
    if len(pairs) <= _MAX_BUILD_PAIRS:
        listed = ", ".join(f"{text_literal(key)}, {value}" for key, value in pairs)
        return f"json_build_object({listed})"
    rows = ", ".join(
        f"({number}, {text_literal(key)}, to_json({value}))" for number, (key, value) in enumerate(pairs)
    )
    return f'(SELECT json_object_agg("k", "v" ORDER BY "n") FROM (VALUES {rows}) AS "_p"("n", "k", "v"))'


def _joining(relationship: Relationship, local: str) -> Join:
    return lambda remote: join_condition(relationship, local, remote)
