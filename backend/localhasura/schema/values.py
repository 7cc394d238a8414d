"""Values in a request: literals of the document, or JSON that came in a variable."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from graphql.language import (
    BooleanValueNode,
    EnumValueNode,
    FloatValueNode,
    IntValueNode,
    ListTypeNode,
    ListValueNode,
    NamedTypeNode,
    NonNullTypeNode,
    NullValueNode,
    ObjectValueNode,
    StringValueNode,
    TypeNode,
    ValueNode,
    VariableNode,
    print_ast,
)

from localhasura.boolexp import BoundVariable
from localhasura.catalog import PgType
from localhasura.errors import invalid
from localhasura.jsontext import is_graphql_name

_LITERAL_KINDS: Mapping[type[ValueNode], str] = {
    IntValueNode: "an integer",
    FloatValueNode: "a float",
    StringValueNode: "a string",
    BooleanValueNode: "a boolean",
    NullValueNode: "null",
    EnumValueNode: "an enum value",
    ListValueNode: "a list",
    ObjectValueNode: "an object",
}


Steps = tuple[str | int, ...]


# A mutation of many rows makes several of these for every value, and a frozen dataclass takes three times as long to
# make: they are as good as frozen, since nobody sets a field.
@dataclass(unsafe_hash=True, slots=True)
class Json:
    """A JSON value out of the request's variables."""

    value: Any

    def member(self, step: str | int, value: Any) -> Json:
        """Return what the value holds at a key or index."""
        return Json(value)


@dataclass(unsafe_hash=True, slots=True)
class Part(Json):
    """The value of a variable, or a part of it, that knows where it comes from."""

    name: str
    steps: Steps = ()

    def member(self, step: str | int, value: Any) -> Json:
        return Part(value, self.name, (*self.steps, step))


@dataclass(unsafe_hash=True, slots=True)
class Given(Part):
    """A part that is an operand as a whole: nothing but its text depends on it."""


Value = Json | ValueNode
NULL = Json(None)


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable of the operation with its declared type and what stands for it."""

    name: str
    type: TypeNode
    value: Value
    has_default: bool
    """Whether the declaration has a default other than null."""


@dataclass(frozen=True, slots=True)
class ExpectedType:
    """The type of a place in the schema, as far as a variable's declaration is compared with it."""

    name: str
    non_null: bool = False
    element: ExpectedType | None = None

    def __str__(self) -> str:
        inner = self.name if self.element is None else f"[{self.element}]"
        return f"{inner}!" if self.non_null else inner


class Variables:
    """The variables of one request."""

    def __init__(self, by_name: Mapping[str, Variable]) -> None:
        self._by_name = by_name
        self._bound: set[BoundVariable] = set()
        self._looked_at: set[tuple[str, Steps]] = set()
        self._read_whole: set[str] = set()

    @property
    def bound(self) -> set[BoundVariable]:
        """The parts of variables that are operands and decided nothing else."""
        return {
            each
            for each in self._bound
            if each.name not in self._read_whole and (each.name, each.steps) not in self._looked_at
        }

    def look_at_all(self) -> None:
        """Note that every variable's value may have decided something."""
        self._read_whole.update(self._by_name)

    def bind(self, given: Given, kind: PgType, *, nullable: bool) -> BoundVariable:
        """Note that a part is an operand of this type, and return it as such."""
        bound = BoundVariable(given.name, kind, given.steps, nullable)
        self._bound.add(bound)
        return bound

    def resolve(
        self,
        value: Value,
        expected: ExpectedType,
        path: str,
        *,
        has_default: bool = False,
        whole: bool = False,
    ) -> Value:
        """Return the value itself, or what stands for the variable, whose declared type must fit.

        `whole` asks for a `Given` where the variable's value allows it.
        """
        found = (
            self._filled_in(value, expected, path, has_default) if isinstance(value, VariableNode) else value
        )
        if not isinstance(found, Part):
            return found
        # Whether a whole variable is null is looked at, since its declaration may forbid that.
        if whole and (found.steps or found.value is not None):
            return Given(found.value, found.name, found.steps)
        self._looked_at.add((found.name, found.steps))
        return found

    def _filled_in(self, value: VariableNode, expected: ExpectedType, path: str, has_default: bool) -> Value:
        variable = self._by_name.get(value.name.value)
        if variable is None:
            raise invalid(f'unbound variable "{value.name.value}"')
        if not _usable(variable, expected, has_default):
            declared = print_ast(variable.type)
            raise invalid(
                f"variable '{variable.name}' is declared as '{declared}', but used where '{expected}' is expected",
                path,
            )
        return variable.value

    def plain(self, value: Value) -> Any:
        """Return a value as JSON, variables filled in."""
        if isinstance(value, Json):
            return value.value
        match value:
            case VariableNode():
                return self.plain(self._unchecked(value))
            case ListValueNode():
                return [self.plain(item) for item in value.values]
            case ObjectValueNode():
                return {field.name.value: self.plain(field.value) for field in value.fields}
        return _literal(value)

    def _unchecked(self, value: VariableNode) -> Value:
        variable = self._by_name.get(value.name.value)
        if variable is None:
            raise invalid(f'unbound variable "{value.name.value}"')
        self._read_whole.add(variable.name)
        return variable.value


