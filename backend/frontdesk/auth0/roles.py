"""The tenant's roles, and who has them, role by role: the calls grow with roles and members, never with users.

Source: Auth0 docs, "Get roles", "Get a role's users"; a tenant has at most 1,000 roles.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from frontdesk.auth0.checkpoints import pages, records_in
from frontdesk.auth0.management import ManagementApi
from frontdesk.errors import Auth0Error, Auth0Rejected, Auth0Unavailable

PAGE_SIZE = 100
ROUNDS = 5
MAX_PAGES = 10  # of PAGE_SIZE; Auth0 ends there, with the roles that a tenant can have


class RoleGone(Auth0Error):
    """The role was deleted at Auth0 while its members were read."""

    type = "urn:frontdesk:problem:role-gone"


@dataclass(frozen=True, kw_only=True)
class Role:
    """A role as Auth0 has it."""

    id: str
    name: str
    description: str | None = None


def read_roles(api: ManagementApi) -> tuple[Role, ...]:
    """Return all roles of the tenant. Raises Auth0Error.

    A role that is deleted meanwhile moves the others up, and one of them out of sight; then all are read again.
    """
    for _ in range(ROUNDS):
        found, is_steady = _one_round(api)
        if is_steady:
            return found
    raise Auth0Unavailable("roles were deleted at Auth0 faster than they could be read; repeat the command")


def _one_round(api: ManagementApi) -> tuple[tuple[Role, ...], bool]:
    found: dict[str, Role] = {}
    totals = set()
    for number in range(MAX_PAGES):
        answer = api.read("roles", page=str(number), per_page=str(PAGE_SIZE), include_totals="true")
        page = records_in(answer, "roles")
        found.update((role.id, role) for role in map(_role, page))
        totals.add(answer.get("total") if isinstance(answer, dict) else None)
        if len(page) < PAGE_SIZE:
            break
    return tuple(found.values()), len(totals) == 1


def role_members(api: ManagementApi, role: Role) -> Iterator[tuple[str, ...]]:
    """Give the user ids of everybody who has the role, page by page; an id may come twice.

    Raises RoleGone when the role is deleted meanwhile (what has come of it is nobody's role any more), and Auth0Error.
    """
    try:
        for page in pages(api, "roles", role.id, "users", key="users"):
            yield tuple(each["user_id"] for each in page if isinstance(each.get("user_id"), str))
    except Auth0Rejected as refused:
        if refused.status_code != 404:
            raise
        raise RoleGone(f"the role {role.name} was deleted at Auth0 while its members were read") from refused


def _role(record: dict[str, Any]) -> Role:
    role_id, name, description = record.get("id"), record.get("name"), record.get("description")
    if not isinstance(role_id, str) or not isinstance(name, str):
        raise Auth0Unavailable("Auth0 answered with a role without an id or a name; try again later")
    return Role(id=role_id, name=name, description=description if isinstance(description, str) else None)
