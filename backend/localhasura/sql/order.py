"""ORDER BY and DISTINCT ON, through relationships and aggregates of relationships too."""

# ruff: noqa: S608 - statements are put together from quoted identifiers and bound parameters only

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from localhasura.boolexp import TRUE, Relationship
from localhasura.catalog import Column
from localhasura.errors import invalid
from localhasura.metadata.model import TrackedTable
from localhasura.sql.builder import Builder, from_table, join_condition
from localhasura.sql.filters import select_filter

_DIRECTIONS = {
    "asc": "ASC NULLS LAST",
    "asc_nulls_first": "ASC NULLS FIRST",
    "asc_nulls_last": "ASC NULLS LAST",
    "desc": "DESC NULLS FIRST",
    "desc_nulls_first": "DESC NULLS FIRST",
    "desc_nulls_last": "DESC NULLS LAST",
}


def order_clause(
    builder: Builder, table: TrackedTable, alias: str, order_by: Sequence[Mapping[str, Any]]
) -> str:
    """Return ` ORDER BY ...` for a parsed `order_by`, or nothing."""
    orders = [
        f"{expression} {_DIRECTIONS[direction]}"
        for item in order_by
        for expression, direction in _orders(builder, table, alias, item)
    ]
    return f" ORDER BY {', '.join(orders)}" if orders else ""


def distinct_columns(table: TrackedTable, args: Mapping[str, Any], path: str) -> list[Column]:
    """Return the columns of `distinct_on`; they must be the first of `order_by`, if there is one."""
    names = list(dict.fromkeys(args.get("distinct_on") or ()))
    initial = [name for item in args.get("order_by") or () for name in item][: len(names)]
    if names and initial and set(initial) != set(names):
        raise invalid('"distinct_on" columns must match initial "order_by" columns', path)
    return [table.columns[name] for name in names]


def _orders(
    builder: Builder, table: TrackedTable, alias: str, item: Mapping[str, Any]
) -> Iterator[tuple[str, str]]:
    for name, order in item.items():
        column = table.columns.get(name)
        if column is not None:
            yield builder.readable(table, column, alias), order
        elif name in table.relationships:
            yield from _through_object(builder, table.relationships[name], alias, order)
        else:
            relationship = table.relationships[name.removesuffix("_aggregate")]
            yield from _through_aggregate(builder, relationship, alias, order)


def _through_object(
    builder: Builder, relationship: Relationship, alias: str, item: Mapping[str, Any]
) -> Iterator[tuple[str, str]]:
    target = builder.inputs.table(relationship)
    inner = builder.alias()
    for expression, direction in _orders(builder, target, inner, item):
        yield _subselect(builder, relationship, target, alias, inner, f"{expression}", " LIMIT 1"), direction


def _through_aggregate(
    builder: Builder, relationship: Relationship, alias: str, item: Mapping[str, Any]
) -> Iterator[tuple[str, str]]:
    target = builder.inputs.table(relationship)
    for function, order in item.items():
        inner = builder.alias()
        if function == "count":
            yield _subselect(builder, relationship, target, alias, inner, "count(*)"), order
            continue
        for name, direction in order.items():
            value = f"{function}({builder.readable(target, target.columns[name], inner)})"
            yield _subselect(builder, relationship, target, alias, inner, value), direction


def _subselect(
    builder: Builder,
    relationship: Relationship,
    target: TrackedTable,
    alias: str,
    inner: str,
    value: str,
    tail: str = "",
) -> str:
    where = join_condition(relationship, alias, inner)
    readable = select_filter(target, builder.inputs)
    if readable != TRUE:
        where += f" AND {builder.condition(readable, inner, inner)}"
    return f"(SELECT {value} FROM {from_table(target, inner)} WHERE {where}{tail})"
