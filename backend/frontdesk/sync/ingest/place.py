"""What the ingest of one tenant works with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from frontdesk.hasura.activities import ActivityResult
from frontdesk.hasura.bulk import RowResult
from frontdesk.identity import User
from frontdesk.identity.activity import Activity
from frontdesk.identity.filters import EVERYBODY, UserFilter
from frontdesk.store.inbox import Inbox
from frontdesk.store.queue import Queue
from frontdesk.store.stream_marks import StreamMarks

BUDGET_S = 30.0  # of all mutations of one kind for what is taken at once


class UsersWriter(Protocol):
    """What writes many users (`UserWriter`). Raises HasuraError."""

    def write_many(self, users: Sequence[User], *, budget_s: float) -> tuple[RowResult, ...]:
        """Write users of one tenant and return what each came to, in their order."""


class ActivitiesWriter(Protocol):
    """What adds many activities (`ActivityWriter`). Raises HasuraError."""

    def add_many(
        self, activities: Sequence[Activity], *, tenant: str, budget_s: float
    ) -> tuple[ActivityResult, ...]:
        """Add activities of one tenant and return what each came to, in their order."""


@dataclass(frozen=True, kw_only=True)
class IngestPlace:
    """One tenant between inbox and Hasura. `reads_auth0`: there is an application of ours that follows hints."""

    tenant: str
    users: UsersWriter
    activities: ActivitiesWriter
    inbox: Inbox
    queue: Queue
    marks: StreamMarks
    reads_auth0: bool
    filter: UserFilter = field(default=EVERYBODY)
    budget_s: float = BUDGET_S
