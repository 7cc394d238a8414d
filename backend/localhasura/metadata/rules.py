"""Permission rules: from the JSON of metadata to boolean expressions, in every spelling that Hasura takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from localhasura.boolexp import (
    BoolExp,
    ColumnOperand,
    Compare,
    Exists,
    IsNull,
    ListOperand,
    Literal,
    Member,
    Not,
    Operand,
    Or,
    Related,
    Rule,
    SessionVariable,
    all_of,
)
from localhasura.catalog import Column, PgType
from localhasura.metadata.model import Presets, TrackedTable
from localhasura.metadata.names import table_name
from localhasura.operators import COLUMN_OPERATORS, LISTS, TEXT, canonical, operands
from localhasura.pgvalues import ValueMismatchError, pg_text

Tables = Mapping[Any, TrackedTable]


class RuleError(ValueError):
    """The rule does not fit the tables; the text goes into the inconsistency's reason."""


def parse_rule(rule: Any, table: TrackedTable, tables: Tables) -> BoolExp:
    """Return a permission's rule as an expression; raises RuleError."""
    return Rule(_expression(rule, table, tables))


def parse_presets(presets: Any, table: TrackedTable) -> Presets:
    """Return a permission's `set` by PostgreSQL column; raises RuleError."""
    found: dict[str, Literal | SessionVariable] = {}
    for name, value in _object(presets or {}, "set").items():
        column = table.catalog.columns.get(name)
        if column is None:
            raise RuleError(f'column "{name}" does not exist')
        found[name] = Literal(None) if value is None else _scalar(column.type, value)
    return found


def session_variable(value: Any) -> str | None:
    """Return the lower-case name of the session variable that a rule's value stands for, if it does."""
    if not isinstance(value, str):
        return None
    if value.lower() == "req_user_id":
        return "x-hasura-user-id"
    return value.lower() if value.lower().startswith("x-hasura-") else None


def _expression(rule: Any, table: TrackedTable, tables: Tables) -> BoolExp:
    parts = [
        _member(name, value, table, tables) for name, value in _object(rule, "boolean expression").items()
    ]
    return all_of(parts)


def _member(name: str, value: Any, table: TrackedTable, tables: Tables) -> BoolExp:
    column = table.catalog.columns.get(name)
    if column is not None:
        return all_of(_comparisons(column, value))
    relationship = table.relationships.get(name)
    if relationship is not None:
        return Related(relationship, _expression(value, tables[relationship.target], tables))
    combine = _COMBINATORS.get(canonical(name))
    if combine is None:
        raise RuleError(f'"{name}" is neither a column nor a relationship of table "{table.name}"')
    return combine(value, table, tables)


def _and(value: Any, table: TrackedTable, tables: Tables) -> BoolExp:
    return all_of([_expression(part, table, tables) for part in _list(value, "_and")])


def _or(value: Any, table: TrackedTable, tables: Tables) -> BoolExp:
    return Or(tuple(_expression(part, table, tables) for part in _list(value, "_or")))


def _not(value: Any, table: TrackedTable, tables: Tables) -> BoolExp:
    return Not(_expression(value, table, tables))


def _exists(value: Any, table: TrackedTable, tables: Tables) -> BoolExp:
    asked = _object(value, "_exists")
    name = table_name(asked.get("_table", asked.get("$table")))
    other = tables.get(name)
    if other is None:
        raise RuleError(f'table "{name}" does not exist')
    return Exists(
        other.catalog, Rule(_expression(asked.get("_where", asked.get("$where", {})), other, tables))
    )


_COMBINATORS: Mapping[str, Callable[[Any, TrackedTable, Tables], BoolExp]] = {
    "_and": _and,
    "_or": _or,
    "_not": _not,
    "_exists": _exists,
}


def _comparisons(column: Column, value: Any) -> list[BoolExp]:
    if isinstance(value, dict) and _names_operators(column, value):
        return [_comparison(column, column.type, canonical(name), operand) for name, operand in value.items()]
    return [_comparison(column, column.type, "_eq", value)]


def _names_operators(column: Column, value: dict[str, Any]) -> bool:
    """A jsonb column may be compared with an object in the short form; every other object names operators."""
    return not column.type.name.startswith("json") or all(key[:1] in ("_", "$") for key in value)


def _comparison(
    column: Column, kind: PgType, operator: str, value: Any, cast: PgType | None = None
) -> BoolExp:
    if operator == "_is_null":
        if not isinstance(value, bool):
            raise RuleError("_is_null: expected a boolean")
        return IsNull(column, value)
    if operator in COLUMN_OPERATORS:
        return Compare(column, COLUMN_OPERATORS[operator], _column_operand(value))
    if operator in LISTS:
        return Member(column, operator, _list_operand(kind, value), cast)
    if operator == "_cast":
        return all_of(_cast_comparisons(column, value))
    wanted = operands(kind).get(operator)
    if wanted is None:
        raise RuleError(f"Unknown operator: {operator}")
    return _plain_comparison(column, operator, wanted, value, cast)


def _plain_comparison(
    column: Column, operator: str, wanted: PgType, value: Any, cast: PgType | None
) -> BoolExp:
    null_aware = operator in ("_eq", "_neq") and cast is None
    if value is None:
        if not null_aware:
            raise RuleError(f"{operator}: null is not a value")
        return IsNull(column, operator == "_eq")
    return Compare(column, operator, _scalar(wanted, value), null_aware=null_aware, cast=cast)


def _cast_comparisons(column: Column, value: Any) -> list[BoolExp]:
    found = []
    for target, comparisons in _object(value, "_cast").items():
        if target not in ("String", "text"):
            raise RuleError(f"cannot cast to {target}")
        for name, operand in _object(comparisons, target).items():
            found.append(_comparison(column, TEXT, canonical(name), operand, cast=TEXT))
    return found


def _column_operand(value: Any) -> Operand:
    match value:
        case str(name) | [str(name)]:
            return ColumnOperand(name)
        case ["$", str(name)]:
            return ColumnOperand(name, of_root=True)
    raise RuleError("a column comparison takes a column, or a list of $ and a column")


def _list_operand(kind: PgType, value: Any) -> ListOperand | SessionVariable:
    variable = session_variable(value)
    if variable is not None:
        return SessionVariable(variable)
    return ListOperand(tuple(_scalar(kind, item) for item in _list(value, "_in")))


def _scalar(kind: PgType, value: Any) -> Literal | SessionVariable:
    variable = session_variable(value)
    if variable is not None:
        return SessionVariable(variable)
    try:
        return Literal(pg_text(kind, value))
    except ValueMismatchError as error:
        raise RuleError(str(error)) from None


def _object(value: Any, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise RuleError(f"{what}: expected an object")
    return value


def _list(value: Any, what: str) -> list[Any]:
    if not isinstance(value, list):
        raise RuleError(f"{what}: expected a list")
    return value
