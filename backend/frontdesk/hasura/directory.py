"""Roles, organizations and members in Hasura as Auth0 has them, and the erasing of one user."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from frontdesk.errors import HasuraRejected, HasuraUnavailable
from frontdesk.hasura.bulk import MAX_ROWS, Halving
from frontdesk.hasura.graphql import Document, GraphqlClient
from frontdesk.hasura.transport import Deadline
from frontdesk.identity.user import JsonObject

ROLE = "frontdesk"
WRITE_ROLES = Document("write_roles")
DROP_ROLES = Document("drop_roles")
WRITE_ORGANIZATIONS = Document("write_organizations")
WRITE_MEMBERS = Document("write_members")
DROP_ORGANIZATIONS = Document("drop_organizations")
DROP_ORGANIZATION = Document("drop_organization")
DROP_MEMBERSHIPS = Document("drop_memberships")
KEPT_OF_USER = Document("kept_of_user")
ERASE_USER = Document("erase_user")

Row = TypeVar("Row")


@dataclass(frozen=True, kw_only=True)
class RoleRow:
    """A role as Auth0 has it."""

    name: str
    auth0_id: str
    description: str | None = None


@dataclass(frozen=True, kw_only=True)
class OrganizationRow:
    """An organization as Auth0 has it."""

    id: str
    name: str
    display_name: str | None = None
    metadata: JsonObject = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class MemberRow:
    """Somebody's place in an organization, with the names of the roles that they have there."""

    organization_id: str
    user_id: str
    roles: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class RejectedRow:
    """A row that Hasura refused, and why. A member whose user or organization has no row is one."""

    row: RoleRow | OrganizationRow | MemberRow
    detail: str


@dataclass(frozen=True, kw_only=True)
class Dropped:
    """How many rows went, and how many roles stay without their Auth0 id because somebody has them."""

    rows: int
    kept: int = 0


class Directory:
    """Writes what belongs to a tenant as a whole, as role `frontdesk`. Threads may share it, processes may not.

    Every method returns or raises within `budget_s`; it raises HasuraUnavailable when there was no usable answer, and
    HasuraRejected when Hasura refuses whatever the rows are. All may be repeated.
    """

    def __init__(self, url: str, admin_secret: str) -> None:
        self._client = GraphqlClient(url, admin_secret=admin_secret, role=ROLE)

    def close(self) -> None:
        """Let go of connections."""
        self._client.close()

    def write_roles(
        self, tenant: str, roles: Sequence[RoleRow], *, budget_s: float
    ) -> tuple[RejectedRow, ...]:
        """Write roles with their Auth0 ids, by name. Returns those that were refused."""
        unique = {role.name: role for role in roles}
        asking = _Asking(self._client, tenant, Deadline.after(budget_s))
        return asking.write(WRITE_ROLES, "roles", list(unique.values()), _role_object)

    def drop_roles(self, tenant: str, *, known: Collection[RoleRow], budget_s: float) -> Dropped:
        """Take away what Auth0 has no more: a role that nobody has, and the Auth0 id of one that somebody has.

        `known` are all roles that Auth0 has. Roles that people made are left alone.
        """
        asking = _Asking(self._client, tenant, Deadline.after(budget_s))
        answer = asking.ask(DROP_ROLES, {"names": sorted(role.name for role in known)})
        return Dropped(rows=_affected(answer, "delete_roles"), kept=_affected(answer, "update_roles"))

    def write_organizations(
        self, tenant: str, organizations: Sequence[OrganizationRow], *, read_at: datetime, budget_s: float
    ) -> tuple[RejectedRow, ...]:
        """Write organizations that were read at a time; a later reading stays. Returns those that were refused."""
        unique = {organization.id: organization for organization in organizations}
        asking = _Asking(self._client, tenant, Deadline.after(budget_s), read_at)
        return asking.write(WRITE_ORGANIZATIONS, "organizations", list(unique.values()), _organization_object)

    def write_members(
        self, tenant: str, members: Sequence[MemberRow], *, read_at: datetime, budget_s: float
    ) -> tuple[RejectedRow, ...]:
        """Write memberships that were read at a time; a later reading stays. Returns those that were refused."""
        unique = {(member.organization_id, member.user_id): member for member in members}
        ordered = [unique[key] for key in sorted(unique)]
        asking = _Asking(self._client, tenant, Deadline.after(budget_s), read_at)
        return asking.write(WRITE_MEMBERS, "members", ordered, _member_object)

    def drop_organizations(self, tenant: str, *, before: datetime, budget_s: float) -> Dropped:
        """Take away organizations and memberships read before a time: what a complete reading has not seen again."""
        asking = _Asking(self._client, tenant, Deadline.after(budget_s))
        answer = asking.ask(DROP_ORGANIZATIONS, {"before": before.isoformat()})
        names = ("delete_organizations", "delete_organization_members")
        return Dropped(rows=sum(_affected(answer, name) for name in names))

    def drop_memberships(self, tenant: str, user_id: str, *, before: datetime, budget_s: float) -> Dropped:
        """Take away what of somebody's memberships was read before a time: what a reading of all has not seen again."""
        asking = _Asking(self._client, tenant, Deadline.after(budget_s))
        answer = asking.ask(DROP_MEMBERSHIPS, {"userId": user_id, "before": before.isoformat()})
        return Dropped(rows=_affected(answer, "delete_organization_members"))

    def drop_organization(
        self, tenant: str, organization_id: str, *, before: datetime, budget_s: float
    ) -> Dropped:
        """Take away one organization, with who is in it, unless it was read again since."""
        asking = _Asking(self._client, tenant, Deadline.after(budget_s))
        answer = asking.ask(DROP_ORGANIZATION, {"id": organization_id, "before": before.isoformat()})
        return Dropped(rows=_affected(answer, "delete_organizations"))

    def erase_user(self, tenant: str, user_id: str, *, budget_s: float) -> Mapping[str, int]:
        """Remove all that there is of a user, in one transaction, and return how many rows by table."""
        asking = _Asking(self._client, tenant, Deadline.after(budget_s))
        grants = _grants(asking.ask(KEPT_OF_USER, {"userId": user_id}))
        answer = asking.ask(ERASE_USER, {"userId": user_id})
        tables = ("users", "organization_members", "user_merges", "auth_activities")
        return {**{table: _affected(answer, f"delete_{table}") for table in tables}, "user_roles": grants}


