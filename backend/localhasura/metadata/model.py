"""Tracked tables as metadata and catalog together describe them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

from localhasura.boolexp import TRUE, BoolExp, Literal, Relationship, SessionVariable
from localhasura.catalog import CatalogTable, Column, TableName

ADMIN = "admin"
Presets = Mapping[str, Literal | SessionVariable]


@dataclass(frozen=True)
class SelectPermission:
    """What a role reads; `None` for root fields means all of them."""

    columns: frozenset[str]
    filter: BoolExp = TRUE
    limit: int | None = None
    allow_aggregations: bool = False
    query_root_fields: frozenset[str] | None = None
    subscription_root_fields: frozenset[str] | None = None
    visible_where: Mapping[str, BoolExp] = field(default_factory=dict)
    """Of an inherited role: columns that it sees in some of its rows only, and in which; elsewhere they are NULL."""


@dataclass(frozen=True)
class InsertPermission:
    """What a role inserts."""

    columns: frozenset[str]
    check: BoolExp = TRUE
    presets: Presets = field(default_factory=dict)
    backend_only: bool = False


@dataclass(frozen=True)
class UpdatePermission:
    """What a role updates; no `check` means that the new row is not tested."""

    columns: frozenset[str]
    filter: BoolExp = TRUE
    check: BoolExp | None = None
    presets: Presets = field(default_factory=dict)
    backend_only: bool = False


@dataclass(frozen=True)
class DeletePermission:
    """What a role deletes."""

    filter: BoolExp = TRUE
    backend_only: bool = False


@dataclass(frozen=True)
class RolePermissions:
    """A role's permissions on one table; a missing one means that the operation does not exist."""

    select: SelectPermission | None = None
    insert: InsertPermission | None = None
    update: UpdatePermission | None = None
    delete: DeletePermission | None = None


NOTHING = RolePermissions()
_Permission = TypeVar("_Permission")


def granted(permission: _Permission | None) -> _Permission:
    """Return a permission that the schema has found already; LookupError if it had not."""
    if permission is None:
        raise LookupError("the role has no such permission")
    return permission


@dataclass(frozen=True)
class EnumTable:
    """The rows of a table marked `is_enum`: values and their descriptions."""

    type_name: str
    values: Mapping[str, str | None]


@dataclass(eq=False)
class TrackedTable:
    """One tracked table. Built in steps while metadata is loaded; nobody changes it afterwards."""

    catalog: CatalogTable
    graphql_name: str
    column_names: Mapping[str, str] = field(default_factory=dict)
    """GraphQL name of each column that has one."""
    column_comments: Mapping[str, str] = field(default_factory=dict)
    root_fields: Mapping[str, str] = field(default_factory=dict)
    """Custom names: `select`, `insert_one`, ... to what the schema calls them."""
    root_comments: Mapping[str, str] = field(default_factory=dict)
    comment: str | None = None
    is_enum: bool = False
    enum: EnumTable | None = None
    relationships: dict[str, Relationship] = field(default_factory=dict)
    permissions: dict[str, RolePermissions] = field(default_factory=dict)
    column_enums: dict[str, EnumTable] = field(default_factory=dict)
    """Columns that refer to an enum table."""

    @property
    def name(self) -> TableName:
        return self.catalog.name

    @cached_property
    def columns(self) -> dict[str, Column]:
        """The columns that are in the schema, by GraphQL name."""
        return {
            self.column_names[name]: column
            for name, column in self.catalog.columns.items()
            if name in self.column_names
        }

    @cached_property
    def _all_allowed(self) -> RolePermissions:
        every = frozenset(self.catalog.columns)
        return RolePermissions(
            SelectPermission(every, allow_aggregations=True),
            InsertPermission(every),
            UpdatePermission(every),
            DeletePermission(),
        )

    def for_role(self, role: str) -> RolePermissions:
        """Return a role's permissions; `admin` has all."""
        if role == ADMIN:
            return self._all_allowed
        return self.permissions.get(role, NOTHING)


@dataclass(frozen=True)
class Inconsistency:
    """A metadata object that cannot be used, in the words of `get_inconsistent_metadata`."""

    kind: str
    name: str
    definition: Any
    reason: str
    locate: tuple[str, ...] = ()
    """Where it stands in the document; see `metadata.document`."""

    def json(self) -> dict[str, Any]:
        return {
            "type": self.kind,
            "name": self.name,
            "definition": self.definition,
            "reason": f"Inconsistent object: {self.reason}",
        }


@dataclass(frozen=True)
class PermissionConflict(Inconsistency):
    """A permission that an inherited role lacks, since its parents do not agree; `definition` says which."""

    def json(self) -> dict[str, Any]:
        return {"type": self.kind, "name": self.name, "reason": self.reason, "entity": self.definition}


@dataclass(frozen=True, eq=False)
class Model:
    """All that the engine serves at one moment; replaced as a whole when metadata or the catalog change."""

    checks_at_commit: bool = False
    """Whether a commit may fail: a statement's own errors are told in other words."""
    tables: Mapping[TableName, TrackedTable] = field(default_factory=dict)
    inconsistencies: tuple[Inconsistency, ...] = ()
    conflicts: tuple[PermissionConflict, ...] = ()
    """Told with the inconsistencies, but nothing is refused for them."""
    introspection_disabled_for: frozenset[str] = frozenset()
    source: str = "default"

    @property
    def reported(self) -> tuple[Inconsistency, ...]:
        """All that `get_inconsistent_metadata` tells."""
        return (*self.inconsistencies, *self.conflicts)
