"""The schema of one role: its root types and object types, with what each field stands for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from localhasura.catalog import Column
from localhasura.metadata.model import Model, TrackedTable
from localhasura.schema.inputs import BOOLEAN, LIMIT, OFFSET, STRING, InputField, ListType
from localhasura.schema.objects import Field, Kind, ObjectType, OutputType
from localhasura.schema.role_inputs import RoleInputs
from localhasura.schema.write_inputs import update_operators

NO_QUERIES = (
    "There are no queries available to the current role. Either there are no sources or remote schemas "
    "configured, or the current role doesn't have the required permissions."
)
_FLOAT_FUNCTIONS = {"avg", "stddev", "stddev_pop", "stddev_samp", "var_pop", "var_samp", "variance"}


class RoleSchema:
    """What one role sees. `mutation_root` is None when the role may change nothing."""

    def __init__(
        self, model: Model, role: str, *, backend: bool = False, collapse_null: bool = False
    ) -> None:
        self.role, self._model = role, model
        self.inputs = RoleInputs(model, role, backend=backend, collapse_null=collapse_null)
        self._objects: dict[str, ObjectType] = {}
        self.introspection_allowed = role not in model.introspection_disabled_for
        self.checks_at_commit = model.checks_at_commit
        queries = [field for table in model.tables.values() for field in self._queries(table, "query")]
        self.has_queries = bool(queries)
        self.query_root = ObjectType("query_root", lambda: queries or [_no_queries()])
        subscriptions = [
            field for table in model.tables.values() for field in self._queries(table, "subscription")
        ]
        self.subscription_root = (
            ObjectType("subscription_root", lambda: subscriptions) if subscriptions else None
        )
        mutations = [field for table in model.tables.values() for field in self._mutations(table)]
        self.mutation_root = (
            ObjectType("mutation_root", lambda: mutations, "mutation root") if mutations else None
        )

    def row_type(self, table: TrackedTable) -> ObjectType:
        """Return the object type of the table's rows."""
        what = table.comment or f'columns and relationships of "{table.name}"'
        return self._object(table.graphql_name, lambda: self._row_fields(table), what)

    def _object(self, name: str, fields: object, description: str | None = None) -> ObjectType:
        if name not in self._objects:
            self._objects[name] = ObjectType(name, fields, description)  # type: ignore[arg-type]
        return self._objects[name]

    def _row_fields(self, table: TrackedTable) -> Iterator[Field]:
        for name, column in self.inputs.selectable(table).items():
            yield self._column(table, name, column)
        for relationship, target in self.inputs.readable_relationships(table):
            row = self.row_type(target)
            what = relationship.comment
            if not relationship.is_array:
                out = OutputType(row.name, row, non_null=not relationship.nullable)
                yield Field(
                    relationship.name,
                    Kind.OBJECT_RELATIONSHIP,
                    out,
                    target,
                    relationship=relationship,
                    description=what or "An object relationship",
                )
                continue
            arguments = self._select_arguments(target)
            out = OutputType(row.name, row, non_null=True, is_list=True)
            yield Field(
                relationship.name,
                Kind.ARRAY_RELATIONSHIP,
                out,
                target,
                arguments,
                relationship=relationship,
                description=what or "An array relationship",
            )
            if self.inputs.aggregatable(target):
                made = self._aggregate_type(target)
                yield Field(
                    f"{relationship.name}_aggregate",
                    Kind.AGGREGATE_RELATIONSHIP,
                    OutputType(made.name, made, non_null=True),
                    target,
                    arguments,
                    relationship=relationship,
                    description="An aggregate relationship",
                )

    def _column(self, table: TrackedTable, name: str, column: Column) -> Field:
        enum = table.column_enums.get(column.name)
        type_name = enum.type_name if enum else column.type.graphql
        select = self.inputs.permissions(table).select
        everywhere = select is None or column.name not in select.visible_where
        out = OutputType(
            type_name,
            non_null=everywhere and not column.nullable and not table.catalog.is_view,
            is_list=column.type.is_array,
        )
        args = {}
        if column.type.name in ("json", "jsonb"):
            args = {"path": InputField("path", STRING, description="JSON select path")}
        comment = table.column_comments.get(column.name)
        return Field(name, Kind.COLUMN, out, table, args, column=column, description=comment)

    def _select_arguments(self, table: TrackedTable) -> dict[str, InputField]:
        inputs = self.inputs
        distinct = InputField(
            "distinct_on",
            ListType(inputs.select_column(table)),
            null_is_absent=True,
            description="distinct select on columns",
        )
        return _by_name(
            *([distinct] if inputs.selectable(table) else []),
            InputField("limit", LIMIT, null_is_absent=True, description="limit the number of rows returned"),
            InputField(
                "offset",
                OFFSET,
                null_is_absent=True,
                description="skip the first n rows. Use only with order_by",
            ),
            InputField(
                "order_by",
                ListType(inputs.order_by(table)),
                null_is_absent=True,
                description="sort the rows by one or more columns",
            ),
            InputField(
                "where", inputs.bool_exp(table), null_is_absent=True, description="filter the rows returned"
            ),
        )

    def _queries(self, table: TrackedTable, operation: str) -> Iterator[Field]:
        select = self.inputs.permissions(table).select
        if select is None:
            return
        shown = select.query_root_fields if operation == "query" else select.subscription_root_fields
        row, what = self.row_type(table), f'fetch data from the table: "{table.name}"'
        if shown is None or "select" in shown:
            out = OutputType(row.name, row, non_null=True, is_list=True)
            yield self._root(table, Kind.SELECT, "select", "{}", out, what, self._select_arguments(table))
        if (shown is None or "select_aggregate" in shown) and select.allow_aggregations:
            made = self._aggregate_type(table)
            out = OutputType(made.name, made, non_null=True)
            what = f'fetch aggregated fields from the table: "{table.name}"'
            arguments = self._select_arguments(table)
            yield self._root(
                table, Kind.SELECT_AGGREGATE, "select_aggregate", "{}_aggregate", out, what, arguments
            )
        if (shown is None or "select_by_pk" in shown) and self._key_is_readable(table):
            what = f'fetch data from the table: "{table.name}" using primary key columns'
            arguments = _by_name(*self.inputs.pk_arguments(table))
            out = OutputType(row.name, row)
            yield self._root(table, Kind.SELECT_BY_PK, "select_by_pk", "{}_by_pk", out, what, arguments)

    def _key_is_readable(self, table: TrackedTable) -> bool:
        key = table.catalog.primary_key
        readable = {column.name for column in self.inputs.selectable(table).values()}
        return bool(key) and all(column.name in readable for column in key)

    def _aggregate_type(self, table: TrackedTable) -> ObjectType:
        base, row = table.graphql_name, self.row_type(table)

        def members() -> Iterator[Field]:
            made = self._object(
                f"{base}_aggregate_fields",
                lambda: self._aggregate_fields(table),
                f'aggregate fields of "{table.name}"',
            )
            yield Field("aggregate", Kind.AGGREGATE, OutputType(made.name, made), table)
            yield Field("nodes", Kind.NODES, OutputType(row.name, row, non_null=True, is_list=True), table)

        return self._object(f"{base}_aggregate", members, f'aggregated selection of "{table.name}"')

    def _aggregate_fields(self, table: TrackedTable) -> Iterator[Field]:
        counted = InputField("columns", ListType(self.inputs.select_column(table)))
        arguments = _by_name(
            *([counted] if self.inputs.selectable(table) else []),
            InputField("distinct", BOOLEAN),
        )
        yield Field("count", Kind.COUNT, OutputType("Int", non_null=True), table, arguments)
        for function, columns in self.inputs.aggregates(table).items():
            made = self._object(
                f"{table.graphql_name}_{function}_fields",
                lambda function=function, columns=columns: _function_fields(table, function, columns),
                f"aggregate {function} on columns",
            )
            yield Field(function, Kind.FUNCTION, OutputType(made.name, made), table)

    def _mutations(self, table: TrackedTable) -> Iterator[Field]:
        yield from self._inserts(table)
        yield from self._updates(table)
        yield from self._deletes(table)

    def _inserts(self, table: TrackedTable) -> Iterator[Field]:
        allowed = self.inputs.permissions(table)
        if allowed.insert is None or not table.catalog.insertable:
            return
        row = self.inputs.insert_input(table)
        upsert = [self.inputs.on_conflict(table)] if self.inputs.constraint(table).values else []
        objects = InputField("objects", ListType(row), required=True, description="the rows to be inserted")
        what = f'insert data into the table: "{table.name}"'
        yield self._root(
            table, Kind.INSERT, "insert", "insert_{}", self._response(table), what, _by_name(objects, *upsert)
        )
        if allowed.select is not None:
            what = f'insert a single row into the table: "{table.name}"'
            single = InputField("object", row, required=True, description="the row to be inserted")
            out = OutputType(table.graphql_name, self.row_type(table))
            arguments = _by_name(single, *upsert)
            yield self._root(table, Kind.INSERT_ONE, "insert_one", "insert_{}_one", out, what, arguments)

    def _updates(self, table: TrackedTable) -> Iterator[Field]:
        allowed = self.inputs.permissions(table)
        if allowed.update is None or not table.catalog.updatable:
            return
        operators = list(update_operators(self.inputs, table))
        response = self._response(table)
        what = "filter the rows which have to be updated"
        where = InputField("where", self.inputs.bool_exp(table), required=True, description=what)
        what = f'update data of the table: "{table.name}"'
        arguments = _by_name(*operators, where)
        yield self._root(table, Kind.UPDATE, "update", "update_{}", response, what, arguments)
        what = f'update multiples rows of table: "{table.name}"'
        many = InputField(
            "updates",
            ListType(self.inputs.updates(table)),
            required=True,
            description="updates to execute, in order",
        )
        out = OutputType(response.name, response.object, is_list=True)
        yield self._root(table, Kind.UPDATE_MANY, "update_many", "update_{}_many", out, what, _by_name(many))
        if self._key_is_readable(table):
            key = InputField("pk_columns", self.inputs.pk_columns(table), required=True)
            out = OutputType(table.graphql_name, self.row_type(table))
            what = f'update single row of the table: "{table.name}"'
            arguments = _by_name(*operators, key)
            yield self._root(
                table, Kind.UPDATE_BY_PK, "update_by_pk", "update_{}_by_pk", out, what, arguments
            )

    def _deletes(self, table: TrackedTable) -> Iterator[Field]:
        allowed = self.inputs.permissions(table)
        if allowed.delete is None or not table.catalog.deletable:
            return
        what = "filter the rows which have to be deleted"
        where = InputField("where", self.inputs.bool_exp(table), required=True, description=what)
        what = f'delete data from the table: "{table.name}"'
        yield self._root(
            table, Kind.DELETE, "delete", "delete_{}", self._response(table), what, _by_name(where)
        )
        if self._key_is_readable(table):
            what = f'delete single row from the table: "{table.name}"'
            out = OutputType(table.graphql_name, self.row_type(table))
            arguments = _by_name(*self.inputs.pk_arguments(table))
            yield self._root(
                table, Kind.DELETE_BY_PK, "delete_by_pk", "delete_{}_by_pk", out, what, arguments
            )

    def _response(self, table: TrackedTable) -> OutputType:
        def members() -> Iterator[Field]:
            what = "number of rows affected by the mutation"
            yield Field(
                "affected_rows", Kind.AFFECTED_ROWS, OutputType("Int", non_null=True), table, description=what
            )
            if self.inputs.permissions(table).select is not None:
                row = self.row_type(table)
                out = OutputType(row.name, row, non_null=True, is_list=True)
                what = "data from the rows affected by the mutation"
                yield Field("returning", Kind.RETURNING, out, table, description=what)

        what = f'response of any mutation on the table "{table.name}"'
        made = self._object(f"{table.graphql_name}_mutation_response", members, what)
        return OutputType(made.name, made)

    def _root(
        self,
        table: TrackedTable,
        kind: Kind,
        key: str,
        pattern: str,
        out: OutputType,
        description: str,
        arguments: dict[str, InputField],
    ) -> Field:
        name = table.root_fields.get(key) or pattern.format(table.graphql_name)
        shown = table.root_comments.get(key) or description
        return Field(name, kind, out, table, arguments, description=shown)


def _function_fields(table: TrackedTable, function: str, columns: dict[str, Column]) -> Iterable[Field]:
    for name, column in columns.items():
        type_name = "Float" if function in _FLOAT_FUNCTIONS else column.type.graphql
        comment = table.column_comments.get(column.name)
        out = OutputType(type_name, is_list=column.type.is_array)
        yield Field(name, Kind.COLUMN, out, table, column=column, description=comment)


def _by_name(*fields: InputField) -> dict[str, InputField]:
    return {field.name: field for field in fields}


def _no_queries() -> Field:
    return Field(
        "no_queries_available", Kind.NO_QUERIES, OutputType("String", non_null=True), description=NO_QUERIES
    )
