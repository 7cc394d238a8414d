"""What a command is going to do, said before it is done: what every plan is made of, whatever it changes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class StepKind(StrEnum):
    """What a step does. `KEEP` changes nothing, `CANNOT` names what a person has to do."""

    CREATE = "create"
    UPDATE = "update"
    BIND = "bind"
    DELETE = "delete"
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
