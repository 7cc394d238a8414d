"""Several deliveries of one tenant become rows together: users, then activities, then the hints of what to read again.

Any step may be done twice: users carry their own times, activities the id of their record, and a hint is a question.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from itertools import islice
from typing import TypeVar

import structlog

from frontdesk.errors import HasuraUnavailable
from frontdesk.hasura.activities import ActivityOutcome
from frontdesk.hasura.bulk import RowOutcome
from frontdesk.identity import User
from frontdesk.identity.activity import Activity, Refresh, RefreshKind
from frontdesk.identity.log_codes import SIGNUP
from frontdesk.store.inbox import Delivery
from frontdesk.store.stream_marks import Received
from frontdesk.sync.deferred import SIGNED_WAYS
from frontdesk.sync.ingest.place import IngestPlace
from frontdesk.sync.ingest.records import LOG_WAYS, ReadRecord, read_records

# One change makes several records within a moment: they come to one reading, and that one is after the last of them.
REFRESH_DELAY_S = 1.0
# Strangers sign up as often as they like: no block that an administrator has set waits behind them.
NEWCOMERS_PRIORITY = -10
TASKS = {
    RefreshKind.USER: ("refresh_user", "user_id", "refresh"),
    RefreshKind.MEMBERSHIPS: ("refresh_memberships", "user_id", "memberships"),
    RefreshKind.ORGANIZATION: ("refresh_organization", "organization_id", "organization"),
}

# Of one delivery may come 100,000: each step has the budget of the place to itself, and alone is in memory.
RECORDS_OF_A_STEP = 1000
RECORDS_OF_A_CAREFUL_STEP = 50
SILENT_IN_A_ROW = 2  # then it is Hasura that is away, and no record that it cannot answer

_log = structlog.stdlib.get_logger(__name__)

T = TypeVar("T")
# What is set aside, and why, by the record's identity: one record has one line, whatever of it was refused.
Faults = dict[int, tuple[ReadRecord, str | None]]


@dataclass(frozen=True, kw_only=True)
class Ingested:
    """What deliveries came to: records, of which some were `rejected`; activities `added` and such as were there
    already (`unchanged`); rows of users written, and hints, of which those that nobody follows are `unread`.
    """

    deliveries: int = 0
    records: int = 0
    added: int = 0
    unchanged: int = 0
    rejected: int = 0
    filtered: int = 0
    users: int = 0
    refreshes: int = 0
    unread: int = 0


def ingest(place: IngestPlace, deliveries: Sequence[Delivery], *, careful: bool = False) -> Ingested:
    """Bring deliveries to Hasura and mark them as done; a record that cannot be taken is kept with its error.

    `careful` takes few records at a time, and goes on after some to which Hasura gave no answer.
    Raises HasuraUnavailable and StoreUnavailable: then all of it is to be done again. Raises HasuraRejected when Hasura
    refuses whatever the rows are, and PayloadInvalid for a delivery that has no records at all.
    """
    came = Ingested(deliveries=len(deliveries))
    silent: list[HasuraUnavailable] = []
    in_a_row = 0
    for records in _steps(deliveries, RECORDS_OF_A_CAREFUL_STEP if careful else RECORDS_OF_A_STEP):
        try:
            came, in_a_row = _sum(came, _step(place, records)), 0
        except HasuraUnavailable as error:
            silent, in_a_row = [*silent, error], in_a_row + 1
            if not careful or in_a_row >= SILENT_IN_A_ROW:
                raise
        place.inbox.still_held()
    if silent:
        raise silent[0]
    place.inbox.done([delivery.id for delivery in deliveries])
    return came


def _steps(deliveries: Sequence[Delivery], at_once: int) -> Iterator[list[ReadRecord]]:
    records = (record for delivery in deliveries for record in read_records(delivery))
    while step := list(islice(records, at_once)):
        yield step


def _sum(one: Ingested, other: Ingested) -> Ingested:
    return Ingested(
        **{each.name: getattr(one, each.name) + getattr(other, each.name) for each in fields(Ingested)}
    )


def _step(place: IngestPlace, records: Sequence[ReadRecord]) -> Ingested:
    """Bring some records to Hasura."""
    filtered = [record for record in records if _is_left_out(place, record)]
    left_out = {id(record) for record in filtered}
    taken = [record for record in records if record.incoming is not None and id(record) not in left_out]
    faults: Faults = {id(record): (record, record.fault) for record in records if record.fault is not None}

    users = [(record, user) for record in taken for user in _wanted(place, record)]
    written = _users(place, users, faults)
    activities = [(record, activity) for record in taken for activity in _activity(record)]
    added, unchanged = _activities(place, activities, faults)
    hints, of_newcomers = _hints(taken)
    if place.reads_auth0:
        defer_refreshes(place, hints)
        defer_refreshes(place, of_newcomers, priority=NEWCOMERS_PRIORITY)
    _keep_faults(place, faults)
    _note_marks(place, records, activities)
    return Ingested(
        records=len(records),
        added=added,
        unchanged=unchanged,
        rejected=len(faults),
        filtered=len(filtered),
        users=written,
        refreshes=len(hints | of_newcomers),
        unread=0 if place.reads_auth0 else len(hints | of_newcomers),
    )


def _keep_faults(place: IngestPlace, faults: Faults) -> None:
    for record, fault in faults.values():
        place.inbox.reject(
            record.delivery.id,
            number=record.number,
            record_id=record.record_id,
            reason=fault or "Hasura refused it",
            record=record.text,
        )


def _hints(records: Iterable[ReadRecord]) -> tuple[set[Refresh], set[Refresh]]:
    """Return what is to be read again, and apart what sign-ups hint at."""
    hints: set[Refresh] = set()
    of_newcomers: set[Refresh] = set()
    for record in records:
        if (incoming := record.incoming) is not None:
            is_newcomer = incoming.activity is not None and incoming.activity.activity == SIGNUP
            (of_newcomers if is_newcomer else hints).update(incoming.refreshes)
    return hints, of_newcomers - hints


def defer_refreshes(place: IngestPlace, hints: Iterable[Refresh], *, priority: int = 0) -> None:
    """Have each read again once, also when it waits for that already. Raises StoreUnavailable."""
    by_task: dict[str, dict[str, dict[str, str]]] = {}
    for hint in sorted(hints, key=lambda hint: (hint.kind, hint.id)):
        task, argument, lock = TASKS[hint.kind]
        arguments = {"tenant": place.tenant, argument: hint.id}
        by_task.setdefault(task, {})[f"{lock}:{place.tenant}:{hint.id}"] = arguments
    for task, jobs in by_task.items():
        place.queue.defer_many(task, jobs, delay_s=REFRESH_DELAY_S, priority=priority)


def _is_left_out(place: IngestPlace, record: ReadRecord) -> bool:
    """Tell whether a kept call is about somebody whom the filter leaves out: then nothing of it is written."""
    if record.incoming is None or record.delivery.way not in SIGNED_WAYS:
        return False
    return any(place.filter.why_left_out(user) for user in record.incoming.users)


def _wanted(place: IngestPlace, record: ReadRecord) -> Sequence[User]:
    """Return the users of a record who are to be written; a deletion always is."""
    if record.incoming is None:
        return ()
    return [
        user
        for user in record.incoming.users
        if user.deleted is not None or not place.filter.why_left_out(user)
    ]


def _activity(record: ReadRecord) -> Sequence[Activity]:
    return () if record.incoming is None or record.incoming.activity is None else (record.incoming.activity,)


def _users(place: IngestPlace, users: Sequence[tuple[ReadRecord, User]], faults: Faults) -> int:
    """Write users and return how many rows changed; a record whose user is refused gets a fault."""
    if not users:
        return 0
    results = place.users.write_many([user for _, user in users], budget_s=place.budget_s)
    for (record, _), result in zip(users, results, strict=True):
        if result.outcome is RowOutcome.REJECTED:
            faults[id(record)] = (record, result.detail)
    return sum(result.outcome is RowOutcome.WRITTEN for result in results)


def _activities(
    place: IngestPlace, activities: Sequence[tuple[ReadRecord, Activity]], faults: Faults
) -> tuple[int, int]:
    """Add activities and return how many are new, and how many were there; one that is refused gets a fault."""
    if not activities:
        return 0, 0
    told = [activity for _, activity in activities]
    results = place.activities.add_many(told, tenant=place.tenant, budget_s=place.budget_s)
    for (record, _), result in zip(activities, results, strict=True):
        if result.outcome is ActivityOutcome.REJECTED:
            faults[id(record)] = (record, result.detail)
    outcomes = [result.outcome for result in results]
    return outcomes.count(ActivityOutcome.ADDED), outcomes.count(ActivityOutcome.KNOWN)


def _note_marks(
    place: IngestPlace, records: Sequence[ReadRecord], activities: Sequence[tuple[ReadRecord, Activity]]
) -> None:
    """Keep how far each way in has come."""
    received = _by(lambda pair: pair[0].delivery.way, activities)
    for way, arrived in _by(lambda record: record.delivery.way, records).items():
        if way in SIGNED_WAYS:
            continue
        place.marks.note(
            place.tenant,
            way,
            [
                Received(at=activity.occurred_at, log_id=activity.id if way in LOG_WAYS else None)
                for _, activity in received.get(way, ())
            ],
            received_at=max(record.delivery.received_at for record in arrived),
        )


def _by(key: Callable[[T], str], things: Iterable[T]) -> dict[str, list[T]]:
    found: dict[str, list[T]] = {}
    for thing in things:
        found.setdefault(key(thing), []).append(thing)
    return found
