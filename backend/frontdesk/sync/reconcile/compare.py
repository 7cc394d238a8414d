"""The second phase: every row of the tenant, page by page, against what was read."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

from frontdesk.hasura.fingerprint import Layout
from frontdesk.hasura.rows import StoredRow
from frontdesk.store.drift import DriftMarks, Mark, State
from frontdesk.store.passes import RunningPass
from frontdesk.sync.reconcile.everybody import read_at
from frontdesk.sync.reconcile.place import Place

COMPARE = "compare"  # the phase
FIELD = "field:"  # of the counts: how many rows differ in a column


def compare_rows(run: RunningPass, place: Place) -> None:
    """Compare all rows, from where a killed pass was. Raises HasuraUnavailable, HasuraRejected."""
    marks, layout, at = DriftMarks(run), place.layout, read_at(run)
    for page in place.rows.pages(place.tenant, after=run.position.get("after")):
        known = marks.known([row.user_id for row in page])
        found = Page(layout, at)
        for row in page:
            found.add(row, *known.get(row.user_id, (None, None)))
        marks.compared(
            settled=found.settled,
            marks=found.marks,
            added=found.counts,
            position={"after": page[-1].user_id},
        )
        place.tell(COMPARE, run.counts["rows"], None)


@dataclass
class Page:
    """What a page of rows comes to: who is settled, findings, and counts."""

    layout: Layout
    read_at: datetime
    settled: list[str] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    def add(self, row: StoredRow, state: State | None, fingerprint: bytes | None) -> None:
        """Judge one row; `state` is what the pass knows of its id, None when it has not read it."""
        self.counts["rows"] += 1
        self.counts["living"] += row.deleted_at is None
        self.counts["shared"] += state is not None
        if state is None:
            self._nobody_read(row)
        elif state is State.READ and fingerprint is not None:
            self._read(row, fingerprint)
        else:
            # Filtered or rejected; who of them stays marked has no row.
            self._settle(row, "left_alone")

    def _nobody_read(self, row: StoredRow) -> None:
        if row.deleted_at is not None:
            self.counts["tombstones"] += 1
        elif self._is_newer_than_the_reading(row):
            self.counts["ahead"] += 1
        else:
            self.marks.append(Mark(user_id=row.user_id, state=State.EXTRA))

    def _read(self, row: StoredRow, fingerprint: bytes) -> None:
        if row.deleted_at is not None:
            if row.deleted_at > self.read_at:
                self._settle(row, "ahead")
            else:
                self.marks.append(Mark(user_id=row.user_id, state=State.DELETED))
            return
        comparison = self.layout.compare(fingerprint, row.columns, row.clocks)
        if comparison.different:
            step = comparison.step_us
            self.marks.append(Mark(user_id=row.user_id, state=State.DIFFERENT, step_us=step))
            self.counts.update(f"{FIELD}{column}" for column in comparison.different)
        else:
            self._settle(row, "ahead" if comparison.ahead else "same")

    def _settle(self, row: StoredRow, as_: str) -> None:
        self.settled.append(row.user_id)
        self.counts[as_] += 1

    def _is_newer_than_the_reading(self, row: StoredRow) -> bool:
        times = (clock.get("at") for clock in row.clocks.values() if isinstance(clock, dict))
        return any(at is not None and datetime.fromisoformat(at) > self.read_at for at in times)
