"""What is going to be changed at Auth0, said before it is done.

`diff` and `--dry-run` print the steps; carrying a plan out does what they say.
"""

from __future__ import annotations

from collections.abc import Iterable

from frontdesk.errors import FrontdeskError
from frontdesk.plans import Step, StepKind

__all__ = ["PlanBlocked", "Step", "StepKind"]


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
