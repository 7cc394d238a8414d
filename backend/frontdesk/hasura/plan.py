"""What a deploy is going to do, said before it is done.

`apply` carries a plan out; `diff`, `status` and `--dry-run` print it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from frontdesk.hasura.project import Migration


class StepKind(StrEnum):
    """What a step does to the target. `KEEP` changes nothing, `CANNOT` names what a person has to do."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    KEEP = "keep"
    CANNOT = "cannot"


@dataclass(frozen=True)
class Step:
    """One line of a plan: a thing, what happens to it, and what else there is to know."""

    what: str
    kind: StepKind
    detail: str = ""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """All steps, in the order in which they are carried out, and what is worth knowing beside them.

    `pending` are the migrations that will run, `settled` those that are only recorded as applied.
    """

    steps: tuple[Step, ...]
    pending: tuple[Migration, ...] = ()
    settled: tuple[Migration, ...] = ()
    changes_metadata: bool = False
    notes: tuple[str, ...] = ()

    @property
    def obstacles(self) -> tuple[Step, ...]:
        """The steps that keep everything from being carried out."""
        return tuple(step for step in self.steps if step.kind is StepKind.CANNOT)

    @property
    def changes_anything(self) -> bool:
        """Whether carrying it out would change the target."""
        return any(step.kind not in (StepKind.KEEP, StepKind.CANNOT) for step in self.steps)


def sentences(steps: Iterable[Step]) -> str:
    """Return obstacles as text for people, one after the other."""
    return "\n".join(f"{step.what}: {step.detail}" for step in steps)
