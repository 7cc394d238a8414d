"""The input types of one role: filters, orders, and what may be inserted and updated."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TypeVar

from localhasura.boolexp import Relationship
from localhasura.catalog import Column, PgType
from localhasura.jsontext import is_graphql_name
from localhasura.metadata.model import Model, RolePermissions, TrackedTable
from localhasura.operators import TEXT, operands
from localhasura.schema.descriptions import operator_description
from localhasura.schema.inputs import (
    BOOLEAN,
    ArrayOperandType,
    ColumnType,
    EnumColumnType,
    EnumType,
    InputField,
    InputObject,
    InputType,
    ListType,
)
from localhasura.schema.predicates import AggregateBoolExp, aggregate_members
from localhasura.schema.write_inputs import PLACEHOLDER, OnConflict, on_conflict_members, update_operators

AGGREGATES_OF_NUMBERS = (
    *("avg", "stddev", "stddev_pop", "stddev_samp", "sum", "var_pop", "var_samp", "variance"),
)
ORDER_BY = EnumType(
    "order_by",
    {
        "asc": "in ascending order, nulls last",
        "asc_nulls_first": "in ascending order, nulls first",
        "asc_nulls_last": "in ascending order, nulls last",
        "desc": "in descending order, nulls first",
        "desc_nulls_first": "in descending order, nulls first",
        "desc_nulls_last": "in descending order, nulls last",
    },
    description="column ordering options",
)
_COMBINED_WITH_A = "All fields are combined with a logical 'AND'."
_COMBINED_WITH = "All fields are combined with logical 'AND'."
_T = TypeVar("_T", bound=InputType)


class RoleInputs:
    """Makes each input type once; everything hidden from the role is not in them."""

    def __init__(self, model: Model, role: str, *, backend: bool, collapse_null: bool = False) -> None:
        self._model, self.role, self._backend = model, role, backend
        self._collapse_null = collapse_null
        self._made: dict[str, InputType] = {}

    def permissions(self, table: TrackedTable) -> RolePermissions:
        """Return the role's permissions on a table, without those that need the backend-only header."""
        return self._visible(table.for_role(self.role))

    def table(self, relationship: Relationship) -> TrackedTable:
        """Return the table that a relationship leads to."""
        return self._model.tables[relationship.target]

    def selectable(self, table: TrackedTable) -> dict[str, Column]:
        """Return the columns that the role may read, by GraphQL name."""
        select = self.permissions(table).select
        return {} if select is None else _allowed(table, select.columns)

    def column_type(
        self, table: TrackedTable, column: Column, *, nullable: bool
    ) -> ColumnType | EnumColumnType:
        """Return the type of a value for the column."""
        enum = table.column_enums.get(column.name)
        if enum is not None:
            return EnumColumnType(enum.type_name, enum.values, nullable=nullable)
        return ColumnType(column.type, nullable=nullable)

    def bool_exp(self, table: TrackedTable) -> InputObject:
        name = f"{table.graphql_name}_bool_exp"
        what = f'Boolean expression to filter rows from the table "{table.name}". {_COMBINED_WITH_A}'
        return self.input_object(name, lambda: self._bool_exp_fields(table), what)

    def _bool_exp_fields(self, table: TrackedTable) -> Iterator[InputField]:
        own = self.bool_exp(table)
        yield InputField("_and", ListType(own))
        yield InputField("_or", ListType(own))
        yield InputField("_not", own)
        for name, column in self.selectable(table).items():
            yield InputField(name, self.comparison(table, column))
        for relationship, target in self.readable_relationships(table):
            yield InputField(relationship.name, self.bool_exp(target))
            if relationship.is_array and self.aggregatable(target):
                yield InputField(f"{relationship.name}_aggregate", self._aggregate_bool_exp(target))

    def _aggregate_bool_exp(self, table: TrackedTable) -> InputType:
        name = f"{table.graphql_name}_aggregate_bool_exp"
        return self._once(
            name, AggregateBoolExp, lambda: AggregateBoolExp(name, lambda: aggregate_members(self, table))
        )

    def readable_relationships(self, table: TrackedTable) -> Iterator[tuple[Relationship, TrackedTable]]:
        """Give the relationships whose target the role may read."""
        for relationship in table.relationships.values():
            target = self.table(relationship)
            if self.permissions(target).select is not None:
                yield relationship, target

    def comparison(self, table: TrackedTable, column: Column) -> InputObject:
        value = self.column_type(table, column, nullable=False)
        if isinstance(value, EnumColumnType):
            return self.input_object(f"{value.name}_comparison_exp", lambda: self._enum_comparisons(value))
        return self.comparison_of(column.type)

    def comparison_of(self, kind: PgType) -> InputObject:
        """Return the operators that values of a type have."""
        suffix = "array_comparison_exp" if kind.is_array else "comparison_exp"
        name = f"{kind.graphql}_{suffix}"
        what = f'Boolean expression to compare columns of type "{kind.graphql}". {_COMBINED_WITH}'
        return self.input_object(name, lambda: self._comparisons(kind), what)

    def _comparisons(self, kind: PgType) -> Iterator[InputField]:
        own = ColumnType(kind, nullable=False)
        for operator, operand in operands(kind).items():
            what = operator_description(kind, operator)
            yield self._operator(operator, _operand(kind, operator, operand), what)
        yield self._operator("_in", ListType(own))
        yield self._operator("_nin", ListType(own))
        yield self._operator("_is_null", BOOLEAN)
        if kind.name == "jsonb":
            yield InputField("_cast", self.input_object("jsonb_cast_exp", self._casts))

    def _casts(self) -> Iterator[InputField]:
        yield InputField("String", self.comparison_of(TEXT))

    def _enum_comparisons(self, value: EnumColumnType) -> Iterator[InputField]:
        for operator in ("_eq", "_neq"):
            yield self._operator(operator, value)
        for operator in ("_in", "_nin"):
            yield self._operator(operator, ListType(value))
        yield self._operator("_is_null", BOOLEAN)

    def _operator(self, name: str, operand: InputType, description: str | None = None) -> InputField:
        return InputField(name, operand, null_is_absent=self._collapse_null, description=description)

    def order_by(self, table: TrackedTable) -> InputObject:
        what = f'Ordering options when selecting data from "{table.name}".'
        return self.input_object(f"{table.graphql_name}_order_by", lambda: self._order_by_fields(table), what)

    def _order_by_fields(self, table: TrackedTable) -> Iterator[InputField]:
        for name in self.selectable(table):
            yield InputField(name, ORDER_BY, null_is_absent=True)
        for relationship, target in self.readable_relationships(table):
            if not relationship.is_array:
                yield InputField(relationship.name, self.order_by(target), null_is_absent=True)
            elif self.aggregatable(target):
                name = f"{relationship.name}_aggregate"
                yield InputField(name, self._aggregate_order_by(target), null_is_absent=True)

    def aggregates(self, table: TrackedTable) -> dict[str, dict[str, Column]]:
        """Return the aggregate functions with the columns that the role may give them; enums are no such columns."""
        columns = self.selectable(table)
        return aggregate_functions(
            {name: column for name, column in columns.items() if column.name not in table.column_enums}
        )

    def aggregatable(self, table: TrackedTable) -> bool:
        """Whether the role may aggregate the table's rows."""
        select = self.permissions(table).select
        return select is not None and select.allow_aggregations

    def _aggregate_order_by(self, table: TrackedTable) -> InputObject:
        base = table.graphql_name
        what = f'order by aggregate values of table "{table.name}"'
        return self.input_object(f"{base}_aggregate_order_by", lambda: self._aggregate_orders(table), what)

    def _aggregate_orders(self, table: TrackedTable) -> Iterator[InputField]:
        yield InputField("count", ORDER_BY, null_is_absent=True)
        comments = table.column_comments
        for function, columns in self.aggregates(table).items():
            orders = [
                InputField(name, ORDER_BY, null_is_absent=True, description=comments.get(column.name))
                for name, column in columns.items()
            ]
            made = self.input_object(
                f"{table.graphql_name}_{function}_order_by",
                lambda orders=orders: orders,  # type: ignore[misc]
                f'order by {function}() on columns of table "{table.name}"',
            )
            yield InputField(function, made)

    def select_column(self, table: TrackedTable) -> EnumType:
        values = dict.fromkeys(self.selectable(table), "column name")
        what = f'select columns of table "{table.name}"'
        return self.enum(f"{table.graphql_name}_select_column", values, what)

    def update_column(self, table: TrackedTable) -> EnumType:
        columns = [*self.updatable(table)] or [PLACEHOLDER]
        what = f'update columns of table "{table.name}"'
        shown: dict[str, str | None] = {
            name: "(placeholder)" if name == PLACEHOLDER else "column name" for name in columns
        }
        return self.enum(f"{table.graphql_name}_update_column", shown, what)

    def constraint(self, table: TrackedTable) -> EnumType:
        values: dict[str, str | None] = {
            key.name: "unique or primary key constraint"
            + (f" on columns {', '.join(map(_in_quotes, key.columns))}" if key.columns else "")
            for key in table.catalog.unique_keys
            if is_graphql_name(key.name)
        }
        what = f'unique or primary key constraints on table "{table.name}"'
        return self.enum(f"{table.graphql_name}_constraint", values, what)

    def insertable(self, table: TrackedTable) -> dict[str, Column]:
        """Return the columns that the role may give in an insert, by GraphQL name."""
        insert = self.permissions(table).insert
        return {} if insert is None else _writable(_allowed(table, insert.columns))

    def updatable(self, table: TrackedTable) -> dict[str, Column]:
        """Return the columns that the role may give in an update, by GraphQL name."""
        update = self.permissions(table).update
        return {} if update is None else _writable(_allowed(table, update.columns))

    def insert_input(self, table: TrackedTable) -> InputObject:
        what = f'input type for inserting data into table "{table.name}"'
        return self.input_object(
            f"{table.graphql_name}_insert_input", lambda: self._insert_fields(table), what
        )

    def _insert_fields(self, table: TrackedTable) -> Iterator[InputField]:
        for name, column in self.insertable(table).items():
            yield InputField(name, self.column_type(table, column, nullable=column.nullable))
        for relationship in table.relationships.values():
            target = self.table(relationship)
            if self.permissions(target).insert is not None and target.catalog.insertable:
                made = self._relationship_insert(target, is_array=relationship.is_array)
                yield InputField(relationship.name, made, null_is_absent=True)

    def _relationship_insert(self, target: TrackedTable, *, is_array: bool) -> InputObject:
        kind = "array" if is_array else "object"
        name = f"{target.graphql_name}_{'arr' if is_array else 'obj'}_rel_insert_input"
        what = f'input type for inserting {kind} relation for remote table "{target.name}"'

        def members() -> Iterator[InputField]:
            row = self.insert_input(target)
            yield InputField("data", ListType(row) if is_array else row, required=True)
            if self.constraint(target).values:
                yield self.on_conflict(target)

        return self.input_object(name, members, what)

    def on_conflict(self, table: TrackedTable) -> InputField:
        """Return the member or argument that makes an insert an upsert."""
        name = f"{table.graphql_name}_on_conflict"
        what = f'on_conflict condition type for table "{table.name}"'
        made = self._once(
            name, OnConflict, lambda: OnConflict(name, lambda: on_conflict_members(self, table), what)
        )
        return InputField("on_conflict", made, null_is_absent=True, description="upsert condition")

    def pk_columns(self, table: TrackedTable) -> InputObject:
        return self.input_object(
            f"{table.graphql_name}_pk_columns_input",
            lambda: self.pk_arguments(table),
            f"primary key columns input for table: {table.graphql_name}",
        )

    def pk_arguments(self, table: TrackedTable) -> Iterator[InputField]:
        """Give one required argument per primary key column."""
        for column in table.catalog.primary_key:
            name = table.column_names[column.name]
            comment = table.column_comments.get(column.name)
            kind = self.column_type(table, column, nullable=False)
            yield InputField(name, kind, required=True, description=comment)

    def updates(self, table: TrackedTable) -> InputObject:
        return self.input_object(
            f"{table.graphql_name}_updates",
            lambda: [
                *update_operators(self, table),
                InputField(
                    "where",
                    self.bool_exp(table),
                    required=True,
                    description="filter the rows which have to be updated",
                ),
            ],
        )

    def _visible(self, known: RolePermissions) -> RolePermissions:
        if self._backend:
            return known
        return RolePermissions(
            known.select,
            None if known.insert and known.insert.backend_only else known.insert,
            None if known.update and known.update.backend_only else known.update,
            None if known.delete and known.delete.backend_only else known.delete,
        )

    def input_object(
        self, name: str, members: Callable[[], Iterable[InputField]], description: str | None = None
    ) -> InputObject:
        return self._once(name, InputObject, lambda: InputObject(name, members, description))

    def enum(self, name: str, values: Mapping[str, str | None], description: str) -> EnumType:
        return self._once(name, EnumType, lambda: EnumType(name, values, description=description))

    def _once(self, name: str, kind: type[_T], make: Callable[[], _T]) -> _T:
        known = self._made.get(name)
        if not isinstance(known, kind):
            known = self._made[name] = make()
        return known


