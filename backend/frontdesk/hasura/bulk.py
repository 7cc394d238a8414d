"""Many users at once: batches of one set of columns, what each row came to, and how a bad row fails alone."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Generic, TypeVar

from frontdesk.errors import HasuraRejected, HasuraUnavailable
from frontdesk.hasura.user_write import UserWrite

MAX_ROWS = 500  # more to a statement is no faster, and holds its locks longer
# Metadata may be 1 MB a user; Hasura holds a request in memory several times.
MAX_BATCH_BYTES = 2 * 1024 * 1024
# Refusals of the request as it is, whatever its rows: no half of it would fare better.
_OF_THE_REQUEST = frozenset({"access-denied", "invalid-headers", "invalid-jwt", "not-found"})
# So many rows alone refused as ill-formed, and none taken: the schema lacks something that every row has.
_ENOUGH_ILL_FORMED = 3

# What Hasura says when PostgreSQL ends one of two writers that wait for each other, and of a fault in a trigger.
_PERHAPS_A_DEADLOCK = "unexpected"

Row = TypeVar("Row")
Outcome = TypeVar("Outcome")


class RowOutcome(StrEnum):
    """What a write came to for one user."""

    WRITTEN = "written"
    UNCHANGED = "unchanged"
    REJECTED = "rejected"


@dataclass(frozen=True, kw_only=True, slots=True)
class RowResult:
    """One user of a bulk write. `detail` says why a row was rejected; `deleted_at` is the tombstone as it stands."""

    user_id: str
    outcome: RowOutcome
    detail: str | None = None
    deleted_at: datetime | None = None


def batches(writes: Sequence[UserWrite]) -> Iterable[list[int]]:
    """Give the positions of writes that may share a mutation: one tenant, one set of columns, no key twice."""
    lanes: dict[Any, list[int]] = {}
    seen: Counter[tuple[str, str]] = Counter()
    for position, write in enumerate(writes):
        key = (write.tenant, write.user_id)
        lanes.setdefault((write.tenant, write.columns, seen[key]), []).append(position)
        seen[key] += 1
    for lane in lanes.values():
        # One order of locks everywhere, so that two batches wait for each other instead of deadlocking.
        lane.sort(key=lambda position: writes[position].user_id)
        yield from _bounded(lane, writes)


def _bounded(lane: Sequence[int], writes: Sequence[UserWrite]) -> Iterable[list[int]]:
    batch: list[int] = []
    size = 0
    for position in lane:
        own = _size(writes[position].object)
        if batch and (len(batch) == MAX_ROWS or size + own > MAX_BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(position)
        size += own
    if batch:
        yield batch


def _size(values: Mapping[str, Any]) -> int:
    """Return about how many bytes a row takes; only what Auth0 leaves unbounded counts."""
    return sum(len(json.dumps(value)) for value in values.values() if isinstance(value, dict | list))


def results_of(answer: Any, writes: Sequence[UserWrite]) -> list[RowResult]:
    """Return what the answer to `write_users.graphql` says of each write. Raises HasuraUnavailable."""
    try:
        stored = {row["userId"]: row for row in answer["insert_users"]["returning"]}
        return [_result(write, stored[write.user_id]) for write in writes]
    except (AttributeError, KeyError, TypeError, ValueError):
        raise HasuraUnavailable("Hasura did not give back the rows that it wrote") from None


def _result(write: UserWrite, row: Mapping[str, Any]) -> RowResult:
    deleted_at = row["deletedAt"]
    return RowResult(
        user_id=write.user_id,
        outcome=RowOutcome.WRITTEN if row["writeId"] == write.object["writeId"] else RowOutcome.UNCHANGED,
        deleted_at=None if deleted_at is None else datetime.fromisoformat(deleted_at),
    )


def rejected(write: UserWrite, err: HasuraRejected) -> RowResult:
    """Return the result of a row that Hasura refused."""
    return RowResult(user_id=write.user_id, outcome=RowOutcome.REJECTED, detail=err.detail)


class Halving(Generic[Row, Outcome]):
    """Sends rows; when Hasura refuses them, sends each half, until a bad row stands alone.

    What refuses every row alike is no fault of a row, and is raised: HasuraRejected.
    """

    def __init__(
        self,
        send: Callable[[Sequence[Row]], Sequence[Outcome]],
        refused: Callable[[Row, HasuraRejected], Outcome],
    ) -> None:
        self._send, self._refused = send, refused
        self._taken = self._ill_formed = 0

    def outcomes(self, rows: Sequence[Row]) -> list[Outcome]:
        """Return one outcome per row, in their order. Raises HasuraUnavailable, and HasuraRejected as said above."""
        try:
            outcomes = list(self._send(rows))
        except HasuraRejected as err:
            return self._apart(rows, err)
        self._taken += len(rows)
        return outcomes

    def _apart(self, rows: Sequence[Row], err: HasuraRejected) -> list[Outcome]:
        if err.code in _OF_THE_REQUEST:
            raise err
        if len(rows) > 1:
            middle = len(rows) // 2
            return self.outcomes(rows[:middle]) + self.outcomes(rows[middle:])
        if err.code == _PERHAPS_A_DEADLOCK:
            return self._once_more(rows)
        return self._alone(rows, err)

    def _once_more(self, rows: Sequence[Row]) -> list[Outcome]:
        try:
            return list(self._send(rows))
        except HasuraRejected as again:
            return self._alone(rows, again)

    def _alone(self, rows: Sequence[Row], err: HasuraRejected) -> list[Outcome]:
        self._ill_formed += err.code == "validation-failed"
        if self._ill_formed >= _ENOUGH_ILL_FORMED and not self._taken:
            raise err
        return [self._refused(rows[0], err)]
