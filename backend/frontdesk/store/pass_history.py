"""The passes of a tenant as people look at them: what they came to, or how far they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from frontdesk.store.database import Database
from frontdesk.store.passes import KEPT_PASSES, PassKind


@dataclass(frozen=True, kw_only=True)
class PastPass:
    """One pass; `rejects` is how many records it set aside, `verdict` what its end said."""

    id: UUID
    source: str
    way: str | None
    phase: str
    status: str
    position: Mapping[str, Any]
    counts: Mapping[str, int]
    verdict: str | None
    rejects: int
    started_at: datetime
    updated_at: datetime
    finished_at: datetime | None

    def as_json(self) -> dict[str, Any]:
        """Return the pass under stable names."""
        return {
            "id": str(self.id),
            "source": self.source,
            "way": self.way,
            "phase": self.phase,
            "status": self.status,
            "position": dict(self.position),
            "counts": dict(self.counts),
            "verdict": self.verdict,
            "rejects": self.rejects,
            "started_at": self.started_at.isoformat(),
            "updated_at": self.updated_at.isoformat(),
            "finished_at": None if self.finished_at is None else self.finished_at.isoformat(),
        }


class PassHistory:
    """The passes that are kept of each tenant."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def imports(self, tenant: str) -> Sequence[PastPass]:
        """Return imports, the newest first. Raises StoreUnavailable."""
        with self._database.transaction() as connection:
            rows = connection.execute(
                "SELECT id, source, way, phase, status, position, counts, detail ->> 'verdict',"
                " (SELECT count(*) FROM rejects WHERE pass_id = passes.id), started_at, updated_at, finished_at"
                " FROM passes WHERE tenant = %s AND kind = %s ORDER BY started_at DESC LIMIT %s",
                (tenant, PassKind.IMPORT, KEPT_PASSES + 1),
            ).fetchall()
        names = tuple(PastPass.__dataclass_fields__)
        return [PastPass(**dict(zip(names, row, strict=True))) for row in rows]
