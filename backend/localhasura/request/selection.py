"""The walk over selection sets: fragments and directives resolved, fields merged, arguments parsed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from graphql.language import (
    ArgumentNode,
    DirectiveNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    SelectionNode,
    SelectionSetNode,
)

from localhasura.config import MAX_NODES
from localhasura.errors import invalid
from localhasura.schema.inputs import BOOLEAN, InputField, parse_members
from localhasura.schema.objects import Field, ObjectType
from localhasura.schema.values import Value, Variables

INTROSPECTION_FIELDS = ("__schema", "__type")
_CONDITIONS = ("include", "skip")
_CONDITION = {"if": InputField("if", BOOLEAN, required=True)}


@dataclass(frozen=True)
class Selected:
    """A field that the answer will have under `key`. No `field` means `__typename` or introspection."""

    key: str
    name: str
    path: str
    field: Field | None
    args: Mapping[str, Any]
    selection_sets: tuple[SelectionSetNode, ...]
    nodes: tuple[FieldNode, ...] = ()

    @property
    def known(self) -> Field:
        """The field; LookupError for `__typename` and introspection."""
        if self.field is None:
            raise LookupError(f"{self.name} stands for no field of the schema")
        return self.field


class Walker:
    """Takes the selection sets of one operation apart."""

    def __init__(
        self,
        fragments: Mapping[str, FragmentDefinitionNode],
        variables: Variables,
        max_depth: int,
        max_nodes: int = MAX_NODES,
    ) -> None:
        self._fragments, self.variables, self._max_depth = fragments, variables, max_depth
        self._max_nodes, self._nodes = max_nodes, 0

    def fields(
        self, kind: ObjectType, selection_sets: Iterable[SelectionSetNode], path: str, *, root: bool = False
    ) -> list[Selected]:
        """Return the fields that are selected from an object type, in the order of the selection."""
        path = f"{path}.selectionSet"
        if path.count(".selectionSet") > self._max_depth:
            raise invalid(f"the query is nested more than {self._max_depth} levels deep", path)
        merged: dict[str, list[FieldNode]] = {}
        for node in self._collect(kind.name, selection_sets, path):
            key = node.alias.value if node.alias else node.name.value
            _merge(merged.setdefault(key, []), node, key, path)
        return [self._selected(kind, key, nodes, path, root) for key, nodes in merged.items()]

    def subfields(self, selected: Selected) -> list[Selected]:
        """Return what is selected below a field that has an object type."""
        kind = selected.known.type.object
        return [] if kind is None else self.fields(kind, selected.selection_sets, selected.path)

    def _collect(
        self, type_name: str, selection_sets: Iterable[SelectionSetNode], path: str
    ) -> Iterator[FieldNode]:
        for selection_set in selection_sets:
            for selection in selection_set.selections:
                self._count(path)
                if not self._included(selection, path):
                    continue
                if isinstance(selection, FieldNode):
                    yield selection
                    continue
                inner = self._fragment_set(selection, type_name)
                if inner is not None:
                    yield from self._collect(type_name, (inner,), path)

    def _count(self, path: str) -> None:
        """Refuse an operation that grows too large; fragments that use each other double it at every step."""
        self._nodes += 1
        if self._nodes > self._max_nodes:
            raise invalid(f"the query selects more than {self._max_nodes} fields", path)

    def _fragment_set(self, selection: SelectionNode, type_name: str) -> SelectionSetNode | None:
        """Return a fragment's selections, or None when its type is another one (Hasura says nothing then)."""
        fragment: FragmentDefinitionNode | InlineFragmentNode
        if isinstance(selection, FragmentSpreadNode):
            fragment = self._fragments[selection.name.value]
        elif isinstance(selection, InlineFragmentNode):
            fragment = selection
        else:
            return None
        condition = fragment.type_condition
        matches = condition is None or condition.name.value == type_name
        return fragment.selection_set if matches else None

    def _included(self, selection: SelectionNode, path: str) -> bool:
        included = True
        seen: set[str] = set()
        for directive in selection.directives:
            name = directive.name.value
            if name not in _CONDITIONS:
                place = "a field" if isinstance(selection, FieldNode) else "an inline fragment"
                why = f"is not allowed on {place}" if name == "cached" else "is not defined in the schema"
                raise invalid(f"directive '{name}' {why}", path)
            if name in seen:
                raise invalid(f"the following directives are used more than once: ['{name}']", path)
            seen.add(name)
            included = included and (self._condition(directive, f"{path}.{name}") == (name == "include"))
        return included

    def _condition(self, directive: DirectiveNode, path: str) -> bool:
        name = directive.name.value
        for argument in directive.arguments:
            if argument.name.value != "if":
                raise invalid(f"'{name}' has no argument named '{argument.name.value}'", path)
        given = [(argument.name.value, argument.value) for argument in directive.arguments]
        condition: bool = parse_members(_CONDITION, given, self.variables, f"{path}.args")["if"]
        return condition

    def _selected(
        self, kind: ObjectType, key: str, nodes: list[FieldNode], path: str, root: bool
    ) -> Selected:
        node, name = nodes[0], nodes[0].name.value
        where = f"{path}.{name}"
        sets = tuple(each.selection_set for each in nodes if each.selection_set is not None)
        if name == "__typename" or (root and name in INTROSPECTION_FIELDS):
            return Selected(key, name, where, None, {}, sets, tuple(nodes))
        field = kind.fields.get(name)
        if field is None:
            raise invalid(f"field '{name}' not found in type: '{kind.name}'", where)
        if field.type.object is not None and not sets:
            raise invalid(f"missing selection set for '{field.type.object.name}'", f"{where}.selectionSet")
        if field.type.object is None and sets:
            raise invalid("unexpected subselection set for non-object field", where)
        return Selected(key, name, where, field, self._arguments(field, node.arguments, where), sets)

    def _arguments(self, field: Field, nodes: tuple[ArgumentNode, ...], path: str) -> dict[str, Any]:
        given: list[tuple[str, Value]] = []
        for node in nodes:
            if node.name.value not in field.args:
                raise invalid(f"'{field.name}' has no argument named '{node.name.value}'", path)
            given.append((node.name.value, node.value))
        return parse_members(field.args, given, self.variables, f"{path}.args")


def _merge(nodes: list[FieldNode], node: FieldNode, key: str, path: str) -> None:
    if nodes:
        first = nodes[0]
        if first.name.value != node.name.value:
            raise invalid(
                f"selection of both '{first.name.value}' and '{node.name.value}' "
                f"specify the same response name, '{key}'",
                path,
            )
        if _comparable(first) != _comparable(node):
            raise invalid(
                f"inconsistent arguments between multiple selections of field '{first.name.value}'", path
            )
    nodes.append(node)


def _comparable(node: FieldNode) -> dict[str, Any]:
    return {argument.name.value: argument.value for argument in node.arguments}
