"""gzip for answers, as Hasura does it: when the client takes it, and not for what is small already."""

from __future__ import annotations

import gzip

SMALLEST_BYTES = 700
"""Below that, compressing costs more than it saves."""
_FASTEST = 1


def compressed(body: bytes, accepted: str) -> bytes | None:
    """Return the body in gzip, or None to send it as it is; `accepted` is the client's Accept-Encoding."""
    if len(body) <= SMALLEST_BYTES or not _takes_gzip(accepted):
        return None
    return gzip.compress(body, _FASTEST, mtime=0)


def _takes_gzip(accepted: str) -> bool:
    for each in accepted.lower().split(","):
        name, _, weight = each.partition(";")
        if name.strip() in ("gzip", "*"):
            return weight.replace(" ", "").rstrip("0") not in ("q=", "q=0.")
    return False
