"""What introspection says of operators, in Hasura's words."""

from __future__ import annotations

from collections.abc import Mapping

from localhasura.catalog import PgType

_PATTERNS = {
    "like": "pattern",
    "ilike": "case-insensitive pattern",
    "similar": "SQL regular expression",
    "regex": "POSIX regular expression, case sensitive",
    "iregex": "POSIX regular expression, case insensitive",
}
_OF_TEXTS = {
    **{f"_{name}": f"does the column match the given {what}" for name, what in _PATTERNS.items()},
    **{f"_n{name}": f"does the column NOT match the given {what}" for name, what in _PATTERNS.items()},
}
_OF_ARRAYS = {
    "_contains": "does the array contain the given value",
    "_contained_in": "is the array contained in the given array value",
}
_OF_JSONB = {
    "_contains": "does the column contain the given json value at the top level",
    "_contained_in": "is the column contained in the given json value",
    "_has_key": "does the string exist as a top-level key in the column",
    "_has_keys_any": "do any of these strings exist as top-level keys in the column",
    "_has_keys_all": "do all of these strings exist as top-level keys in the column",
}
_OF_LTREES = {
    "_ancestor": "is the left argument an ancestor of right (or equal)?",
    "_ancestor_any": "does array contain an ancestor of `ltree`?",
    "_descendant": "is the left argument a descendant of right (or equal)?",
    "_descendant_any": "does array contain a descendant of `ltree`?",
    "_matches": "does `ltree` match `lquery`?",
    "_matches_any": "does `ltree` match any `lquery` in array?",
    "_matches_fulltext": "does `ltree` match `ltxtquery`?",
}
_OF_TYPES: Mapping[str, Mapping[str, str]] = {"jsonb": _OF_JSONB, "ltree": _OF_LTREES}


def operator_description(kind: PgType, operator: str) -> str | None:
    """Return what a comparison operator of a column of this type does; the plain ones have no description."""
    if kind.is_array:
        return _OF_ARRAYS.get(operator)
    return _OF_TYPES.get(kind.name, _OF_TEXTS).get(operator)
