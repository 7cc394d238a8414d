"""Deliveries that ended and are kept: what a replay may have taken again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from frontdesk.store.database import Database

PAGE = 500

# What somebody dropped stays dropped; what waits or was set apart is on its way.
_WHICH = """
state IN ('done', 'failed') AND received_at >= %(since)s
AND (%(until)s::timestamptz IS NULL OR received_at < %(until)s)
AND (%(tenant)s::text IS NULL OR tenant = %(tenant)s) AND (%(way)s::text IS NULL OR way = %(way)s)
"""


@dataclass(frozen=True, kw_only=True)
class Kept:
    """Which deliveries: those received from `since` on, before `until`; None does not matter."""

    since: datetime
    until: datetime | None = None
    tenant: str | None = None
    way: str | None = None


@dataclass(frozen=True, kw_only=True)
class KeptCount:
    """How many there are; `oldest_at` is when the oldest of all that are kept was received, whatever was asked."""

    deliveries: int
    records: int
    oldest_at: datetime | None


class KeptDeliveries:
    """The kept deliveries of all tenants. Every call raises StoreUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def count(self, which: Kept) -> KeptCount:
        """Return how many there are of these."""
        with self._database.transaction() as connection:
            row = connection.execute(
                f"SELECT count(*), coalesce(sum(records), 0)::bigint FROM frontdesk.deliveries WHERE {_WHICH}",  # noqa: S608
                _values(which),
            ).fetchone()
            oldest = connection.execute(
                "SELECT min(received_at) FROM frontdesk.deliveries WHERE state IN ('done', 'failed')"
                " AND (%(tenant)s::text IS NULL OR tenant = %(tenant)s)"
                " AND (%(way)s::text IS NULL OR way = %(way)s)",
                _values(which),
            ).fetchone()
        deliveries, records = row or (0, 0)
        return KeptCount(
            deliveries=deliveries, records=records, oldest_at=None if oldest is None else oldest[0]
        )

    def pages(self, which: Kept) -> Iterator[Sequence[int]]:
        """Give their ids, the oldest first, a page at a time; those that are changed meanwhile do not disturb."""
        after = 0
        while True:
            with self._database.transaction() as connection:
                rows = connection.execute(
                    f"SELECT id FROM frontdesk.deliveries WHERE {_WHICH} AND id > %(after)s ORDER BY id LIMIT {PAGE}",  # noqa: S608
                    {**_values(which), "after": after},
                ).fetchall()
            if not rows:
                return
            yield [row[0] for row in rows]
            after = rows[-1][0]


def _values(which: Kept) -> Mapping[str, Any]:
    return {"since": which.since, "until": which.until, "tenant": which.tenant, "way": which.way}
