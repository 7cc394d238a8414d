"""Which workers are alive, by the signs of life that they leave in procrastinate's table."""

from __future__ import annotations

from frontdesk.store.database import Database

ALIVE_WITHIN_S = 60  # a worker gives a sign every three seconds


def living_workers(database: Database) -> int:
    """Return how many workers have given a sign of life lately. Raises StoreUnavailable."""
    with database.transaction() as connection:
        row = connection.execute(
            "SELECT count(*) FROM procrastinate_workers WHERE last_heartbeat > now() - make_interval(secs => %s)",
            (ALIVE_WITHIN_S,),
        ).fetchone()
    return 0 if row is None else int(row[0])
