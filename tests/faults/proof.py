"""What was acknowledged, held against what is there once everything has settled."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg.rows import DictRow

from tests.acceptance.conftest import wait_for
from tests.faults.auth0_calls import profile_number
from tests.faults.house import TENANT, House
from tests.faults.ledger import Ledger, SentLogin, SentRecord

SETTLE_LIMIT_S = 300.0  # the longest wait of a job that is tried again is a minute
_WAITING = "SELECT count(*) AS count FROM frontdesk.deliveries WHERE state IN ('waiting', 'apart')"
_WAITING_SINCE = _WAITING + " AND received_at <= %s"
_JOBS = """
SELECT count(*) AS count FROM frontdesk.procrastinate_jobs
WHERE status = 'doing' OR status = 'todo' AND task_name IN (
    'drain_inbox', 'ingest_delivery', 'refresh_user', 'refresh_memberships', 'refresh_organization')
"""
_DEAD = """
SELECT state || ': ' || way || ': ' || coalesce(error, '') AS told FROM frontdesk.deliveries
WHERE state IN ('failed', 'dropped')
UNION ALL SELECT 'reject: ' || reason FROM frontdesk.stream_rejects
"""
_QUEUED_TWICE = """
SELECT call_id FROM frontdesk.deliveries WHERE call_id IS NOT NULL GROUP BY call_id HAVING count(*) > 1
"""
_ACTIVITIES = """
SELECT id, type, source, user_id, occurred_at, ip, user_agent FROM auth_activities WHERE tenant = %s
"""
_USERS = "SELECT user_id, name, last_seen, logins_count FROM users WHERE tenant = %s"


@dataclass
class Proof:
    """What is wrong, by kind; all empty when the promise was kept. `lost` and `duplicated` name what was sent."""

    lost: list[SentLogin | SentRecord] = field(default_factory=list)
    duplicated: list[SentLogin | SentRecord] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def told(self) -> str:
        """Return what is wrong in a few lines."""
        kinds: dict[str, list[Any]] = {"lost": self.lost, "duplicated": self.duplicated, "wrong": self.wrong}
        return "\n".join(
            f"{len(found)} {kind}, such as {found[:3]}" for kind, found in kinds.items() if found
        )


def settle(house: House) -> None:
    """Return when nothing waits in the inbox and no job is left but those that come again by the clock."""
    with house.store() as connection:
        wait_for(lambda: _number(connection, _WAITING) + _number(connection, _JOBS) == 0, SETTLE_LIMIT_S)


def is_caught_up(connection: psycopg.Connection[DictRow], until: Any) -> bool:
    """Whether all that was accepted until then stands in Hasura."""
    return _number(connection, _WAITING_SINCE, until) == 0


def proof_of(house: House, ledger: Ledger) -> Proof:
    """Compare the books with the rows."""
    proof = Proof()
    with house.rows() as rows, house.store() as store:
        users = {row["user_id"]: row for row in rows.execute(_USERS, (TENANT,)).fetchall()}
        activities = rows.execute(_ACTIVITIES, (TENANT,)).fetchall()
        twice = {row["call_id"] for row in store.execute(_QUEUED_TWICE).fetchall()}
        proof.wrong += [row["told"] for row in store.execute(_DEAD).fetchall()]
    _compare_logins(proof, ledger, users, twice)
    _compare_records(proof, ledger, users, activities)
    return proof


def _compare_logins(proof: Proof, ledger: Ledger, users: dict[str, DictRow], twice: set[str]) -> None:
    sent: dict[str, int] = {}
    for login in ledger.logins:
        sent[login.user_id] = max(sent.get(login.user_id, 0), login.number)
        if login.acknowledged_at is not None and not _stands(login, users.get(login.user_id)):
            proof.lost.append(login)
        if login.call_id in twice:
            proof.duplicated.append(login)
    for user_id, number in sent.items():
        row = users.get(user_id)
        # `logins_count` and the profile move together, unless somebody has made one up.
        if row is not None and (row["logins_count"] or 0) > number:
            proof.wrong.append(f"{user_id} has {row['logins_count']} logins of {number}")


def _stands(login: SentLogin, row: DictRow | None) -> bool:
    """Whether the row is as this login left it, or as a later one did."""
    return (
        row is not None
        and row["last_seen"] >= login.at
        and (row["logins_count"] or 0) >= login.number
        and profile_number(row["name"]) >= login.number
    )


def _compare_records(
    proof: Proof, ledger: Ledger, users: dict[str, DictRow], activities: list[DictRow]
) -> None:
    sent = {record.id: record for record in ledger.records}
    found: dict[str, list[DictRow]] = {}
    for row in activities:
        found.setdefault(row["id"], []).append(row)
    proof.wrong += [f"nobody sent the activity {id_}" for id_ in found if id_ not in sent]
    marks = [row["user_agent"] for row in activities if row["user_agent"] is not None]
    proof.wrong += [f"{mark} stands in two activities" for mark in _repeated(marks)]
    for record in ledger.records:
        rows = found.get(record.id, [])
        if record.acknowledged_at is not None and not (rows and _profile_stands(record, users)):
            proof.lost.append(record)
        if len(rows) > 1:
            proof.duplicated.append(record)
        proof.wrong += [
            f"{record.id}: {name} is {row[name]!r} and should be {expected!r}"
            for row in rows
            for name, expected in record.row().items()
            if row[name] != expected
        ]


def _profile_stands(record: SentRecord, users: dict[str, DictRow]) -> bool:
    if record.profile_number is None:
        return True
    row = users.get(record.user_id)
    return row is not None and profile_number(row["name"]) >= record.profile_number


def _repeated(marks: list[str]) -> Iterator[str]:
    seen: set[str] = set()
    for mark in marks:
        if mark in seen:
            yield mark
        seen.add(mark)


def _number(connection: psycopg.Connection[DictRow], statement: str, *values: Any) -> int:
    row = connection.execute(statement.encode(), values).fetchone()
    return 0 if row is None else int(row["count"])
