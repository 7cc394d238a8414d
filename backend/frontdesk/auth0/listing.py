"""Lists of the Management API as plain records, also where Auth0 answers otherwise than its own SDK expects.

The SDK refuses a whole page when one record of it lacks a field: the key of an encrypting API, for one, which is never
given back. What it could not read is then taken from the answer itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from auth0.management.core.pagination import SyncPager
from auth0.management.core.parse_error import ParsingError

from frontdesk.errors import Auth0Unavailable

PAGE_SIZE = 100
MAX_PAGES = 100  # Auth0 itself ends at a thousand records


@contextmanager
def unreadable_is_told() -> Iterator[None]:
    """Raise Auth0Unavailable for an answer that the SDK cannot read; its own error repeats the whole answer.

    That may be other people's code or a secret, which no traceback and no log may show.
    """
    try:
        yield
    except ParsingError:
        raise Auth0Unavailable(
            "Auth0 answered something that its SDK cannot read; look for a newer frontdesk"
        ) from None


def plain(answer: Any) -> dict[str, Any]:
    """Return a record of the SDK as Auth0 wrote it, without what is null."""
    found: dict[str, Any] = answer.model_dump(by_alias=True, exclude_none=True, mode="json")
    return found


def records(fetch: Callable[[int], SyncPager[Any, Any]], key: str) -> Iterator[dict[str, Any]]:
    """Give every record of a list; `fetch` gets a page by its number, of PAGE_SIZE, and `key` names the list in it."""
    for number in range(MAX_PAGES):
        page = records_of_page(lambda number=number: fetch(number), key)  # type: ignore[misc]
        yield from page
        if len(page) < PAGE_SIZE:
            return


def records_of_page(fetch: Callable[[], SyncPager[Any, Any]], key: str) -> list[dict[str, Any]]:
    """Return the records of one page, which may also be a bare list. Raises ParsingError when it is neither."""
    try:
        return [plain(each) for each in fetch().items or ()]
    except ParsingError as error:
        found = error.body.get(key) if isinstance(error.body, dict) else error.body
        if not isinstance(found, list):
            raise
        return [each for each in found if isinstance(each, dict)]
