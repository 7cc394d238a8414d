"""The phases of an import that are about no single user: roles, organizations, members, and what is gone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import TypeVar

from frontdesk.auth0.management import ManagementApi
from frontdesk.errors import Auth0ScopeMissing
from frontdesk.hasura.directory import MemberRow, OrganizationRow, RejectedRow, RoleRow
from frontdesk.store.passes import RunningPass
from frontdesk.sync.importing import staging
from frontdesk.sync.importing.desk import ImportDesk
from frontdesk.sync.importing.listener import Listener
from frontdesk.sync.importing.patience import Patience
from frontdesk.sync.importing.records import State

ROLES, ORGANIZATIONS, MEMBERS = staging.ROLES, staging.ORGANIZATIONS, "members"
MEMBERS_PAGE = 500
SHOWN_REFUSALS = 3

T = TypeVar("T")


class DirectoryPhases:
    """Roles, organizations and members of one pass; what was not read is not written, and not taken away."""

    def __init__(self, desk: ImportDesk, run: RunningPass, patience: Patience, listener: Listener) -> None:
        self._desk, self._run, self._patience, self._listener = desk, run, patience, listener
        self._roles: staging.StagedRoles | None = None
        self._organizations: staging.StagedOrganizations | None = None

    @property
    def roles_read_at(self) -> datetime | None:
        """When the reading of roles began; None when they are not read."""
        return None if self._roles is None else self._roles.read_at

    @property
    def roles(self) -> int | None:
        """How many roles the tenant has; None when they are not read."""
        return None if self._roles is None else len(self._roles.roles)

    @property
    def organizations(self) -> int | None:
        """How many organizations the tenant has; None when they are not read."""
        return None if self._organizations is None else len(self._organizations.organizations)

    @property
    def members(self) -> int | None:
        """How many memberships were written; None when organizations are not read."""
        return None if self._organizations is None else self._run.counts["members"]

    def read_roles(self, api: ManagementApi, *, is_due: bool) -> None:
        """Read roles and who has them into the pass, and write the roles; not `is_due`: that is done already."""
        desk, run = self._desk, self._run
        if is_due:
            self._listener.phase(ROLES, "Reading roles and who has them, role by role.")
        self._roles = staged = _or_without(
            "--no-roles",
            lambda: staging.stage_roles(run, api, clock=desk.clock, tell=self._listener.progress),
        )
        rows = _role_rows(staged)
        if is_due and rows:
            self._write(lambda budget_s: desk.directory.write_roles(desk.tenant, rows, budget_s=budget_s))

    def read_organizations(self, api: ManagementApi, *, is_due: bool) -> None:
        """Read organizations and their members into the pass, and write the organizations."""
        desk, run = self._desk, self._run
        if is_due:
            self._listener.phase(ORGANIZATIONS, "Reading organizations and their members.")
        self._organizations = staged = _or_without(
            "--no-organizations",
            lambda: staging.stage_organizations(run, api, clock=desk.clock, tell=self._listener.progress),
        )
        rows = [OrganizationRow(**asdict(each)) for each in staged.organizations]
        if is_due and rows:
            self._write(
                lambda budget_s: desk.directory.write_organizations(
                    desk.tenant, rows, read_at=staged.read_at, budget_s=budget_s
                )
            )

    def write_members(self) -> None:
        """Write the members whose users this pass has written, page by page."""
        if self._organizations is None:
            return
        self._listener.phase(MEMBERS, "Writing members of organizations.")
        run, states = self._run, (State.WRITTEN, State.UNCHANGED)
        after: tuple[str, str] = tuple(run.position.get("after", ("", "")))
        while page := run.members(states=states, after=after, limit=MEMBERS_PAGE):
            rows = [MemberRow(organization_id=each[0], user_id=each[1], roles=each[2]) for each in page]
            self._write(self._members_write(rows, self._organizations.read_at))
            after = page[-1][:2]
            run.advance(position={"after": after}, added={"members": len(page)})
            self._listener.progress(run.counts["members"], None)

    def drop_what_vanished(self, *, saw_everybody: bool) -> None:
        """Take away what Auth0 has no more; memberships only after everybody was read, who may be in one."""
        desk = self._desk
        if self._roles is not None:
            known = _role_rows(self._roles)
            self._with_hasura(
                lambda budget_s: desk.directory.drop_roles(desk.tenant, known=known, budget_s=budget_s)
            )
        if self._organizations is not None and saw_everybody:
            before = self._organizations.read_at
            self._with_hasura(
                lambda budget_s: desk.directory.drop_organizations(
                    desk.tenant, before=before, budget_s=budget_s
                )
            )

    def _members_write(
        self, rows: Sequence[MemberRow], read_at: datetime
    ) -> Callable[[float], tuple[RejectedRow, ...]]:
        desk = self._desk
        return lambda budget_s: desk.directory.write_members(
            desk.tenant, rows, read_at=read_at, budget_s=budget_s
        )

    def _write(self, write: Callable[[float], tuple[RejectedRow, ...]]) -> None:
        refused = self._with_hasura(write)
        for each in refused[:SHOWN_REFUSALS]:
            self._listener.note(f"Hasura refused a row of {type(each.row).__name__}: {each.detail}")
        if len(refused) > SHOWN_REFUSALS:
            self._listener.note(f"Hasura refused {len(refused) - SHOWN_REFUSALS:,} more of them")

    def _with_hasura(self, ask: Callable[[float], T]) -> T:
        return self._patience.with_hasura(lambda: ask(self._desk.batch_budget_s))


def _role_rows(staged: staging.StagedRoles) -> list[RoleRow]:
    return [RoleRow(name=role.name, auth0_id=role.id, description=role.description) for role in staged.roles]


def _or_without(option: str, read: Callable[[], T]) -> T:
    """Return what `read` gives; a missing scope is told with the option that does without it."""
    try:
        return read()
    except Auth0ScopeMissing as missing:
        raise Auth0ScopeMissing(
            f"{missing.detail}; {option} imports without", scopes=missing.scopes
        ) from missing
