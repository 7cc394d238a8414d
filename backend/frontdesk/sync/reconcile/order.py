"""What a reconcile is asked to do."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from frontdesk.auth0.everyone import Way
from frontdesk.errors import UsageError


@dataclass(frozen=True, kw_only=True)
class Order:
    """One reconcile. `accept` lets so many rows go, or fewer; `shown` is how many ids of each kind the report has.

    Raises UsageError for a repair from a file: it may hold a part of the tenant alone, and nothing in it says so.
    """

    repair: bool = False
    accept: int | None = None
    way: Way | None = None
    file: Path | None = None
    roles: bool = True
    organizations: bool = True
    shown: int = 10

    def __post_init__(self) -> None:
        if self.repair and self.file is not None:
            raise UsageError(
                "a file may hold a part of the tenant alone, so nothing is repaired by it: look with --dry-run, "
                "and repair without --from"
            )
        if self.accept is not None and not self.repair:
            raise UsageError("--accept is for a repair: add --repair")

    @property
    def reads_auth0(self) -> bool:
        """Whether the tenant itself is read."""
        return self.file is None
