"""Adds activities, many to a mutation, and removes old ones, as role `frontdesk`.

Auth0's id is the key, so adding one again changes nothing: there is no order to keep and nothing to compare.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec

from frontdesk.errors import HasuraRejected, HasuraUnavailable
from frontdesk.hasura.bulk import MAX_BATCH_BYTES, MAX_ROWS, Halving
from frontdesk.hasura.graphql import Document, GraphqlClient
from frontdesk.hasura.transport import Deadline
from frontdesk.identity.activity import Activity

ROLE = "frontdesk"
ADD_ACTIVITIES = Document("add_activities")
OLDEST_ACTIVITIES = Document("oldest_activities")
DROP_ACTIVITIES = Document("drop_activities")
DROPPED_AT_ONCE = 5000  # removed in one transaction


class ActivityOutcome(StrEnum):
    """What adding an activity came to."""

    ADDED = "added"
    KNOWN = "known"
    REJECTED = "rejected"


@dataclass(frozen=True, kw_only=True, slots=True)
class ActivityResult:
    """One activity of a call. `detail` says why it was rejected."""

    id: str
    outcome: ActivityOutcome
    detail: str | None = None


class ActivityWriter:
    """Adds and removes activities. Threads may share it, processes may not."""

    def __init__(self, url: str, admin_secret: str) -> None:
        self._client = GraphqlClient(url, admin_secret=admin_secret, role=ROLE, write=_json)

    def close(self) -> None:
        """Let go of connections."""
        self._client.close()

    def add_many(
        self, activities: Sequence[Activity], *, tenant: str, budget_s: float
    ) -> tuple[ActivityResult, ...]:
        """Add activities of one tenant and return what each came to, in their order; a bad one fails alone.

        Of two with one id the first is added. Raises HasuraUnavailable when there was no usable answer in time: some
        may have arrived, and adding all of them again does no harm. Raises HasuraRejected when Hasura refuses
        whatever the rows are.
        """
        deadline = Deadline.after(budget_s)
        halving = Halving(lambda batch: self._add(batch, tenant, deadline), _rejected)
        results: list[ActivityResult] = []
        for batch in _batches([activity_object(activity) for activity in activities]):
            results += halving.outcomes(batch)
        return tuple(results)

    def drop_older(self, tenant: str, before: datetime, *, budget_s: float) -> int:
        """Remove the activities of before a time, oldest first and some thousands at once; return how many went.

        Stops when the budget is used up, with what is left for the next call. Raises as `add_many` does.
        """
        deadline = Deadline.after(budget_s)
        dropped = 0
        while not deadline.is_over():
            until = self._end_of_step(tenant, before, deadline)
            dropped += self._drop(tenant, until or before, before, deadline)
            if until is None:
                break
        return dropped

    def _add(
        self, objects: Sequence[dict[str, Any]], tenant: str, deadline: Deadline
    ) -> list[ActivityResult]:
        answer = self._client.execute(
            ADD_ACTIVITIES, {"activities": list(objects)}, tenant=tenant, deadline=deadline
        )
        try:
            added = {row["id"] for row in answer["insert_auth_activities"]["returning"]}
        except (KeyError, TypeError):
            raise HasuraUnavailable("Hasura did not give back the rows that it wrote") from None
        results = []
        for each in objects:
            outcome = ActivityOutcome.ADDED if each["id"] in added else ActivityOutcome.KNOWN
            added.discard(each["id"])  # a second one of this id was known by then
            results.append(ActivityResult(id=each["id"], outcome=outcome))
        return results

    def _end_of_step(self, tenant: str, before: datetime, deadline: Deadline) -> str | None:
        """Return the time of the last one of a step; None when what is left is less than a step."""
        variables = {"before": before.isoformat(), "offset": DROPPED_AT_ONCE - 1}
        answer = self._client.execute(OLDEST_ACTIVITIES, variables, tenant=tenant, deadline=deadline)
        try:
            return next((str(row["occurredAt"]) for row in answer["auth_activities"]), None)
        except (KeyError, TypeError):
            raise HasuraUnavailable("Hasura answered activities of an unexpected shape") from None

    def _drop(self, tenant: str, until: str | datetime, before: datetime, deadline: Deadline) -> int:
        variables = {"until": str(until), "before": before.isoformat()}
        answer = self._client.execute(DROP_ACTIVITIES, variables, tenant=tenant, deadline=deadline)
        try:
            return int(answer["delete_auth_activities"]["affected_rows"])
        except (KeyError, TypeError, ValueError):
            raise HasuraUnavailable("Hasura did not say how many rows went") from None


def activity_object(activity: Activity) -> dict[str, Any]:
    """Return an activity as GraphQL takes it, without what is null anyway; the tenant is the session's."""
    columns = {
        "id": activity.id,
        "type": activity.type,
        "activity": activity.activity,
        "source": activity.source,
        "counts": activity.counts,
        "occurredAt": activity.occurred_at.isoformat(),
        "userId": activity.user_id,
        "userName": activity.user_name,
        "connection": activity.connection,
        "connectionId": activity.connection_id,
        "clientId": activity.client_id,
        "clientName": activity.client_name,
        "organizationId": activity.organization_id,
        "ip": activity.ip,
        "userAgent": activity.user_agent,
        "hostname": activity.hostname,
        "location": activity.location,
        "description": activity.description,
        "reason": activity.reason,
        "details": activity.details,
        "raw": activity.raw,
    }
    return {name: value for name, value in columns.items() if value is not None}


def _batches(objects: Sequence[dict[str, Any]]) -> Iterable[list[dict[str, Any]]]:
    """Give the objects in batches of bounded number and size, in their order."""
    batch: list[dict[str, Any]] = []
    size = 0
    for each in objects:
        own = len(_json((each.get("details"), each.get("raw"))))
        if batch and (len(batch) == MAX_ROWS or size + own > MAX_BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(each)
        size += own
    if batch:
        yield batch


def _json(value: Any) -> bytes:
    try:
        return msgspec.json.encode(value)
    except UnicodeEncodeError:
        return json.dumps(value).encode()  # half a surrogate pair is no text, and can be written as JSON


def _rejected(row: dict[str, Any], err: HasuraRejected) -> ActivityResult:
    return ActivityResult(id=row["id"], outcome=ActivityOutcome.REJECTED, detail=err.detail)
