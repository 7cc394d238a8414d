"""The repair: what is missing or different is read a second time and written, what is extra is looked at one by one.

Whatever is done is taken from the marks right after Hasura has it, so a killed repair goes on with the rest, and what
it does twice changes nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeVar
from uuid import UUID

from frontdesk.auth0.management import ManagementApi
from frontdesk.auth0.management_user import user_from_management
from frontdesk.auth0.single_user import read_user
from frontdesk.errors import PayloadInvalid
from frontdesk.hasura.bulk import RowOutcome, RowResult
from frontdesk.hasura.rows import StoredRow
from frontdesk.hasura.user_write import write_for
from frontdesk.identity import Source, Stamped, User
from frontdesk.store.drift import DriftMarks, Mark, State
from frontdesk.store.passes import RunningPass
from frontdesk.sync.importing.records import Judge, batches
from frontdesk.sync.reconcile.everybody import begun, read_at, reading_of, with_roles
from frontdesk.sync.reconcile.order import Order
from frontdesk.sync.reconcile.place import Place

READ_AGAIN, LOOK = "read again", "look"  # the phases
# So few are looked at one by one, a call each; of more, everybody is read a second time, a call for a hundred.
MAX_SINGLE_LOOKS = 100
_LOOKS_AT_ONCE = 50
# What a second reading repairs, and what takes a look at the single user.
FROM_A_READING = (State.READ, State.DIFFERENT)
LOOKED_AT = (State.DELETED, State.EXTRA)

T = TypeVar("T")


def read_again(run: RunningPass, place: Place, order: Order) -> None:
    """Write everybody who is missing or different, from a second reading, going on where a killed one was.

    Raises Auth0Error, HasuraError.
    """
    marks = DriftMarks(run)
    with reading_of(run, place, order) as reading:
        judge = Judge(place.tenant, reading, place.filter)
        records = reading.records(begun(run, reading))
        for batch in batches(map(judge.judged, records), place.batch_rows):
            wanted = marks.marked(
                [each.user_id for each in batch if each.user_id is not None], FROM_A_READING
            )
            users = [each.user for each in batch if each.user is not None and each.user.user_id in wanted]
            later = [stepped(user, wanted[user.user_id].step_us) for user in with_roles(run, users)]
            results = _written(place, later)
            _keep(run, marks, results, {"resume": dict(batch[-1].raw.resume)})
            place.tell(READ_AGAIN, run.counts["repaired"], None)


def look_at_each(run: RunningPass, place: Place, api: ManagementApi, states: Collection[State]) -> None:
    """Ask Auth0 about every user who is in one of `states` still, and make the row what the answer says.

    Raises Auth0Error, HasuraError.
    """
    marks, after = DriftMarks(run), str(run.position.get("after", ""))
    while page := marks.page(states, after=after, limit=_LOOKS_AT_ONCE):
        after = page[-1].user_id
        looks = [_look(mark, run, place, api) for mark in page]
        results = _written(place, [look.user for look in looks if look.user is not None])
        counts = Counter(each.as_ for each in looks)
        settled = [look.user_id for look in looks if look.user is None and look.as_ == "gone"]
        _keep(run, marks, results, {"after": after}, settled=settled, added=counts)
        place.tell(LOOK, run.counts["repaired"], None)


@dataclass(frozen=True, slots=True)
class _Look:
    """What Auth0 says of one user: `user` is what to write, and `as_` what it counts as."""

    user_id: str
    as_: str
    user: User | None = None


def _look(mark: Mark, run: RunningPass, place: Place, api: ManagementApi) -> _Look:
    asked_at = place.now()
    record = read_user(api, mark.user_id)
    if record is None:
        return _gone(mark, run, place, asked_at)
    try:
        user = user_from_management(record, tenant=place.tenant, read_at=asked_at, alive=True)
    except PayloadInvalid:
        return _Look(mark.user_id, "unreadable")
    if not place.filter.passes(user):
        return _Look(mark.user_id, "left_out")
    (user,) = with_roles(run, [user])
    row = place.rows.one(place.tenant, mark.user_id)
    return _Look(mark.user_id, "found", user if row is None else stepped(user, _step(user, row, place)))


def _gone(mark: Mark, run: RunningPass, place: Place, asked_at: datetime) -> _Look:
    """Return the tombstone of a user whom Auth0 does not know; none where there is no row, or one already."""
    if mark.state in (State.READ, State.DELETED):
        return _Look(mark.user_id, "gone")
    # Whom the reading had is gone since; anybody else was gone before it.
    at = asked_at if mark.state is State.DIFFERENT else read_at(run)
    row = place.rows.one(place.tenant, mark.user_id)
    if row is None:
        return _Look(mark.user_id, "gone")
    born = row.columns.get("createdAt")
    return _Look(
        mark.user_id,
        "buried",
        User(
            tenant=place.tenant,
            user_id=mark.user_id,
            source=Source.PROFILE,
            # So that another incarnation with this id lifts it, whatever the clocks of both sides say.
            born=datetime.fromisoformat(born) if isinstance(born, str) else None,
            deleted=at,
        ),
    )


def _step(user: User, row: StoredRow, place: Place) -> int:
    """Return how far the clock has to go on; the row may be another one than when it was compared."""
    layout = place.layout
    fingerprint = layout.fingerprint(write_for(user, write_id=UUID(int=0), rules=place.rules))
    return layout.compare(fingerprint, row.columns, row.clocks).step_us


def _written(place: Place, users: Sequence[User]) -> Sequence[RowResult]:
    return place.writer.write_many(users, budget_s=place.batch_budget_s) if users else ()


def stepped(user: User, step_us: int) -> User:
    """Return a user whose record is that much newer, so that it wins over another content at its own clock.

    Auth0's times are whole milliseconds, so it wins over nothing newer.
    """
    if not step_us:
        return user
    later = timedelta(microseconds=step_us)
    return replace(
        user,
        profile=_later(user.profile, later),
        app_metadata=_later(user.app_metadata, later),
        user_metadata=_later(user.user_metadata, later),
        login=_later(user.login, later),
    )


def _later(group: Stamped[T] | None, later: timedelta) -> Stamped[T] | None:
    return None if group is None else Stamped(group.value, group.at + later)


def _keep(
    run: RunningPass,
    marks: DriftMarks,
    results: Sequence[RowResult],
    position: dict[str, object],
    *,
    settled: Sequence[str] = (),
    added: Counter[str] | None = None,
) -> None:
    done = [each.user_id for each in results if each.outcome is not RowOutcome.REJECTED]
    counts = Counter(added or {})
    counts["repaired"] += len(done)
    counts["refused"] += len(results) - len(done)
    marks.compared(settled=[*done, *settled], marks=(), added=counts, position=position)
