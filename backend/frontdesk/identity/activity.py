"""What Auth0 reported, and what it means for the rows: activities, hints, and what one record comes to."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from frontdesk.identity.user import JsonObject, User


@dataclass(frozen=True, kw_only=True)
class Activity:
    """Something that Auth0 reported, about a user or about nobody known.

    `id` is the same for every delivery of it; `type` is Auth0's code, `activity` its meaning in a word (None for a code
    that is not known), and `source` the way in. `counts` is true for one of the reports that one act may have.
    """

    tenant: str
    id: str
    type: str
    activity: str | None
    source: str
    occurred_at: datetime
    counts: bool = True
    user_id: str | None = None
    user_name: str | None = None
    connection: str | None = None
    connection_id: str | None = None
    client_id: str | None = None
    client_name: str | None = None
    organization_id: str | None = None
    ip: str | None = None
    user_agent: str | None = None
    hostname: str | None = None
    location: JsonObject | None = None
    description: str | None = None
    reason: str | None = None
    details: JsonObject | None = None
    raw: JsonObject | None = field(default=None, repr=False)


class RefreshKind(StrEnum):
    """What is to be read again at Auth0."""

    USER = "user"  # the profile and the roles
    MEMBERSHIPS = "memberships"  # a user's organizations, with roles there
    ORGANIZATION = "organization"


@dataclass(frozen=True)
class Refresh:
    """A hint that something changed; `id` is a user's, or an organization's."""

    kind: RefreshKind
    id: str


@dataclass(frozen=True, kw_only=True)
class Incoming:
    """What one record of any way in comes to. A `test` of Auth0 changes nothing."""

    activity: Activity | None = None
    users: tuple[User, ...] = ()
    refreshes: frozenset[Refresh] = frozenset()
    test: bool = False
