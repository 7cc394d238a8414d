"""What users' own calls work with: one tenant at Auth0, its rows, and on whose behalf they are made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Protocol

from frontdesk.auth0.access import management_api
from frontdesk.auth0.management import ManagementApi
from frontdesk.auth0.management_user import user_from_management
from frontdesk.auth0.single_user import read_user
from frontdesk.auth0.user_calls import roles_of
from frontdesk.errors import Auth0Error, HasuraError, PayloadInvalid
from frontdesk.hasura.rows import StoredRow
from frontdesk.identity import JsonObject, Source, Stamped, StoredUser, User
from frontdesk.identity.fields import NO_RULES, FieldRules
from frontdesk.identity.filters import EVERYBODY, UserFilter
from frontdesk.settings import Settings
from frontdesk.sync.hasura_side import hasura_side

WRITE_BUDGET_S = 5.0  # of one row; a person waits for it, and no login
# What brings a change to Hasura that did not get there at once.
FOLLOWS = "the row follows with `frontdesk users sync`, the next reconcile, or the user's next login"


class Writer(Protocol):
    """What writes a user. Raises HasuraError."""

    def write(self, user: User, *, budget_s: float) -> StoredUser:
        """Write one user within `budget_s`."""


class Rows(Protocol):
    """What reads rows. Raises HasuraError."""

    def one(self, tenant: str, user_id: str) -> StoredRow | None:
        """Return one row; None when there is none."""


class Eraser(Protocol):
    """What removes all that Hasura has of somebody. Raises HasuraError."""

    def erase_user(self, tenant: str, user_id: str, *, budget_s: float) -> Mapping[str, int]:
        """Remove it, and return how many rows by table."""


@dataclass(frozen=True, kw_only=True)
class UserDesk:
    """One tenant's users. Threads may share it."""

    tenant: str
    api: ManagementApi
    writer: Writer
    rows: Rows
    eraser: Eraser
    rules: FieldRules = field(default=NO_RULES)
    filter: UserFilter = EVERYBODY

    def record(self, user_id: str) -> JsonObject | None:
        """Return what Auth0 has of a user now; None when it has none. Raises Auth0Error."""
        return read_user(self.api, user_id)

    def read(self, user_id: str, *, read_at: datetime, with_roles: bool = False) -> User | None:
        """Return what Auth0 has of a user now; None when it has none. Raises Auth0Error, PayloadInvalid."""
        record = self.record(user_id)
        if record is None:
            return None
        names = tuple(role.name for role in roles_of(self.api, user_id)) if with_roles else None
        return self.user(record, read_at=read_at, roles=names)

    def user(self, record: JsonObject, *, read_at: datetime, roles: tuple[str, ...] | None = None) -> User:
        """Return the user that a single read tells of. Raises PayloadInvalid."""
        user = user_from_management(record, tenant=self.tenant, read_at=read_at, alive=True)
        return user if roles is None else replace(user, roles=Stamped(roles, read_at))

    def bury(self, record: JsonObject | None, user_id: str) -> str | None:
        """Mark the row as deleted, now; return why it is not, None when it is.

        Whoever comes back with the same id has a newer `created_at`, which lifts it: so the tombstone says which
        incarnation it is of, when that is known.
        """
        now = datetime.now(UTC)
        known: User | None = None
        with suppress(PayloadInvalid):
            known = None if record is None else self.user(record, read_at=now)
        gone = User(
            tenant=self.tenant,
            user_id=user_id,
            source=Source.PROFILE,
            born=None if known is None else known.born,
            deleted=now,
        )
        return self.written(gone)

    def sync(self, user_id: str, *, with_roles: bool = False) -> str | None:
        """Bring what Auth0 has of a user now to the row; return why it is not there, None when it is.

        The time of what it reads is taken before the reading, so that of two calls the later one wins whatever the
        order in which their answers arrive.
        """
        try:
            user = self.read(user_id, read_at=datetime.now(UTC), with_roles=with_roles)
            if user is None:
                return f"Auth0 has no user {user_id!r} any more; `frontdesk users delete` marks the row as deleted"
        except PayloadInvalid as error:
            fields = ", ".join(f"{fault.field} ({fault.expected})" for fault in error.faults)
            return f"what Auth0 has of the user cannot be written to Hasura: {fields}"
        except Auth0Error as error:
            return f"reading the user back from Auth0 failed: {error.detail}; {FOLLOWS}"
        return self.written(user)

    def written(self, user: User) -> str | None:
        """Write the row; return why it is not written, None when it is."""
        if user.deleted is None and (left_out := self.filter.why_left_out(user)) is not None:
            return f"[filter] leaves this user out ({left_out}); nothing was written to Hasura"
        try:
            self.writer.write(user, budget_s=WRITE_BUDGET_S)
        except HasuraError as error:
            return f"Hasura did not take it: {error.detail}; {FOLLOWS}"
        return None


@contextmanager
def opened_desk(settings: Settings, tenant: str) -> Iterator[UserDesk]:
    """Give the desk of a tenant of the settings; its connections are closed at the end. Raises SettingsInvalid."""
    with ExitStack() as stack:
        api = stack.enter_context(management_api(settings, tenant))
        hasura = stack.enter_context(hasura_side(settings))
        yield UserDesk(
            tenant=tenant,
            api=api,
            writer=hasura.writer,
            rows=hasura.rows,
            eraser=hasura.directory,
            rules=hasura.rules,
            filter=settings.user_filter(),
        )
