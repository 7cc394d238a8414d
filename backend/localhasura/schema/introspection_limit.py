"""Introspection of introspection: each further list of fields multiplies the answer by the size of the schema."""

from __future__ import annotations

from collections.abc import Mapping

from graphql.language import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    SelectionSetNode,
)

from localhasura.errors import invalid

MAX_NESTED_LISTS = 2
"""Tools ask for the fields of types, and no further; so does graphql-js's rule of the same purpose."""
_LISTS = {"fields", "interfaces", "possibleTypes", "inputFields"}

Fragments = Mapping[str, FragmentDefinitionNode]


def check_introspection(selections: SelectionSetNode | None, fragments: Fragments, path: str) -> None:
    """Refuse a selection that goes from types to fields and on to types again and again.

    Fragments form no cycle and the walk takes each of them once per depth, so that it ends soon.
    """
    _Walk(fragments, path).visit(selections, 0)


class _Walk:
    def __init__(self, fragments: Fragments, path: str) -> None:
        self._fragments, self._path = fragments, path
        self._seen: set[tuple[str, int]] = set()

    def visit(self, selections: SelectionSetNode | None, lists: int) -> None:
        for selection in selections.selections if selections is not None else ():
            match selection:
                case FieldNode():
                    inside = lists + (selection.name.value in _LISTS)
                    if inside > MAX_NESTED_LISTS:
                        raise invalid("the introspection query is nested too deeply", self._path)
                    self.visit(selection.selection_set, inside)
                case InlineFragmentNode():
                    self.visit(selection.selection_set, lists)
                case FragmentSpreadNode():
                    self._visit_fragment(selection.name.value, lists)

    def _visit_fragment(self, name: str, lists: int) -> None:
        if (name, lists) not in self._seen and name in self._fragments:
            self._seen.add((name, lists))
            self.visit(self._fragments[name].selection_set, lists)
