"""What waits and nobody was asked to do: a crash came between a commit and the job that should follow it."""

from __future__ import annotations

from collections.abc import Sequence

from frontdesk.store.database import Database

MOST_AT_ONCE = 1000


def tenants_waiting(database: Database) -> Sequence[str]:
    """Return the tenants of which deliveries wait. Raises StoreUnavailable."""
    with database.transaction() as connection:
        rows = connection.execute(
            "SELECT DISTINCT tenant FROM frontdesk.deliveries WHERE state = 'waiting' ORDER BY tenant"
        ).fetchall()
    return [row[0] for row in rows]


def apart_without_job(database: Database) -> Sequence[tuple[str, int]]:
    """Return tenant and id of deliveries that were set apart and that no job tries again. Raises StoreUnavailable."""
    with database.transaction() as connection:
        return connection.execute(
            "SELECT tenant, id FROM frontdesk.deliveries WHERE state = 'apart' AND NOT EXISTS ("
            " SELECT FROM frontdesk.procrastinate_jobs job WHERE job.task_name = 'ingest_delivery'"
            " AND job.status IN ('todo', 'doing') AND job.queueing_lock = 'delivery:' || deliveries.id)"
            " ORDER BY id LIMIT %s",
            (MOST_AT_ONCE,),
        ).fetchall()
