"""Changes of single users: a line in the audit, the call to Auth0, a single read, the row, the line completed."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from frontdesk.auth0 import user_calls
from frontdesk.auth0.user_calls import UserUnknown
from frontdesk.auth0.user_fields import NewUser, UserChange
from frontdesk.errors import Auth0Error
from frontdesk.store.audit import Audit, AuditOutcome
from frontdesk.sync.users.audited import AuditedChange, Changed, audited
from frontdesk.sync.users.desk import UserDesk

GROUPS = "groups"  # the name in app_metadata under which applications look for them


@dataclass(frozen=True, kw_only=True)
class UserChanges:
    """The changes that `actor` makes.

    Every method raises UserUnknown when there is no such user, another Auth0Error when Auth0 did not do it, and
    StoreError before anything was done when there is no audit. Hasura's absence raises nothing: `Changed.why` says it.
    """

    desk: UserDesk
    audit: Audit
    actor: str

    def create(self, user: NewUser) -> Changed:
        """Create a user. Raises UserExists, UserCallRefused."""
        detail = {"connection": user.connection, "fields": user.names()}
        with self._audited("create", None, detail) as change:
            user_id = user_calls.create(self.desk.api, user)
            return change.ended(user_id, self.desk.sync(user_id))

    def update(self, user_id: str, wanted: UserChange) -> Changed:
        """Change fields of a user. Raises UserExists, UserCallRefused."""
        with self._audited("update", user_id, {"fields": wanted.names()}) as change:
            user_calls.update(self.desk.api, user_id, wanted)
            return change.ended(user_id, self.desk.sync(user_id))

    def block(self, user_id: str) -> Changed:
        """Let nobody log in as this user; their rows are closed to tokens that they still have."""
        with self._audited("block", user_id, {}) as change:
            user_calls.patch(self.desk.api, user_id, {"blocked": True})
            return change.ended(user_id, self.desk.sync(user_id))

    def unblock(self, user_id: str, *, brute_force: bool = False) -> Changed:
        """Lift the block of an operator, and with `brute_force` also those that Auth0 made after wrong passwords.

        The detail says how many of Auth0's own still stand; None when that could not be asked.
        """
        with self._audited("unblock", user_id, {"brute_force": brute_force}) as change:
            user_calls.patch(self.desk.api, user_id, {"blocked": False})
            if brute_force:
                change.partly = True
                user_calls.lift_brute_force_blocks(self.desk.api, user_id)
            left = {"brute_force_blocks": self._brute_force_blocks(user_id)}
            return change.ended(user_id, self.desk.sync(user_id), left)

    def set_roles(self, user_id: str, names: Sequence[str]) -> Changed:
        """Let a user have exactly these roles of the tenant. Raises RoleUnknown before anything is changed.

        What is added comes first, so that a failure between the two leaves somebody with more than asked for, and never
        without what they are to have.
        """
        with self._audited("set-roles", user_id, {"roles": sorted(names)}) as change:
            wanted = user_calls.role_change(self.desk.api, user_id, names)
            if wanted.added:
                user_calls.add_roles(self.desk.api, user_id, wanted.added.values())
                change.partly = True
            if wanted.removed:
                self._remove_roles(user_id, wanted.removed.values(), change)
            return change.ended(
                user_id,
                self.desk.sync(user_id, with_roles=True),
                {"added": sorted(wanted.added), "removed": sorted(wanted.removed)},
                done=AuditOutcome.DONE if wanted.added or wanted.removed else AuditOutcome.UNCHANGED,
            )

    def set_groups(self, user_id: str, names: Sequence[str]) -> Changed:
        """Let a user be in exactly these groups (`app_metadata.groups`); without any the name goes."""
        with self._audited("set-groups", user_id, {"groups": sorted(names)}) as change:
            user_calls.patch(self.desk.api, user_id, {"app_metadata": {GROUPS: list(names) or None}})
            return change.ended(user_id, self.desk.sync(user_id))

    def sync(self, user_id: str) -> Changed:
        """Bring what Auth0 has of a user to the row, roles too, and change nothing at Auth0."""
        with self._audited("sync", user_id, {}) as change:
            if self.desk.record(user_id) is None:
                raise UserUnknown(user_id)
            return change.ended(user_id, self.desk.sync(user_id, with_roles=True))

    def delete(self, user_id: str) -> Changed:
        """Delete a user at Auth0 and mark the row as deleted; done again it finishes what is left of that.

        Auth0 says the same of a user whom it never had, so it is asked first. Raises UserUnknown when neither side has
        one; a row that is marked already is no change.
        """
        with self._audited("delete", user_id, {}) as change:
            record = self.desk.record(user_id)
            found = {"at_auth0": record is not None}
            row = None if record is not None else self.desk.rows.one(self.desk.tenant, user_id)
            if record is not None:
                user_calls.delete(self.desk.api, user_id)
            elif row is None:
                raise UserUnknown(user_id)
            elif row.deleted_at is not None:
                return change.ended(user_id, None, found, done=AuditOutcome.UNCHANGED)
            return change.ended(user_id, self.desk.bury(record, user_id), found)

    def _audited(
        self, action: str, user_id: str | None, detail: Mapping[str, Any]
    ) -> AbstractContextManager[AuditedChange]:
        return audited(
            self.audit,
            tenant=self.desk.tenant,
            actor=self.actor,
            action=action,
            user_id=user_id,
            detail=detail,
        )

    def _remove_roles(self, user_id: str, role_ids: Collection[str], change: AuditedChange) -> None:
        try:
            user_calls.remove_roles(self.desk.api, user_id, role_ids)
        except Auth0Error:
            if change.partly:
                self.desk.sync(user_id, with_roles=True)  # what was added stands
            raise

    def _brute_force_blocks(self, user_id: str) -> int | None:
        try:
            return user_calls.brute_force_blocks(self.desk.api, user_id)
        except Auth0Error:
            return None
