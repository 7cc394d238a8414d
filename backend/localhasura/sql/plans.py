"""Compiled queries, kept per schema: one whose variables are only operands need not be compiled again.

A plan belongs to one document and operation. The variables that end up whole as an operand of a column are bound anew
each time; all others are part of what the plan was compiled for, and must be the same JSON. Session variables are bound
anew too. Whatever does not fit exactly is compiled from the start, so that an error is always the compiler's own.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Any

from localhasura.boolexp import BoundVariable
from localhasura.jsontext import compact
from localhasura.pgvalues import ValueMismatchError, pg_text
from localhasura.schema.values import Variables, is_bindable
from localhasura.sql.builder import Session, Statement

MAX_DOCUMENTS = 256
MAX_PLANS_PER_DOCUMENT = 8
"""Values that a plan is compiled for, such as limits and whole filters; beyond that the oldest plan goes."""
MAX_PLAN_CHARACTERS = 50_000

Steps = tuple[tuple[str, Statement | str], ...]
"""What each response key is: a statement to run, or JSON text that is known already."""
Request = tuple[str, str | None]
"""Document and operation name."""


@dataclass(frozen=True)
class Plan:
    """The statements of one operation, with the JSON that its other variables must have."""

    steps: Steps
    names: frozenset[str]
    fixed: Mapping[str, str]

    def for_request(self, given: Mapping[str, Any], session: Session) -> Steps | None:
        """Return the statements with this request's values, or None when the plan was made for others."""
        if self.names != given.keys():
            return None
        if any(not is_bindable(value) for name, value in given.items() if name not in self.fixed):
            return None
        try:
            if any(compact(given[name]) != text for name, text in self.fixed.items()):
                return None
            return tuple((key, _rebound(step, given, session)) for key, step in self.steps)
        except (ValueMismatchError, LookupError, RecursionError):
            return None


class PlanCache:
    """The plans of one schema; the documents that were asked for least recently go first."""

    def __init__(self) -> None:
        self._plans: OrderedDict[Request, tuple[Plan, ...]] = OrderedDict()
        self._lock = Lock()

    def find(self, request: Request, given: Mapping[str, Any], session: Session) -> Steps | None:
        """Return the statements that answer a request, when a plan for it is known."""
        with self._lock:
            plans = self._plans.get(request, ())
            if plans:
                self._plans.move_to_end(request)
        for plan in plans:
            steps = plan.for_request(given, session)
            if steps is not None:
                return steps
        return None

    def keep(self, request: Request, given: Mapping[str, Any], variables: Variables, steps: Steps) -> None:
        """Keep what was compiled for a request, unless it is very large or deeply nested."""
        bound = variables.bound
        try:
            fixed = {name: compact(value) for name, value in given.items() if name not in bound}
        except RecursionError:
            return
        if len(request[0]) + sum(map(len, fixed.values())) + _length(steps) > MAX_PLAN_CHARACTERS:
            return
        plan = Plan(steps, frozenset(given), fixed)
        with self._lock:
            others = self._plans.get(request, ())[: MAX_PLANS_PER_DOCUMENT - 1]
            self._plans[request] = (plan, *others)
            self._plans.move_to_end(request)
            while len(self._plans) > MAX_DOCUMENTS:
                self._plans.popitem(last=False)


def _length(steps: Iterable[tuple[str, Statement | str]]) -> int:
    return sum(len(step.text) if isinstance(step, Statement) else len(step) for _, step in steps)


def _rebound(step: Statement | str, given: Mapping[str, Any], session: Session) -> Statement | str:
    if isinstance(step, str) or not step.origins:
        return step
    parameters = list(step.parameters)
    for index, origin in step.origins.items():
        if isinstance(origin, BoundVariable):
            parameters[index] = pg_text(origin.type, given[origin.name])
        else:
            parameters[index] = session.variables[origin.name]
    return Statement(step.text, parameters, step.origins)
