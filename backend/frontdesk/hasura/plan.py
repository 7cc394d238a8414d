"""What a deploy is going to do, said before it is done.

`apply` carries a plan out; `diff`, `status` and `--dry-run` print it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from frontdesk.hasura.project import Migration
from frontdesk.plans import Step, StepKind

__all__ = ["Plan", "Step", "StepKind", "sentences"]


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
        return any(step.changes for step in self.steps)


def sentences(steps: Iterable[Step]) -> str:
    """Return obstacles as text for people, one after the other."""
    return "\n".join(f"{step.what}: {step.detail}" for step in steps)
