"""Reads what Hasura has of a tenant's grants, organizations and memberships, page by page of their keys."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from frontdesk.errors import HasuraUnavailable
from frontdesk.hasura.directory import MemberRow, OrganizationRow
from frontdesk.hasura.graphql import Document, GraphqlClient
from frontdesk.hasura.rows import PAGE_BUDGET_S, PAGE_SIZE, ROLE
from frontdesk.hasura.transport import Deadline

ORGANIZATION_ROWS = Document("organization_rows")
MEMBER_ROWS = Document("member_rows")
GRANT_ROWS = Document("grant_rows")
MAX_ROLE_BYTES = 400  # a longer name is nobody's grant (docs/architecture.md, "The ordering rule")


@dataclass(frozen=True, kw_only=True, slots=True)
class GrantRow:
    """One user's Auth0 roles as the row names them, and the grants of source `auth0`, which should follow them.

    `clock` is that of the group `roles`; None for a row that nobody has written.
    """

    user_id: str
    roles: tuple[str, ...]
    granted: frozenset[str]
    clock: Mapping[str, Any] | None

    @property
    def is_apart(self) -> bool:
        """Tell whether the grants are others than the roles."""
        return self.granted != {name for name in self.roles if 0 < len(name.encode()) <= MAX_ROLE_BYTES}


class TenantRows:
    """Reads as role `frontdesk`. Threads may share it, processes may not.

    Its methods raise HasuraUnavailable and HasuraRejected.
    """

    def __init__(self, url: str, admin_secret: str) -> None:
        self._client = GraphqlClient(url, admin_secret=admin_secret, role=ROLE)

    def close(self) -> None:
        """Let go of connections."""
        self._client.close()

    def organizations(self, tenant: str) -> Iterator[OrganizationRow]:
        """Give every organization, by id."""
        after = ""
        while found := self._read(ORGANIZATION_ROWS, "organizations", tenant, after=after):
            yield from map(_organization, found)
            after = found[-1]["id"]

    def grants(self, tenant: str) -> Iterator[list[GrantRow]]:
        """Give everybody with Auth0 roles or grants of that source, in pages by key."""
        after = ""
        while found := self._read(GRANT_ROWS, "users", tenant, after=after):
            yield [_grants(each) for each in found]
            after = found[-1]["userId"]

    def members(
        self, tenant: str, *, after: tuple[str, str] = ("", ""), size: int = PAGE_SIZE
    ) -> Iterator[list[MemberRow]]:
        """Give every membership in pages by key, `after` an organization and a user of it."""
        organization, user = after
        while found := self._read(
            MEMBER_ROWS, "organization_members", tenant, organization=organization, user=user, size=size
        ):
            page = [_member(each) for each in found]
            yield page
            organization, user = page[-1].organization_id, page[-1].user_id

    def _read(
        self, document: Document, field: str, tenant: str, *, size: int = PAGE_SIZE, **variables: Any
    ) -> Sequence[Mapping[str, Any]]:
        deadline = Deadline.after(PAGE_BUDGET_S)
        answer = self._client.execute(
            document, {**variables, "size": size}, tenant=tenant, deadline=deadline
        ).get(field)
        if not isinstance(answer, list):
            raise HasuraUnavailable("Hasura answered rows of an unexpected shape")
        return answer


def _organization(row: Mapping[str, Any]) -> OrganizationRow:
    return OrganizationRow(
        id=row["id"], name=row["name"], display_name=row["displayName"], metadata=row["metadata"] or {}
    )


def _member(row: Mapping[str, Any]) -> MemberRow:
    return MemberRow(
        organization_id=row["organizationId"], user_id=row["userId"], roles=tuple(sorted(row["roles"] or ()))
    )


def _grants(row: Mapping[str, Any]) -> GrantRow:
    return GrantRow(
        user_id=row["userId"],
        roles=tuple(name for name in row["auth0Roles"] or () if isinstance(name, str)),
        granted=frozenset(grant["role"] for grant in row["roles"]),
        clock=row["clocks"].get("roles"),
    )
