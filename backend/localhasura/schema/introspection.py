"""Introspection: the role's schema handed to graphql-core, which answers `__schema` and `__type`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from weakref import WeakKeyDictionary

from graphql import (
    DirectiveLocation,
    ExecutionResult,
    GraphQLArgument,
    GraphQLBoolean,
    GraphQLDirective,
    GraphQLEnumType,
    GraphQLEnumValue,
    GraphQLField,
    GraphQLFloat,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInt,
    GraphQLList,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    GraphQLString,
    Undefined,
    execute,
    lexicographic_sort_schema,
)
from graphql.language import DocumentNode, OperationDefinitionNode, SelectionSetNode

from localhasura.errors import invalid
from localhasura.jsontext import compact
from localhasura.request.document import Operation
from localhasura.request.selection import Selected
from localhasura.schema.inputs import EnumType, InputField, InputObject, InputType, ListType
from localhasura.schema.introspection_limit import check_introspection
from localhasura.schema.objects import Field, ObjectType, OutputType
from localhasura.schema.role import RoleSchema
from localhasura.schema.values import ExpectedType

_BUILT_IN: Mapping[str, GraphQLNamedType] = {
    "Int": GraphQLInt,
    "Float": GraphQLFloat,
    "String": GraphQLString,
    "Boolean": GraphQLBoolean,
}
_CACHED = GraphQLDirective(
    "cached",
    [DirectiveLocation.QUERY],
    {
        "ttl": GraphQLArgument(
            GraphQLNonNull(GraphQLInt), default_value=60, description="measured in seconds"
        ),
        "refresh": GraphQLArgument(
            GraphQLNonNull(GraphQLBoolean), default_value=False, description="refresh the cache entry"
        ),
    },
    description="whether this query should be cached (Hasura Cloud only)",
)
_CONDITION = {"if": GraphQLArgument(GraphQLNonNull(GraphQLBoolean))}
_LOCATIONS = [DirectiveLocation.FIELD, DirectiveLocation.FRAGMENT_SPREAD, DirectiveLocation.INLINE_FRAGMENT]
_DIRECTIVES = (
    GraphQLDirective("include", _LOCATIONS, _CONDITION, description="whether this query should be included"),
    GraphQLDirective("skip", _LOCATIONS, _CONDITION, description="whether this query should be skipped"),
    _CACHED,
)
_made: WeakKeyDictionary[RoleSchema, GraphQLSchema] = WeakKeyDictionary()


def introspect(
    schema: RoleSchema, selected: Selected, operation: Operation, variables: Mapping[str, Any]
) -> str:
    """Return the JSON text of one `__schema` or `__type` field."""
    for each in selected.selection_sets:
        check_introspection(each, operation.fragments, selected.path)
    known = _made.get(schema)
    if known is None:
        known = _made[schema] = _Converter().schema(schema)
    node = OperationDefinitionNode(
        operation=operation.node.operation,
        name=None,
        variable_definitions=operation.node.variable_definitions,
        directives=(),
        selection_set=SelectionSetNode(selections=selected.nodes),
    )
    document = DocumentNode(definitions=(node, *operation.fragments.values()))
    result = execute(known, document, variable_values=dict(variables))
    if not isinstance(result, ExecutionResult):
        raise invalid("introspection must not wait", selected.path)
    if result.errors:
        raise invalid(result.errors[0].message, selected.path)
    return compact((result.data or {})[selected.key])


class _Converter:
    def __init__(self) -> None:
        self._types: dict[str, GraphQLNamedType] = dict(_BUILT_IN)

    def schema(self, schema: RoleSchema) -> GraphQLSchema:
        query = self._object(schema.query_root)
        mutation = self._object(schema.mutation_root) if schema.mutation_root else None
        subscription = self._object(schema.subscription_root) if schema.subscription_root else None
        made = GraphQLSchema(
            query,
            mutation,
            subscription,
            directives=_DIRECTIVES,
            # A role may see a table and none of its columns; types without members are no reason to say nothing.
            assume_valid=True,
        )
        in_order = lexicographic_sort_schema(made)
        # All else is told by name, but directives and their arguments as Hasura has them.
        in_order.directives = _DIRECTIVES
        return in_order

    def _object(self, kind: ObjectType) -> GraphQLObjectType:
        known = self._types.get(kind.name)
        if not isinstance(known, GraphQLObjectType):
            known = self._types[kind.name] = GraphQLObjectType(
                kind.name,
                lambda: {name: self._field(field) for name, field in kind.fields.items()},
                description=kind.description,
            )
        return known

    def _field(self, field: Field) -> GraphQLField:
        args = {
            name: GraphQLArgument(
                self._input(argument), default_value=_default(argument), description=argument.description
            )
            for name, argument in field.args.items()
        }
        self._register_enum(field)
        return GraphQLField(self._output(field.type), args, description=field.description)

    def _register_enum(self, field: Field) -> None:
        """Make the enum of a column, whose name alone would make a scalar of it."""
        if field.table is None or field.column is None:
            return
        enum = field.table.column_enums.get(field.column.name)
        if enum is not None:
            self._register(EnumType(enum.type_name, enum.values))

    def _output(self, out: OutputType) -> Any:
        made: Any = self._object(out.object) if out.object else self._leaf(out.name)
        if out.is_list:
            made = GraphQLList(GraphQLNonNull(made))
        return GraphQLNonNull(made) if out.non_null else made

    def _leaf(self, name: str) -> GraphQLNamedType:
        if name not in self._types:
            self._types[name] = GraphQLScalarType(name)
        return self._types[name]

    def _input(self, field: InputField) -> Any:
        self._register(field.type)
        return self._wrapped(field.expected)

    def _wrapped(self, expected: ExpectedType) -> Any:
        made: Any = (
            self._leaf(expected.name)
            if expected.element is None
            else GraphQLList(self._wrapped(expected.element))
        )
        return GraphQLNonNull(made) if expected.non_null else made

    def _register(self, kind: InputType) -> None:
        while isinstance(kind, ListType):
            kind = kind.of
        if kind.name in self._types:
            return
        if isinstance(kind, EnumType):
            values = {name: GraphQLEnumValue(name, description=what) for name, what in kind.values.items()}
            self._types[kind.name] = GraphQLEnumType(kind.name, values, description=kind.description)
        elif isinstance(kind, InputObject):
            self._types[kind.name] = self._input_object(kind)

    def _input_object(self, kind: InputObject) -> GraphQLInputObjectType:
        return GraphQLInputObjectType(
            kind.name,
            lambda: {
                name: GraphQLInputField(
                    self._input(member), default_value=_default(member), description=member.description
                )
                for name, member in kind.fields.items()
            },
            description=kind.description,
        )


def _default(field: InputField) -> Any:
    return [] if field.default == "[]" else Undefined
