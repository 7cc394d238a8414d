"""How far another machine's clock is from ours, by the Date header of an answer that was fetched anyway."""

from __future__ import annotations

from frontdesk.sync.doctor.checks import Finding, failed, ok, skipped, warning
from frontdesk.sync.doctor.wire import Answer

# Hasura refuses a token from the future, by default without any tolerance; the second is what Date leaves open.
NOTABLE_S = 2.0
# A signed call is good for five minutes; a clock that is a minute off is on its way there.
BROKEN_S = 60.0


def clock_finding(answer: Answer, whose: str) -> Finding:
    """Compare the clock behind an answer with ours."""
    ahead_s = answer.ahead_s()
    if ahead_s is None:
        return skipped(f"{whose} sends no Date header, so its clock cannot be seen")
    if abs(ahead_s) <= NOTABLE_S:
        return ok(f"{whose}'s clock and ours agree")
    told = f"{whose}'s clock is {_words(abs(ahead_s))} {'ahead of' if ahead_s > 0 else 'behind'} ours"
    if abs(ahead_s) < BROKEN_S:
        return warning(f"{told}; tokens may be refused as not valid yet")
    return failed(f"{told}; signed calls and tokens are refused")


def _words(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
