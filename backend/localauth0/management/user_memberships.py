"""What a single user has: roles, permissions, organizations.

Source: the Management OpenAPI, `/users/{id}/roles`, `/users/{id}/permissions`, `/users/{id}/organizations`.
"""

from __future__ import annotations

from typing import Annotated

from flask import Response, jsonify
from pydantic import Field

from localauth0.errors import ManagementError
from localauth0.management.http import Body, body_of, management_blueprint, page_of, scoped
from localauth0.management.member_lists import require_roles, require_users
from localauth0.management.organizations import shown_organization
from localauth0.management.roles import (
    permissions_of_body,
    refuse_unknown_permission,
    shown_permission,
    shown_role,
)
from localauth0.management.users import existing_user
from localauth0.routes.http import live
from localauth0.store import Store, iso_ms
from localauth0.tenant import Permission, Role

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
    """Those that were given to the user directly, and those that come of roles."""
    store = live().store
    with store.lock:
        user = existing_user(store, user_id)
        found = [_permission(*pair) for pair in user.permissions]
        found += [one for role in _roles(store, user_id) for one in role.permissions if one not in found]
    return page_of(found, "permissions", shown=lambda one: shown_permission(store.config, one))


@blueprint.post("/users/<user_id>/permissions")
@scoped("update:users")
def add_user_permissions(user_id: str) -> tuple[Response, int]:
    added, store = permissions_of_body(), live().store
    with store.lock:
        user = existing_user(store, user_id)
        for permission in added:
            refuse_unknown_permission(store.config, permission)
            pair = (permission.resource_server_identifier, permission.permission_name)
            if pair not in user.permissions:
                user.permissions.append(pair)
    return jsonify({}), 201


@blueprint.delete("/users/<user_id>/permissions")
@scoped("update:users")
def remove_user_permissions(user_id: str) -> Response:
    removed, store = permissions_of_body(), live().store
    with store.lock:
        user = existing_user(store, user_id)
        user.permissions[:] = [pair for pair in user.permissions if _permission(*pair) not in removed]
    return Response(status=204)


def _permission(resource_server_identifier: str, permission_name: str) -> Permission:
    return Permission(resource_server_identifier=resource_server_identifier, permission_name=permission_name)


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
