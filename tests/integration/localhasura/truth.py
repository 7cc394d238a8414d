"""What a filter means, worked out in Python with SQL's three truth values, apart from the engine.

True, False and None stand for true, false and unknown. Rows are dicts by GraphQL name, as JSON renders them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Truth = bool | None
Row = Mapping[str, Any]
_SIGNS: dict[str, Callable[[Any, Any], bool]] = {
    "_eq": lambda a, b: bool(a == b),
    "_neq": lambda a, b: bool(a != b),
    "_gt": lambda a, b: bool(a > b),
    "_gte": lambda a, b: bool(a >= b),
    "_lt": lambda a, b: bool(a < b),
    "_lte": lambda a, b: bool(a <= b),
    "_like": lambda a, b: _like(a, b, 0),
    "_nlike": lambda a, b: not _like(a, b, 0),
    "_ilike": lambda a, b: _like(a, b, re.IGNORECASE),
    "_nilike": lambda a, b: not _like(a, b, re.IGNORECASE),
    "_regex": lambda a, b: re.search(b, a) is not None,
    "_niregex": lambda a, b: re.search(b, a, re.IGNORECASE) is None,
}


@dataclass(frozen=True)
class Link:
    """A relationship: its columns and the target's, pairwise."""

    target: str
    pairs: tuple[tuple[str, str], ...]
    many: bool


@dataclass(frozen=True, repr=False)
class World:
    """All rows, how they are related, and who asks."""

    rows: Mapping[str, Sequence[Row]]
    links: Mapping[str, Mapping[str, Link]]
    session: Mapping[str, Any]
    is_rule: bool = False
    """In a permission rule `_neq` takes NULL for a value."""

    def related(self, link: Link, row: Row) -> list[Row]:
        """Return the rows that a relationship leads to."""
        return [
            other
            for other in self.rows[link.target]
            if all(row[mine] is not None and row[mine] == other[theirs] for mine, theirs in link.pairs)
        ]

    def chosen(self, table: str, where: Mapping[str, Any]) -> list[Row]:
        """Return the table's rows for which the filter is true."""
        return [row for row in self.rows[table] if self.judge(table, row, where, row) is True]

    def judge(self, table: str, row: Row, where: Mapping[str, Any], root: Row) -> Truth:
        """Return what the filter is for the row; `root` is the row that the whole filter is about."""
        return all_of(self._member(table, row, name, value, root) for name, value in where.items())

    def _member(self, table: str, row: Row, name: str, value: Any, root: Row) -> Truth:
        if name == "_and":
            return all_of([self.judge(table, row, part, root) for part in value])
        if name == "_or":
            return negated(all_of([negated(self.judge(table, row, part, root)) for part in value]))
        if name == "_not":
            return negated(self.judge(table, row, value, root))
        if name == "_exists":
            other = value["_table"]["name"]
            return any(self.judge(other, each, value["_where"], root) is True for each in self.rows[other])
        if name.endswith("_aggregate"):
            return self._counted(table, row, name.removesuffix("_aggregate"), value["count"])
        link = self.links[table].get(name)
        if link is not None:
            return any(self.judge(link.target, each, value, root) is True for each in self.related(link, row))
        if not isinstance(value, dict):
            value = {"_eq": value}
        return all_of(
            self._compared(row[name], operator, operand, row, root) for operator, operand in value.items()
        )

    def _counted(self, table: str, row: Row, name: str, asked: Mapping[str, Any]) -> Truth:
        link = self.links[table][name]
        where = asked.get("filter", {})
        found = [
            each for each in self.related(link, row) if self.judge(link.target, each, where, each) is True
        ]
        for column in asked.get("arguments", []):
            values = [each[column] for each in found if each[column] is not None]
            count = len(set(values)) if asked.get("distinct") else len(values)
            break
        else:
            count = len(found)
        return all_of(
            self._compared(count, sign, operand, {}, {}) for sign, operand in asked["predicate"].items()
        )

    def _compared(self, value: Any, operator: str, operand: Any, row: Row, root: Row) -> Truth:
        if operator == "_is_null":
            return bool((value is None) == operand)
        if operator.startswith("_c"):
            other = root[operand[1]] if isinstance(operand, list) else row[operand]
            return _signed(value, "_" + operator[2:], other)
        if operator == "_in":
            return negated(all_of(negated(_signed(value, "_eq", self._meant(each))) for each in operand))
        if operator == "_nin":
            return all_of(_signed(value, "_neq", self._meant(each)) for each in operand)
        if self.is_rule and operator == "_neq":
            return bool(value != self._meant(operand))
        return _signed(value, operator, self._meant(operand))

    def _meant(self, operand: Any) -> Any:
        return self.session.get(operand.lower(), operand) if isinstance(operand, str) else operand


def all_of(parts: Iterable[Truth]) -> Truth:
    """Return SQL's AND of all parts: false wins over unknown, unknown over true."""
    found = list(parts)
    if False in found:
        return False
    return None if None in found else True


def negated(part: Truth) -> Truth:
    """Return SQL's NOT."""
    return None if part is None else not part


def _signed(value: Any, operator: str, operand: Any) -> Truth:
    if value is None or operand is None:
        return None
    return _SIGNS[operator](value, operand)


def _like(text: str, pattern: str, flags: int) -> bool:
    written = "".join({"%": ".*", "_": "."}.get(each, re.escape(each)) for each in pattern)
    return re.fullmatch(written, text, flags | re.DOTALL) is not None
