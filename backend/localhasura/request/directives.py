"""Directives of a whole operation: `@cached` is known and without effect, as in Hasura's community edition."""

from __future__ import annotations

from graphql.language import DirectiveNode

from localhasura.errors import invalid
from localhasura.request.document import Operation
from localhasura.schema.inputs import BOOLEAN, INT, InputField, parse_members
from localhasura.schema.values import Variables

_CACHED = {
    "ttl": InputField("ttl", INT, required=True, default="60"),
    "refresh": InputField("refresh", BOOLEAN, required=True, default="false"),
}
_OF_FIELDS = ("include", "skip")


def check_operation_directives(operation: Operation, variables: Variables) -> None:
    """Refuse directives that an operation of this kind does not take, in Hasura's words."""
    kind, seen = operation.kind, set()
    for directive in operation.node.directives:
        name = directive.name.value
        if name in _OF_FIELDS or (name == "cached" and kind != "query"):
            raise invalid(f"directive '{name}' is not allowed on a {kind}")
        if name != "cached":
            raise invalid(f"directive '{name}' is not defined in the schema")
        if name in seen:
            raise invalid(f"the following directives are used more than once: ['{name}']")
        seen.add(name)
        _check_arguments(directive, variables)


def _check_arguments(directive: DirectiveNode, variables: Variables) -> None:
    name = directive.name.value
    for argument in directive.arguments:
        if argument.name.value not in _CACHED:
            raise invalid(f"'{name}' has no argument named '{argument.name.value}'", f"$.{name}")
    given = [(argument.name.value, argument.value) for argument in directive.arguments]
    parse_members(_CACHED, given, variables, f"$.{name}.args")
