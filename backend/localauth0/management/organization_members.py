"""Who belongs to an organization, and which roles they have in it.

Source: the Management OpenAPI, `/organizations/{id}/members`; recorded answers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from flask import Response, request
from pydantic import Field

from localauth0.errors import ManagementError
from localauth0.happenings import Kind
from localauth0.management.http import (
    Body,
    Document,
    body_of,
    caller_scopes,
    management_blueprint,
    page_of,
    query_flag,
    scoped,
)
from localauth0.management.member_lists import members_page, require_roles, require_users, shown_member
from localauth0.management.organizations import organization, shown_organization
from localauth0.management.roles import shown_role
from localauth0.management.user_memberships import RolesBody
from localauth0.management.users import api_doer
from localauth0.routes.http import live
from localauth0.store import Store, iso_ms
from localauth0.tenant import Organization, Role

blueprint = management_blueprint("organization_members")

_ROLES_SCOPE = "read:organization_member_roles"


class MembersBody(Body):
    members: Annotated[list[str], Field(min_length=1)]


@blueprint.get("/organizations/<organization_id>/members")
@scoped("read:organization_members")
def list_members(organization_id: str) -> Response:
    store, with_roles = live().store, _asks_for_roles()
    if with_roles and _ROLES_SCOPE not in caller_scopes():
        raise ManagementError(
            403, f"Insufficient scope, expected any of: {_ROLES_SCOPE}", "insufficient_scope"
        )

    def shown(user_id: str) -> Document:
        member = shown_member(store, user_id)
        if with_roles:
            roles = _roles(store, organization_id, user_id)
            member["roles"] = [{"id": role.id, "name": role.name} for role in roles]
        return member

    with store.lock:
        members = store.memberships.organization_members(organization(store, organization_id).id)
        return members_page(members, "members", shown, has_empty_end=True)


@blueprint.post("/organizations/<organization_id>/members")
@scoped("create:organization_members")
def add_members(organization_id: str) -> Response:
    body, store = body_of(MembersBody), live().store
    with store.lock:
        joined = organization(store, organization_id)
        require_users(store, body.members)
        new = [one for one in body.members if not store.memberships.is_member(organization_id, one)]
        for user_id in new:
            store.memberships.join(organization_id, user_id, iso_ms(store.clock()))
    _tell("member_added", joined, new)
    return Response(status=204)


@blueprint.delete("/organizations/<organization_id>/members")
@scoped("delete:organization_members")
def remove_members(organization_id: str) -> Response:
    body, store = body_of(MembersBody), live().store
    with store.lock:
        left = organization(store, organization_id)
        gone = [one for one in body.members if store.memberships.is_member(organization_id, one)]
        for user_id in body.members:
            store.memberships.leave(organization_id, user_id)
    _tell("member_deleted", left, gone)
    return Response(status=204)


@blueprint.get("/organizations/<organization_id>/members/<user_id>/roles")
@scoped(_ROLES_SCOPE)
def list_member_roles(organization_id: str, user_id: str) -> Response:
    store = live().store
    organization(store, organization_id)
    require_users(store, [user_id])
    return page_of(_roles(store, organization_id, user_id), "roles", shown=shown_role)


@blueprint.post("/organizations/<organization_id>/members/<user_id>/roles")
@scoped("create:organization_member_roles")
def assign_member_roles(organization_id: str, user_id: str) -> Response:
    body, store = body_of(RolesBody), live().store
    with store.lock:
        where = organization(store, organization_id)
        require_users(store, [user_id])
        require_roles(store, body.roles)
        before = _roles(store, organization_id, user_id)
        for role_id in body.roles:
            store.memberships.grant_in(organization_id, role_id, user_id)
        new = [role for role in _roles(store, organization_id, user_id) if role not in before]
    _tell("member_role_assigned", where, [user_id], new)
    return Response(status=204)


@blueprint.delete("/organizations/<organization_id>/members/<user_id>/roles")
@scoped("delete:organization_member_roles")
def remove_member_roles(organization_id: str, user_id: str) -> Response:
    body, store = body_of(RolesBody), live().store
    with store.lock:
        where = organization(store, organization_id)
        gone = [role for role in _roles(store, organization_id, user_id) if role.id in body.roles]
        for role_id in body.roles:
            store.memberships.revoke_in(organization_id, role_id, user_id)
    _tell("member_role_deleted", where, [user_id], gone)
    return Response(status=204)


def _tell(
    kind: Kind, where: Organization, user_ids: Sequence[str], roles: Sequence[Role] | None = None
) -> None:
    """Tell it of each of the users, and of each of the roles when it is about roles."""
    about_roles: list[Document] = [{}]
    if roles is not None:
        about_roles = [{"role": {"id": one.id, "name": one.name}} for one in roles]
    store, shown = live().store, shown_organization(where)
    for user_id in dict.fromkeys(user_ids):
        for about in about_roles:
            store.happened(kind, None, by=api_doer(), organization=shown, user_id=user_id, **about)


def _asks_for_roles() -> bool:
    """Roles are told only when they are named among the fields to include."""
    names = [name.strip() for name in request.args.get("fields", "").split(",")]
    return "roles" in names and query_flag("include_fields", otherwise=True)


def _roles(store: Store, organization_id: str, user_id: str) -> list[Role]:
    with store.lock:
        mine = store.memberships.organization_roles_of(organization_id, user_id)
        known = {role.id: role for role in store.config.roles}
        return [known[role_id] for role_id in mine]
