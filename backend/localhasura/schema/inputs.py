"""Input types: each one takes a value of a request apart, or says in Hasura's words why it cannot."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any

from graphql.language import BooleanValueNode, EnumValueNode, IntValueNode, StringValueNode

from localhasura.boolexp import Literal
from localhasura.catalog import PgType
from localhasura.errors import EngineError, invalid, unparsable
from localhasura.jsontext import is_graphql_name, pointer
from localhasura.pgvalues import ValueMismatchError, array_literal, as_integer, out_of_bounds, pg_text
from localhasura.schema.values import (
    ExpectedType,
    Given,
    Json,
    Value,
    Variables,
    describe,
    is_null,
    list_items,
    object_members,
)

_INT32 = 2**31
_INT64 = 2**63


class InputType(ABC):
    """A type that arguments and input fields have."""

    name: str

    def expected(self, *, non_null: bool) -> ExpectedType:
        """Return the type as a variable's declaration is compared with it."""
        return ExpectedType(self.name, non_null)

    @abstractmethod
    def parse(self, value: Value, variables: Variables, path: str) -> Any:
        """Return what the value means; variables in this place are resolved already."""

    def mismatch(self, wanted: str, value: Value, path: str) -> EngineError:
        return invalid(f"expected {wanted} for type '{self.name}', but found {describe(value)}", path)


@dataclass(frozen=True, eq=False)
class InputField:
    """An argument, or a member of an input object."""

    name: str
    type: InputType
    required: bool = False
    null_is_absent: bool = False
    """An explicit null counts as not given; otherwise the type decides what null is."""
    default: str | None = None
    """The default as the schema prints it."""
    description: str | None = None

    @cached_property
    def expected(self) -> ExpectedType:
        return self.type.expected(non_null=self.required)


class BooleanType(InputType):
    """GraphQL's Boolean."""

    name = "Boolean"

    def parse(self, value: Value, variables: Variables, path: str) -> bool:
        if isinstance(value, BooleanValueNode) or (isinstance(value, Json) and isinstance(value.value, bool)):
            return bool(value.value)
        raise self.mismatch("a boolean", value, path)


class StringType(InputType):
    """GraphQL's String where no column stands behind it."""

    name = "String"

    def parse(self, value: Value, variables: Variables, path: str) -> str:
        if isinstance(value, StringValueNode) or (isinstance(value, Json) and isinstance(value.value, str)):
            return str(value.value)
        raise self.mismatch("a string", value, path)


class IntType(InputType):
    """A 32-bit integer, or a non-negative one."""

    name = "Int"

    def __init__(self, *, non_negative: bool = False) -> None:
        self._non_negative = non_negative
        self._wanted = "a non-negative 32-bit integer" if non_negative else "a 32-bit integer"

    def parse(self, value: Value, variables: Variables, path: str) -> int:
        number = _number(value)
        if number is None or (self._non_negative and number < 0):
            raise self.mismatch(self._wanted, value, path)
        integer = as_integer(number, _INT32)
        if integer is None:
            raise unparsable(out_of_bounds(number), path)
        return integer


class OffsetType(InputType):
    """The type of `offset`: a 64-bit integer, also as a string of digits."""

    name = "Int"

    def parse(self, value: Value, variables: Variables, path: str) -> int:
        text = value.value if isinstance(value, StringValueNode | Json) else None
        if isinstance(text, str) and text.isascii() and text.isdecimal():
            number: Decimal | int | None = Decimal(text)
        else:
            number = _number(value)
        if number is None:
            wanted = "a 32-bit integer, or a 64-bit integer represented as a string"
            raise self.mismatch(wanted, value, path)
        integer = as_integer(number, _INT64)
        if integer is None:
            raise unparsable(out_of_bounds(number), path)
        return integer


class ColumnType(InputType):
    """The type of a column's value; `nullable` says whether SQL NULL may be given."""

    def __init__(self, kind: PgType, *, nullable: bool) -> None:
        self.kind, self.nullable = kind, nullable
        self.name = kind.graphql

    def expected(self, *, non_null: bool) -> ExpectedType:
        if self.kind.element is None:
            return ExpectedType(self.name, non_null)
        return ExpectedType(self.name, non_null, ExpectedType(self.name, True))

    def parse(self, value: Value, variables: Variables, path: str) -> Literal:
        text = self._text(value, variables, path)
        if not isinstance(value, Given):
            return Literal(text)
        return Literal(text, variables.bind(value, self.kind, nullable=self.nullable))

    def _text(self, value: Value, variables: Variables, path: str) -> str | None:
        if is_null(value):
            if not self.nullable:
                raise invalid(f"unexpected null value for type '{self.name}'", path)
            return None
        try:
            return pg_text(self.kind, variables.plain(value))
        except ValueMismatchError as error:
            raise unparsable(str(error), path) from None
        except RecursionError:
            raise unparsable("the value is nested too deeply", path) from None


