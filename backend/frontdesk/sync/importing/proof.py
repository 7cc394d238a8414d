"""The count proof: what was read, what became of it, and what the tenant and Hasura count themselves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Counts:
    """What a pass counted. Each user counts once, by what their first record came to.

    `records` is what the reading gave; `repeated` are records of somebody who had come already; `unidentified` are
    rejected records of nobody known; `gone` are users whose row is deleted and whom Auth0 does not know either, and
    `revived` those whom it does.
    """

    records: int = 0
    written: int = 0
    unchanged: int = 0
    rejected: int = 0
    filtered: int = 0
    repeated: int = 0
    unidentified: int = 0
    gone: int = 0
    revived: int = 0

    @classmethod
    def of(cls, counts: Mapping[str, int]) -> Counts:
        """Return the counts that a pass holds."""
        return cls(**{name: counts.get(name, 0) for name in cls.__dataclass_fields__})

    @property
    def users(self) -> int:
        """How many different users came."""
        return self.written + self.unchanged + self.rejected + self.filtered

    @property
    def in_hasura(self) -> int:
        """How many of them Hasura has."""
        return self.written + self.unchanged

    @property
    def accounted(self) -> int:
        """How many users or would-be users came, each once."""
        return self.users + self.unidentified


@dataclass(frozen=True, kw_only=True)
class Totals:
    """What others count: the tenant before and after (None: nobody could ask), and Hasura's rows of the tenant."""

    before: int | None
    after: int | None
    rows: int
    living_rows: int


@dataclass(frozen=True)
class Verdict:
    """Whether the numbers prove that everybody is there, and the sentence that says so or what is missing."""

    proven: bool
    sentence: str


def judge_counts(counts: Counts, totals: Totals, *, shortfall: str | None, of_file: bool) -> Verdict:
    """Return what the numbers prove. `shortfall` says why the reading is not complete; None: it is.

    The tenant may grow or shrink while it is read, so whatever lies between both of its totals is right, and the
    sentence says so; more than both is no fault either: the search, which counts, is some seconds behind.
    """
    if shortfall is not None:
        return Verdict(False, f"not everybody was read: {shortfall}; the same command reads again")
    if totals.living_rows < counts.in_hasura - counts.gone:
        return Verdict(
            False,
            f"Hasura shows {totals.living_rows:,} rows of the tenant, fewer than the {counts.in_hasura:,} that it "
            "took: something else deletes them; look for it, then import again",
        )
    if of_file or totals.before is None or totals.after is None:
        return Verdict(
            True, f"{_shares(counts, counts.accounted)} users of the file are in Hasura{_told(counts)}"
        )
    low, high = sorted((totals.before, totals.after))
    if counts.accounted < low:
        return Verdict(
            False,
            f"{counts.accounted:,} of {low:,} users were read: {low - counts.accounted:,} that the tenant counts did "
            "not come; import again, or by another way (--way job)",
        )
    total = min(max(counts.accounted, low), high)
    return Verdict(
        True,
        f"{_shares(counts, total)} users are in Hasura{_told(counts)}{_moved(counts, low, high, totals)}",
    )


def _shares(counts: Counts, total: int) -> str:
    return f"{counts.in_hasura:,} of {max(total, counts.accounted):,}"


def _told(counts: Counts) -> str:
    """Return who of the total is not there, and why."""
    told = (
        (counts.rejected + counts.unidentified, "set aside as rejects"),
        (counts.filtered, "left out by the filter"),
        (counts.gone, "deleted there, and their rows stay deleted"),
    )
    return "".join(f"; {number:,} {what}" for number, what in told if number)


def _moved(counts: Counts, low: int, high: int, totals: Totals) -> str:
    if low != high:
        return (
            f"; the tenant moved during the import, from {totals.before:,} to {totals.after:,}: who came late is there "
            "with the next login, import or reconcile"
        )
    if counts.accounted > high:
        return f"; the tenant's search, which may be some seconds behind, counts {high:,}"
    return ""
