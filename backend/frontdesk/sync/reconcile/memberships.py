"""Organizations and who is in them: what differs from what the pass has read, and its repair."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from frontdesk.hasura.directory import MemberRow, OrganizationRow, RoleRow
from frontdesk.hasura.fingerprint import same_json
from frontdesk.store.drift import DriftMarks, State
from frontdesk.store.passes import RunningPass
from frontdesk.sync.importing.staging import StagedOrganizations, StagedRoles
from frontdesk.sync.reconcile.place import Place

MEMBERS = "members"  # the phase
_BATCH = 500
# Who has no row cannot be in an organization here, whatever Auth0 says.
_WITHOUT_ROW = (State.FILTERED, State.REJECTED)


def compare_memberships(run: RunningPass, place: Place, staged: StagedOrganizations) -> None:
    """Count organizations and memberships that differ, are missing or extra. Raises HasuraError.

    It begins again after a kill: it changes nothing, and there are few of them beside the users.
    """
    known = {
        each.id: OrganizationRow(
            id=each.id, name=each.name, display_name=each.display_name, metadata=each.metadata
        )
        for each in staged.organizations
    }
    found = Counter(organizations=_different_organizations(known, place.others.organizations(place.tenant)))
    marks = DriftMarks(run)
    met = 0
    for page in place.others.members(place.tenant):
        expected = marks.members([(row.organization_id, row.user_id) for row in page])
        met += len(expected)
        for row in page:
            roles = expected.get((row.organization_id, row.user_id))
            found["memberships"] += roles is None or sorted(set(roles)) != sorted(set(row.roles))
        place.tell(MEMBERS, met, None)
    found["memberships"] += max(0, marks.count_members(without=_WITHOUT_ROW) - met)
    run.note(organizations_drift=found["organizations"], memberships_drift=found["memberships"])


def repair_memberships(run: RunningPass, place: Place, staged: StagedOrganizations) -> int:
    """Write organizations and memberships as they were read, drop the others, and return how many had no place.

    A reading that is newer than the pass's stays. Raises HasuraError.
    """
    tenant, at, budget_s = place.tenant, staged.read_at, place.batch_budget_s
    rows = [
        OrganizationRow(id=each.id, name=each.name, display_name=each.display_name, metadata=each.metadata)
        for each in staged.organizations
    ]
    refused = len(place.directory.write_organizations(tenant, rows, read_at=at, budget_s=budget_s))
    for members in _members(run):
        refused += len(place.directory.write_members(tenant, members, read_at=at, budget_s=budget_s))
    place.directory.drop_organizations(tenant, before=at, budget_s=budget_s)
    return refused


def repair_roles(place: Place, staged: StagedRoles) -> None:
    """Write the roles as they were read, and drop what Auth0 has no more. Raises HasuraError."""
    rows = [RoleRow(name=each.name, auth0_id=each.id, description=each.description) for each in staged.roles]
    place.directory.write_roles(place.tenant, rows, budget_s=place.batch_budget_s)
    place.directory.drop_roles(place.tenant, known=rows, budget_s=place.batch_budget_s)


def _members(run: RunningPass) -> Iterator[Sequence[MemberRow]]:
    marks, after = DriftMarks(run), ("", "")
    while page := marks.member_page(after=after, without=_WITHOUT_ROW, limit=_BATCH):
        yield [MemberRow(organization_id=each[0], user_id=each[1], roles=each[2]) for each in page]
        after = page[-1][:2]


def _different_organizations(known: dict[str, OrganizationRow], rows: Iterator[OrganizationRow]) -> int:
    left, different = dict(known), 0
    for row in rows:
        expected = left.pop(row.id, None)
        different += expected is None or not same_json(_facts(expected), _facts(row))
    return different + len(left)


def _facts(organization: OrganizationRow) -> object:
    return [organization.name, organization.display_name, organization.metadata]