def describe(value: Value) -> str:
    """Return the kind of a value in the words of Hasura's type errors."""
    if not isinstance(value, Json):
        return _LITERAL_KINDS[type(value)]
    plain = value.value
    if plain is None:
        return "null"
    for kind, words in ((bool, "a boolean"), (str, "a string"), (list, "a list"), (dict, "an object")):
        if isinstance(plain, kind):
            return words
    return "a number"


def is_null(value: Value) -> bool:
    """Whether the value is an explicit null."""
    return isinstance(value, NullValueNode) or (isinstance(value, Json) and value.value is None)


def list_items(value: Value) -> list[Value] | None:
    """Return the items of a list, or None when the value is no list."""
    if isinstance(value, ListValueNode):
        return list(value.values)
    if isinstance(value, Json) and isinstance(value.value, list):
        return [value.member(index, item) for index, item in enumerate(value.value)]
    return None


def object_members(value: Value, path: str) -> list[tuple[str, Value]] | None:
    """Return the members of an object in their order, or None when the value is no object."""
    if isinstance(value, ObjectValueNode):
        return [(field.name.value, field.value) for field in value.fields]
    if isinstance(value, Json) and isinstance(value.value, dict):
        for name in value.value:
            if not is_graphql_name(name):
                message = (
                    f'variable value contains object with key "{name}", which is not a legal GraphQL name'
                )
                raise invalid(message, path)
        return [(name, value.member(name, item)) for name, item in value.value.items()]
    return None


def _literal(value: ValueNode) -> Any:
    match value:
        case IntValueNode():
            return Decimal(value.value) if len(value.value) > 400 else int(value.value)
        case FloatValueNode():
            try:
                return Decimal(value.value)
            except InvalidOperation:
                raise invalid(f"the number {value.value} is out of range") from None
        case StringValueNode() | BooleanValueNode() | EnumValueNode():
            return value.value
    return None


def _usable(variable: Variable, expected: ExpectedType, has_default: bool) -> bool:
    declared = variable.type
    may_be_null = not isinstance(declared, NonNullTypeNode) and not (variable.has_default or has_default)
    return not (expected.non_null and may_be_null) and _compatible(declared, expected)


def _compatible(declared: TypeNode, expected: ExpectedType) -> bool:
    """Whether the types agree but for nulls: inside lists, Hasura leaves them to the values."""
    if isinstance(declared, NonNullTypeNode):
        declared = declared.type
    if isinstance(declared, ListTypeNode):
        return expected.element is not None and _compatible(declared.type, expected.element)
    return (
        expected.element is None
        and isinstance(declared, NamedTypeNode)
        and declared.name.value == expected.name
    )
