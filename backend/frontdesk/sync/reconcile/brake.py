"""What has to hold before anything is repaired: pure decisions over the numbers of a pass."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Brake:
    """Stops a repair that would take away more than `percent` of the living rows, and more than `rows` of them."""

    percent: float = 1.0
    rows: int = 10

    def holds(self, going: int, of: int, accepted: int | None) -> bool:
        """Tell whether so many rows may not go; `accepted` is what somebody has agreed to."""
        too_many = going > self.rows and going * 100 > of * self.percent
        return too_many and (accepted is None or going > accepted)


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What a pass has seen of both sides.

    `read` counts different people, rejected and filtered ones too; `totals` is how many the tenant said to have, before
    and after; `rows` are all rows, `living` those without a tombstone, `shared` those whose id was read.
    """

    complete: bool
    shortfall: str | None
    read: int
    totals: tuple[int, ...]
    rows: int
    living: int
    shared: int
    extra: int


def why_not_repair(evidence: Evidence, brake: Brake, accepted: int | None) -> str | None:
    """Return why nothing may be repaired, as a sentence with the way on; None when it may."""
    if not evidence.complete:
        return f"nothing is repaired after a reading that is not complete: {evidence.shortfall or 'run it again'}"
    # Who came or went meanwhile may be missing from either count, and nobody from both.
    if evidence.totals and evidence.read < min(evidence.totals):
        return (
            f"nothing is repaired after a reading that is not complete: {evidence.read:,} users were read of the "
            f"{min(evidence.totals):,} that the tenant counts; run it again"
        )
    if evidence.rows and evidence.read and not evidence.shared:
        return (
            f"nothing is repaired: none of the {evidence.read:,} users of the tenant is among the {evidence.rows:,} "
            "rows, so these may be another tenant's; check the tenant's `management_url` and `hasura.url`, or begin "
            "with `frontdesk import`"
        )
    if brake.holds(evidence.extra, evidence.living, accepted):
        share = 100 * evidence.extra / evidence.living
        return (
            f"nothing is repaired: {evidence.extra:,} of {evidence.living:,} rows ({share:.1f} %) would go, which is "
            f"more than {brake.percent:g} % and more than {brake.rows}; if that is right, run it again with "
            f"--repair --accept {evidence.extra}"
        )
    return None
