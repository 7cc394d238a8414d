"""The one write path of users and activities, as role `frontdesk`, and what the database says of users."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from pydantic import BaseModel, Field, ValidationError

from frontdesk.errors import HasuraUnavailable
from frontdesk.hasura.activities import ADD_ACTIVITIES, activity_object
from frontdesk.hasura.bulk import Halving, RowResult, batches, rejected, results_of
from frontdesk.hasura.graphql import Document, GraphqlClient
from frontdesk.hasura.group_commit import GroupCommit
from frontdesk.hasura.transport import Deadline
from frontdesk.hasura.user_write import UserWrite, write_for
from frontdesk.identity.activity import Activity
from frontdesk.identity.fields import NO_RULES, FieldRules
from frontdesk.identity.user import StoredUser, User
from frontdesk.request_ids import current_request_id, working_for

ROLE = "frontdesk"
CHECK_IN = Document("check_in")
WRITE_USERS = Document("write_users")


class UserWriter:
    """Writes users and activities through Hasura.

    Threads share one writer, and it survives a fork: connections are per process.
    """

    def __init__(
        self,
        url: str,
        admin_secret: str,
        *,
        rules: FieldRules = NO_RULES,
        new_id: Callable[[], UUID] = uuid4,
    ) -> None:
        self._url, self._admin_secret, self._rules, self._new_id = url, admin_secret, rules, new_id
        self._lock = threading.Lock()
        self._process: int | None = None
        self._client: GraphqlClient
        self._rows: GroupCommit[UserWrite, StoredUser]
        start_afresh = weakref.WeakMethod(self._start_afresh)
        os.register_at_fork(after_in_child=lambda: (start_afresh() or _nothing)())

    def write(self, user: User, *, budget_s: float) -> StoredUser:
        """Write one user and return what the database says of them, whether or not the write changed anything.

        Returns or raises within `budget_s`. Raises HasuraUnavailable when there was no usable answer in time (the
        write may still have arrived), HasuraRejected when Hasura refused this very row.
        """
        deadline = Deadline.after(budget_s)
        write = write_for(user, write_id=self._new_id(), rules=self._rules)
        write = replace(write, request_id=current_request_id())  # it is sent by another thread
        lane = (write.tenant, write.columns)
        return self._connected().submit(write, lane=lane, key=write.user_id, deadline=deadline)

    def write_many(self, users: Sequence[User], *, budget_s: float) -> tuple[RowResult, ...]:
        """Write any number of users and return what each came to, in their order; a bad row fails alone.

        Several threads may write at once. Raises HasuraUnavailable when there was no usable answer in time: some
        rows may have arrived, and writing all of them again does no harm. Raises HasuraRejected when Hasura refuses
        whatever the rows are.
        """
        deadline = Deadline.after(budget_s)
        self._connected()
        writes = [write_for(user, write_id=self._new_id(), rules=self._rules) for user in users]
        results: dict[int, RowResult] = {}
        halving = Halving(lambda batch: self._send_many(batch, deadline), rejected)
        for positions in batches(writes):
            outcomes = halving.outcomes([writes[position] for position in positions])
            results.update(zip(positions, outcomes, strict=True))
        return tuple(results[position] for position in range(len(writes)))

    def record(self, activity: Activity, *, budget_s: float) -> None:
        """Add an activity; one that is there already stays as it is. Raises as `write` does."""
        deadline = Deadline.after(budget_s)
        self._connected()
        variables = {"activities": [activity_object(activity)]}
        self._client.execute(ADD_ACTIVITIES, variables, tenant=activity.tenant, deadline=deadline)

    def close(self) -> None:
        """Let go of connections and threads."""
        with self._lock:
            if self._process == os.getpid():
                self._rows.close()
                self._client.close()
            self._process = None

    def _connected(self) -> GroupCommit[UserWrite, StoredUser]:
        with self._lock:
            if self._process != os.getpid():
                self._client = GraphqlClient(self._url, admin_secret=self._admin_secret, role=ROLE)
                self._rows = GroupCommit(self._send)
                self._process = os.getpid()
            return self._rows

    def _start_afresh(self) -> None:
        # A thread of the parent may have held the lock at the fork; nobody would ever release it here.
        self._lock = threading.Lock()

    def _send_many(self, writes: Sequence[UserWrite], deadline: Deadline) -> list[RowResult]:
        variables = {"objects": [write.object for write in writes], "updateColumns": writes[0].columns}
        answer = self._client.execute(WRITE_USERS, variables, tenant=writes[0].tenant, deadline=deadline)
        return results_of(answer, writes)

    def _send(self, writes: Sequence[UserWrite], deadline: Deadline) -> list[StoredUser]:
        """Send rows of one tenant and one set of columns as one mutation."""
        # One order of locks in every process, so that two batches wait for each other instead of deadlocking.
        objects = [write.object for write in sorted(writes, key=lambda write: write.user_id)]
        variables = {"objects": objects, "updateColumns": writes[0].columns}
        with working_for([write.request_id for write in writes]):
            answer = self._client.execute(CHECK_IN, variables, tenant=writes[0].tenant, deadline=deadline)
        stored = _stored_users(answer)
        try:
            return [stored[write.user_id] for write in writes]
        except KeyError:
            raise HasuraUnavailable("Hasura did not give back the rows that it wrote") from None


def _nothing() -> None:
    """Stand in for the method of a writer that is gone."""


class _Grant(BaseModel):
    role: str


class _Row(BaseModel):
    user_id: str = Field(alias="userId")
    blocked: bool = Field(strict=True)
    deleted_at: datetime | None = Field(alias="deletedAt")
    roles: list[_Grant]


class _Written(BaseModel):
    returning: list[_Row]


class _CheckIn(BaseModel):
    insert_users: _Written


def _stored_users(answer: Any) -> dict[str, StoredUser]:
    try:
        rows = _CheckIn.model_validate(answer).insert_users.returning
    except ValidationError:
        # The chain is cut: pydantic quotes the values that it did not expect.
        raise HasuraUnavailable("Hasura answered a result of an unexpected shape") from None
    return {
        row.user_id: StoredUser(
            blocked=row.blocked,
            deleted_at=row.deleted_at,
            granted_roles=tuple(sorted({grant.role for grant in row.roles})),
        )
        for row in rows
    }
