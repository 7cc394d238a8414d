"""Who changed what through frontdesk: a line before the call, completed after it.

A line that nobody completed belongs to a call that is under way, or that was cut off: nobody knows then whether Auth0
got it. `detail` names fields and roles, and never holds a value.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from psycopg import sql
from psycopg.rows import TupleRow
from psycopg.types.json import Jsonb

from frontdesk.store.database import Database

ERASED = "erased:"  # what a line says in place of the id of somebody who was erased, before a mark of its own
# Longer than every call together with its waiting; a line that is open for longer was cut off.
UNDER_WAY = timedelta(minutes=15)
MAX_LINES = 1000  # of one page


class AuditOutcome(StrEnum):
    """What came of a change."""

    STARTED = "started"
    DONE = "done"
    UNCHANGED = "unchanged"  # it was so already
    NOT_SYNCED = "not_synced"  # done at Auth0, and not written to Hasura
    REFUSED = "refused"  # nothing was changed
    UNKNOWN = "unknown"  # cut off, or without an answer: it may have been done


@dataclass(frozen=True, kw_only=True)
class AuditLine:
    """One change. `user_id` is None for a creation that came to nothing."""

    id: int
    at: datetime
    tenant: str
    actor: str
    action: str
    user_id: str | None
    outcome: AuditOutcome
    detail: Mapping[str, Any]

    def as_json(self) -> dict[str, Any]:
        """Return the line under its stable names."""
        return {
            "id": self.id,
            "at": self.at.isoformat(),
            "tenant": self.tenant,
            "actor": self.actor,
            "action": self.action,
            "user_id": self.user_id,
            "outcome": self.outcome.value,
            "detail": dict(self.detail),
        }


class Audit:
    """The audit of all tenants. Every method is a transaction of its own and raises StoreUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def start(
        self, *, tenant: str, actor: str, action: str, user_id: str | None, detail: Mapping[str, Any]
    ) -> int:
        """Write the line of a change that is about to be made, and return its id. It is durable on return."""
        with self._database.transaction() as connection:
            ((line,),) = connection.execute(
                "INSERT INTO frontdesk.audit (tenant, actor, action, user_id, outcome, detail)"
                " VALUES (%s, %s, %s, %s, %s, %s) RETURNING id",
                (tenant, actor, action, user_id, AuditOutcome.STARTED, Jsonb(dict(detail))),
            ).fetchall()
        return int(line)

    def complete(
        self,
        line: int,
        outcome: AuditOutcome,
        *,
        user_id: str | None = None,
        detail: Mapping[str, Any] | None = None,
    ) -> None:
        """Say what came of it; `detail` is added, and `user_id` set where it was not known before."""
        with self._database.transaction() as connection:
            connection.execute(
                "UPDATE frontdesk.audit SET outcome = %s, user_id = coalesce(user_id, %s), detail = detail || %s"
                " WHERE id = %s",
                (outcome, user_id, Jsonb(dict(detail or {})), line),
            )

    def lines(
        self,
        tenant: str,
        *,
        now: datetime,
        user_id: str | None = None,
        before: int | None = None,
        limit: int = 100,
    ) -> Sequence[AuditLine]:
        """Return lines, the newest first, those with an id below `before`; MAX_LINES at most."""
        conditions = [sql.SQL("tenant = %(tenant)s")]
        if user_id is not None:
            conditions.append(sql.SQL("user_id = %(user_id)s"))
        if before is not None:
            conditions.append(sql.SQL("id < %(before)s"))
        query = sql.SQL(
            "SELECT id, at, tenant, actor, action, user_id, outcome, detail FROM frontdesk.audit"
            " WHERE {} ORDER BY id DESC LIMIT %(limit)s"
        ).format(sql.SQL(" AND ").join(conditions))
        values = {
            "tenant": tenant,
            "user_id": user_id,
            "before": before,
            "limit": min(max(limit, 1), MAX_LINES),
        }
        with self._database.transaction() as connection:
            rows = connection.execute(query, values).fetchall()
        return [_line(row, now) for row in rows]

    def forget(
        self, tenant: str, user_ids: Sequence[str], mark: str, *, completing: int | None = None
    ) -> int:
        """Take somebody out of the audit and return how many lines were about them.

        When, by whom and what stays, under `mark` in place of the id. `completing` is the erasure's own line, which is
        done in the same transaction.
        """
        with self._database.transaction() as connection:
            if completing is not None:
                connection.execute(
                    "UPDATE frontdesk.audit SET outcome = %s WHERE id = %s", (AuditOutcome.DONE, completing)
                )
            return connection.execute(
                "UPDATE frontdesk.audit SET user_id = %s, detail = '{}' WHERE tenant = %s AND user_id = ANY(%s)",
                (ERASED + mark, tenant, list(user_ids)),
            ).rowcount


def _line(row: TupleRow, now: datetime) -> AuditLine:
    line, at, tenant, actor, action, user_id, outcome, detail = row
    known = AuditOutcome(outcome)
    if known is AuditOutcome.STARTED and now - at > UNDER_WAY:
        known = AuditOutcome.UNKNOWN
    return AuditLine(
        id=line,
        at=at,
        tenant=tenant,
        actor=actor,
        action=action,
        user_id=user_id,
        outcome=known,
        detail=detail,
    )
