"""What an operation compiles to: steps that run statements and give JSON text. A step may be kept and filled anew."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from localhasura.errors import EngineError
from localhasura.jsontext import compact
from localhasura.sql.builder import Session, Statement, Supplied

CHECK_FAILED = "check constraint of an insert/update permission has failed"

Fetch = Callable[[Statement], Sequence[Any]]
"""Runs a statement that gives one row."""
Fill = Callable[[Statement], Statement]
"""Puts a request's values into a statement that was compiled for another one."""


@dataclass(frozen=True)
class Run:
    """One request's run: where its statements go, and who asks."""

    fetch: Fetch
    session: Session

    @property
    def user(self) -> str:
        """The session variables as triggers read them."""
        return compact(dict(self.session.variables))

    def fetch_at(self, path: str, statement: Statement) -> Sequence[Any]:
        """Run a statement; an error is told at this path."""
        try:
            return self.fetch(statement)
        except EngineError as error:
            raise replace_path(error, path) from error.__cause__


class Step(ABC):
    """What becomes the value of one response key."""

    @abstractmethod
    def run(self, run: Run) -> str:
        """Return the JSON text."""

    def statements(self) -> Sequence[Statement] | None:
        """Return the statements that the step runs, or None when they come about in the run."""
        return None

    def filled(self, fill: Fill) -> Step:
        """Return the step with other values; only for one that knows its statements."""
        raise LookupError("the statements come about in the run")


@dataclass(frozen=True)
class Known(Step):
    """JSON text that needs no database."""

    text: str

    def run(self, run: Run) -> str:
        return self.text

    def statements(self) -> Sequence[Statement]:
        return ()

    def filled(self, fill: Fill) -> Step:
        return self


@dataclass(frozen=True)
class Read(Step):
    """A statement whose one value is the JSON text."""

    statement: Statement

    def run(self, run: Run) -> str:
        return _json(run.fetch(self.statement)[0])

    def statements(self) -> Sequence[Statement]:
        return (self.statement,)

    def filled(self, fill: Fill) -> Step:
        return Read(fill(self.statement))


@dataclass(frozen=True)
class WriteAlone(Step):
    """A statement that writes, answers, and is its own transaction: it sets `hasura.user` itself."""

    statement: Statement
    path: str

    def run(self, run: Run) -> str:
        statement = self.statement.supplied({Supplied.USER: run.user})
        return _json(run.fetch_at(self.path, statement)[0])

    def statements(self) -> Sequence[Statement]:
        return (self.statement,)

    def filled(self, fill: Fill) -> Step:
        return WriteAlone(fill(self.statement), self.path)


@dataclass(frozen=True)
class WriteAndAnswer(Step):
    """A statement that writes and answers, in a transaction that a failed check undoes."""

    statement: Statement
    path: str

    def run(self, run: Run) -> str:
        answered, passed = run.fetch_at(self.path, self.statement)
        require(passed, self.path)
        return _json(answered)

    def statements(self) -> Sequence[Statement]:
        return (self.statement,)

    def filled(self, fill: Fill) -> Step:
        return WriteAndAnswer(fill(self.statement), self.path)


@dataclass(frozen=True)
class WriteThenRead(Step):
    """A statement that writes, and one that reads back what it wrote, related rows included."""

    statement: Statement
    read: Statement
    path: str

    def run(self, run: Run) -> str:
        rows, passed, affected = run.fetch_at(self.path, self.statement)
        require(passed, self.path)
        return read_back(run, self.read, rows, affected)

    def statements(self) -> Sequence[Statement]:
        return (self.statement, self.read)

    def filled(self, fill: Fill) -> Step:
        return WriteThenRead(fill(self.statement), fill(self.read), self.path)


@dataclass(frozen=True)
class InTurn(Step):
    """A list of answers, each step seeing what the ones before it wrote."""

    steps: tuple[Step, ...]

    def run(self, run: Run) -> str:
        return "[" + ",".join(step.run(run) for step in self.steps) + "]"

    def statements(self) -> Sequence[Statement] | None:
        return all_statements(self.steps)

    def filled(self, fill: Fill) -> Step:
        return InTurn(tuple(step.filled(fill) for step in self.steps))


@dataclass(frozen=True)
class Compiled:
    """One operation, ready to run: a step for each response key."""

    steps: tuple[tuple[str, Step], ...]
    in_transaction: bool = False
    """Whether the steps are one transaction, in which `hasura.user` is set."""

    @property
    def needs_database(self) -> bool:
        return any(not isinstance(step, Known) for _, step in self.steps)

    def statements(self) -> Sequence[Statement] | None:
        """Return the statements of all steps, or None when some come about in the run."""
        return all_statements([step for _, step in self.steps])

    def filled(self, fill: Fill) -> Compiled:
        """Return the operation with other values."""
        return Compiled(tuple((key, step.filled(fill)) for key, step in self.steps), self.in_transaction)


def all_statements(steps: Sequence[Step]) -> Sequence[Statement] | None:
    """Return the statements of all steps, or None when one of them does not know its own."""
    found: list[Statement] = []
    for step in steps:
        statements = step.statements()
        if statements is None:
            return None
        found += statements
    return found


def read_back(run: Run, read: Statement, rows: str, affected: int) -> str:
    """Return the answer about rows that were written, which come as JSON text."""
    return _json(run.fetch(read.supplied({Supplied.ROWS: rows, Supplied.COUNT: str(affected)}))[0])


def require(passed: bool, path: str) -> None:
    """Raise `permission-error` unless the rows passed the permission's check."""
    if not passed:
        raise EngineError("permission-error", CHECK_FAILED, path=path)


def replace_path(error: EngineError, path: str) -> EngineError:
    """Return the error as told at another path."""
    return EngineError(error.code, error.message, path=path, status=error.status, internal=error.internal)


def _json(answered: Any) -> str:
    return "null" if answered is None else str(answered)
