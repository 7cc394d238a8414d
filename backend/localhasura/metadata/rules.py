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
    Or,
    Related,
    RelatedAggregate,
    Rule,
    SessionVariable,
    all_of,
)
from localhasura.catalog import Column, PgType
from localhasura.metadata.aggregate_rules import aggregate_predicate
from localhasura.metadata.model import Presets, TrackedTable
from localhasura.metadata.names import table_name
from localhasura.metadata.rule_values import RuleError, object_of
from localhasura.operators import COLUMN_OPERATORS, DISTINCT, LISTS, TEXT, canonical, operands
from localhasura.pgvalues import ValueMismatchError, pg_text

Tables = Mapping[Any, TrackedTable]


def parse_rule(rule: Any, table: TrackedTable, tables: Tables) -> BoolExp:
    """Return a permission's rule as an expression; raises RuleError."""
    return Rule(_RuleParser(table, tables).expression(rule, table))


def parse_presets(presets: Any, table: TrackedTable) -> Presets:
    """Return a permission's `set` by PostgreSQL column; raises RuleError."""
    found: dict[str, Literal | SessionVariable] = {}
    for name, value in object_of(presets or {}, "set").items():
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


class _RuleParser:
    """Parses one rule; `root` is the table that the whole rule is about."""

    def __init__(self, root: TrackedTable, tables: Tables) -> None:
        self._root, self._tables = root, tables
        self._combinators: Mapping[str, Callable[[Any, TrackedTable], BoolExp]] = {
            "_and": self._and,
            "_or": self._or,
            "_not": self._not,
            "_exists": self._exists,
        }

    def expression(self, rule: Any, table: TrackedTable) -> BoolExp:
        """Return the expression about a row of `table`."""
        members = object_of(rule, "boolean expression").items()
        return all_of([self._member(name, value, table) for name, value in members])

    def _member(self, name: str, value: Any, table: TrackedTable) -> BoolExp:
        column = table.catalog.columns.get(name)
        if column is not None:
            return all_of(self._comparisons(column, value, table))
        relationship = table.relationships.get(name)
        if relationship is not None:
            return Related(relationship, self.expression(value, self._tables[relationship.target]))
        combine = self._combinators.get(canonical(name))
        if combine is None:
            return self._aggregated(name, value, table)
        return combine(value, table)

    def _aggregated(self, name: str, value: Any, table: TrackedTable) -> BoolExp:
        """Return `<array relationship>_aggregate` compared; nothing else is left for the name to be."""
        relationship = table.relationships.get(name.removesuffix("_aggregate"))
        if relationship is None or not relationship.is_array or not name.endswith("_aggregate"):
            raise RuleError(f'column "{name}" does not exist')
        target = self._tables[relationship.target]
        predicate = aggregate_predicate(value, target.catalog)
        having = self._comparisons(predicate.value, predicate.comparison, target)
        return RelatedAggregate(
            relationship,
            predicate.function,
            predicate.columns,
            predicate.distinct,
            self.expression(predicate.filter, target),
            all_of(having),
        )

    def _and(self, value: Any, table: TrackedTable) -> BoolExp:
        return all_of([self.expression(part, table) for part in _list(value, "_and")])

    def _or(self, value: Any, table: TrackedTable) -> BoolExp:
        return Or(tuple(self.expression(part, table) for part in _list(value, "_or")))

    def _not(self, value: Any, table: TrackedTable) -> BoolExp:
        return Not(self.expression(value, table))

    def _exists(self, value: Any, _table: TrackedTable) -> BoolExp:
        asked = object_of(value, "_exists")
        name = table_name(asked.get("_table", asked.get("$table")))
        other = self._tables.get(name)
        if other is None:
            raise RuleError(f'table "{name}" does not exist')
        return Exists(other.catalog, self.expression(asked.get("_where", asked.get("$where", {})), other))

    def _comparisons(self, column: Column, value: Any, table: TrackedTable) -> list[BoolExp]:
        if isinstance(value, dict) and _names_operators(column, value):
            return [
                self._comparison(column, canonical(name), operand, table) for name, operand in value.items()
            ]
        return [self._comparison(column, "_eq", value, table)]

    def _comparison(self, column: Column, operator: str, value: Any, table: TrackedTable) -> BoolExp:
        if operator in COLUMN_OPERATORS:
            return Compare(column, COLUMN_OPERATORS[operator], self._column_operand(column, value, table))
        if operator == "_cast":
            return all_of(_cast_comparisons(column, value))
        return _value_comparison(column, column.type, operator, value)

    def _column_operand(self, column: Column, value: Any, table: TrackedTable) -> ColumnOperand:
        match value:
            case str(name) | [str(name)]:
                operand, owner = ColumnOperand(name), table
            case ["$", str(name)]:
                operand, owner = ColumnOperand(name, of_root=True), self._root
            case _:
                raise RuleError("a column comparison takes a column, or a list of $ and a column")
        other = owner.catalog.columns.get(operand.column)
        if other is None:
            raise RuleError(f'column "{operand.column}" does not exist')
        if other.type != column.type:
            raise RuleError(f'incompatible column types: "{column.name}", "{operand.column}"')
        return operand


def _names_operators(column: Column, value: dict[str, Any]) -> bool:
    """A jsonb column may be compared with an object in the short form; every other object names operators."""
    return not column.type.name.startswith("json") or all(key[:1] in ("_", "$") for key in value)


def _value_comparison(
    column: Column, kind: PgType, operator: str, value: Any, cast: PgType | None = None
) -> BoolExp:
    if operator == "_is_null":
        if not isinstance(value, bool):
            raise RuleError("_is_null: expected a boolean")
        return IsNull(column, value)
    if operator in LISTS:
        return Member(column, operator, _list_operand(kind, value), cast)
    wanted = operands(kind).get(operator)
    if wanted is None:
        raise RuleError(f"Unknown operator: {operator}")
    if value is not None:
        # Rules know NULL: a row without a value is `_neq` any value. `_eq` needs nothing of the kind, since a
        # session variable or literal is never NULL.
        operator = DISTINCT if operator == "_neq" else operator
        return Compare(column, operator, _scalar(wanted, value), cast=cast)
    if operator not in ("_eq", "_neq"):
        raise RuleError(f"{operator}: null is not a value")
    return IsNull(column, operator == "_eq")


def _cast_comparisons(column: Column, value: Any) -> list[BoolExp]:
    found = []
    for target, comparisons in object_of(value, "_cast").items():
        if target not in ("String", "text"):
            raise RuleError(f"cannot cast to {target}")
        for name, operand in object_of(comparisons, target).items():
            found.append(_value_comparison(column, TEXT, canonical(name), operand, TEXT))
    return found


def _list_operand(kind: PgType, value: Any) -> ListOperand | SessionVariable:
    variable = session_variable(value)
    if variable is not None:
        return SessionVariable(variable)
    # Inside a list the name of a session variable is a text like others; an array comes as one variable.
    return ListOperand(tuple(_literal(kind, item) for item in _list(value, "_in")))


def _scalar(kind: PgType, value: Any) -> Literal | SessionVariable:
    variable = session_variable(value)
    return _literal(kind, value) if variable is None else SessionVariable(variable)


def _literal(kind: PgType, value: Any) -> Literal:
    try:
        return Literal(pg_text(kind, value))
    except ValueMismatchError as error:
        raise RuleError(str(error)) from None


def _list(value: Any, what: str) -> list[Any]:
    if not isinstance(value, list):
        raise RuleError(f"{what}: expected a list")
    return value
