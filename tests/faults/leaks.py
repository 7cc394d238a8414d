"""What a house holds when it rests: connections, locks, memory."""

from __future__ import annotations

from dataclasses import dataclass

from tests.acceptance.conftest import wait_for
from tests.faults.house import ROWS, STORE, House

# What pools may keep open for minutes after a burst: 8 for each process of frontdesk, one more for a worker's jobs,
# and one more for its ear; Hasura's stand-in has one for each of its threads.
MEMORY_FACTOR, MEMORY_ROOM_MB = 1.35, 40.0
LIMIT_S = 30.0

_CONNECTIONS = (
    "SELECT datname, state, query FROM pg_stat_activity WHERE datname = ANY(%s) AND pid <> pg_backend_pid()"
)
_LOCKS = """
SELECT l.locktype || ' ' || l.mode || ' of ' || coalesce(a.query, 'nobody') AS told
FROM pg_locks l JOIN pg_stat_activity a USING (pid)
WHERE a.datname = ANY(%s) AND pid <> pg_backend_pid()
"""


@dataclass(frozen=True, kw_only=True)
class Held:
    """What a house held at one moment."""

    connections: int
    memory_mb: dict[str, float]


def held_by(house: House) -> Held:
    """Return what the house holds."""
    with house.store() as connection:
        open_ones = connection.execute(_CONNECTIONS, ([ROWS, STORE],)).fetchall()
    return Held(connections=len(open_ones), memory_mb=house.memory_mb())


def refuse_leaks(house: House, before: Held) -> None:
    """Fail when a lock is held, a connection belongs to nobody, or a process has grown for good."""
    wait_for(lambda: not _locks(house), LIMIT_S)
    # A connection that PostgreSQL knows and no process has any more would be missing on the wires.
    wait_for(lambda: held_by(house).connections == _on_the_wires(house), LIMIT_S)
    after = held_by(house)
    grown = {
        name: (before.memory_mb[name], now)
        for name, now in after.memory_mb.items()
        if now > before.memory_mb[name] * MEMORY_FACTOR + MEMORY_ROOM_MB
    }
    assert not grown, f"memory in MB before and after: {grown}"


def _locks(house: House) -> list[str]:
    with house.store() as connection:
        return [row["told"] for row in connection.execute(_LOCKS, ([ROWS, STORE],)).fetchall()]


def _on_the_wires(house: House) -> int:
    return house.store_wire.connections + house.rows_wire.connections
