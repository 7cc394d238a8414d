"""Lists of users who have something in common: the holders of a role, the members of an organization.

Both are read by page, or from behind a member on; a list that changes meanwhile shows nobody twice.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from flask import Response, jsonify

from localauth0.errors import ManagementError
from localauth0.management.http import (
    Document,
    asks_for_checkpoint,
    checkpoint_position,
    checkpoint_token,
    not_found,
    page_of,
    query_take,
    selected,
)
from localauth0.memberships import Members
from localauth0.store import Store

_SHOWN = ("user_id", "email", "picture", "name")


def members_page(
    members: Members, key: str, shown: Callable[[str], Document], *, has_empty_end: bool = False
) -> Response:
    """The part of the list that the query asks for.

    By checkpoint the last part has no `next`; with `has_empty_end` it has one, and an empty part follows. Auth0 has
    both ways, as recorded.
    """
    if not asks_for_checkpoint():
        return page_of(members, key, shown=shown)
    found, are_there_more = members.after(checkpoint_position(), query_take())
    answer: Document = {key: [selected(shown(user_id)) for _, user_id in found]}
    if found and (are_there_more or has_empty_end):
        answer["next"] = checkpoint_token(*found[-1])
    return jsonify(answer)


def shown_member(store: Store, user_id: str) -> Document:
    """What such a list tells of a user."""
    profile = store.users.look(user_id) or {"user_id": user_id}
    return {name: profile[name] for name in _SHOWN if name in profile}


def require_users(store: Store, user_ids: Sequence[str]) -> None:
    """Raises ManagementError (404) when one of them does not exist."""
    if not all(user_id in store.users for user_id in user_ids):
        raise not_found("The user does not exist.", "inexistent_user")


def require_roles(store: Store, role_ids: Sequence[str]) -> None:
    """Raises ManagementError (404) when one of them does not exist."""
    known = {role.id for role in store.config.roles}
    if not known.issuperset(role_ids):
        raise inexistent_role()


def inexistent_role() -> ManagementError:
    return not_found("The role does not exist.", "inexistent_role")
