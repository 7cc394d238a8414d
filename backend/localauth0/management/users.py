"""The tenant's users: read, found, made, changed and deleted.

Source: the Management OpenAPI, `/users`, `/users-by-email`.
"""

from __future__ import annotations

from copy import deepcopy

from flask import Response, jsonify, request

from localauth0.errors import ManagementError, NotImplementedHere
from localauth0.management.http import (
    caller,
    caller_scopes,
    management_blueprint,
    not_found,
    page_of,
    scoped,
    selected,
)
from localauth0.routes.http import live
from localauth0.store import Store
from localauth0.user_store import UserRecord

blueprint = management_blueprint("users")

_TOO_FAR = (
    "You can only page through the first 1000 records. "
    "See https://auth0.com/docs/users/search/v3/view-search-results-by-page#limitation"
)


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
