"""How far each way in has come: what was received newest, and marks in the tenant's log to read a gap again from."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from psycopg.types.json import Jsonb

from frontdesk.store.database import Connection, Database

SLOT = timedelta(minutes=10)
KEPT = timedelta(days=31)  # longer than any plan of Auth0 keeps its log
# A mark that Auth0 cannot know, or of a time to come, would hide every gap or make one of the whole log.
AHEAD = timedelta(days=1)
_LOG_ID = re.compile(r"900(\d{14})\d+", re.ASCII)


@dataclass(frozen=True)
class Received:
    """A record that was taken: its own time, and Auth0's id of it when it is one of the tenant's log."""

    at: datetime
    log_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class WayState:
    """What is known of a way in: when something came last, the newest time in it, and where reading goes on."""

    tenant: str
    way: str
    received_at: datetime | None
    record_at: datetime | None
    position: Mapping[str, Any]


def slot_of(at: datetime) -> datetime:
    """Return the beginning of the ten minutes that hold a time."""
    at = at.astimezone(UTC)
    return at.replace(minute=at.minute - at.minute % 10, second=0, microsecond=0)


class StreamMarks:
    """The marks of all tenants. Every method is a transaction of its own and raises StoreUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def note(self, tenant: str, way: str, records: Iterable[Received], *, received_at: datetime) -> None:
        """Keep how far a way in has come with these records. Done twice, or in another order, it comes to the same.

        A log's ids sort by time as text, so the greatest is the newest. Source: recorded ids, `900` and 53 digits. What
        is no such id, or is ahead of its own arrival, leaves no mark.
        """
        known = [record for record in records if record.at <= received_at + AHEAD]
        newest: dict[datetime, str] = {}
        for record in known:
            if record.log_id is not None and _can_be_marked(record.log_id, received_at):
                slot = slot_of(record.at)
                newest[slot] = max(newest.get(slot, ""), record.log_id)
        with self._database.transaction() as connection:
            # In one order, so that two drains do not wait for each other in a circle.
            for slot, log_id in sorted(newest.items()):
                connection.execute(
                    "INSERT INTO frontdesk.stream_marks AS m (tenant, slot, log_id) VALUES (%s, %s, %s)"
                    " ON CONFLICT (tenant, slot) DO UPDATE SET log_id = EXCLUDED.log_id"
                    ' WHERE EXCLUDED.log_id COLLATE "C" > m.log_id COLLATE "C"',
                    (tenant, slot, log_id),
                )
            connection.execute(
                "INSERT INTO frontdesk.stream_state AS s (tenant, way, received_at, record_at)"
                " VALUES (%s, %s, %s, %s) ON CONFLICT (tenant, way) DO UPDATE SET"
                " received_at = greatest(s.received_at, EXCLUDED.received_at),"
                " record_at = greatest(s.record_at, EXCLUDED.record_at)",
                (tenant, way, received_at, max((record.at for record in known), default=None)),
            )

    def newest(self, tenant: str) -> str | None:
        """Return the greatest id that was ever received of the tenant's log."""
        with self._database.transaction() as connection:
            row = connection.execute(
                'SELECT max(log_id COLLATE "C") FROM frontdesk.stream_marks WHERE tenant = %s', (tenant,)
            ).fetchone()
        return None if row is None else row[0]

    def before_newest(self, tenant: str) -> str | None:
        """Return the mark of the slot before the newest one; the newest itself when it is alone."""
        with self._database.transaction() as connection:
            rows = connection.execute(
                "SELECT log_id FROM frontdesk.stream_marks WHERE tenant = %s ORDER BY slot DESC LIMIT 2",
                (tenant,),
            ).fetchall()
        return rows[-1][0] if rows else None

    def at_slots(self, tenant: str, slots: Iterable[datetime]) -> dict[datetime, str]:
        """Return the marks of those of `slots` that have one."""
        with self._database.transaction() as connection:
            rows = connection.execute(
                "SELECT slot, log_id FROM frontdesk.stream_marks WHERE tenant = %s AND slot = ANY(%s)",
                (tenant, list(set(slots))),
            ).fetchall()
        return {slot.astimezone(UTC): log_id for slot, log_id in rows}

    def state(self, tenant: str, way: str) -> WayState:
        """Return what is known of a way in; nothing of one that nothing ever came by."""
        with self._database.transaction() as connection:
            row = connection.execute(
                "SELECT received_at, record_at, position FROM frontdesk.stream_state WHERE tenant = %s AND way = %s",
                (tenant, way),
            ).fetchone()
        received_at, record_at, position = row or (None, None, {})
        return WayState(
            tenant=tenant, way=way, received_at=received_at, record_at=record_at, position=position
        )

    def states(self, tenant: str) -> tuple[WayState, ...]:
        """Return what is known of every way in of a tenant."""
        with self._database.transaction() as connection:
            rows = connection.execute(
                "SELECT way, received_at, record_at, position FROM frontdesk.stream_state WHERE tenant = %s"
                " ORDER BY way",
                (tenant,),
            ).fetchall()
        return tuple(
            WayState(tenant=tenant, way=way, received_at=received, record_at=record, position=position)
            for way, received, record, position in rows
        )

    def go_on_from(self, tenant: str, way: str, position: Mapping[str, Any]) -> None:
        """Keep where reading a way goes on, in place of what was kept."""
        with self._database.transaction() as connection:
            keep_position(connection, tenant, way, position)

    def drop_old(self, now: datetime) -> None:
        """Delete the marks that no log reaches back to."""
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM frontdesk.stream_marks WHERE slot < %s", (now - KEPT,))


def _can_be_marked(log_id: str, received_at: datetime) -> bool:
    found = _LOG_ID.fullmatch(log_id)
    return found is not None and found[1] <= f"{(received_at + AHEAD).astimezone(UTC):%Y%m%d%H%M%S}"


def keep_position(connection: Connection, tenant: str, way: str, position: Mapping[str, Any]) -> None:
    """Keep a position in the transaction of `connection`."""
    connection.execute(
        "INSERT INTO frontdesk.stream_state (tenant, way, position) VALUES (%s, %s, %s)"
        " ON CONFLICT (tenant, way) DO UPDATE SET position = EXCLUDED.position",
        (tenant, way, Jsonb(dict(position))),
    )
