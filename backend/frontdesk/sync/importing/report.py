"""What an import came to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from frontdesk.sync.importing.proof import Counts, Totals, Verdict


@dataclass(frozen=True, kw_only=True)
class ImportReport:
    """The result of one tenant's import; what a killed process did of it is in the counts, not in calls and seconds.

    `roles`, `organizations` and `members` are None where nobody asked Auth0 for them.
    """

    tenant: str
    way: str
    why: str
    counts: Counts
    totals: Totals
    verdict: Verdict
    roles: int | None
    organizations: int | None
    members: int | None
    resumed: bool
    rejects: int
    rejects_file: Path | None
    calls: Mapping[str, int] = field(default_factory=dict)
    seconds: float
    records_per_second: float
    peak_memory_bytes: int

    def as_json(self) -> dict[str, Any]:
        """Return the facts under stable names."""
        return {
            "tenant": self.tenant,
            "way": self.way,
            "why": self.why,
            "proven": self.verdict.proven,
            "verdict": self.verdict.sentence,
            "counts": {**asdict(self.counts), "users": self.counts.users},
            "totals": asdict(self.totals),
            "roles": self.roles,
            "organizations": self.organizations,
            "members": self.members,
            "resumed": self.resumed,
            "rejects": self.rejects,
            "rejects_file": None if self.rejects_file is None else str(self.rejects_file),
            "calls": dict(self.calls),
            "calls_total": sum(self.calls.values()),
            "seconds": round(self.seconds, 2),
            "records_per_second": round(self.records_per_second, 1),
            "peak_memory_bytes": self.peak_memory_bytes,
        }
