"""The first phase of a pass: everybody at Auth0 becomes a fingerprint in frontdesk's own database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from frontdesk.auth0.everyone import Reading, choose_way, count, read_everybody, read_file
from frontdesk.hasura.fingerprint import Layout
from frontdesk.hasura.user_write import write_for
from frontdesk.identity import JsonObject, Stamped, User
from frontdesk.store.drift import State
from frontdesk.store.passes import Reject, RunningPass, SeenUser, fits_a_key
from frontdesk.sync.importing.records import Judge, Judged, batches
from frontdesk.sync.reconcile.order import Order
from frontdesk.sync.reconcile.place import Place

READ = "read"  # the phase
BATCH_RECORDS = 500
_COUNTED = {State.READ: "read", State.FILTERED: "filtered", State.REJECTED: "rejected"}
_NO_ID = UUID(int=0)


def read_into(run: RunningPass, place: Place, order: Order) -> None:
    """Read everybody into the pass, from where a killed one was; afterwards its detail has what the reading was.

    Raises Auth0Error, FileUnreadable.
    """
    layout = place.layout
    with reading_of(run, place, order) as reading:
        judge = Judge(place.tenant, reading, place.filter)
        records = reading.records(begun(run, reading))
        for batch in batches(map(judge.judged, records), BATCH_RECORDS):
            _note_the_beginning(run, reading)
            run.advance(
                position={"resume": dict(batch[-1].raw.resume)},
                seen=_seen(run, place, layout, batch),
                rejects=[_reject(each) for each in batch if each.reason is not None],
                states={int(state): name for state, name in _COUNTED.items()},
                added={"without_id": sum(not _has_key(each) for each in batch)},
            )
            place.tell(READ, people_read(run), reading.total)
        _note_the_beginning(run, reading)
        run.note(
            way=reading.way.value,
            why=reading.why,
            complete=reading.complete,
            shortfall=reading.shortfall,
            total_after=None if place.api is None or not order.reads_auth0 else count(place.api),
        )


def reading_of(run: RunningPass, place: Place, order: Order) -> Reading:
    """Return a reading by the way that the numbers suggest, or that somebody named."""
    if order.file is not None:
        return read_file(order.file)
    if place.api is None:
        raise ValueError("a tenant is read through its Management API")
    if "total" not in run.detail:
        run.note(total=count(place.api))
    total: int = run.detail["total"]
    choice = choose_way(total, job_from_users=place.job_from_users, named=order.way)
    return read_everybody(place.api, choice, total=total, job_wait_s=place.job_wait_s)


def begun(run: RunningPass, reading: Reading) -> JsonObject:
    """Begin a reading where the pass stands, and keep that at once, so that a killed pass asks for no second job."""
    position = reading.begin(run.position.get("resume"))
    run.advance(position={"resume": dict(position)})
    return position


def people_read(run: RunningPass) -> int:
    """Return how many different people were read, rejected and filtered ones too."""
    return sum(run.counts[name] for name in _COUNTED.values())


def read_at(run: RunningPass) -> datetime:
    """Return a time at which nothing of the reading had been read yet."""
    return datetime.fromisoformat(run.detail["read_at"])


def with_roles(run: RunningPass, users: Sequence[User]) -> list[User]:
    """Return users with the roles that the pass has read; as they are when it has read none."""
    at = run.detail.get("roles_read_at")
    if at is None or not users:
        return list(users)
    roles, when = run.roles_of([user.user_id for user in users]), datetime.fromisoformat(at)
    return [replace(user, roles=Stamped(roles.get(user.user_id, ()), when)) for user in users]


def _note_the_beginning(run: RunningPass, reading: Reading) -> None:
    # Of a job the time is known with its first record; a resumed reading has a later one, which says less.
    if "read_at" not in run.detail:
        run.note(read_at=reading.read_at.isoformat())


def _seen(run: RunningPass, place: Place, layout: Layout, batch: Sequence[Judged]) -> list[SeenUser]:
    users = with_roles(run, [each.user for each in batch if each.user is not None])
    seen = [
        SeenUser(
            user_id=user.user_id,
            state=State.READ,
            digests=layout.fingerprint(write_for(user, write_id=_NO_ID, rules=place.rules)),
        )
        for user in users
        if fits_a_key(user.user_id)
    ]
    for each in batch:
        if each.user is None and each.user_id is not None and _has_key(each):
            state = State.FILTERED if each.reason is None else State.REJECTED
            seen.append(SeenUser(user_id=each.user_id, state=state))
    return seen


def _has_key(judged: Judged) -> bool:
    return judged.user_id is not None and fits_a_key(judged.user_id)


def _reject(judged: Judged) -> Reject:
    return Reject(
        number=judged.raw.number,
        user_id=judged.user_id,
        reason=judged.reason or "",
        record=judged.raw.text,
    )
