"""Aggregation predicates: what `<array relationship>_aggregate` takes in a `where`, and what it was given."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from localhasura.catalog import Column, PgType
from localhasura.errors import invalid
from localhasura.metadata.model import TrackedTable
from localhasura.schema.inputs import BOOLEAN, InputField, InputObject, ListType
from localhasura.schema.values import Value, Variables

if TYPE_CHECKING:
    from localhasura.schema.role_inputs import RoleInputs

_INT4, _BOOL, _FLOAT8 = (
    PgType("int4", "integer"),
    PgType("bool", "boolean"),
    PgType("float8", "double precision"),
)
_OF_BOOLEANS = ("bool_and", "bool_or")
_OF_FLOATS = ("avg", "max", "min", "stddev_samp", "sum", "var_samp")
_OF_TWO_FLOATS = ("corr", "covar_samp")


@dataclass(frozen=True)
class Predicate:
    """One aggregate over related rows and what it is compared with."""

    function: str
    result: PgType
    columns: tuple[str, ...]
    """GraphQL names of the arguments; none counts rows."""
    distinct: bool
    filter: Mapping[str, Any] | None
    comparison: Mapping[str, Any]


class AggregateBoolExp(InputObject):
    """The input object with one member per aggregate function, of which exactly one must be given."""

    def parse(self, value: Value, variables: Variables, path: str) -> Predicate:  # type: ignore[override]
        given = super().parse(value, variables, path)
        if len(given) != 1:
            raise invalid("exactly one predicate should be specified", path)
        ((function, parsed),) = given.items()
        return Predicate(
            function,
            _result_type(function),
            _argument_names(parsed.get("arguments")),
            bool(parsed.get("distinct")),
            parsed.get("filter"),
            parsed["predicate"],
        )


def aggregate_members(inputs: RoleInputs, table: TrackedTable) -> Iterator[InputField]:
    """Give the members of the table's `T_aggregate_bool_exp`: the functions that its columns allow."""
    count = InputField("arguments", ListType(inputs.select_column(table)))
    yield _function(inputs, table, "count", count if inputs.selectable(table) else None)
    columns = inputs.selectable(table)
    booleans = [name for name, column in columns.items() if column.type.name == "bool"]
    floats = [name for name, column in columns.items() if column.type.name == "float8"]
    for function in _OF_BOOLEANS if booleans else ():
        yield _function(inputs, table, function, _column_argument(inputs, table, function, booleans))
    for function in _OF_FLOATS if floats else ():
        yield _function(inputs, table, function, _column_argument(inputs, table, function, floats))
    for function in _OF_TWO_FLOATS if floats else ():
        yield _function(inputs, table, function, _pair_argument(inputs, table, function, floats))


def value_column(predicate: Predicate) -> Column:
    """Return the column that the aggregate's value is compared as."""
    return Column("value", predicate.result, nullable=True)


def _function(
    inputs: RoleInputs, table: TrackedTable, function: str, arguments: InputField | None
) -> InputField:
    def members() -> Iterator[InputField]:
        if arguments is not None:
            yield arguments
        yield InputField("distinct", BOOLEAN)
        yield InputField("filter", inputs.bool_exp(table))
        yield InputField("predicate", inputs.comparison_of(_result_type(function)), required=True)

    return InputField(function, inputs.input_object(_name(table, function), members))


def _column_argument(
    inputs: RoleInputs, table: TrackedTable, function: str, columns: list[str]
) -> InputField:
    return InputField("arguments", _columns(inputs, table, function, columns), required=True)


def _pair_argument(inputs: RoleInputs, table: TrackedTable, function: str, columns: list[str]) -> InputField:
    column = _columns(inputs, table, function, columns)
    pair = inputs.input_object(
        f"{_name(table, function)}_arguments",
        lambda: [InputField("X", column, required=True), InputField("Y", column, required=True)],
    )
    return InputField("arguments", pair, required=True)


def _columns(inputs: RoleInputs, table: TrackedTable, function: str, columns: list[str]) -> Any:
    what = f"{_name(table, function)}_arguments_columns"
    return inputs.enum(
        f"{table.graphql_name}_select_column_{what}",
        dict.fromkeys(columns, "column name"),
        f'select "{what}" columns of table "{table.name}"',
    )


def _name(table: TrackedTable, function: str) -> str:
    return f"{table.graphql_name}_aggregate_bool_exp_{function}"


def _result_type(function: str) -> PgType:
    if function == "count":
        return _INT4
    return _BOOL if function in _OF_BOOLEANS else _FLOAT8


def _argument_names(given: Any) -> tuple[str, ...]:
    if isinstance(given, dict):
        return given["X"], given["Y"]
    if isinstance(given, str):
        return (given,)
    return tuple(given or ())
