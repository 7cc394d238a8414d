"""What stops a repair, by the numbers of a pass alone."""

from __future__ import annotations

import pytest

from frontdesk.sync.reconcile.brake import Brake, Evidence, why_not_repair


def evidence(**other: object) -> Evidence:
    """Return what a good pass over 2,000 users and rows has seen, with these differences."""
    good = {
        "complete": True,
        "shortfall": None,
        "read": 2000,
        "totals": (2000, 2000),
        "rows": 2000,
        "living": 2000,
        "shared": 2000,
        "extra": 0,
    }
    return Evidence(**{**good, **other})  # type: ignore[arg-type]


def test_a_good_pass_may_repair() -> None:
    assert why_not_repair(evidence(), Brake(), None) is None


@pytest.mark.parametrize(
    ("seen", "why"),
    [
        ({"complete": False, "shortfall": "the file was cut off"}, "the file was cut off"),
        ({"complete": False}, "run it again"),
        ({"read": 1999}, "1,999 users were read of the 2,000"),
        ({"read": 1999, "totals": (1999, 2000), "extra": 21}, "21 of 2,000"),
        ({"shared": 0}, "another tenant's"),
        ({"extra": 21}, "--accept 21"),
    ],
)
def test_what_stops_a_repair_is_said(seen: dict[str, object], why: str) -> None:
    assert why in (why_not_repair(evidence(**seen), Brake(), None) or "")


@pytest.mark.parametrize(
    ("extra", "living", "accepted", "holds"),
    [
        (10, 100, None, False),  # 10 %, but not more than ten rows
        (11, 100, None, True),
        (20, 2000, None, False),  # one per cent, and no more
        (21, 2000, None, True),
        (21, 2000, 20, True),
        (21, 2000, 21, False),
        (21, 2000, 30, False),
    ],
)
def test_the_brake_holds_above_both_bounds_until_somebody_accepts(
    extra: int, living: int, accepted: int | None, holds: bool
) -> None:
    assert Brake(percent=1.0, rows=10).holds(extra, living, accepted) is holds
