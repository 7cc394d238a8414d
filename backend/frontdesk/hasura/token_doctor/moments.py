"""Times in words: how long ago, how long from now."""

from __future__ import annotations

import math
from datetime import UTC, datetime

_UNITS = ((86400 * 365, "year"), (86400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))
LAST_YEAR_S = 253_402_300_799  # the end of the year 9999, the last that a calendar of ours has


def duration(seconds: float) -> str:
    """Return a length of time as its largest unit: "2 hours", "1 day"."""
    size = abs(seconds)
    for unit_s, name in _UNITS:
        if size >= unit_s:
            number = int(size // unit_s) if math.isfinite(size) else 0
            return f"{number} {name}" if number == 1 else f"{number} {name}s"
    return "less than a second"


def moment(timestamp: float) -> str:
    """Return a UNIX time as a date; a time that no calendar has as its number."""
    if not -LAST_YEAR_S <= timestamp <= LAST_YEAR_S:
        return "a time beyond the year 9999"
    try:
        return datetime.fromtimestamp(timestamp, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (OverflowError, OSError, ValueError):
        return "a time that no calendar has"


def when(timestamp: float, now: float) -> str:
    """Return a UNIX time as seen from `now`: "2 hours ago (2026-01-31 12:00:00 UTC)"."""
    if not -LAST_YEAR_S <= timestamp <= LAST_YEAR_S:
        return moment(timestamp)
    distance = duration(timestamp - now)
    relative = f"{distance} ago" if timestamp <= now else f"in {distance}"
    return f"{relative} ({moment(timestamp)})"
