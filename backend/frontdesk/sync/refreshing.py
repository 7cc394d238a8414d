"""Reading again at Auth0 what a record hinted at: the present state of one user, their memberships, an organization.

What is read is the newest there is, so hints may come in any order, twice, or late.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from frontdesk.auth0.organizations import read_organization, roles_in
from frontdesk.auth0.user_calls import Organization, UserUnknown, organizations_of
from frontdesk.errors import HasuraRejected
from frontdesk.hasura.directory import Directory, MemberRow, OrganizationRow
from frontdesk.identity import Source, User
from frontdesk.sync.users.desk import WRITE_BUDGET_S, UserDesk


class Refreshed(StrEnum):
    """What a reading came to."""

    WRITTEN = "written"
    FILTERED = "filtered"
    GONE = "gone"  # Auth0 has it no more, and the row says so
    UNKNOWN = "unknown"  # neither side has it


@dataclass(frozen=True, kw_only=True)
class RefreshDesk:
    """One tenant at Auth0, and where its users and organizations are written."""

    desk: UserDesk
    directory: Directory

    @property
    def tenant(self) -> str:
        """The tenant's key."""
        return self.desk.tenant


def refresh_user(desk: UserDesk, user_id: str) -> Refreshed:
    """Bring what Auth0 has of a user now, roles included, to the row; who is gone gets a tombstone.

    Raises Auth0Error, HasuraError, and PayloadInvalid when what Auth0 has cannot be written.
    """
    # Taken before the reading: of two that overlap, the one that began later has seen at least as much.
    read_at = datetime.now(UTC)
    try:
        user = desk.read(user_id, read_at=read_at, with_roles=True)
    except UserUnknown:
        user = None  # deleted between profile and roles
    if user is None:
        return _bury(desk, user_id, read_at)
    if desk.filter.why_left_out(user) is not None:
        return Refreshed.FILTERED
    desk.writer.write(user, budget_s=WRITE_BUDGET_S)
    return Refreshed.WRITTEN


def refresh_memberships(place: RefreshDesk, user_id: str) -> Refreshed:
    """Bring the organizations of a user, with the roles there, to the rows, and take away what is no more.

    Raises Auth0Error, HasuraError; HasuraRejected when somebody without a row should be a member.
    """
    read_at = datetime.now(UTC)
    try:
        organizations = organizations_of(place.desk.api, user_id)
    except UserUnknown:
        organizations = ()
    members = _members(place, user_id, organizations)
    if members and not _write(place, members, read_at):
        # A membership needs both rows, and one of them has not come yet.
        for organization in organizations:
            refresh_organization(place, organization.id)
        if refresh_user(place.desk, user_id) is not Refreshed.WRITTEN:
            return Refreshed.FILTERED
        if not _write(place, members, read_at):
            raise HasuraRejected(f"Hasura did not take a membership of {user_id!r}")
    place.directory.drop_memberships(place.tenant, user_id, before=read_at, budget_s=WRITE_BUDGET_S)
    return Refreshed.WRITTEN if members else Refreshed.GONE


def refresh_organization(place: RefreshDesk, organization_id: str) -> Refreshed:
    """Bring an organization to its row, or take the row away. Raises Auth0Error, HasuraError."""
    read_at = datetime.now(UTC)
    found = read_organization(place.desk.api, organization_id)
    if found is None:
        gone = place.directory.drop_organization(
            place.tenant, organization_id, before=read_at, budget_s=WRITE_BUDGET_S
        )
        return Refreshed.GONE if gone.rows else Refreshed.UNKNOWN
    row = OrganizationRow(
        id=found.id, name=found.name, display_name=found.display_name, metadata=found.metadata
    )
    refused = place.directory.write_organizations(
        place.tenant, [row], read_at=read_at, budget_s=WRITE_BUDGET_S
    )
    if refused:
        raise HasuraRejected(refused[0].detail)
    return Refreshed.WRITTEN


def _bury(desk: UserDesk, user_id: str, read_at: datetime) -> Refreshed:
    """Mark the row as deleted at the time of the reading; where there is none, or one that says so already, nothing."""
    row = desk.rows.one(desk.tenant, user_id)
    if row is None:
        return Refreshed.UNKNOWN
    if row.deleted_at is None:
        born = row.columns.get("createdAt")
        gone = User(
            tenant=desk.tenant,
            user_id=user_id,
            source=Source.PROFILE,
            # So that another incarnation with this id lifts it, whatever the clocks of both sides say.
            born=datetime.fromisoformat(born) if isinstance(born, str) else None,
            deleted=read_at,
        )
        desk.writer.write(gone, budget_s=WRITE_BUDGET_S)
    return Refreshed.GONE


def _members(place: RefreshDesk, user_id: str, organizations: Sequence[Organization]) -> list[MemberRow]:
    members = []
    for organization in organizations:
        roles = roles_in(place.desk.api, organization.id, user_id)
        if roles is not None:
            members.append(MemberRow(organization_id=organization.id, user_id=user_id, roles=roles))
    return members


def _write(place: RefreshDesk, members: Sequence[MemberRow], read_at: datetime) -> bool:
    refused = place.directory.write_members(place.tenant, members, read_at=read_at, budget_s=WRITE_BUDGET_S)
    return not refused
