"""The shape of a variable's value: what a plan was compiled for, with the operands left open."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from localhasura.boolexp import BoundVariable
from localhasura.jsontext import compact


@dataclass(frozen=True)
class Open:
    """An operand: any value that its type takes, and null only where it may be null."""

    nullable: bool

    size = 0

    def fits(self, value: Any) -> bool:
        return value is not None or self.nullable


@dataclass(frozen=True)
class Fixed:
    """A value that decided something: the same JSON each time."""

    text: str

    @property
    def size(self) -> int:
        return len(self.text)

    def fits(self, value: Any) -> bool:
        return compact(value) == self.text


@dataclass(frozen=True)
class Members:
    """An object with these keys in this order, some of whose members are open."""

    names: tuple[str, ...]
    shapes: tuple[Shape, ...]

    @property
    def size(self) -> int:
        return sum(map(len, self.names)) + sum(shape.size for shape in self.shapes)

    def fits(self, value: Any) -> bool:
        if not isinstance(value, dict) or tuple(value) != self.names:
            return False
        return all(shape.fits(item) for shape, item in zip(self.shapes, value.values(), strict=True))


@dataclass(frozen=True)
class Items:
    """A list of this length, some of whose items are open or hold something open."""

    shapes: tuple[Shape, ...]

    @property
    def size(self) -> int:
        return sum(shape.size for shape in self.shapes)

    def fits(self, value: Any) -> bool:
        if not isinstance(value, list) or len(value) != len(self.shapes):
            return False
        return all(shape.fits(item) for shape, item in zip(self.shapes, value, strict=True))


Shape = Open | Fixed | Members | Items


class _Places:
    """The open places below a place."""

    def __init__(self) -> None:
        self.below: dict[str | int, _Places] = {}
        self.open: list[BoundVariable] = []

    def add(self, bound: BoundVariable) -> None:
        place = self
        for step in bound.steps:
            place = place.below.setdefault(step, _Places())
        place.open.append(bound)


def shape_of(value: Any, bound: Iterable[BoundVariable]) -> Shape:
    """Return the shape of a variable's value, whose parts in `bound` are operands."""
    places = _Places()
    for each in bound:
        places.add(each)
    return _shape(value, places)


def part_of(bound: BoundVariable, given: Any) -> Any:
    """Return the operand out of the variable's value; the value has the shape."""
    for step in bound.steps:
        given = given[step]
    return given


def _shape(value: Any, places: _Places | None) -> Shape:
    if places is None:
        return Fixed(compact(value))
    if places.open:
        # A whole variable is never null here: its declaration may forbid that.
        return Open(all(each.nullable and bool(each.steps) for each in places.open))
    if places.below and isinstance(value, dict):
        return Members(
            tuple(value), tuple(_shape(item, places.below.get(name)) for name, item in value.items())
        )
    if places.below and isinstance(value, list):
        return Items(tuple(_shape(item, places.below.get(index)) for index, item in enumerate(value)))
    return Fixed(compact(value))
