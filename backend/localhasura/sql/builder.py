"""What all statements share: bound parameters, session variables, aliases, expressions over boolean rules."""

# ruff: noqa: S608 - statements are put together from quoted identifiers and bound parameters only

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto

from localhasura.boolexp import (
    And,
    BoolExp,
    BoundVariable,
    ColumnOperand,
    Compare,
    Exists,
    IsNull,
    Literal,
    Member,
    Not,
    Or,
    Related,
    RelatedAggregate,
    Relationship,
    Rule,
    Scalar,
    SessionVariable,
    Visible,
)
from localhasura.catalog import Column, PgType, TableName
from localhasura.catalog.model import quoted
from localhasura.errors import EngineError
from localhasura.metadata.model import TrackedTable
from localhasura.operators import SQL, array_of, operand_type
from localhasura.pgvalues import array_literal
from localhasura.schema.role_inputs import RoleInputs


@dataclass(frozen=True)
class Session:
    """Who asks: the role and the session variables, `x-hasura-role` among them."""

    role: str
    variables: Mapping[str, str] = field(default_factory=dict)
    backend: bool = False
    """Whether backend-only permissions count."""

    def variable(self, name: str) -> str:
        """Return a session variable; raises `not-found` as Hasura does at run time."""
        value = self.variables.get(name)
        if value is None:
            raise EngineError("not-found", f'missing session variable: "{name}"')
        return value


class Supplied(Enum):
    """What nothing but the run of a mutation knows."""

    USER = auto()
    """The session variables, as JSON text."""
    ROWS = auto()
    """The rows that were written, as JSON text."""
    COUNT = auto()


Origin = BoundVariable | SessionVariable | Supplied


@dataclass(frozen=True)
class Statement:
    """SQL text with `$1`-style parameters, all of them text."""

    text: str
    parameters: list[str | None]
    origins: Mapping[int, Origin] = field(default_factory=dict)
    """Of the parameters (from 0) that a variable or the run alone decides, what does."""

    def supplied(self, values: Mapping[Supplied, str]) -> Statement:
        """Return the statement with what the run knows now."""
        parameters = list(self.parameters)
        for index, origin in self.origins.items():
            if isinstance(origin, Supplied):
                parameters[index] = values[origin]
        return Statement(self.text, parameters, self.origins)


