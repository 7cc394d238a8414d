"""What a single user has: roles, the permissions that come of them, organizations.

Source: the Management OpenAPI, `/users/{id}/roles`, `/users/{id}/permissions`, `/users/{id}/organizations`.
"""

from __future__ import annotations

from typing import Annotated

from flask import Response
from pydantic import Field

from localauth0.errors import ManagementError
from localauth0.management.http import Body, Document, body_of, management_blueprint, page_of, scoped
from localauth0.management.member_lists import require_roles, require_users
from localauth0.management.organizations import shown_organization
from localauth0.management.roles import shown_permission, shown_role
from localauth0.routes.http import live
from localauth0.store import Store, iso_ms
from localauth0.tenant import Role

blueprint = management_blueprint("user_memberships")

MAX_ROLES_PER_USER = 50


class RolesBody(Body):
    roles: Annotated[list[str], Field(min_length=1)]


@blueprint.get("/users/<user_id>/roles")
@scoped("read:users", "read:roles", "read:role_members")
def list_user_roles(user_id: str) -> Response:
    store = live().store
    require_users(store, [user_id])
    return page_of(_roles(store, user_id), "roles", shown=shown_role)


@blueprint.post("/users/<user_id>/roles")
@scoped("update:users", "create:role_members")
def assign_roles(user_id: str) -> Response:
    body, store = body_of(RolesBody), live().store
    with store.lock:
        require_users(store, [user_id])
        require_roles(store, body.roles)
        if len({*store.memberships.roles_of(user_id), *body.roles}) > MAX_ROLES_PER_USER:
            text = f"A user cannot have more than {MAX_ROLES_PER_USER} roles."
            raise ManagementError(403, text, "too_many_entities")
        for role_id in body.roles:
            store.memberships.grant(role_id, user_id, iso_ms(store.clock()))
    return Response(status=204)


@blueprint.delete("/users/<user_id>/roles")
@scoped("update:users", "delete:role_members")
def remove_roles(user_id: str) -> Response:
    body, store = body_of(RolesBody), live().store
    with store.lock:
        require_users(store, [user_id])
        for role_id in body.roles:
            store.memberships.revoke(role_id, user_id)
    return Response(status=204)


@blueprint.get("/users/<user_id>/permissions")
@scoped("read:users")
def list_user_permissions(user_id: str) -> Response:
    """The permissions of the user's roles; there are none that are given to a user directly."""
    store = live().store
    require_users(store, [user_id])
    found: dict[str, Document] = {}
    for role in _roles(store, user_id):
        for permission in role.permissions:
            name = f"{permission.resource_server_identifier} {permission.permission_name}"
            found[name] = shown_permission(store.config, permission)
    return page_of(list(found.values()), "permissions")


@blueprint.get("/users/<user_id>/organizations")
@scoped("read:organizations")
def list_user_organizations(user_id: str) -> Response:
    store = live().store
    with store.lock:
        require_users(store, [user_id])
        mine = set(store.memberships.organizations_of(user_id))
        found = [one for one in store.config.organizations if one.id in mine]
    return page_of(found, "organizations", shown=shown_organization)


def _roles(store: Store, user_id: str) -> list[Role]:
    with store.lock:
        mine = set(store.memberships.roles_of(user_id))
        return [role for role in store.config.roles if role.id in mine]
