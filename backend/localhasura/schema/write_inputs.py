"""The input types of upserts and updates: `on_conflict`, `_set`, `_inc` and the operators of jsonb columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from localhasura.catalog import Column
from localhasura.errors import invalid
from localhasura.metadata.model import TrackedTable
from localhasura.operators import INTEGER, TEXT
from localhasura.schema.inputs import ColumnType, InputField, InputObject, InputType, ListType
from localhasura.schema.values import Value, Variables

if TYPE_CHECKING:
    from localhasura.schema.role_inputs import RoleInputs

PLACEHOLDER = "_PLACEHOLDER"
"""The one update column of a role that may update none: an enum needs a value."""
_JSONB_OPERATORS = (
    ("_append", "append existing jsonb value of filtered columns with new jsonb value", "append_input"),
    ("_prepend", "prepend existing jsonb value of filtered columns with new jsonb value", "prepend_input"),
    (
        "_delete_key",
        "delete key/value pair or string element. key/value pairs are matched based on their key value",
        "delete_key_input",
    ),
    (
        "_delete_elem",
        (
            "delete the array element with specified index (negative integers count from the end). "
            "throws an error if top level container is not an array"
        ),
        "delete_elem_input",
    ),
    (
        "_delete_at_path",
        (
            "delete the field or element with specified path "
            "(for JSON arrays, negative integers count from the end)"
        ),
        "delete_at_path_input",
    ),
)
_OPERANDS: Mapping[str, InputType] = {
    "_delete_key": ColumnType(TEXT, nullable=True),
    "_delete_elem": ColumnType(INTEGER, nullable=True),
    "_delete_at_path": ListType(ColumnType(TEXT, nullable=False)),
}
"""What the operators take that do not take a value of the column."""


class OnConflict(InputObject):
    """What makes an insert an upsert."""

    def parse(self, value: Value, variables: Variables, path: str) -> dict[str, Any]:
        parsed = super().parse(value, variables, path)
        if PLACEHOLDER in parsed.get("update_columns", ()):
            raise invalid("erroneous column name", path)
        return parsed


def on_conflict_members(inputs: RoleInputs, table: TrackedTable) -> Iterator[InputField]:
    """Give the members of a table's `on_conflict`."""
    yield InputField("constraint", inputs.constraint(table), required=True)
    yield InputField("update_columns", ListType(inputs.update_column(table)), required=True, default="[]")
    yield InputField("where", inputs.bool_exp(table), null_is_absent=True)


def update_operators(inputs: RoleInputs, table: TrackedTable) -> Iterator[InputField]:
    """Give the `_set`, `_inc`, ... arguments that apply to the role's columns."""
    columns = inputs.updatable(table)
    base = table.graphql_name
    if columns:
        made = inputs.input_object(
            f"{base}_set_input",
            lambda: _values(inputs, table, columns),
            f'input type for updating data in table "{table.name}"',
        )
        yield InputField(
            "_set", made, description="sets the columns of the filtered rows to the given values"
        )
    numeric = {name: column for name, column in columns.items() if column.type.is_numeric}
    if numeric:
        what = "increments the numeric columns with given value of the filtered values"
        made = inputs.input_object(
            f"{base}_inc_input",
            lambda: _values(inputs, table, numeric),
            f'input type for incrementing numeric columns in table "{table.name}"',
        )
        yield InputField("_inc", made, description=what)
    jsonb = {name: column for name, column in columns.items() if column.type.name == "jsonb"}
    for operator, what, suffix in _JSONB_OPERATORS if jsonb else ():
        made = inputs.input_object(
            f"{base}_{suffix}", partial(_operands, inputs, table, operator, jsonb), what
        )
        yield InputField(operator, made, description=what)


def _values(inputs: RoleInputs, table: TrackedTable, columns: Mapping[str, Column]) -> list[InputField]:
    return [
        InputField(name, inputs.column_type(table, column, nullable=column.nullable))
        for name, column in columns.items()
    ]


def _operands(
    inputs: RoleInputs, table: TrackedTable, operator: str, columns: Mapping[str, Column]
) -> list[InputField]:
    operand = _OPERANDS.get(operator)
    if operand is None:
        return _values(inputs, table, columns)
    return [InputField(name, operand) for name in columns]