class Builder:
    """Collects the parameters of one statement and hands out aliases."""

    def __init__(self, inputs: RoleInputs, session: Session, *, stringify: bool) -> None:
        self.inputs, self.session, self.stringify = inputs, session, stringify
        self.parameters: list[str | None] = []
        self._origins: dict[int, Origin] = {}
        self._aliases = 0
        self._readable: dict[tuple[str, str], str] = {}

    def statement(self, text: str) -> Statement:
        return Statement(text, self.parameters, self._origins)

    def alias(self) -> str:
        """Return an alias that no other part of the statement has, quoted."""
        self._aliases += 1
        return f'"_{self._aliases}"'

    def bind(self, text: str | None, cast: str) -> str:
        """Return a parameter holding `text`, read as the type `cast`."""
        self.parameters.append(text)
        return f"(${len(self.parameters)})::{cast}"

    def supplied(self, what: Supplied, cast: str) -> str:
        """Return a parameter that the run gives its value."""
        self._origins[len(self.parameters)] = what
        return self.bind(None, cast)

    def value(self, operand: Scalar, kind: PgType) -> str:
        """Return a literal or session variable as a value of the type."""
        origin = operand.variable if isinstance(operand, Literal) else operand
        if origin is not None:
            self._origins[len(self.parameters)] = origin
        text = operand.text if isinstance(operand, Literal) else self.session.variable(operand.name)
        return self.bind(text, kind.cast)

    def condition(self, where: BoolExp, alias: str, root: str) -> str:
        """Return the expression about the row that `alias` names; `root` names the row of the whole rule."""
        match where:
            case And():
                return self._joined(where.parts, " AND ", "TRUE", alias, root)
            case Or():
                return self._joined(where.parts, " OR ", "FALSE", alias, root)
            case Not():
                return f"(NOT {self.condition(where.part, alias, root)})"
            case IsNull():
                return f"({alias}.{where.column.sql} IS {'' if where.wanted else 'NOT '}NULL)"
            case Compare():
                return self._comparison(where, alias, root)
            case Member():
                return self._membership(where, alias)
            case Related() | RelatedAggregate() | Exists():
                return self._existence(where, alias, root)
            case Rule():
                return self.condition(where.where, alias, alias)
            case Visible():
                return self._visible(where, alias)

    def _visible(self, where: Visible, alias: str) -> str:
        of_null = "NULL" if where.of_null is None else str(where.of_null).upper()
        shown = self.condition(where.rows, alias, alias)
        return f"(CASE WHEN {shown} THEN {self.condition(where.part, alias, alias)} ELSE {of_null} END)"

    def readable(self, table: TrackedTable, column: Column, alias: str) -> str:
        """Return a column as the role sees it: NULL in rows in which an inherited role has no right to it."""
        rows = visible_where(table, column, self.inputs)
        if rows is None:
            return f"{alias}.{column.sql}"
        # One text for each, parameters included: DISTINCT ON and ORDER BY must say the same.
        key = (alias, column.name)
        if key not in self._readable:
            shown = self.condition(rows, alias, alias)
            self._readable[key] = f"(CASE WHEN {shown} THEN {alias}.{column.sql} END)"
        return self._readable[key]

    def _joined(self, parts: tuple[BoolExp, ...], glue: str, empty: str, alias: str, root: str) -> str:
        if not parts:
            return empty
        return "(" + glue.join(self.condition(part, alias, root) for part in parts) + ")"

    def _existence(self, where: Related | RelatedAggregate | Exists, alias: str, root: str) -> str:
        if isinstance(where, Related):
            return self._related(where, alias, root)
        if isinstance(where, RelatedAggregate):
            return self._aggregated(where, alias, root)
        inner = self.alias()
        condition = self.condition(where.where, inner, root)
        return f"(EXISTS (SELECT 1 FROM {where.table.name.sql} AS {inner} WHERE {condition}))"

    def _related(self, where: Related, alias: str, root: str) -> str:
        inner = self.alias()
        target = self.inputs.table(where.relationship)
        join = join_condition(where.relationship, alias, inner)
        condition = self.condition(where.where, inner, root)
        return f"(EXISTS (SELECT 1 FROM {target.name.sql} AS {inner} WHERE {join} AND {condition}))"

    def _aggregated(self, where: RelatedAggregate, alias: str, root: str) -> str:
        inner, outer = self.alias(), self.alias()
        target = self.inputs.table(where.relationship)
        join = join_condition(where.relationship, alias, inner)
        value = aggregate_call(where.function, where.columns, inner, distinct=where.distinct)
        condition = self.condition(where.where, inner, root)
        rows = f'SELECT {value} AS "value" FROM {target.name.sql} AS {inner} WHERE {join} AND {condition}'
        return (
            f"(EXISTS (SELECT 1 FROM ({rows}) AS {outer} WHERE {self.condition(where.having, outer, root)}))"
        )

    def _left(self, column: Column, cast: PgType | None, alias: str) -> tuple[str, PgType]:
        plain = f"{alias}.{column.sql}"
        return (plain, column.type) if cast is None else (f"({plain})::{cast.cast}", cast)

    def _comparison(self, where: Compare, alias: str, root: str) -> str:
        left, kind = self._left(where.column, where.cast, alias)
        operand = where.operand
        if not isinstance(operand, ColumnOperand):
            right = self.value(operand, operand_type(kind, where.operator))
            return f"({left} {SQL[where.operator]} {right})"
        right = f"{root if operand.of_root else alias}.{quoted(operand.column)}"
        return f"({left} {SQL[where.operator]} {right})"

    def _membership(self, where: Member, alias: str) -> str:
        left, kind = self._left(where.column, where.cast, alias)
        comparison = "= ANY" if where.operator == "_in" else "<> ALL"
        if isinstance(where.list, SessionVariable):
            return f"({left} {comparison} ({self.value(where.list, array_of(kind))}))"
        elements = where.list.elements
        if kind.is_array:
            return self._array_membership(left, kind, where.operator, elements)
        texts = [element.text for element in elements if isinstance(element, Literal)]
        if len(texts) == len(elements):
            bound = self.bind(array_literal(texts, kind.delimiter), array_of(kind).cast)
            return f"({left} {comparison} ({bound}))"
        listed = ", ".join(self.value(element, kind) for element in elements)
        return f"({left} {comparison} (ARRAY[{listed}]))"

    def _array_membership(self, left: str, kind: PgType, operator: str, elements: tuple[Scalar, ...]) -> str:
        if not elements:
            return "FALSE" if operator == "_in" else "TRUE"
        listed = ", ".join(self.value(element, kind) for element in elements)
        return f"({left} {'IN' if operator == '_in' else 'NOT IN'} ({listed}))"


def visible_where(table: TrackedTable, column: Column, inputs: RoleInputs) -> BoolExp | None:
    """Return in which rows the role sees the column, if not in all that it reads."""
    select = inputs.permissions(table).select
    return None if select is None else select.visible_where.get(column.name)


def join_condition(relationship: Relationship, local: str, remote: str) -> str:
    """Return how a relationship joins the row `local` with the target's row `remote`."""
    pairs = (f"{local}.{quoted(mine)} = {remote}.{quoted(theirs)}" for mine, theirs in relationship.mapping)
    return "(" + " AND ".join(pairs) + ")"


def aggregate_call(function: str, columns: Sequence[Column], alias: str, *, distinct: bool) -> str:
    """Return a call of an aggregate function on columns; `count` of several takes them as one row."""
    if not columns:
        return f"{function}(*)"
    listed = ", ".join(f"{alias}.{column.sql}" for column in columns)
    if function == "count" and len(columns) > 1:
        listed = f"({listed})"
    return f"{function}({'DISTINCT ' if distinct else ''}{listed})"


def from_table(table: TrackedTable, alias: str) -> str:
    """Return a FROM item for a table."""
    return f"{table.name.sql} AS {alias}"


def from_rows(name: TableName, parameter: str, alias: str) -> str:
    """Return a FROM item for rows of the table's type that come as a JSON parameter."""
    return f"json_populate_recordset(NULL::{name.sql}, {parameter}) AS {alias}"
