"""Documents made by chance from a role's own introspected schema: mostly valid, so that they reach the database."""

from __future__ import annotations

import json
from random import Random
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    is_required_argument,
    is_required_input_field,
)

MAX_LEVELS = 4
NOISE = 0.02
"""How often a value is not of the type that is asked for."""
ANYTHING: list[Any] = [
    None,
    True,
    0,
    -1,
    1.5,
    "",
    "x",
    "2020-01-01",
    [],
    {},
    [None],
    2**70,
    "\u0000",
    "{a,b}",
    "%",
]
BY_SCALAR: dict[str, list[Any]] = {
    "Int": [0, 1, 2, 3, 1, 2, 3, 5, 10, -1, 2**31 - 1],
    "Float": [0, 1.5, -2.25, 1e300, 10**400],
    "Boolean": [True, False],
    "String": ["", "Ann", "%", "_", "\\", "(", "[", "a'b", 'a"b', "\u0000", "é\U0001f600", "x" * 300],
    "date": ["1970-01-02", "infinity", "2020-02-30", "now", "", 5],
    "timestamptz": ["2024-01-02T03:04:05Z", "infinity", "yesterday", "x", "294276-12-31", ""],
    "bigint": [0, 1, 9007199254740993, "9007199254740993", 2**63, "x"],
    "numeric": [0, 1.50, "1.5", "NaN", 10**50, "x", "1e999999"],
    "money": ["$1.50", 2, "x", -1],
    "bpchar": ["HAM", "B", "toolong", ""],
    "ltree": ["shop", "shop.shoes", "a..b", "!", ""],
    "lquery": ["shop.*", "*{", ""],
    "ltxtquery": ["shop & shoes", "&", ""],
    "inet": ["10.0.0.1", "::1/64", "x"],
    "bytea": ["\\x00ff", "\\xf", "a"],
    "tsvector": ["a b", "'"],
    "size_scalar": ["(1,2)", "(,)", "1"],
    "colour": ["red", "pink", ""],
    "uuid": ["a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "x", ""],
    "smallint": [0, 1, -1, 32767, 32768, "7", "x"],
    "float8": [0, 1.5, "NaN", "-Infinity", 1e300, 10**400],
    "citext": ["A", "a", ""],
    "mood": ["sad", "ok", "angry", ""],
    "interval": ["1 day", "-1 year", "x"],
    "time": ["10:11", "24:00:00", "25:00"],
    "int4range": ["[1,5)", "empty", "(,)", "[5,1]", "x"],
    "jsonb": [{}, [], {"a": [1, {"b": None}]}, "text", 5, 1.25, True, "\u0000", {"": ""}, {"a": "\u0000"}],
}


class Documents:
    """Draws documents of one schema."""

    def __init__(self, schema: GraphQLSchema, random: Random) -> None:
        self._schema, self._random = schema, random
        self._variables: dict[str, Any] = {}
        self._declared: list[str] = []

    def draw(self, root: GraphQLObjectType, word: str) -> dict[str, Any]:
        """Return the body of a request with one to three fields of the root type."""
        names = [self._random.choice(list(root.fields)) for _ in range(self._random.randint(1, 3))]
        fields = " ".join(
            f"r{number}: {self._field(name, root.fields[name], 0)}" for number, name in enumerate(names)
        )
        declared = f"({' '.join(self._declared)})" if self._declared else ""
        return {"query": f"{word} q{declared} {{{fields}}}", "variables": self._variables}

    def _field(self, name: str, field: GraphQLField, level: int) -> str:
        given = [
            f"{key}: {self._argument(argument.type)}"
            for key, argument in field.args.items()
            if is_required_argument(argument) or self._chance(0.4)
        ]
        arguments = f"({' '.join(given)})" if given else ""
        return f"{name}{arguments}{self._selection(field.type, level)}"

    def _selection(self, kind: Any, level: int) -> str:
        while isinstance(kind, GraphQLList | GraphQLNonNull):
            kind = kind.of_type
        if not isinstance(kind, GraphQLObjectType):
            return ""
        picked = [
            f"{'a' + str(number) + ': ' if self._chance(0.5) else ''}{self._field(name, field, level + 1)}"
            for number, (name, field) in enumerate(kind.fields.items())
            if self._chance(0.4) and (level < MAX_LEVELS or _is_leaf(field.type))
        ]
        return f" {{{' '.join(['__typename', *picked])}}}"

    def _argument(self, kind: GraphQLInputType) -> str:
        value = self._value(kind, 0)
        if self._chance(0.4):
            name = f"v{len(self._declared)}"
            self._declared.append(f"${name}: {kind}")
            self._variables[name] = value
            return f"${name}"
        return _literal(value)

    def _value(self, kind: GraphQLInputType, level: int) -> Any:
        if self._chance(NOISE):
            return self._random.choice(ANYTHING)
        if isinstance(kind, GraphQLNonNull):
            return self._value(kind.of_type, level)
        if self._chance(0.02):
            return None
        if isinstance(kind, GraphQLList):
            return [self._value(kind.of_type, level + 1) for _ in range(self._random.randint(0, 3))]
        if isinstance(kind, GraphQLEnumType):
            return Name(self._random.choice(list(kind.values)))
        if isinstance(kind, GraphQLInputObjectType):
            return self._object(kind, level)
        return self._random.choice(BY_SCALAR.get(str(kind), BY_SCALAR["String"]))

    def _object(self, kind: GraphQLInputObjectType, level: int) -> dict[str, Any]:
        # Fewer members the deeper it gets, so that every value ends.
        wanted = 0.0 if level > MAX_LEVELS else 1.6 / max(len(kind.fields), 2)
        return {
            name: self._value(field.type, level + 1)
            for name, field in kind.fields.items()
            if is_required_input_field(field) or self._chance(wanted)
        }

    def _chance(self, probability: float) -> bool:
        return self._random.random() < probability


class Name(str):
    """The name of an enum's value: bare in a document, a string in variables."""

    __slots__ = ()


def _literal(value: Any) -> str:
    if isinstance(value, Name):
        return str(value)
    if isinstance(value, list):
        return f"[{' '.join(map(_literal, value))}]"
    if isinstance(value, dict):
        members = (f"{key}: {_literal(member)}" for key, member in value.items() if key.isidentifier())
        return f"{{{' '.join(members)}}}"
    return json.dumps(value)


def _is_leaf(kind: Any) -> bool:
    while isinstance(kind, GraphQLList | GraphQLNonNull):
        kind = kind.of_type
    return not isinstance(kind, GraphQLObjectType)
