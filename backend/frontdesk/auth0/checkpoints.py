"""Lists of the Management API that go on from a checkpoint: roles' users, organizations, their members.

Source: Auth0 docs, "Pagination"; recorded traffic, where a list ends without `next`, or with an empty page after one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from frontdesk.auth0.management import ManagementApi
from frontdesk.errors import Auth0Unavailable

TAKE = 100  # the most that Auth0 gives


def pages(api: ManagementApi, *path: str, key: str, **parameters: str) -> Iterator[list[dict[str, Any]]]:
    """Give the pages of the list at `path`, each with at least one record; `key` names the list in an answer.

    Raises Auth0Error.
    """
    checkpoint: dict[str, str] = {}
    while True:
        answer = api.read(*path, take=str(TAKE), **parameters, **checkpoint)
        page, following = records_in(answer, key), answer.get("next") if isinstance(answer, dict) else None
        if page:
            yield page
        if not page or not isinstance(following, str) or not following:
            return
        if checkpoint.get("from") == following:
            raise Auth0Unavailable(f"Auth0's list of {key} goes round in a circle; try again later")
        checkpoint = {"from": following}


def records_in(answer: Any, key: str) -> list[dict[str, Any]]:
    """Return the records of an answer, which may also be a bare list. Raises Auth0Unavailable when it is neither."""
    found = answer.get(key) if isinstance(answer, dict) else answer
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise Auth0Unavailable(f"Auth0 answered with something else than a list of {key}; try again later")
    return found
