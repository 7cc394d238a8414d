"""The tenant's roles: what they permit, and who has them.

Source: the Management OpenAPI, `/roles`; recorded answers.
"""

from __future__ import annotations

from typing import Annotated, Any

from flask import Response, jsonify, request
from pydantic import Field, StringConstraints

from localauth0.errors import ManagementError
from localauth0.management.http import (
    Body,
    Document,
    body_of,
    conflict,
    management_blueprint,
    page_of,
    scoped,
)
from localauth0.management.member_lists import (
    inexistent_role,
    members_page,
    require_users,
    shown_member,
)
from localauth0.routes.http import live
from localauth0.store import Store, iso_ms
from localauth0.tenant import Permission, Role, TenantConfig, random_id

blueprint = management_blueprint("roles")

MAX_ROLES = 1000
_NOTHING: Document = {}


class NewRole(Body):
    name: Annotated[str, StringConstraints(min_length=1)]
    description: str = ""


class RoleChange(Body):
    name: Annotated[str, StringConstraints(min_length=1)] | None = None
    description: str | None = None


class UsersBody(Body):
    users: Annotated[list[str], Field(min_length=1)]


class PermissionBody(Body):
    resource_server_identifier: str
    permission_name: str

    def permission(self) -> Permission:
        return Permission(**self.model_dump())


class PermissionsBody(Body):
    permissions: Annotated[list[PermissionBody], Field(min_length=1)]


@blueprint.get("/roles")
@scoped("read:roles")
def list_roles() -> Response:
    part = request.args.get("name_filter", "").casefold()
    found = [role for role in live().store.config.roles if part in role.name.casefold()]
    return page_of(found, "roles", shown=shown_role)


@blueprint.post("/roles")
@scoped("create:roles")
def create_role() -> Response:
    body, store = body_of(NewRole), live().store
    with store.lock:
        _refuse_name(store, body.name)
        if len(store.config.roles) >= MAX_ROLES:
            raise ManagementError(403, "You have reached the maximum number of roles.", "too_many_entities")
        role = Role(id=random_id("rol_", 16), name=body.name, description=body.description)
        store.put("roles", role)
    return jsonify(shown_role(role))


@blueprint.get("/roles/<role_id>")
@scoped("read:roles")
def get_role(role_id: str) -> Response:
    return jsonify(shown_role(_role(live().store, role_id)))


@blueprint.patch("/roles/<role_id>")
@scoped("update:roles")
def change_role(role_id: str) -> Response:
    changes, store = body_of(RoleChange).set_values(), live().store
    with store.lock:
        role = _role(store, role_id)
        if changes.get("name", role.name) != role.name:
            _refuse_name(store, changes["name"])
        return jsonify(shown_role(_replaced(store, role, **changes)))


@blueprint.delete("/roles/<role_id>")
@scoped("delete:roles")
def delete_role(role_id: str) -> Response:
    store = live().store
    with store.lock:
        _role(store, role_id)
        store.memberships.forget_role(role_id)
        store.drop("roles", lambda role: role.id == role_id)
    return jsonify(_NOTHING)


@blueprint.get("/roles/<role_id>/users")
@scoped("read:users", "read:roles", "read:role_members")
def list_role_users(role_id: str) -> Response:
    store = live().store
    with store.lock:
        members = store.memberships.role_members(_role(store, role_id).id)
        return members_page(members, "users", lambda user_id: shown_member(store, user_id))


@blueprint.post("/roles/<role_id>/users")
@scoped("create:role_members")
def assign_users(role_id: str) -> Response:
    body, store = body_of(UsersBody), live().store
    with store.lock:
        _role(store, role_id)
        require_users(store, body.users)
        for user_id in body.users:
            store.memberships.grant(role_id, user_id, iso_ms(store.clock()))
    return jsonify(_NOTHING)


@blueprint.get("/roles/<role_id>/permissions")
@scoped("read:roles")
def list_permissions(role_id: str) -> Response:
    config = live().store.config
    role = _role(live().store, role_id)
    return page_of(role.permissions, "permissions", shown=lambda one: shown_permission(config, one))


@blueprint.post("/roles/<role_id>/permissions")
@scoped("update:roles")
def add_permissions(role_id: str) -> tuple[Response, int]:
    added, store = permissions_of_body(), live().store
    with store.lock:
        role = _role(store, role_id)
        for permission in added:
            refuse_unknown_permission(store.config, permission)
        kept = [one for one in role.permissions if one not in added]
        _replaced(store, role, permissions=[*kept, *added])
    return jsonify(_NOTHING), 201


@blueprint.delete("/roles/<role_id>/permissions")
@scoped("update:roles")
def remove_permissions(role_id: str) -> Response:
    removed, store = permissions_of_body(), live().store
    with store.lock:
        role = _role(store, role_id)
        _replaced(store, role, permissions=[one for one in role.permissions if one not in removed])
    return Response(status=204)


def shown_role(role: Role) -> Document:
    return {"id": role.id, "name": role.name, "description": role.description}


def shown_permission(config: TenantConfig, permission: Permission) -> Document:
    api = config.resource_server(permission.resource_server_identifier)
    return {
        **permission.model_dump(),
        "resource_server_name": api.name if api is not None else "",
        "description": api.scope_descriptions.get(permission.permission_name, "") if api is not None else "",
    }


def _role(store: Store, role_id: str) -> Role:
    role = next((one for one in store.config.roles if one.id == role_id), None)
    if role is None:
        raise inexistent_role()
    return role


def _replaced(store: Store, role: Role, **changes: Any) -> Role:
    changed = role.model_copy(update=changes)
    store.put("roles", changed, replacing=role)
    return changed


def _refuse_name(store: Store, name: str) -> None:
    if store.config.role(name) is not None:
        raise conflict("A role with the same name already exists.")


def permissions_of_body() -> list[Permission]:
    """The permissions that the running call names."""
    return [one.permission() for one in body_of(PermissionsBody).permissions]


def refuse_unknown_permission(config: TenantConfig, permission: Permission) -> None:
    """Raises ManagementError (400) for a permission that no API of the tenant has."""
    api = config.resource_server(permission.resource_server_identifier)
    if api is None or permission.permission_name not in api.scopes:
        raise ManagementError(400, f"Permission {permission.permission_name} does not exist.", "invalid_body")
