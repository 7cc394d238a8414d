"""`__schema` and `__type` as they are asked for: their selections checked in the words of every other field's."""

from __future__ import annotations

from collections.abc import Mapping

from graphql import GraphQLNamedType, GraphQLObjectType, get_named_type, introspection_types
from graphql.language import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    SelectionSetNode,
)

from localhasura.errors import invalid
from localhasura.schema.inputs import STRING, InputField, parse_members
from localhasura.schema.values import Variables

_TYPE_ARGUMENTS = {"name": InputField("name", STRING, required=True)}
_TYPES = {"__schema": "__Schema", "__type": "__Type"}


def check_meta_field(
    name: str,
    nodes: tuple[FieldNode, ...],
    path: str,
    variables: Variables,
    fragments: Mapping[str, FragmentDefinitionNode],
) -> None:
    """Refuse arguments and selections that introspection does not have."""
    checker = _Checker(fragments)
    for node in nodes:
        _check_arguments(name, node, path, variables)
        checker.check_below(introspection_types[_TYPES[name]], node, path)


def _check_arguments(name: str, node: FieldNode, path: str, variables: Variables) -> None:
    known = _TYPE_ARGUMENTS if name == "__type" else {}
    for argument in node.arguments:
        if argument.name.value not in known:
            raise invalid(f"'{name}' has no argument named '{argument.name.value}'", path)
    given = [(argument.name.value, argument.value) for argument in node.arguments]
    parse_members(known, given, variables, f"{path}.args")


class _Checker:
    """Walks selections; each fragment is looked at once per type, however often it is spread."""

    def __init__(self, fragments: Mapping[str, FragmentDefinitionNode]) -> None:
        self._fragments = fragments
        self._seen: set[tuple[str, str]] = set()

    def check_below(self, kind: GraphQLNamedType, node: FieldNode, path: str) -> None:
        """Check what is selected below a field of this type."""
        if not isinstance(kind, GraphQLObjectType):
            if node.selection_set is not None:
                raise invalid("unexpected subselection set for non-object field", path)
        elif node.selection_set is None:
            raise invalid(f"missing selection set for '{kind.name}'", f"{path}.selectionSet")
        else:
            self._check(kind, node.selection_set, f"{path}.selectionSet")

    def _check(self, kind: GraphQLObjectType, selections: SelectionSetNode, path: str) -> None:
        for selection in selections.selections:
            if isinstance(selection, FieldNode):
                self._check_field(kind, selection, path)
            elif isinstance(selection, FragmentSpreadNode):
                self._check_spread(kind, selection.name.value, path)
            elif isinstance(selection, InlineFragmentNode) and _applies(selection, kind):
                self._check(kind, selection.selection_set, path)

    def _check_spread(self, kind: GraphQLObjectType, name: str, path: str) -> None:
        fragment = self._fragments[name]
        if (kind.name, name) not in self._seen and _applies(fragment, kind):
            self._seen.add((kind.name, name))
            self._check(kind, fragment.selection_set, path)

    def _check_field(self, kind: GraphQLObjectType, node: FieldNode, path: str) -> None:
        name = node.name.value
        if name == "__typename":
            return
        field, where = kind.fields.get(name), f"{path}.{name}"
        if field is None:
            raise invalid(f"field '{name}' not found in type: '{kind.name}'", where)
        for argument in node.arguments:
            if argument.name.value not in field.args:
                raise invalid(f"'{name}' has no argument named '{argument.name.value}'", where)
        self.check_below(get_named_type(field.type), node, where)


def _applies(fragment: InlineFragmentNode | FragmentDefinitionNode, kind: GraphQLObjectType) -> bool:
    condition = fragment.type_condition
    return condition is None or condition.name.value == kind.name
