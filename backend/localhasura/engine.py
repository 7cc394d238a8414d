"""The engine: one database, its metadata, and GraphQL requests answered from both."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NoReturn

import psycopg

from localhasura.config import Options
from localhasura.database import Database, fetch_one, not_committed
from localhasura.errors import EngineError, invalid, unparsable, unsupported
from localhasura.jsontext import compact
from localhasura.metadata.model import ADMIN, Model
from localhasura.metadata.shapes import expect
from localhasura.request.directives import check_operation_directives
from localhasura.request.document import Operation, find_operation
from localhasura.request.mutation import MutationCompiler
from localhasura.request.selection import INTROSPECTION_FIELDS, Selected, Walker
from localhasura.request.variables import are_many, bind_variables
from localhasura.schema.introspection import introspect
from localhasura.schema.meta_fields import check_meta_field
from localhasura.schema.objects import Kind
from localhasura.schema.role import NO_QUERIES, RoleSchema
from localhasura.schema.values import Variables
from localhasura.sql.builder import Builder, Session, Statement
from localhasura.sql.plans import PlanCache
from localhasura.sql.select import SelectCompiler
from localhasura.sql.steps import Compiled, Known, Read, Run, Step


class GraphQLEngine:
    """Answers GraphQL requests over the current model; `serve` swaps the model as a whole."""

    def __init__(self, database: Database, options: Options) -> None:
        self._database, self._options = database, options
        self._served = _Served(Model(), options)

    def serve(self, model: Model) -> None:
        """Answer from this model from now on; requests under way finish on the old one."""
        self._served = _Served(model, self._options)

    def use(self, database: Database) -> None:
        """Send statements to another database from now on."""
        self._database = database

    def answer(self, body: Any, session: Session) -> str:
        """Return the JSON text for a request body, be it data or errors."""
        try:
            return self.data(body, session)
        except EngineError as error:
            return self.error_text(error, session.role)

    def data(self, body: Any, session: Session) -> str:
        """Return the JSON text for a request body: one request, or a list of them answered one by one.

        Raises the EngineError of one request. A list is answered only if all of it has the shape of requests; then
        the errors are in the text.
        """
        if not isinstance(body, list):
            try:
                return self._run(body, session)
            except RecursionError:
                raise invalid("the request is nested too deeply") from None
        _check_batch(body)
        return "[" + ",".join(self.answer(item, session) for item in body) + "]"

    def error_text(self, error: EngineError, role: str | None) -> str:
        """Return the GraphQL answer that says the error."""
        shown = self._options.dev_mode or (role == ADMIN and self._options.admin_internal_errors)
        return compact({"errors": [error.graphql(with_internal=shown)]})

    def _run(self, body: Any, session: Session) -> str:
        query, variables, name = _request_parts(body)
        schema, plans = self._served.schema(session)
        compiled = plans.find((query, name), variables, session)
        if compiled is None:
            operation = find_operation(query, name)
            _check_kind(operation, schema)
            bound = bind_variables(operation, variables)
            if operation.kind == "subscription":
                raise self._no_subscription(operation, bound, schema, session)
            compiled = self._compiled(operation, variables, bound, schema, session)
            if not are_many(variables):
                plans.keep((query, name), variables, bound, compiled)
        return self._answered(compiled, session)

    def _compiled(
        self,
        operation: Operation,
        variables: Mapping[str, Any],
        bound: Variables,
        schema: RoleSchema,
        session: Session,
    ) -> Compiled:
        walker = Walker(operation.fragments, bound, self._options.max_depth, self._options.max_nodes)
        check_operation_directives(operation, bound)
        builder = partial(self._builder, schema, session)
        selections = (operation.node.selection_set,)
        if schema.mutation_root is not None and operation.kind == "mutation":
            compiler = MutationCompiler(builder, walker, may_stand_alone=not schema.checks_at_commit)
            return compiler.compile(walker.fields(schema.mutation_root, selections, "$"))
        steps: list[tuple[str, Step]] = []
        for field in walker.fields(schema.query_root, selections, "$", root=True):
            if field.name in INTROSPECTION_FIELDS and field.field is None:
                bound.look_at_all()
                check_meta_field(field.name, field.nodes, field.path, bound, operation.fragments)
                steps.append((field.key, Known(_introspected(schema, field, operation, variables))))
            else:
                steps.append((field.key, _query_step(field, walker, schema, builder)))
        return Compiled(tuple(steps))

    def _no_subscription(
        self, operation: Operation, bound: Variables, schema: RoleSchema, session: Session
    ) -> EngineError:
        """Return the error that a subscription ends in: its own faults come before its transport's."""
        if schema.subscription_root is None:
            return invalid("no subscriptions exist")
        walker = Walker(operation.fragments, bound, self._options.max_depth, self._options.max_nodes)
        fields = walker.fields(schema.subscription_root, (operation.node.selection_set,), "$")
        for field in fields:
            _query_step(field, walker, schema, partial(self._builder, schema, session))
        check_operation_directives(operation, bound)
        if len(fields) > 1:
            return invalid("subscriptions must select one top level field")
        message = "subscriptions are not supported over HTTP, use websockets instead"
        return EngineError("unexpected-payload", message)

    def _answered(self, compiled: Compiled, session: Session) -> str:
        if not compiled.needs_database:
            return _data(compiled, Run(_no_database, session))
        with self._database.connection() as connection:
            run = Run(partial(fetch_one, connection), session)
            if not compiled.in_transaction:
                return _data(compiled, run)
            try:
                with connection.transaction():
                    _set_user(run)
                    return _data(compiled, run)
            except psycopg.Error as error:
                raise not_committed(error) from error

    def _builder(self, schema: RoleSchema, session: Session) -> Builder:
        return Builder(schema.inputs, session, stringify=self._options.stringify_numeric_types)


