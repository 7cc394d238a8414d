"""What a record comes to before anything is written: a user, somebody whom the filter leaves out, or a reject."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import IntEnum

from frontdesk.auth0.management_user import user_from_management
from frontdesk.auth0.reading import RawRecord, Reading, Way
from frontdesk.errors import PayloadInvalid
from frontdesk.identity import Stamped, User
from frontdesk.identity.filters import UserFilter

MAX_BATCH_BYTES = 4 * 1024 * 1024  # metadata may take a megabyte a user, and memory is to stay flat


class State(IntEnum):
    """What became of somebody whom a pass has read."""

    WRITTEN = 1
    UNCHANGED = 2
    REJECTED = 3
    FILTERED = 4


STATE_NAMES: Mapping[int, str] = {state: state.name.lower() for state in State}


@dataclass(frozen=True, slots=True)
class Judged:
    """One record: `user` to be written, or `reason` why it is set aside, or neither when the filter leaves them out."""

    raw: RawRecord
    user_id: str | None
    user: User | None = None
    reason: str | None = None


class Judge:
    """Judges the records of one reading."""

    def __init__(self, tenant: str, reading: Reading, user_filter: UserFilter) -> None:
        self._tenant, self._reading, self._filter = tenant, reading, user_filter

    def judged(self, raw: RawRecord) -> Judged:
        """Return what the record comes to; it raises nothing for a bad one."""
        if raw.record is None:
            return Judged(raw, None, reason=raw.fault or "not a JSON object")
        user_id = raw.record.get("user_id")
        known = user_id if isinstance(user_id, str) and user_id else None
        try:
            user = user_from_management(
                raw.record, tenant=self._tenant, read_at=self._reading.read_at, carried=self._reading.carried
            )
        except PayloadInvalid as invalid:
            faults = [f"{fault.field}: expected {fault.expected}" for fault in invalid.faults]
            return Judged(raw, known, reason="; ".join(faults))
        user = self._as_old_as_it_is(user)
        return Judged(raw, user.user_id, user if self._filter.passes(user) else None)

    def _as_old_as_it_is(self, user: User) -> User:
        """Return a user of a file with a block no newer than the record: a copy of an old export has the copy's time.

        Auth0 changes `updated_at` with a block, so a later one wins over any file.
        """
        if self._reading.way is not Way.FILE or user.blocked is None or user.profile is None:
            return user
        at = min(user.blocked.at, user.profile.at)
        return replace(user, blocked=Stamped(user.blocked.value, at))


def batches(judged: Iterator[Judged], rows: int) -> Iterator[list[Judged]]:
    """Give the records in their order in batches of at most `rows`, fewer where they are large."""
    batch: list[Judged] = []
    size = 0
    for each in judged:
        batch.append(each)
        size += each.raw.size
        if len(batch) >= rows or size >= MAX_BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
