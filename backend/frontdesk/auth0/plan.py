"""What is going to be changed at Auth0, said before it is done.

`diff` and `--dry-run` print the steps; carrying a plan out does what they say.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from frontdesk.errors import FrontdeskError


class StepKind(StrEnum):
    """What a step does. `KEEP` changes nothing, `CANNOT` names what a person has to do."""

    CREATE = "create"
    UPDATE = "update"
    BIND = "bind"
    KEEP = "keep"
    CANNOT = "cannot"


@dataclass(frozen=True)
class Step:
    """One line of a plan: a thing, what happens to it, and what else there is to know."""

    what: str
    kind: StepKind
    detail: str = ""

    @property
    def changes(self) -> bool:
        """Whether carrying it out changes anything."""
        return self.kind not in (StepKind.KEEP, StepKind.CANNOT)

    def as_json(self) -> dict[str, str]:
        """Return the step with stable keys, for scripts."""
        return {"what": self.what, "kind": self.kind.value, "detail": self.detail}


class PlanBlocked(FrontdeskError):
    """Nothing was changed: a part of the plan cannot be carried out.

    `steps` are the obstacles, each with what a person has to do.
    """

    type = "urn:frontdesk:problem:plan-blocked"
    status = 409

    def __init__(self, steps: Iterable[Step]) -> None:
        self.steps = tuple(steps)
        lines = [f"  {step.what}: {step.detail}" for step in self.steps]
        super().__init__("\n".join(["Nothing was changed, because this cannot be done:", *lines]))
