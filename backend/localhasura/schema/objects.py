"""Object types and their fields: what a selection set may ask for, and what each field stands for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from functools import cached_property
from typing import TypeVar

from localhasura.boolexp import Relationship
from localhasura.catalog import Column
from localhasura.metadata.model import TrackedTable
from localhasura.schema.inputs import InputField

_T = TypeVar("_T")


class Kind(Enum):
    """What a field stands for."""

    COLUMN = auto()
    OBJECT_RELATIONSHIP = auto()
    ARRAY_RELATIONSHIP = auto()
    AGGREGATE_RELATIONSHIP = auto()
    SELECT = auto()
    SELECT_BY_PK = auto()
    SELECT_AGGREGATE = auto()
    AGGREGATE = auto()
    NODES = auto()
    COUNT = auto()
    FUNCTION = auto()
    INSERT = auto()
    INSERT_ONE = auto()
    UPDATE = auto()
    UPDATE_BY_PK = auto()
    UPDATE_MANY = auto()
    DELETE = auto()
    DELETE_BY_PK = auto()
    AFFECTED_ROWS = auto()
    RETURNING = auto()
    NO_QUERIES = auto()


@dataclass(frozen=True, eq=False)
class OutputType:
    """The type of a field: an object type to be selected from, or the name of a scalar or enum."""

    name: str
    object: ObjectType | None = None
    non_null: bool = False
    is_list: bool = False
    """A list type has non-null elements; `non_null` is said of the list itself."""

    def __str__(self) -> str:
        inner = f"[{self.name}!]" if self.is_list else self.name
        return f"{inner}!" if self.non_null else inner


@dataclass(frozen=True, eq=False)
class Field:
    """A field of an object type."""

    name: str
    kind: Kind
    type: OutputType
    table: TrackedTable | None = None
    """The table whose rows the field gives, or writes."""
    args: Mapping[str, InputField] = field(default_factory=dict)
    column: Column | None = None
    relationship: Relationship | None = None
    description: str | None = None

    @property
    def of_table(self) -> TrackedTable:
        """The table; LookupError for the one field that has none."""
        return _there(self.table, self.name)

    @property
    def of_column(self) -> Column:
        """The column; LookupError for a field that is none."""
        return _there(self.column, self.name)

    @property
    def of_relationship(self) -> Relationship:
        """The relationship; LookupError for a field that is none."""
        return _there(self.relationship, self.name)


def _there(value: _T | None, name: str) -> _T:
    if value is None:
        raise LookupError(f"the field {name} has nothing of this kind")
    return value


class ObjectType:
    """An object type; its fields are made when they are first needed, since types refer to each other."""

    def __init__(
        self, name: str, fields: Callable[[], Iterable[Field]], description: str | None = None
    ) -> None:
        self.name, self._fields, self.description = name, fields, description

    @cached_property
    def fields(self) -> dict[str, Field]:
        return {field.name: field for field in self._fields()}
