"""The engine: one database, its metadata, and GraphQL requests answered from both."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import psycopg

from localhasura.config import Options
from localhasura.database import Connection, Database, fetch_one, mapped
from localhasura.errors import EngineError, invalid, unparsable, unsupported
from localhasura.jsontext import compact
from localhasura.metadata.model import ADMIN, Model
from localhasura.request.directives import check_operation_directives
from localhasura.request.document import Operation, find_operation
from localhasura.request.mutation import Compiled, MutationCompiler, OneStatement
from localhasura.request.selection import INTROSPECTION_FIELDS, Selected, Walker
from localhasura.request.variables import bind_variables
from localhasura.schema.introspection import introspect
from localhasura.schema.meta_fields import check_meta_field
from localhasura.schema.objects import Kind
from localhasura.schema.role import NO_QUERIES, RoleSchema
from localhasura.schema.values import Variables
from localhasura.sql.builder import Builder, Session, Statement
from localhasura.sql.plans import PlanCache, Steps
from localhasura.sql.select import SelectCompiler


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
        """Return the JSON text for a request body: one request, or a list of them answered one by one.

        A list is answered only if all of it has the shape of requests.
        """
        if isinstance(body, list):
            try:
                _check_batch(body)
            except EngineError as error:
                return self.error_text(error, session.role)
            return "[" + ",".join(self._answer_one(item, session) for item in body) + "]"
        return self._answer_one(body, session)

    def _answer_one(self, body: Any, session: Session) -> str:
        try:
            return self._run(body, session)
        except EngineError as error:
            return self.error_text(error, session.role)
        except RecursionError:
            return self.error_text(invalid("the request is nested too deeply"), session.role)

    def error_text(self, error: EngineError, role: str | None) -> str:
        """Return the GraphQL answer that says the error."""
        shown = self._options.dev_mode or (role == ADMIN and self._options.admin_internal_errors)
        return compact({"errors": [error.graphql(with_internal=shown)]})

    def _run(self, body: Any, session: Session) -> str:
        query, variables, name = _request_parts(body)
        schema, plans = self._served.schema(session)
        steps = plans.find((query, name), variables, session)
        if steps is not None:
            return self._answered(steps)
        operation = find_operation(query, name)
        if operation.kind == "mutation":
            return self._mutate(operation, variables, schema, session)
        if operation.kind == "subscription":
            raise _no_subscription(schema)
        bound = bind_variables(operation, variables)
        steps = self._query(operation, variables, bound, schema, session)
        plans.keep((query, name), variables, bound, steps)
        return self._answered(steps)

    def _query(
        self,
        operation: Operation,
        variables: Mapping[str, Any],
        bound: Variables,
        schema: RoleSchema,
        session: Session,
    ) -> Steps:
        walker = Walker(operation.fragments, bound, self._options.max_depth, self._options.max_nodes)
        check_operation_directives(operation, bound)
        fields = walker.fields(schema.query_root, (operation.node.selection_set,), "$", root=True)
        builder = partial(self._builder, schema, session)
        steps: list[tuple[str, Statement | str]] = []
        for field in fields:
            if field.name in INTROSPECTION_FIELDS and field.field is None:
                bound.look_at_all()
                check_meta_field(field.name, field.nodes, field.path, bound, operation.fragments)
                steps.append((field.key, _introspected(schema, field, operation, variables)))
            else:
                steps.append((field.key, _query_plan(field, walker, schema, builder)))
        return tuple(steps)

    def _answered(self, steps: Steps) -> str:
        if any(isinstance(step, Statement) for _, step in steps):
            with self._database.connection() as connection:
                return _data({key: _executed(step, connection) for key, step in steps})
        return _data({key: step for key, step in steps if isinstance(step, str)})

    def _mutate(
        self, operation: Operation, variables: Mapping[str, Any], schema: RoleSchema, session: Session
    ) -> str:
        if schema.mutation_root is None:
            raise invalid("no mutations exist")
        bound = bind_variables(operation, variables)
        walker = Walker(operation.fragments, bound, self._options.max_depth, self._options.max_nodes)
        check_operation_directives(operation, bound)
        fields = walker.fields(schema.mutation_root, (operation.node.selection_set,), "$")
        compiler = MutationCompiler(partial(self._builder, schema, session), walker)
        steps: list[tuple[str, Compiled]] = []
        for field in fields:
            if field.field is None:
                steps.append((field.key, _always(compact("mutation_root"))))
            else:
                steps.append((field.key, compiler.compile(field)))
        return self._in_transaction(steps, session)

    def _in_transaction(self, steps: list[tuple[str, Compiled]], session: Session) -> str:
        user = compact(dict(session.variables))
        with self._database.connection() as connection:
            key, only = steps[0] if len(steps) == 1 else ("", None)
            if isinstance(only, OneStatement) and only.stands_alone:
                return _data({key: only.alone(lambda one: fetch_one(connection, one), user)})
            try:
                with connection.transaction():
                    _set_user(connection, user)
                    return _data({key: step(lambda one: fetch_one(connection, one)) for key, step in steps})
            except psycopg.Error as error:
                raise mapped(error) from error

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


def _query_plan(
    selected: Selected, walker: Walker, schema: RoleSchema, new_builder: Callable[[], Builder]
) -> Statement | str:
    if selected.field is None:
        return compact(schema.query_root.name)
    if selected.field.kind is Kind.NO_QUERIES:
        return compact(NO_QUERIES)
    return SelectCompiler(new_builder(), walker).root(selected)


def _check_batch(items: list[Any]) -> None:
    for index, item in enumerate(items):
        try:
            _request_parts(item)
        except EngineError as error:
            raise error.at(f"$[{index}]") from None


def _request_parts(body: Any) -> tuple[str, Mapping[str, Any], str | None]:
    if not isinstance(body, dict):
        raise unparsable("expected an object with the key 'query'")
    query, variables, name = body.get("query"), body.get("variables"), body.get("operationName")
    if "query" not in body:
        raise unparsable("the key 'query' was not present")
    if not isinstance(query, str):
        raise unparsable("parsing Text failed, expected String", "$.query")
    if variables is not None and not isinstance(variables, dict):
        raise unparsable("parsing HashMap failed, expected Object", "$.variables")
    if name is not None and not isinstance(name, str):
        raise unparsable("parsing Text failed, expected String", "$.operationName")
    return query, variables or {}, name or None


def _no_subscription(schema: RoleSchema) -> EngineError:
    if schema.subscription_root is None:
        return invalid("no subscriptions exist")
    message = "subscriptions are not supported over HTTP, use websockets instead"
    return EngineError("unexpected-payload", message)


def _executed(plan: Statement | str, connection: Connection) -> str:
    if isinstance(plan, str):
        return plan
    value = fetch_one(connection, plan)[0]
    return "null" if value is None else str(value)


def _set_user(connection: Connection, user: str) -> None:
    fetch_one(connection, Statement("SELECT set_config('hasura.user', $1, true)", [user]))


def _data(values: Mapping[str, str]) -> str:
    members = ",".join(f"{compact(key)}:{value}" for key, value in values.items())
    return f'{{"data":{{{members}}}}}'


def _always(text: str) -> Callable[[Any], str]:
    return lambda _fetch: text
