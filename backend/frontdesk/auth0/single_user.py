"""One user as the Management API has them at this moment; a single read is not behind, as a search may be."""

from __future__ import annotations

from typing import Any

from frontdesk.auth0.management import ManagementApi
from frontdesk.errors import Auth0Rejected, Auth0Unavailable
from frontdesk.identity import JsonObject

_UPSTREAM_TOKENS = frozenset({"access_token", "access_token_secret", "refresh_token"})


def read_user(api: ManagementApi, user_id: str) -> JsonObject | None:
    """Return the record of the user with this id; None when Auth0 says that there is none.

    Only Auth0's own word for it is believed: a 404 of anything between is an error, because somebody may be deleted for
    it. Nothing is asked for an empty id.
    An answer about somebody else (a linked account's primary) means that this id is no user of its own.
    Raises Auth0Error.
    """
    if not user_id:
        return None  # the path of the whole list
    try:
        found = api.read("users", user_id)
    except Auth0Rejected as refused:
        if _says_that_there_is_none(refused):
            return None
        raise
    if not isinstance(found, dict) or not isinstance(found.get("user_id"), str):
        raise Auth0Unavailable("Auth0 answered with something else than a user; ask again")
    return _without_upstream_tokens(found) if found["user_id"] == user_id else None


def _without_upstream_tokens(record: dict[str, Any]) -> JsonObject:
    """Return the record without what opens the user's accounts elsewhere; some scopes make Auth0 show it."""
    identities = record.get("identities")
    if not isinstance(identities, list):
        return record
    kept = [
        {name: value for name, value in each.items() if name not in _UPSTREAM_TOKENS}
        if isinstance(each, dict)
        else each
        for each in identities
    ]
    return {**record, "identities": kept}


def _says_that_there_is_none(refused: Auth0Rejected) -> bool:
    """Tell an unknown user from an unknown place. Source: recorded traffic; the code is often left out."""
    return refused.status_code == 404 and (
        # At the end, behind the path: an id may hold any words.
        refused.error_code == "inexistent_user" or refused.detail.endswith("The user does not exist.")
    )
