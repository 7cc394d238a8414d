"""Comparison operators: which SQL each one is, and what its right-hand side must be."""

from __future__ import annotations

from collections.abc import Mapping

from localhasura.catalog import PgType
from localhasura.catalog.model import TEXTS

TEXT = PgType("text", "text")
BOOLEAN = PgType("bool", "boolean")
INTEGER = PgType("int4", "integer")
TEXT_ARRAY = PgType("_text", "text[]", element=TEXT)
_LQUERY = PgType("lquery", "lquery")
_LTXTQUERY = PgType("ltxtquery", "ltxtquery")

BASIC = {"_eq": "=", "_neq": "<>", "_gt": ">", "_gte": ">=", "_lt": "<", "_lte": "<="}
LIKE = {
    "_like": "LIKE",
    "_nlike": "NOT LIKE",
    "_ilike": "ILIKE",
    "_nilike": "NOT ILIKE",
    "_similar": "SIMILAR TO",
    "_nsimilar": "NOT SIMILAR TO",
    "_regex": "~",
    "_iregex": "~*",
    "_nregex": "!~",
    "_niregex": "!~*",
}
_CONTAINMENT = {"_contains": "@>", "_contained_in": "<@"}
_KEYS = {"_has_key": "?", "_has_keys_any": "?|", "_has_keys_all": "?&"}
_LTREE = {
    "_ancestor": "@>",
    "_ancestor_any": "@>",
    "_descendant": "<@",
    "_descendant_any": "<@",
    "_matches": "~",
    "_matches_any": "?",
    "_matches_fulltext": "@",
}
DISTINCT = "_distinct"
"""What `_neq` of a permission rule compiles to: there, NULL differs from every value."""
SQL: Mapping[str, str] = {
    **BASIC,
    **LIKE,
    **_CONTAINMENT,
    **_KEYS,
    **_LTREE,
    DISTINCT: "IS DISTINCT FROM",
}
LISTS = ("_in", "_nin")
COLUMN_OPERATORS = {
    "_ceq": "_eq",
    "_cneq": "_neq",
    "_cgt": "_gt",
    "_cgte": "_gte",
    "_clt": "_lt",
    "_clte": "_lte",
}
_ALIASES = {"_ne": "_neq", "_cne": "_cneq"}


def canonical(name: str) -> str:
    """Return an operator of the permission language in its one form: `$ne` and `_ne` are `_neq`."""
    if name.startswith("$"):
        name = "_" + name[1:]
    return _ALIASES.get(name, name)


def array_of(kind: PgType) -> PgType:
    """Return the array type of a type (PostgreSQL has no arrays of arrays: those are the same type)."""
    return kind if kind.is_array else PgType("_" + kind.name, f"{kind.cast}[]", element=kind)


def operands(kind: PgType) -> dict[str, PgType]:
    """Return the operators that a column of this type has, each with its right-hand side's type.

    `_in`, `_nin`, `_is_null` and `_cast` are not here: every type has the first three.
    """
    if kind.is_array:
        return dict.fromkeys((*BASIC, *_CONTAINMENT), kind)
    found = dict.fromkeys(BASIC, kind)
    if kind.name in TEXTS:
        found |= dict.fromkeys(LIKE, kind)
    if kind.name == "jsonb":
        found |= dict.fromkeys(_CONTAINMENT, kind)
        found |= {"_has_key": TEXT, "_has_keys_any": TEXT_ARRAY, "_has_keys_all": TEXT_ARRAY}
    if kind.name == "ltree":
        found |= _ltree_operands(kind)
    return found


def operand_type(kind: PgType, operator: str) -> PgType:
    """Return the type of the right-hand side of an operator on a column of this type."""
    return kind if operator == DISTINCT else operands(kind)[operator]


def _ltree_operands(kind: PgType) -> dict[str, PgType]:
    many = array_of(kind)
    return {
        "_ancestor": kind,
        "_ancestor_any": many,
        "_descendant": kind,
        "_descendant_any": many,
        "_matches": _LQUERY,
        "_matches_any": array_of(_LQUERY),
        "_matches_fulltext": _LTXTQUERY,
    }
