"""Who and what is in the tenant, to read: connections, roles and users. Writing them is not implemented.

Source: the Management OpenAPI, `/connections`, `/roles`, `/users`.
"""

from __future__ import annotations

from copy import deepcopy

from flask import Response, jsonify, request

from localauth0.errors import ManagementError, NotImplementedHere
from localauth0.management.http import (
    Document,
    caller,
    caller_scopes,
    management_blueprint,
    not_found,
    page_of,
    scoped,
    selected,
)
from localauth0.routes.http import live
from localauth0.store import Store, UserRecord
from localauth0.tenant import Connection, Role

blueprint = management_blueprint("directory")

_TOO_FAR = (
    "You can only page through the first 1000 records. "
    "See https://auth0.com/docs/users/search/v3/view-search-results-by-page#limitation"
)


@blueprint.get("/connections")
@scoped("read:connections")
def list_connections() -> Response:
    strategies, name = request.args.getlist("strategy"), request.args.get("name")
    store = live().store
    found = [
        _connection(store, connection)
        for connection in store.config.connections
        if (not strategies or connection.strategy in strategies) and name in (None, connection.name)
    ]
    return page_of(found, "connections", checkpoint=True)


@blueprint.get("/connections/<connection_id>")
@scoped("read:connections")
def get_connection(connection_id: str) -> Response:
    store = live().store
    found = next((one for one in store.config.connections if one.id == connection_id), None)
    if found is None:
        raise not_found("The connection does not exist", "inexistent_connection")
    return jsonify(selected(_connection(store, found)))


def _connection(store: Store, connection: Connection) -> Document:
    """Every application may use every connection here, and none has options."""
    return {
        "id": connection.id,
        "options": {},
        "strategy": connection.strategy,
        "name": connection.name,
        "is_domain_connection": False,
        "realms": [connection.name],
        "enabled_clients": [client.client_id for client in store.config.clients],
    }


@blueprint.get("/roles")
@scoped("read:roles")
def list_roles() -> Response:
    part = request.args.get("name_filter", "").casefold()
    found = [_role(role) for role in live().store.config.roles if part in role.name.casefold()]
    return page_of(found, "roles")


def _role(role: Role) -> Document:
    return {"id": role.id, "name": role.name, "description": role.description}


@blueprint.get("/users")
@scoped("read:users")
def list_users() -> Response:
    """All users, oldest first. Search and order are not implemented."""
    for name in ("q", "sort", "connection"):
        if name in request.args:
            raise NotImplementedHere(f"the parameter {name} of GET /api/v2/users")
    store = live().store
    with store.lock:
        found = [deepcopy(user.profile) for user in store.users.values()]
    found.sort(key=lambda profile: str(profile["created_at"]))
    return page_of(found, "users", id_key="user_id", with_length=True, too_far=_TOO_FAR)


@blueprint.get("/users/<user_id>")
@scoped("read:users", "read:current_user")
def get_user(user_id: str) -> Response:
    """Any user, or with `read:current_user` alone the one whose token it is."""
    if "read:users" not in caller_scopes() and caller().get("sub") != user_id:
        raise ManagementError(403, "Insufficient scope, expected any of: read:users", "insufficient_scope")
    store = live().store
    with store.lock:
        profile = deepcopy(_user(store, user_id).profile)
    return jsonify(selected(profile))


def _user(store: Store, user_id: str) -> UserRecord:
    found = store.users.get(user_id)
    if found is None:
        raise not_found("The user does not exist.", "inexistent_user")
    return found
