"""Tables as PostgreSQL describes them, frozen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

from psycopg import sql

INTEGERS = {"int2", "int4", "int8"}
FLOATS = {"float4", "float8"}
NUMBERS = INTEGERS | FLOATS | {"numeric", "money"}
TEXTS = {"text", "varchar", "bpchar", "citext"}
STRINGIFIED = {"int8", "numeric", "float8"}
_GRAPHQL_NAMES = {"int4": "Int", "float4": "Float", "text": "String", "varchar": "String", "bool": "Boolean"}
KEPT_NAMES = 4096
"""Names whose quoted form is kept: more than a schema has."""
_GRAPHQL_NAMES |= {"int2": "smallint", "int8": "bigint"}


@lru_cache(maxsize=KEPT_NAMES)
def quoted(name: str) -> str:
    """Return a quoted SQL identifier."""
    return sql.Identifier(name).as_string(None)


@dataclass(frozen=True, order=True)
class TableName:
    """A table, view or function's qualified name."""

    schema: str
    name: str

    def __str__(self) -> str:
        """Hasura leaves out the schema `public` in its messages."""
        return self.name if self.schema == "public" else f"{self.schema}.{self.name}"

    @property
    def graphql(self) -> str:
        """The base name of types and fields unless a custom name is set."""
        return self.name if self.schema == "public" else f"{self.schema}_{self.name}"

    @cached_property
    def sql(self) -> str:
        """Schema and name quoted."""
        return f"{quoted(self.schema)}.{quoted(self.name)}"

    def json(self) -> dict[str, str]:
        """The form in which metadata is exported."""
        return {"name": self.name, "schema": self.schema}


@dataclass(frozen=True)
class PgType:
    """A column's type: `name` as in `pg_type`, `cast` as SQL understands it without a length."""

    name: str
    cast: str
    kind: str = "b"
    """`b` base, `e` enum, `c` composite, `r` range, `m` multirange (domains count as their base)."""
    element: PgType | None = None
    delimiter: str = ","

    @property
    def graphql(self) -> str:
        """The scalar's name in the schema (of the element, for an array)."""
        if self.element is not None:
            return self.element.graphql
        if self.kind == "c":
            # A tracked table's rows are an object type of the name itself.
            return f"{self.name}_scalar"
        return _GRAPHQL_NAMES.get(self.name, self.name)

    @property
    def is_array(self) -> bool:
        return self.element is not None

    @property
    def is_numeric(self) -> bool:
        return self.name in NUMBERS

    @property
    def is_comparable(self) -> bool:
        """Whether `max` and `min` are offered: for types that Hasura knows by name, and arrays."""
        if self.element is not None:
            return self.element.name not in ("json", "jsonb")
        return self.kind in ("c", "e") or self.name in _COMPARABLE


_COMPARABLE = {
    *NUMBERS,
    *TEXTS,
    *("date", "timestamp", "timestamptz", "timetz", "uuid", "ltree", "lquery", "ltxtquery"),
}


@dataclass(frozen=True)
class Column:
    """A column of a table or view."""

    name: str
    type: PgType
    nullable: bool
    comment: str | None = None
    has_default: bool = False
    generated: bool = False
    """Never written: `GENERATED ALWAYS AS (...) STORED`."""
    identity_always: bool = False

    @cached_property
    def sql(self) -> str:
        """The quoted name."""
        return quoted(self.name)


@dataclass(frozen=True)
class ForeignKey:
    """A foreign key of the table that holds it; `columns` and `target_columns` belong together pairwise."""

    name: str
    columns: tuple[str, ...]
    target: TableName
    target_columns: tuple[str, ...]


@dataclass(frozen=True)
class UniqueKey:
    """A unique index, the primary key included; expression indexes have no columns."""

    name: str
    columns: tuple[str, ...]
    is_primary: bool = False


@dataclass(frozen=True, eq=False)
class CatalogTable:
    """A table, partitioned table, view, materialised view or foreign table."""

    name: TableName
    kind: str
    columns: Mapping[str, Column]
    unique_keys: tuple[UniqueKey, ...] = ()
    foreign_keys: tuple[ForeignKey, ...] = ()
    insertable: bool = True
    updatable: bool = True
    deletable: bool = True
    comment: str | None = None

    @cached_property
    def primary_key(self) -> tuple[Column, ...]:
        """The key's columns in the key's order; empty when there is none."""
        for key in self.unique_keys:
            if key.is_primary:
                return tuple(self.columns[name] for name in key.columns)
        return ()

    @property
    def is_view(self) -> bool:
        return self.kind in ("v", "m")


@dataclass(frozen=True, eq=False)
class Catalog:
    """All tables of a database outside PostgreSQL's own schemas."""

    tables: Mapping[TableName, CatalogTable] = field(default_factory=dict)
    checks_at_commit: bool = False
    """Whether the database has constraints or triggers that are `INITIALLY DEFERRED`."""
