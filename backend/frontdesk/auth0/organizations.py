"""The tenant's organizations, and their members with the roles that they have there.

Source: Auth0 docs, "Get organizations", "Get members who belong to an organization" (`fields=roles`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from frontdesk.auth0.checkpoints import pages
from frontdesk.auth0.management import ManagementApi
from frontdesk.errors import Auth0Error, Auth0Rejected, Auth0Unavailable
from frontdesk.identity import JsonObject

PAGE_SIZE = 50  # of somebody's roles in an organization
MAX_PAGES = 20


class OrganizationGone(Auth0Error):
    """The organization was deleted at Auth0 while its members were read."""

    type = "urn:frontdesk:problem:organization-gone"


@dataclass(frozen=True, kw_only=True)
class TenantOrganization:
    """An organization as Auth0 has it."""

    id: str
    name: str
    display_name: str | None = None
    metadata: JsonObject = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Member:
    """Somebody in an organization, with the names of the roles that they have there."""

    user_id: str
    roles: tuple[str, ...] = ()


def read_organizations(api: ManagementApi) -> Iterator[TenantOrganization]:
    """Give all organizations of the tenant; one may come twice. Raises Auth0Error."""
    for page in pages(api, "organizations", key="organizations"):
        yield from map(_organization, page)


def organization_members(
    api: ManagementApi, organization: TenantOrganization
) -> Iterator[tuple[Member, ...]]:
    """Give everybody in the organization, page by page; somebody may come twice.

    Raises OrganizationGone when it is deleted meanwhile, Auth0ScopeMissing without `read:organization_member_roles`,
    and Auth0Error.
    """
    wanted = {"fields": "user_id,roles", "include_fields": "true"}
    try:
        for page in pages(api, "organizations", organization.id, "members", key="members", **wanted):
            yield tuple(_member(each) for each in page if isinstance(each.get("user_id"), str))
    except Auth0Rejected as refused:
        if refused.status_code != 404:
            raise
        raise OrganizationGone(
            f"the organization {organization.name} was deleted at Auth0 while its members were read"
        ) from refused


def read_organization(api: ManagementApi, organization_id: str) -> TenantOrganization | None:
    """Return an organization as it is now; None when Auth0 says that there is none. Raises Auth0Error."""
    try:
        found = api.read("organizations", organization_id)
    except Auth0Rejected as refused:
        if _says_that_there_is_none(refused):
            return None
        raise
    if not isinstance(found, dict) or found.get("id") != organization_id:
        raise Auth0Unavailable("Auth0 answered with something else than the organization; ask again")
    return _organization(found)


def roles_in(api: ManagementApi, organization_id: str, user_id: str) -> tuple[str, ...] | None:
    """Return the names of the roles that somebody has in an organization; None when they are not in it any more.

    Raises Auth0ScopeMissing without `read:organization_member_roles`, and Auth0Error.
    """
    names: list[str] = []
    for number in range(MAX_PAGES):
        try:
            page = api.read(
                "organizations",
                organization_id,
                "members",
                user_id,
                "roles",
                page=str(number),
                per_page=str(PAGE_SIZE),
            )
        except Auth0Rejected as refused:
            if refused.status_code == 404:
                return None
            raise
        if not isinstance(page, list):
            raise Auth0Unavailable("Auth0 answered with something else than a list of roles; ask again")
        names += [
            each["name"] for each in page if isinstance(each, dict) and isinstance(each.get("name"), str)
        ]
        if len(page) < PAGE_SIZE:
            break
    return tuple(names)


def _says_that_there_is_none(refused: Auth0Rejected) -> bool:
    """Tell an unknown organization from an unknown place: only Auth0's own word for it is believed."""
    return refused.status_code == 404 and (
        refused.error_code == "inexistent_organization" or "No organization found" in refused.detail
    )


def _organization(record: dict[str, Any]) -> TenantOrganization:
    organization_id, name = record.get("id"), record.get("name")
    if not isinstance(organization_id, str) or not isinstance(name, str):
        raise Auth0Unavailable("Auth0 answered with an organization without an id or a name; try again later")
    display_name, metadata = record.get("display_name"), record.get("metadata")
    return TenantOrganization(
        id=organization_id,
        name=name,
        display_name=display_name if isinstance(display_name, str) else None,
        metadata=metadata if isinstance(metadata, dict) else {},
    )


def _member(record: dict[str, Any]) -> Member:
    roles = record.get("roles")
    names = [each.get("name") for each in roles if isinstance(each, dict)] if isinstance(roles, list) else []
    return Member(
        user_id=str(record["user_id"]), roles=tuple(name for name in names if isinstance(name, str))
    )
