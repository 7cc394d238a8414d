"""The tenant's users, to read: one, those with an e-mail address, and those whom a search finds.

Source: the Management OpenAPI, `/users`, `/users-by-email`; Auth0 docs, "User Search".
"""

from __future__ import annotations

from flask import Response, jsonify, request

from localauth0.errors import ManagementError, NotImplementedHere
from localauth0.happenings import Doer
from localauth0.management.http import (
    DEFAULT_PAGE_SIZE,
    MAX_PAGE_SIZE,
    MAX_PAGED_RECORDS,
    caller,
    caller_scopes,
    management_blueprint,
    not_found,
    query_flag,
    query_number,
    scoped,
    selected,
)
from localauth0.routes.http import live
from localauth0.search import order_of
from localauth0.search_syntax import SearchFault
from localauth0.store import Store
from localauth0.user_store import UserRecord

blueprint = management_blueprint("users")

_TOO_FAR = (
    "You can only page through the first 1000 records. "
    "See https://auth0.com/docs/users/search/v3/view-search-results-by-page#limitation"
)


@blueprint.get("/users")
@scoped("read:users", "read:user_idp_tokens")
def list_users() -> Response:
    """The users whom `q` means, all without it; as far as the first thousand."""
    _refuse_old_search()
    page = query_number("page", otherwise=0, low=0)
    size = query_number("per_page", otherwise=DEFAULT_PAGE_SIZE, low=0, high=MAX_PAGE_SIZE)
    if (page + 1) * size > MAX_PAGED_RECORDS:
        raise ManagementError(400, _TOO_FAR, "invalid_paging")
    query = request.args.get("q", "").strip()
    try:
        order = order_of(request.args.get("sort"))
        found = live().store.search.find(query or None, order, start=page * size, size=size)
    except SearchFault as err:
        raise ManagementError(400, f"Query validation error: '{err}'.", "invalid_query_string") from err
    shown = [selected(dict(profile)) for profile in found.profiles]
    if not query_flag("include_totals", otherwise=False):
        return jsonify(shown)
    return jsonify(start=page * size, limit=size, length=len(shown), total=found.total, users=shown)


@blueprint.get("/users/<user_id>")
@scoped("read:users", "read:current_user", "read:user_idp_tokens")
def get_user(user_id: str) -> Response:
    """Any user, or with `read:current_user` alone the one whose token it is."""
    is_any = caller_scopes() & {"read:users", "read:user_idp_tokens"}
    if not is_any and caller().get("sub") != user_id:
        raise ManagementError(403, "Insufficient scope, expected any of: read:users", "insufficient_scope")
    profile = live().store.users.look(user_id)
    if profile is None:
        raise _inexistent()
    return jsonify(selected(dict(profile)))


@blueprint.get("/users-by-email")
@scoped("read:users")
def users_by_email() -> Response:
    """Those with just that address, of all connections; what a search does not see yet is here."""
    email = request.args.get("email")
    if email is None:
        text = "Query validation error: 'Missing required property: email'."
        raise ManagementError(400, text, "invalid_query_string")
    found = [user.profile for user in live().store.users.named(email)]
    return jsonify([selected(profile) for profile in found if profile.get("email") == email])


def existing_user(store: Store, user_id: str) -> UserRecord:
    """The user with that id. Raises ManagementError (404 `inexistent_user`)."""
    found = store.users.get(user_id)
    if found is None:
        raise _inexistent()
    return found


def api_doer() -> Doer:
    """Whoever makes the running call."""
    client_id = caller().get("azp")
    agent = request.headers.get("User-Agent")
    return Doer(str(client_id) if client_id else None, request.remote_addr, agent, is_api=True)


def _inexistent() -> ManagementError:
    return not_found("The user does not exist.", "inexistent_user")


def _refuse_old_search() -> None:
    engine = request.args.get("search_engine", "v3")
    if engine not in ("v1", "v2", "v3"):
        text = "Query validation error: 'No enum match for: search_engine'."
        raise ManagementError(400, text, "invalid_query_string")
    if engine != "v3" or "connection" in request.args:
        raise NotImplementedHere("the search engines v1 and v2, and the parameter connection that is theirs")
