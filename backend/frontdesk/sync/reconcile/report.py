"""What a reconcile found, did and left, for people and machines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Drift:
    """How many there are of each kind: users without a row, rows that differ, rows without a user, rows with a
    tombstone whose user is there, users whose grants are others than their Auth0 roles, and organizations and
    memberships that differ, are missing or extra.
    """

    missing: int = 0
    different: int = 0
    extra: int = 0
    deleted: int = 0
    grants: int = 0
    organizations: int = 0
    memberships: int = 0

    @property
    def total(self) -> int:
        """Return how many there are in all."""
        return sum(asdict(self).values())


@dataclass(frozen=True, kw_only=True)
class Report:
    """One finished pass. `found` is what it found, `left` what stands after its repair.

    `fields` counts rows by the column in which they differ; `ids` are the first user ids of each kind. `refused` says
    why nothing was repaired although it was asked for.
    """

    tenant: str
    way: str
    why: str
    complete: bool
    read: int
    rows: int
    same: int
    ahead: int
    filtered: int
    rejected: int
    found: Drift
    left: Drift
    repaired: int
    fields: Mapping[str, int] = field(default_factory=dict)
    ids: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    looked_only: bool = True
    refused: str | None = None
    seconds: float = 0.0
    calls: int = 0

    def as_json(self) -> dict[str, Any]:
        """Return the report as a JSON object."""
        return asdict(self)

    @property
    def is_well(self) -> bool:
        """Tell whether what was asked for was done: a repair that was refused, or left something, is not."""
        return self.refused is None and (self.looked_only or not self.left.total)
