"""GraphQL documents: parsed once, kept while they are in use, checked as far as no schema is needed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from graphql import GraphQLError
from graphql.language import (
    DirectiveNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    ListValueNode,
    Node,
    ObjectValueNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    ValueNode,
    VariableNode,
    parse,
)

from localhasura.config import MAX_DOCUMENT_TOKENS
from localhasura.errors import EngineError, invalid, unparsable

CACHED_DOCUMENTS = 512


@dataclass(frozen=True, eq=False)
class Operation:
    """The operation that a request runs, with the fragments it may use."""

    node: OperationDefinitionNode
    fragments: Mapping[str, FragmentDefinitionNode]
    used_variables: frozenset[str]
    """Variables that occur anywhere in it, fragments included."""

    @property
    def kind(self) -> str:
        return self.node.operation.value


@dataclass(frozen=True, eq=False)
class Document:
    """A parsed document: operations in order, fragments by name."""

    operations: tuple[OperationDefinitionNode, ...]
    fragments: Mapping[str, FragmentDefinitionNode]

    def operation(self, name: str | None) -> Operation:
        """Return the operation to run; the messages are Hasura's."""
        node = self._chosen(name)
        finder = _UsedVariables(self.fragments)
        finder.visit_set(node.selection_set, "$.selectionSet")
        finder.visit_directives(node.directives)
        return Operation(node, self.fragments, frozenset(finder.names))

    def _chosen(self, name: str | None) -> OperationDefinitionNode:
        if name is not None:
            if any(node.name is None for node in self.operations):
                raise invalid(
                    "operationName cannot be used when an anonymous operation exists in the document"
                )
            for node in self.operations:
                if node.name is not None and node.name.value == name:
                    return node
            raise invalid(f'no such operation found in the document: "{name}"')
        if len(self.operations) != 1:
            raise invalid(
                "exactly one operation has to be present in the document when operationName is not specified"
            )
        return self.operations[0]


@lru_cache(maxsize=CACHED_DOCUMENTS)
def parse_document(text: str) -> Document:
    """Return the parsed document; raises `validation-failed` at `$.query` when it is no GraphQL."""
    try:
        parsed = parse(text, no_location=True, max_tokens=MAX_DOCUMENT_TOKENS)
    except (GraphQLError, RecursionError):
        raise invalid("not a valid graphql query", "$.query") from None
    operations = tuple(node for node in parsed.definitions if isinstance(node, OperationDefinitionNode))
    fragments = [node for node in parsed.definitions if isinstance(node, FragmentDefinitionNode)]
    others = len(parsed.definitions) - len(operations) - len(fragments)
    if others or any(map(_decorates_variables, operations)) or _names_something_twice(parsed):
        raise EngineError("validation-failed", "not a valid graphql query", path="$.query")
    by_name = {node.name.value: node for node in fragments}
    for node in fragments:
        if by_name[node.name.value] is not node:
            raise unparsable(f'multiple definitions for fragment "{node.name.value}"')
    return Document(operations, by_name)


@lru_cache(maxsize=CACHED_DOCUMENTS)
def find_operation(text: str, name: str | None) -> Operation:
    """Return the operation of this name in the document."""
    try:
        return parse_document(text).operation(name)
    except RecursionError:
        raise invalid("the query is nested too deeply", "$.query") from None


def _decorates_variables(operation: OperationDefinitionNode) -> bool:
    """Whether a variable is declared with directives, for which Hasura's grammar has no place."""
    return any(definition.directives for definition in operation.variable_definitions)


def _names_something_twice(document: Node) -> bool:
    """Whether an argument or the member of an object is there twice: Hasura's grammar has no place for that."""
    waiting: list[Node] = [document]
    while waiting:
        node = waiting.pop()
        if isinstance(node, FieldNode | DirectiveNode):
            names = [argument.name.value for argument in node.arguments]
        else:
            names = [field.name.value for field in node.fields] if isinstance(node, ObjectValueNode) else []
        if len(set(names)) < len(names):
            return True
        for key in node.keys:
            below = getattr(node, key)
            waiting += [below] if isinstance(below, Node) else below if isinstance(below, tuple) else []
    return False


class _UsedVariables:
    """Walks an operation through its fragments, so that cycles and unknown fragments show first."""

    def __init__(self, fragments: Mapping[str, FragmentDefinitionNode]) -> None:
        self._fragments = fragments
        self._open: list[str] = []
        self._done: set[str] = set()
        self.names: set[str] = set()

    def visit_set(self, selections: SelectionSetNode | None, path: str) -> None:
        for selection in selections.selections if selections is not None else ():
            self.visit_directives(selection.directives)
            self._visit(selection, path)

    def visit_directives(self, directives: tuple[DirectiveNode, ...]) -> None:
        for directive in directives:
            for argument in directive.arguments:
                self.names.update(_variables_in(argument.value))

    def _visit(self, selection: SelectionNode, path: str) -> None:
        match selection:
            case FieldNode():
                for argument in selection.arguments:
                    self.names.update(_variables_in(argument.value))
                self.visit_set(selection.selection_set, f"{path}.{selection.name.value}.selectionSet")
            case InlineFragmentNode():
                self.visit_set(selection.selection_set, path)
            case FragmentSpreadNode():
                self._visit_fragment(selection.name.value, path)

    def _visit_fragment(self, name: str, path: str) -> None:
        if name in self._open:
            cycle = _english_list([name, *self._open[self._open.index(name) + 1 :]])
            raise invalid(f"the fragment definition(s) {cycle} form a cycle", path)
        if name in self._done:
            return
        if name not in self._fragments:
            raise invalid(f'reference to undefined fragment "{name}"', path)
        self._open.append(name)
        self.visit_set(self._fragments[name].selection_set, f"{path}.{name}.selectionSet")
        self._open.pop()
        self._done.add(name)


def _english_list(names: list[str]) -> str:
    """Return `"a"`, `"a" and "b"`, or `"a", "b", and "c"`."""
    *others, last = (f'"{name}"' for name in names)
    if not others:
        return last
    return f"{', '.join(others)}{',' if len(others) > 1 else ''} and {last}"


def _variables_in(node: ValueNode) -> Iterator[str]:
    match node:
        case VariableNode():
            yield node.name.value
        case ListValueNode():
            for item in node.values:
                yield from _variables_in(item)
        case ObjectValueNode():
            for field in node.fields:
                yield from _variables_in(field.value)
