"""From parsed `where` arguments to boolean expressions, the role's filters on related tables added."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from localhasura.boolexp import (
    TRUE,
    BoolExp,
    Compare,
    IsNull,
    ListOperand,
    Literal,
    Member,
    Not,
    Or,
    Related,
    RelatedAggregate,
    Relationship,
    Visible,
    all_of,
)
from localhasura.catalog import Column, PgType
from localhasura.metadata.model import TrackedTable
from localhasura.operators import LISTS, TEXT
from localhasura.schema.predicates import Predicate, value_column
from localhasura.schema.role_inputs import RoleInputs
from localhasura.sql.builder import visible_where

Parsed = Mapping[str, Any]


def where_expression(where: Parsed | None, table: TrackedTable, inputs: RoleInputs) -> BoolExp:
    """Return a parsed `T_bool_exp` as an expression."""
    if not where:
        return TRUE
    return all_of([_member(name, value, table, inputs) for name, value in where.items()])


def select_filter(table: TrackedTable, inputs: RoleInputs) -> BoolExp:
    """Return which rows of the table the role may read."""
    select = inputs.permissions(table).select
    return TRUE if select is None else select.filter


def key_condition(table: TrackedTable, values: Parsed) -> BoolExp:
    """Return the expression that picks a row by its primary key; `values` by GraphQL name."""
    found: list[BoolExp] = []
    for column in table.catalog.primary_key:
        found.append(Compare(column, "_eq", values[table.column_names[column.name]]))
    return all_of(found)


def _member(name: str, value: Any, table: TrackedTable, inputs: RoleInputs) -> BoolExp:
    if name == "_and":
        return all_of([where_expression(part, table, inputs) for part in value])
    if name == "_or":
        return Or(tuple(where_expression(part, table, inputs) for part in value))
    if name == "_not":
        return Not(where_expression(value, table, inputs))
    column = table.columns.get(name)
    if column is not None:
        return all_of(_seen(visible_where(table, column, inputs), _comparisons(column, value, None)))
    if isinstance(value, Predicate):
        return _aggregated(table.relationships[name.removesuffix("_aggregate")], value, inputs)
    relationship = table.relationships[name]
    target = inputs.table(relationship)
    return Related(
        relationship, all_of([select_filter(target, inputs), where_expression(value, target, inputs)])
    )


def _aggregated(relationship: Relationship, predicate: Predicate, inputs: RoleInputs) -> BoolExp:
    target = inputs.table(relationship)
    columns = tuple(target.columns[name] for name in predicate.columns)
    # Aggregates pass over NULL, so rows in which the column would be NULL can be left out.
    seen = (visible_where(target, column, inputs) for column in columns)
    return RelatedAggregate(
        relationship,
        predicate.function,
        columns,
        predicate.distinct,
        all_of(
            [
                select_filter(target, inputs),
                *(rows for rows in seen if rows is not None),
                where_expression(predicate.filter, target, inputs),
            ]
        ),
        all_of(_comparisons(value_column(predicate), predicate.comparison, None)),
    )


def _seen(rows: BoolExp | None, comparisons: list[BoolExp]) -> list[BoolExp]:
    if rows is None:
        return comparisons
    return [Visible(rows, part, part.wanted if isinstance(part, IsNull) else None) for part in comparisons]


def _comparisons(column: Column, value: Parsed, cast: PgType | None) -> list[BoolExp]:
    found: list[BoolExp] = []
    for operator, operand in value.items():
        if operator == "_is_null":
            found.append(IsNull(column, operand))
        elif operator == "_cast":
            found += _comparisons(column, operand.get("String", {}), TEXT)
        elif operator in LISTS:
            elements = tuple(element for element in operand if isinstance(element, Literal))
            found.append(Member(column, operator, ListOperand(elements), cast))
        else:
            found.append(Compare(column, operator, operand, cast=cast))
    return found
