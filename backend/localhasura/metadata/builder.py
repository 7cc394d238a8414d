"""From the metadata document and the catalog to the model; what does not fit becomes an inconsistency."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from localhasura.catalog import Catalog, CatalogTable, TableName
from localhasura.errors import EngineError
from localhasura.jsontext import is_graphql_name
from localhasura.metadata.inherited_roles import KEY as INHERITED
from localhasura.metadata.inherited_roles import add_inherited
from localhasura.metadata.model import EnumTable, Inconsistency, Model, TrackedTable
from localhasura.metadata.names import table_name
from localhasura.metadata.permissions import PERMISSION_KINDS, add_permission
from localhasura.metadata.relationships import RELATIONSHIP_KINDS, MissingGroundError, relationship_from
from localhasura.metadata.root_names import RootNames
from localhasura.metadata.rule_values import RuleError

ReadEnum = Callable[[CatalogTable], Mapping[str, str | None]]


def build_model(document: Mapping[str, Any], catalog: Catalog, read_enum: ReadEnum) -> Model:
    """Return what the engine serves for this document over this catalog.

    `read_enum` gives the rows of an enum table; it raises RuleError when the table cannot be one.
    """
    sources = document.get("sources", [])
    if not sources:
        return Model()
    builder = _Builder(sources[0], catalog, read_enum)
    builder.track_tables()
    builder.add_relationships()
    builder.link_enums()
    builder.add_permissions()
    broken, conflicts = add_inherited(document.get(INHERITED, ()), builder.tables, sources[0]["name"])
    introspection = document.get("graphql_schema_introspection") or {}
    return Model(
        checks_at_commit=catalog.checks_at_commit,
        tables=builder.tables,
        inconsistencies=(*builder.inconsistencies, *broken),
        conflicts=tuple(conflicts),
        introspection_disabled_for=frozenset(introspection.get("disabled_for_roles") or ()),
        source=sources[0]["name"],
    )


class _Builder:
    def __init__(self, source: Mapping[str, Any], catalog: Catalog, read_enum: ReadEnum) -> None:
        self._source, self._catalog, self._read_enum = source, catalog, read_enum
        self.tables: dict[TableName, TrackedTable] = {}
        self.inconsistencies: list[Inconsistency] = []
        self._entries: list[tuple[dict[str, Any], TrackedTable]] = []
        self._root_names = RootNames(source["name"])

    def track_tables(self) -> None:
        for entry in self._source.get("tables", []):
            name = table_name(entry["table"])
            try:
                table = self._track(name, entry)
            except RuleError as error:
                self._note("table", f"table {name}", entry["table"], str(error), ("tables", str(name)))
                continue
            self.tables[name] = table
            self._entries.append((entry, table))

    def _track(self, name: TableName, entry: Mapping[str, Any]) -> TrackedTable:
        found = self._catalog.tables.get(name)
        if found is None:
            raise RuleError(f'no such table/view exists in source: "{name}"')
        table = _tracked(found, entry)
        self._root_names.claim(table)
        if any(table.graphql_name == other.graphql_name for other in self.tables.values()):
            raise RuleError(f'the GraphQL name "{table.graphql_name}" is used by another table')
        if table.is_enum:
            table.enum = EnumTable(f"{table.graphql_name}_enum", self._read_enum(found))
        return table

    def add_relationships(self) -> None:
        for entry, table in self._entries:
            for key, kind in RELATIONSHIP_KINDS.items():
                for definition in entry.get(key, []):
                    self._add_relationship(table, key, kind, definition)

    def _add_relationship(self, table: TrackedTable, key: str, kind: str, definition: dict[str, Any]) -> None:
        name = definition["name"]
        try:
            _refuse_taken(name, table)
            relationship = relationship_from(
                definition,
                table,
                self.tables,
                source=self._source["name"],
                is_array=kind == "array_relation",
            )
        except RuleError as error:
            alone = isinstance(error, MissingGroundError)
            reason = str(error) if alone else f'in table "{table.name}": in relationship "{name}": {error}'
            where = (key, str(table.name), name)
            self._note(
                kind, f"{kind} {name} in table {table.name}", self._told(definition, table), reason, where
            )
            return
        table.relationships[name] = relationship

    def _told(self, definition: dict[str, Any], table: TrackedTable) -> dict[str, Any]:
        """Return a definition as Hasura shows it among the inconsistent objects."""
        return {"comment": None, **definition, "table": table.name.json(), "source": self._source["name"]}

    def link_enums(self) -> None:
        for table in self.tables.values():
            for key in table.catalog.foreign_keys:
                target = self.tables.get(key.target)
                if target is not None and target.enum is not None and len(key.columns) == 1:
                    table.column_enums[key.columns[0]] = target.enum

    def add_permissions(self) -> None:
        for entry, table in self._entries:
            for key, kind in PERMISSION_KINDS.items():
                for definition in entry.get(key, []):
                    self._add_permission(table, key, kind, definition)

    def _add_permission(self, table: TrackedTable, key: str, kind: str, definition: dict[str, Any]) -> None:
        role = definition["role"]
        try:
            add_permission(table, self.tables, kind, role, definition["permission"])
        except (RuleError, EngineError) as error:
            reason = f'in table "{table.name}": in permission for role "{role}": {error}'
            name, where = f"{kind}_permission {role} in table {table.name}", (key, str(table.name), role)
            self._note(f"{kind}_permission", name, self._told(definition, table), reason, where)

    def _note(self, kind: str, name: str, definition: Any, reason: str, locate: tuple[str, ...]) -> None:
        full_name = f"{name} in source {self._source['name']}"
        self.inconsistencies.append(Inconsistency(kind, full_name, definition, reason, locate))


def _refuse_taken(name: str, table: TrackedTable) -> None:
    """Raise when a relationship has the name of another field of its table."""
    if name in table.relationships:
        raise RuleError(f'field with name "{name}" already exists in table "{table.name}"')
    if name in table.catalog.columns:
        raise MissingGroundError("field definition conflicts with postgres column")
    for column, custom in table.column_names.items():
        if custom == name:
            message = f'field definition conflicts with custom field name for postgres column "{column}"'
            raise MissingGroundError(message)


def _tracked(found: CatalogTable, entry: Mapping[str, Any]) -> TrackedTable:
    configuration = entry.get("configuration") or {}
    graphql_name = configuration.get("custom_name") or found.name.graphql
    if not is_graphql_name(graphql_name):
        which = f'cannot include "{found.name}" in the GraphQL schema because "{graphql_name}"'
        raise RuleError(f"{which} is not a valid GraphQL identifier")
    names, comments = _columns(found, configuration)
    root_fields, root_comments = _root_fields(configuration.get("custom_root_fields") or {})
    return TrackedTable(
        catalog=found,
        graphql_name=graphql_name,
        column_names=names,
        column_comments=comments,
        root_fields=root_fields,
        root_comments=root_comments,
        comment=configuration.get("comment") or found.comment,
        is_enum=bool(entry.get("is_enum")),
    )


def _columns(found: CatalogTable, configuration: Mapping[str, Any]) -> tuple[dict[str, str], dict[str, str]]:
    custom = dict(configuration.get("custom_column_names") or {})
    comments = {name: column.comment for name, column in found.columns.items() if column.comment}
    for name, config in (configuration.get("column_config") or {}).items():
        if config.get("custom_name"):
            custom[name] = config["custom_name"]
        if config.get("comment"):
            comments[name] = config["comment"]
    for name in custom:
        if name not in found.columns:
            given = f'the custom field name "{custom[name]}" was given for the column "{name}"'
            raise RuleError(f"{given}, but no such column exists")
    names: dict[str, str] = {}
    for name in found.columns:
        graphql_name = custom.get(name, name)
        if is_graphql_name(graphql_name) and is_graphql_name(found.columns[name].type.graphql):
            if graphql_name in names.values():
                other = next(known for known, taken in names.items() if taken == graphql_name)
                listed = " and ".join(f'"{each}"' for each in sorted((other, name)))
                conflict = f'are in conflict: they are mapped to the same field name, "{graphql_name}"'
                raise RuleError(f"the definitions of columns {listed} {conflict}")
            names[name] = graphql_name
    return names, comments


def _root_fields(custom: Mapping[str, Any]) -> tuple[dict[str, str], dict[str, str]]:
    names: dict[str, str] = {}
    comments: dict[str, str] = {}
    for field, value in custom.items():
        name = value.get("name") if isinstance(value, dict) else value
        if name is not None:
            if not isinstance(name, str) or not is_graphql_name(name):
                raise RuleError(f"custom root field {field}: {name!r} is not a valid GraphQL name")
            names[field] = name
        if isinstance(value, dict) and value.get("comment"):
            comments[field] = value["comment"]
    return names, comments
