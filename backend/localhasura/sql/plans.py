"""Compiled operations, kept per schema: one whose variables have the same shape need not be compiled again.

A plan belongs to one document and operation. The parts of variables that end up whole as an operand of a column are
bound anew each time: a variable itself, or the members of an object to insert. All else, such as limits, whether a key
is there and how many rows there are, is part of what the plan was compiled for, and must be the same. Session variables
are bound anew too. Whatever does not fit exactly is compiled from the start, so that an error is the compiler's own.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from threading import Lock
from typing import Any

from localhasura.boolexp import BoundVariable, SessionVariable
from localhasura.pgvalues import ValueMismatchError, pg_text
from localhasura.schema.values import Variables
from localhasura.sql.builder import Origin, Session, Statement
from localhasura.sql.shapes import Shape, part_of, shape_of
from localhasura.sql.steps import Compiled, Known

MAX_DOCUMENTS = 256
MAX_PLANS_PER_DOCUMENT = 8
"""Shapes of values that a document is compiled for; beyond that the one used least recently goes."""
MAX_PLAN_CHARACTERS = 50_000
MAX_CHARACTERS = 8_000_000
"""Of all plans of a schema: there is a schema for each role."""

Request = tuple[str, str | None]
"""Document and operation name."""


@dataclass(frozen=True)
class Plan:
    """One compiled operation without its operands, and the shape that the variables must have."""

    compiled: Compiled
    shapes: Mapping[str, Shape]
    unused: tuple[BoundVariable, ...]
    """Operands that no statement has, but that must be valid."""
    size: int

    def for_request(self, given: Mapping[str, Any], session: Session) -> Compiled | None:
        """Return the operation with this request's values, or None when the plan was made for others."""
        if self.shapes.keys() != given.keys():
            return None
        try:
            if not all(shape.fits(given[name]) for name, shape in self.shapes.items()):
                return None
            for bound in self.unused:
                _operand(bound, given)
            return self.compiled.filled(lambda statement: _filled(statement, given, session))
        except (ValueMismatchError, LookupError, RecursionError):
            return None


class PlanCache:
    """The plans of one schema; the documents that were asked for least recently go first."""

    def __init__(self) -> None:
        self._plans: OrderedDict[Request, tuple[Plan, ...]] = OrderedDict()
        self._size = 0
        self._lock = Lock()

    @property
    def size(self) -> int:
        """The characters of all plans."""
        return self._size

    def find(self, request: Request, given: Mapping[str, Any], session: Session) -> Compiled | None:
        """Return the operation that answers a request, when a plan for it is known."""
        with self._lock:
            plans = self._plans.get(request, ())
            if plans:
                self._plans.move_to_end(request)
        for plan in plans:
            compiled = plan.for_request(given, session)
            if compiled is not None:
                if plan is not plans[0]:
                    self._put(request, plan)
                return compiled
        return None

    def keep(
        self, request: Request, given: Mapping[str, Any], variables: Variables, compiled: Compiled
    ) -> None:
        """Keep what was compiled for a request, unless it is very large or only half of it is known."""
        try:
            plan = _plan(request, given, variables, compiled)
        except RecursionError:
            return
        if plan is not None and plan.size <= MAX_PLAN_CHARACTERS:
            self._put(request, plan)

    def _put(self, request: Request, plan: Plan) -> None:
        """Make the plan the newest one of the newest document; the oldest ones go."""
        with self._lock:
            before = self._plans.pop(request, ())
            others = [other for other in before if other.shapes != plan.shapes]
            after = (plan, *others[: MAX_PLANS_PER_DOCUMENT - 1])
            self._plans[request] = after
            self._size += _size(after) - _size(before)
            while len(self._plans) > MAX_DOCUMENTS or self._size > MAX_CHARACTERS:
                self._size -= _size(self._plans.popitem(last=False)[1])


def _size(plans: tuple[Plan, ...]) -> int:
    return sum(plan.size for plan in plans)


def _plan(
    request: Request, given: Mapping[str, Any], variables: Variables, compiled: Compiled
) -> Plan | None:
    statements = compiled.statements()
    if statements is None:
        return None
    size = len(request[0]) + sum(len(statement.text) for statement in statements)
    size += sum(len(step.text) for _, step in compiled.steps if isinstance(step, Known))
    if size > MAX_PLAN_CHARACTERS:
        return None
    bound = variables.bound
    emptied = compiled.filled(lambda statement: _emptied(statement, bound))
    size += sum(map(_characters_bound, emptied.statements() or ()))
    shapes = {
        name: shape_of(value, (each for each in bound if each.name == name)) for name, value in given.items()
    }
    used = {origin for statement in statements for origin in statement.origins.values()}
    return Plan(
        emptied,
        shapes,
        tuple(bound - used),
        size + sum(shape.size for shape in shapes.values()),
    )


def _characters_bound(statement: Statement) -> int:
    return sum(len(text) for text in statement.parameters if text is not None)


def _emptied(statement: Statement, bound: set[BoundVariable]) -> Statement:
    """Return the statement without what each request brings itself: nobody's values are kept."""
    origins = {
        index: origin
        for index, origin in statement.origins.items()
        if origin in bound or not isinstance(origin, BoundVariable)
    }
    parameters = [None if index in origins else text for index, text in enumerate(statement.parameters)]
    return replace(statement, parameters=parameters, origins=origins)


def _filled(statement: Statement, given: Mapping[str, Any], session: Session) -> Statement:
    if not statement.origins:
        return statement
    parameters = list(statement.parameters)
    for index, origin in statement.origins.items():
        parameters[index] = _value(origin, given, session)
    return Statement(statement.text, parameters, statement.origins)


def _value(origin: Origin, given: Mapping[str, Any], session: Session) -> str | None:
    if isinstance(origin, BoundVariable):
        return _operand(origin, given)
    return session.variables[origin.name] if isinstance(origin, SessionVariable) else None


def _operand(bound: BoundVariable, given: Mapping[str, Any]) -> str | None:
    value = part_of(bound, given[bound.name])
    return None if value is None else pg_text(bound.type, value)