def aggregate_functions(columns: Mapping[str, Column]) -> dict[str, dict[str, Column]]:
    """Return the aggregate functions that apply to these columns, each with the columns that it takes."""
    numeric = {name: column for name, column in columns.items() if column.type.is_numeric}
    comparable = {name: column for name, column in columns.items() if column.type.is_comparable}
    found: dict[str, dict[str, Column]] = {}
    if numeric:
        found |= dict.fromkeys(AGGREGATES_OF_NUMBERS, numeric)
    if comparable:
        found |= {"max": comparable, "min": comparable}
    return found


def _allowed(table: TrackedTable, names: frozenset[str]) -> dict[str, Column]:
    return {name: column for name, column in table.columns.items() if column.name in names}


def _writable(columns: dict[str, Column]) -> dict[str, Column]:
    return {
        name: column for name, column in columns.items() if not (column.generated or column.identity_always)
    }


def _operand(kind: PgType, operator: str, operand: PgType) -> InputType:
    """Return the type of an operator's right-hand side: a list where one value is compared with many."""
    if operand.element is not None and not kind.is_array:
        # Hasura takes the patterns of `_matches_any` as strings.
        element = TEXT if operator == "_matches_any" else operand.element
        return ArrayOperandType(ColumnType(element, nullable=False))
    return ColumnType(operand, nullable=operator == "_has_key")


def _in_quotes(name: str) -> str:
    return f'"{name}"'
