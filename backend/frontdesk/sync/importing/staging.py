"""The first phases of a pass: who has which role, and who is in which organization, read once for everybody.

Both are read list by list into the pass, never user by user. Each list is a step of its own: a killed pass reads the
one that it was in again, and no other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from frontdesk.auth0.management import ManagementApi
from frontdesk.auth0.organizations import (
    OrganizationGone,
    TenantOrganization,
    organization_members,
    read_organizations,
)
from frontdesk.auth0.roles import Role, RoleGone, read_roles, role_members
from frontdesk.store.passes import RunningPass, fits_a_key

ROLES, ORGANIZATIONS = "roles", "organizations"  # phases

Clock = Callable[[], datetime]
Tell = Callable[[int, int], None]  # lists done, lists in all


@dataclass(frozen=True, kw_only=True)
class StagedRoles:
    """The tenant's roles; who has them is in the pass (`RunningPass.roles_of`). `read_at`: before any was read."""

    read_at: datetime
    roles: tuple[Role, ...]


@dataclass(frozen=True, kw_only=True)
class StagedOrganizations:
    """The tenant's organizations; who is in them is in the pass (`RunningPass.members`). `read_at` as with roles."""

    read_at: datetime
    organizations: tuple[TenantOrganization, ...]


def stage_roles(run: RunningPass, api: ManagementApi, *, clock: Clock, tell: Tell) -> StagedRoles:
    """Read all roles and their members into the pass, going on where a killed one was; the pass is in phase `roles`.

    Called again in a later phase, or in another process, it gives what was read and asks nothing. Raises Auth0Error.
    """
    if ROLES not in run.detail:
        read_at = clock()
        run.note(roles=[asdict(role) for role in read_roles(api)], roles_read_at=read_at.isoformat())
    staged = StagedRoles(
        read_at=datetime.fromisoformat(run.detail["roles_read_at"]),
        roles=tuple(Role(**role) for role in run.detail[ROLES]),
    )
    if run.phase != ROLES:
        return staged
    gone = _each_once(
        run, [role.id for role in staged.roles], tell, lambda at: _role(run, api, staged.roles[at])
    )
    if not gone:
        return staged
    left = tuple(role for role in staged.roles if role.id not in gone)
    run.note(roles=[asdict(role) for role in left])
    return StagedRoles(read_at=staged.read_at, roles=left)


def stage_organizations(
    run: RunningPass, api: ManagementApi, *, clock: Clock, tell: Tell
) -> StagedOrganizations:
    """Read all organizations and their members into the pass, as `stage_roles` does; its phase is `organizations`."""
    if ORGANIZATIONS not in run.detail:
        read_at = clock()
        found = {each.id: asdict(each) for each in read_organizations(api)}
        run.note(organizations=list(found.values()), organizations_read_at=read_at.isoformat())
    staged = StagedOrganizations(
        read_at=datetime.fromisoformat(run.detail["organizations_read_at"]),
        organizations=tuple(TenantOrganization(**each) for each in run.detail[ORGANIZATIONS]),
    )
    if run.phase != ORGANIZATIONS:
        return staged
    everyone = staged.organizations
    gone = _each_once(run, [each.id for each in everyone], tell, lambda at: _members(run, api, everyone[at]))
    if not gone:
        return staged
    left = tuple(each for each in everyone if each.id not in gone)
    run.note(organizations=[asdict(each) for each in left])
    return StagedOrganizations(read_at=staged.read_at, organizations=left)


def _each_once(
    run: RunningPass, ids: Sequence[str], tell: Tell, read: Callable[[int], bool]
) -> frozenset[str]:
    """Read the list of every id that the pass has not read yet; return those that are gone at Auth0."""
    gone: list[str] = list(run.position.get("gone", ()))
    for at in range(run.position.get("next", 0), len(ids)):
        tell(at, len(ids))
        if not read(at):
            gone.append(ids[at])
        run.advance(position={"next": at + 1, "gone": gone})
    tell(len(ids), len(ids))
    return frozenset(gone)


def _role(run: RunningPass, api: ManagementApi, role: Role) -> bool:
    """Whether the role is there still; what a killed pass read of it is read anew."""
    run.forget_role(role.name)
    if not fits_a_key(role.name):
        return (
            True  # a name that no key can hold is nobody's grant (docs/architecture.md, "The ordering rule")
        )
    try:
        for user_ids in role_members(api, role):
            run.add_role_members(role.name, user_ids)
    except RoleGone:
        run.forget_role(role.name)
        return False
    return True


def _members(run: RunningPass, api: ManagementApi, organization: TenantOrganization) -> bool:
    run.forget_members(organization.id)
    try:
        for members in organization_members(api, organization):
            run.add_members(organization.id, [(member.user_id, member.roles) for member in members])
    except OrganizationGone:
        run.forget_members(organization.id)
        return False
    return True
