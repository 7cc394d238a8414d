"""Aggregation predicates of permission rules: `articles_aggregate: {count: {predicate: {_gt: 1}, filter: ...}}`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from localhasura.catalog import CatalogTable, Column, PgType
from localhasura.metadata.rule_values import RuleError, object_of
from localhasura.operators import BOOLEAN, COLUMN_OPERATORS, INTEGER, canonical

_FLOAT8 = PgType("float8", "double precision")
_OF_BOOLEANS = ("bool_and", "bool_or")
_OF_FLOATS = ("avg", "max", "min", "stddev_samp", "sum", "var_samp")
_OF_TWO_FLOATS = ("corr", "covar_samp")
_MEMBERS = ("arguments", "distinct", "filter", "predicate")


@dataclass(frozen=True)
class AggregatePredicate:
    """One aggregate over related rows; `filter` and `comparison` are still JSON."""

    function: str
    columns: tuple[Column, ...]
    distinct: bool
    filter: Any
    value: Column
    """The aggregate's value, which `comparison` is about."""
    comparison: dict[str, Any]


def aggregate_predicate(given: Any, table: CatalogTable) -> AggregatePredicate:
    """Return the one predicate of a `<relationship>_aggregate` about rows of `table`; raises RuleError."""
    functions = object_of(given, "aggregation predicate")
    if len(functions) != 1:
        raise RuleError("exactly one predicate should be specified")
    ((function, member),) = functions.items()
    asked = object_of(member, function)
    for key in asked:
        if key not in _MEMBERS:
            raise RuleError(f'{function}: unexpected key "{key}"')
    if "predicate" not in asked:
        raise RuleError('key "predicate" not found')
    comparison = object_of(asked["predicate"], "predicate")
    for operator in map(canonical, comparison):
        if operator in COLUMN_OPERATORS:
            raise RuleError(f"{operator}: an aggregate is not compared with a column")
    kind, names = _result(function), _names(function, asked.get("arguments"))
    return AggregatePredicate(
        function,
        tuple(_column(name, function, kind, table) for name in names),
        bool(asked.get("distinct")),
        {} if asked.get("filter") is None else asked["filter"],
        Column("value", kind, nullable=True),
        comparison,
    )


def argument_names(arguments: Any) -> list[str]:
    """Return the columns that the arguments name, in whatever of their forms."""
    if isinstance(arguments, str):
        return [arguments]
    if isinstance(arguments, dict):
        return [str(arguments[key]) for key in ("X", "Y") if key in arguments]
    return [str(name) for name in arguments] if isinstance(arguments, list) else []


def _names(function: str, arguments: Any) -> list[str]:
    names = argument_names(arguments)
    wanted = 2 if function in _OF_TWO_FLOATS else 1
    if function != "count" and len(names) != wanted:
        raise RuleError(f"{function}: expected {wanted} columns as arguments")
    return names


def _result(function: str) -> PgType:
    if function == "count":
        return INTEGER
    if function in _OF_BOOLEANS:
        return BOOLEAN
    if function in _OF_FLOATS or function in _OF_TWO_FLOATS:
        return _FLOAT8
    raise RuleError(f"unknown aggregate function: {function}")


def _column(name: str, function: str, kind: PgType, table: CatalogTable) -> Column:
    column = table.columns.get(name)
    if column is None:
        raise RuleError(f'column "{name}" does not exist')
    if function != "count" and column.type.name != kind.name:
        raise RuleError(f'{function}: column "{name}" is not of type {kind.name}')
    return column
