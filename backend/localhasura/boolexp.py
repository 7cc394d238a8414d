"""Boolean expressions as the compiler takes them, from `where` arguments and from permission rules alike."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from localhasura.catalog import CatalogTable, Column, PgType, TableName


@dataclass(frozen=True)
class BoundVariable:
    """A variable of the request, or a part of one, whose whole value is an operand of this type."""

    name: str
    type: PgType
    steps: tuple[str | int, ...] = ()
    """The keys and indices that lead to the part."""
    nullable: bool = False


@dataclass(unsafe_hash=True, slots=True)  # not frozen: one is made for every value of a mutation
class Literal:
    """A value in PostgreSQL's text form; None is SQL NULL."""

    text: str | None
    variable: BoundVariable | None = None
    """Where the text comes from, if a variable alone decides it."""


@dataclass(frozen=True)
class SessionVariable:
    """A session variable, by its lower-case name; looked up when a request is compiled."""

    name: str


@dataclass(frozen=True)
class ListOperand:
    """The right-hand side of `_in` and `_nin`."""

    elements: tuple[Scalar, ...]


@dataclass(frozen=True)
class ColumnOperand:
    """Another column: of the row itself, or of the row that the whole rule is about."""

    column: str
    of_root: bool = False


Scalar = Literal | SessionVariable
Operand = Scalar | ColumnOperand


@dataclass(frozen=True)
class Relationship:
    """A relationship of a tracked table; `mapping` pairs its columns with the target's."""

    name: str
    is_array: bool
    target: TableName
    mapping: tuple[tuple[str, str], ...]
    nullable: bool = True
    insert_after_parent: bool = False
    comment: str | None = None


@dataclass(frozen=True)
class And:
    """All parts hold; no parts is true."""

    parts: tuple[BoolExp, ...] = ()


@dataclass(frozen=True)
class Or:
    """One part holds; no parts is false."""

    parts: tuple[BoolExp, ...] = ()


@dataclass(frozen=True)
class Not:
    """The part does not hold."""

    part: BoolExp


@dataclass(frozen=True)
class Compare:
    """A column against an operand, `cast` first if that is given."""

    column: Column
    operator: str
    operand: Operand
    cast: PgType | None = None


@dataclass(frozen=True)
class Member:
    """A column is (`_in`) or is not (`_nin`) in a list, which may come as one array session variable."""

    column: Column
    operator: str
    list: ListOperand | SessionVariable
    cast: PgType | None = None


@dataclass(frozen=True)
class IsNull:
    """The column is (`wanted`) or is not NULL."""

    column: Column
    wanted: bool


@dataclass(frozen=True)
class Related:
    """A related row exists for which `where` holds."""

    relationship: Relationship
    where: BoolExp


@dataclass(frozen=True)
class RelatedAggregate:
    """An aggregate over the related rows for which `where` holds, as the column `value` that `having` is about."""

    relationship: Relationship
    function: str
    columns: tuple[Column, ...]
    distinct: bool
    where: BoolExp
    having: BoolExp


@dataclass(frozen=True)
class Exists:
    """Any row of the table exists for which `where` holds; not correlated with the current row."""

    table: CatalogTable
    where: BoolExp


@dataclass(frozen=True)
class Rule:
    """A rule of its own: `["$", column]` inside it means the row that this rule is about."""

    where: BoolExp


@dataclass(frozen=True)
class Visible:
    """`part`, in rows in which the role sees the column that it is about; elsewhere what it is of NULL."""

    rows: BoolExp
    part: BoolExp
    of_null: bool | None


BoolExp = And | Or | Not | Compare | Member | IsNull | Related | RelatedAggregate | Exists | Rule | Visible

TRUE = And()


def all_of(parts: Iterable[BoolExp]) -> BoolExp:
    """Return the conjunction, without nesting what is trivially true."""
    kept = tuple(part for part in parts if part != TRUE)
    return kept[0] if len(kept) == 1 else And(kept)
