"""One batch of records into Hasura, and what is to be kept of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Protocol

from frontdesk.auth0.management import ManagementApi
from frontdesk.auth0.management_user import user_from_management
from frontdesk.auth0.single_user import read_user
from frontdesk.errors import PayloadInvalid
from frontdesk.hasura.bulk import RowOutcome, RowResult
from frontdesk.identity import Stamped, User
from frontdesk.store.passes import Reject, RunningPass, SeenUser, fits_a_key
from frontdesk.sync.importing.patience import Patience
from frontdesk.sync.importing.records import Judged, State

_STATES = {
    RowOutcome.WRITTEN: State.WRITTEN,
    RowOutcome.UNCHANGED: State.UNCHANGED,
    RowOutcome.REJECTED: State.REJECTED,
}


class BulkWriter(Protocol):
    """What writes many users to Hasura (`UserWriter`)."""

    def write_many(self, users: Sequence[User], *, budget_s: float) -> tuple[RowResult, ...]:
        """Write users of one tenant and return what each came to, in their order."""


@dataclass(frozen=True, kw_only=True)
class BatchDone:
    """What is kept of a batch once Hasura has it; `position` goes on after its last record."""

    position: Mapping[str, Any]
    seen: tuple[SeenUser, ...]
    rejects: tuple[Reject, ...]
    added: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class BatchWriter:
    """Writes batches; several threads may share it.

    `roles_read_at` is when the reading of roles began; None: roles are not sent. Without `api` nobody can be looked at
    again, and a row with a tombstone keeps it.
    """

    tenant: str
    run: RunningPass
    writer: BulkWriter
    api: ManagementApi | None
    budget_s: float
    patience: Patience
    clock: Callable[[], datetime]
    roles_read_at: datetime | None = None

    def write(self, batch: Sequence[Judged], way: str) -> BatchDone:
        """Write a batch and return what to keep of it. Raises HasuraUnavailable once patience ends, and Auth0Error."""
        users = self._with_roles([each.user for each in batch if each.user is not None])
        results = self._written(users)
        added = Counter(records=len(batch), unidentified=sum(not _identified(each) for each in batch))
        added.update(self._look_again([each for each in results if each.deleted_at is not None]))
        seen, rejects = _kept(batch, results)
        last = batch[-1].raw
        return BatchDone(
            position={"number": last.number, "resume": dict(last.resume), "way": way},
            seen=seen,
            rejects=rejects,
            added=added,
        )

    def _written(self, users: Sequence[User]) -> tuple[RowResult, ...]:
        if not users:
            return ()
        return self.patience.with_hasura(lambda: self.writer.write_many(users, budget_s=self.budget_s))

    def _with_roles(self, users: list[User]) -> list[User]:
        if self.roles_read_at is None or not users:
            return users
        roles = self.run.roles_of([user.user_id for user in users])
        read_at = self.roles_read_at
        return [replace(user, roles=Stamped(roles.get(user.user_id, ()), read_at)) for user in users]

    def _look_again(self, deleted: Sequence[RowResult]) -> Mapping[str, int]:
        """Ask Auth0 about users whom it listed and whose row is deleted; a read of the single user proves life."""
        if self.api is None:
            return {"gone": len(deleted)}
        alive: list[User] = []
        for result in deleted:
            read_at = self.clock()
            record = read_user(self.api, result.user_id)
            if record is None:
                continue
            try:
                alive.append(user_from_management(record, tenant=self.tenant, read_at=read_at, alive=True))
            except PayloadInvalid:
                continue  # it stays deleted; the record as it was listed is set aside or written all the same
        revived = sum(result.deleted_at is None for result in self._written(alive))
        return {"gone": len(deleted) - revived, "revived": revived}


def _kept(
    batch: Sequence[Judged], results: Sequence[RowResult]
) -> tuple[tuple[SeenUser, ...], tuple[Reject, ...]]:
    """Return whom the batch had, and what of it is set aside, in the records' order."""
    of_users = iter(results)
    seen: list[SeenUser] = []
    rejects: list[Reject] = []
    for each in batch:
        state, reason = State.FILTERED, each.reason
        if each.user is not None:
            result = next(of_users)
            state, reason = _STATES[result.outcome], result.detail
        if each.user is None and reason is not None:
            state = State.REJECTED
        if state is State.REJECTED:
            rejects.append(
                Reject(
                    number=each.raw.number,
                    user_id=each.user_id,
                    reason=reason or "Hasura refused the row",
                    record=each.raw.text,
                )
            )
        if each.user_id is not None and _identified(each):
            seen.append(SeenUser(user_id=each.user_id, state=state))
    return tuple(seen), tuple(rejects)


def _identified(judged: Judged) -> bool:
    return judged.user_id is not None and fits_a_key(judged.user_id)
