"""A request's variables: declared in the operation, given in JSON, checked against each other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphql.language import NonNullTypeNode, NullValueNode, VariableDefinitionNode, print_ast

from localhasura.errors import invalid, unparsable
from localhasura.request.document import Operation
from localhasura.schema.values import NULL, Json, Part, Value, Variable, Variables

MANY_ROWS = 200
"""A list from here on is compiled each time: keeping track of each of its values costs more than a plan saves."""


def are_many(given: Mapping[str, Any]) -> bool:
    """Tell whether a variable has so many rows that nothing is kept of the request."""
    return any(isinstance(value, list) and len(value) >= MANY_ROWS for value in given.values())


def bind_variables(operation: Operation, given: Mapping[str, Any]) -> Variables:
    """Return the operation's variables with their values; an absent nullable one is null."""
    bound: dict[str, Variable] = {}
    for definition in operation.node.variable_definitions:
        name = definition.variable.name.value
        if name in bound:
            raise unparsable(f'multiple definitions for variable "{name}"')
        value = _value(definition, name, given)
        default = definition.default_value
        has_default = default is not None and not isinstance(default, NullValueNode)
        bound[name] = Variable(name, definition.type, value, has_default)
    for name in operation.used_variables:
        if name not in bound:
            raise invalid(f'unbound variable "{name}"')
    unexpected = [name for name in given if name not in operation.used_variables]
    if unexpected:
        raise invalid(f"unexpected variables in variableValues: {', '.join(unexpected)}")
    return Variables(bound)


def _value(definition: VariableDefinitionNode, name: str, given: Mapping[str, Any]) -> Value:
    required = isinstance(definition.type, NonNullTypeNode)
    if name in given:
        if isinstance(given[name], list) and len(given[name]) >= MANY_ROWS:
            return Json(given[name])
        if given[name] is None and required:
            raise invalid(f'null value found for non-nullable type: "{print_ast(definition.type)}"')
        return Part(given[name], name)
    if definition.default_value is not None:
        return definition.default_value
    if required:
        raise invalid(f'expecting a value for non-nullable variable: "{name}"')
    return NULL