class EnumType(InputType):
    """A GraphQL enum; a value parses to its name."""

    def __init__(
        self, name: str, values: Mapping[str, str | None], *, description: str | None = None
    ) -> None:
        self.name, self.values, self.description = name, values, description

    def parse(self, value: Value, variables: Variables, path: str) -> str:
        if isinstance(value, EnumValueNode) or (isinstance(value, Json) and _is_name(value.value)):
            chosen = str(value.value)
            if chosen in self.values:
                return chosen
            listed = ", ".join(f"'{name}'" for name in sorted(self.values))
            raise invalid(
                f"expected one of the values [{listed}] for type '{self.name}', but found '{chosen}'", path
            )
        raise self.mismatch("an enum value", value, path)


class EnumColumnType(EnumType):
    """A column that refers to an enum table: the enum's values, or SQL NULL."""

    def __init__(self, name: str, values: Mapping[str, str | None], *, nullable: bool) -> None:
        super().__init__(name, values)
        self.nullable = nullable

    def parse(self, value: Value, variables: Variables, path: str) -> Literal:  # type: ignore[override]
        if self.nullable and is_null(value):
            return Literal(None)
        return Literal(super().parse(value, variables, path))


class ListType(InputType):
    """A list; a single value counts as a list of one."""

    def __init__(self, of: InputType) -> None:
        self.of, self.name = of, of.name
        self._element = of.expected(non_null=True)

    def expected(self, *, non_null: bool) -> ExpectedType:
        return ExpectedType(self.name, non_null, self._element)

    def parse(self, value: Value, variables: Variables, path: str) -> list[Any]:
        if is_null(value):
            raise invalid("expected a list, but found null", path)
        items = list_items(value)
        if items is None:
            return [self.of.parse(value, variables, f"{path}[0]")]
        parsed = []
        for index, item in enumerate(items):
            where = f"{path}[{index}]"
            parsed.append(self.of.parse(variables.resolve(item, self._element, where), variables, where))
        return parsed


class ArrayOperandType(ListType):
    """The operand of an operator that takes many values at once: a list which parses to one array."""

    def parse(self, value: Value, variables: Variables, path: str) -> Literal:  # type: ignore[override]
        elements = super().parse(value, variables, path)
        return Literal(array_literal([element.text for element in elements]))


class InputObject(InputType):
    """An input object; its members are made when they are first needed, since types refer to each other."""

    def __init__(
        self, name: str, members: Callable[[], Iterable[InputField]], description: str | None = None
    ) -> None:
        self.name, self._members, self.description = name, members, description

    @cached_property
    def fields(self) -> dict[str, InputField]:
        return {field.name: field for field in self._members()}

    @cached_property
    def _columns(self) -> dict[str, ColumnType]:
        """The members of which nothing is asked but a value of a column."""
        if any(field.required for field in self.fields.values()):
            return {}
        return {
            name: field.type
            for name, field in self.fields.items()
            if type(field.type) is ColumnType and not field.null_is_absent
        }

    def parse(self, value: Value, variables: Variables, path: str) -> dict[str, Any]:
        if type(value) is Json and (literals := self._row(value.value)) is not None:
            return literals
        members = object_members(value, path)
        if members is None:
            raise self.mismatch("an object", value, path)
        for name, _ in members:
            if name not in self.fields:
                raise invalid(f"field '{name}' not found in type: '{self.name}'", pointer(path, name))
        return parse_members(self.fields, members, variables, path)

    def _row(self, given: Any) -> dict[str, Literal] | None:
        """Return an object of columns' values parsed, in a third of the time; None for one to be looked at closely."""
        if not isinstance(given, dict) or not given:
            return None
        parsed, columns = {}, self._columns
        try:
            for name, item in given.items():
                column = columns[name]
                if item is None and not column.nullable:
                    return None
                parsed[name] = Literal(None if item is None else pg_text(column.kind, item))
        except (KeyError, ValueMismatchError, RecursionError):
            return None
        return parsed


def parse_members(
    fields: Mapping[str, InputField], members: Iterable[tuple[str, Value]], variables: Variables, path: str
) -> dict[str, Any]:
    """Return the given members parsed, in their order; members of a null that counts as absent are left out."""
    parsed: dict[str, Any] = {}
    for name, member in members:
        field, where = fields[name], pointer(path, name)
        resolved = variables.resolve(
            member,
            field.expected,
            where,
            has_default=field.default is not None,
            whole=isinstance(field.type, ColumnType),
        )
        if field.null_is_absent and is_null(resolved):
            continue
        parsed[name] = field.type.parse(resolved, variables, where)
    for name, field in fields.items():
        if field.required and name not in parsed and field.default is None:
            raise invalid(f"missing required field '{name}'", pointer(path, name))
    return parsed


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and is_graphql_name(value)


def _number(value: Value) -> Decimal | int | None:
    if isinstance(value, IntValueNode):
        return Decimal(value.value) if len(value.value) > 30 else int(value.value)
    if (
        isinstance(value, Json)
        and isinstance(value.value, int | Decimal)
        and not isinstance(value.value, bool)
    ):
        return value.value
    return None


BOOLEAN = BooleanType()
STRING = StringType()
INT = IntType()
LIMIT = IntType(non_negative=True)
OFFSET = OffsetType()