class _Served:
    """A model with the schemas made from it, one per role and backend mode."""

    def __init__(self, model: Model, options: Options) -> None:
        self._model, self._collapse_null = model, options.v1_boolean_null_collapse
        self._schemas: dict[tuple[str, bool], tuple[RoleSchema, PlanCache]] = {}
        self._roles = {ADMIN, *(role for table in model.tables.values() for role in table.permissions)}

    def schema(self, session: Session) -> tuple[RoleSchema, PlanCache]:
        # Roles without any permission share one schema each time it is asked for: their names are free text.
        key = (session.role, session.backend)
        known = self._schemas.get(key)
        if known is None:
            made = RoleSchema(
                self._model, session.role, backend=session.backend, collapse_null=self._collapse_null
            )
            known = made, PlanCache()
            if session.role in self._roles:
                self._schemas[key] = known
        return known


def _introspected(
    schema: RoleSchema, selected: Selected, operation: Operation, variables: Mapping[str, Any]
) -> str:
    if not schema.introspection_allowed:
        raise unsupported(f'introspection is disabled for role: "{schema.role}"')
    return introspect(schema, selected, operation, variables)


def _query_step(
    selected: Selected, walker: Walker, schema: RoleSchema, new_builder: Callable[[], Builder]
) -> Step:
    if selected.field is None:
        return Known(compact(schema.query_root.name))
    if selected.field.kind is Kind.NO_QUERIES:
        return Known(compact(NO_QUERIES))
    return Read(SelectCompiler(new_builder(), walker).root(selected))


def _check_batch(items: list[Any]) -> None:
    for index, item in enumerate(items):
        try:
            _request_parts(item)
        except EngineError as error:
            raise error.at(f"$[{index}]") from None


def _request_parts(body: Any) -> tuple[str, Mapping[str, Any], str | None]:
    if not isinstance(body, dict):
        raise unparsable("expected an object with the key 'query'")
    query: Any = body.get("query")
    variables, name = body.get("variables"), body.get("operationName")
    if "query" not in body:
        raise unparsable("the key 'query' was not present")
    expect(query, str, "$.query")
    if variables is not None and not isinstance(variables, dict):
        raise unparsable("parsing HashMap failed, expected Object", "$.variables")
    if name is not None:
        expect(name, str, "$.operationName")
    return query, variables or {}, name or None


def _check_kind(operation: Operation, schema: RoleSchema) -> None:
    """Refuse what the role has no root for."""
    if operation.kind == "mutation" and schema.mutation_root is None:
        raise invalid("no mutations exist")
    if operation.kind == "subscription" and schema.subscription_root is None:
        raise invalid("no subscriptions exist")


def _set_user(run: Run) -> None:
    run.fetch(Statement("SELECT set_config('hasura.user', $1, true)", [run.user]))


def _no_database(_statement: Statement) -> NoReturn:
    raise LookupError("the operation was said to need no database")


def _data(compiled: Compiled, run: Run) -> str:
    members = ",".join(f"{compact(key)}:{step.run(run)}" for key, step in compiled.steps)
    return f'{{"data":{{{members}}}}}'