class _Asking:
    """One tenant's requests within one deadline."""

    def __init__(
        self, client: GraphqlClient, tenant: str, deadline: Deadline, read_at: datetime | None = None
    ) -> None:
        self._client, self._tenant, self._deadline = client, tenant, deadline
        self._read_at = {} if read_at is None else {"readAt": read_at.isoformat()}

    def ask(self, document: Document, variables: Mapping[str, Any]) -> Mapping[str, Any]:
        return self._client.execute(document, variables, tenant=self._tenant, deadline=self._deadline)

    def write(self, document: Document, name: str, rows: Sequence[Row], made: Any) -> tuple[RejectedRow, ...]:
        def send(batch: Sequence[Row]) -> list[RejectedRow | None]:
            objects = [{**made(row), **self._read_at} for row in batch]
            self.ask(document, {name: objects, **self._read_at})
            return [None] * len(batch)

        def refused(row: Row, err: HasuraRejected) -> RejectedRow | None:
            return RejectedRow(row=row, detail=err.detail)  # type: ignore[arg-type]

        halving = Halving(send, refused)
        outcomes = [outcome for batch in _batches(rows) for outcome in halving.outcomes(batch)]
        return tuple(outcome for outcome in outcomes if outcome is not None)


def _batches(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    for start in range(0, len(rows), MAX_ROWS):
        yield rows[start : start + MAX_ROWS]


def _role_object(role: RoleRow) -> dict[str, Any]:
    return {"name": role.name, "auth0Id": role.auth0_id, "description": role.description}


def _organization_object(organization: OrganizationRow) -> dict[str, Any]:
    return {
        "id": organization.id,
        "name": organization.name,
        "displayName": organization.display_name,
        "metadata": organization.metadata,
    }


def _member_object(member: MemberRow) -> dict[str, Any]:
    return {
        "organizationId": member.organization_id,
        "userId": member.user_id,
        "roles": sorted(set(member.roles)),
    }


def _affected(answer: Mapping[str, Any], field_name: str) -> int:
    try:
        return int(answer[field_name]["affected_rows"])
    except (KeyError, TypeError, ValueError):
        raise HasuraUnavailable("Hasura answered a result of an unexpected shape") from None


def _grants(answer: Mapping[str, Any]) -> int:
    try:
        return sum(len(user["roles"]) for user in answer["users"])
    except (KeyError, TypeError):
        raise HasuraUnavailable("Hasura answered a result of an unexpected shape") from None
