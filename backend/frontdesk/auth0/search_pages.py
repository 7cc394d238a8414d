"""Reading everybody by search, in the order of creation.

Auth0 shows the first 1,000 results of a search and no more. `pages` are one search; `windows` are many, each from the
creation of the last user that the one before has shown. A window begins at a time and not at a place in a list, so a
user who is deleted meanwhile does not push another one out of sight, and its first users are those of the last one's
end, which are given once. More users of one millisecond than a search shows are beyond any window: then an export job
goes on.

The search is some seconds behind. What Auth0 counts and does not show is looked for a few times, and then told.

Source: Auth0 docs, "View Search Results by Page" (limitation), "User Search Query Syntax" (ranges).
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeGuard

from frontdesk.auth0.checkpoints import records_in
from frontdesk.auth0.export_file import int_in
from frontdesk.auth0.management import AnswerTooLarge, ManagementApi
from frontdesk.auth0.reading import RawRecord, Reading, Way
from frontdesk.errors import Auth0Unavailable
from frontdesk.identity import JsonObject

SEARCH_LIMIT = 1000  # results of one search that Auth0 shows
PAGE_SIZE = 100  # the most that Auth0 gives
ROUNDS = 4  # of looking for whom Auth0 counts and has not shown
MAX_RESTARTS = 50  # of one reading, each for somebody who was deleted while a search was paged through
ROUND_PAUSE_S = 1.0  # times the number of the round; a search is behind by seconds


def count(api: ManagementApi) -> int:
    """Return how many users the tenant has, as its search counts them; one call. Raises Auth0Error."""
    answer = api.read("users", per_page="1", include_totals="true", search_engine="v3", fields="user_id")
    total = answer.get("total") if isinstance(answer, dict) else None
    if not isinstance(total, int):
        raise Auth0Unavailable("Auth0 answered a search without its total; repeat the command")
    return total


_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{8,18}Z")  # it becomes a part of a query


class _TooManyAtOnce(Exception):
    """More users of one moment than a search shows."""


@dataclass
class _Place:
    """Where a search stands. `seen` are the users that this search has shown, with the times of their creation."""

    way: Way
    number: int = 0
    distinct: int = 0
    after: str | None = None  # created_at from which the window goes on
    page: int = 0
    page_size: int = PAGE_SIZE
    total: int = 0  # of the search, as its last page said
    restarts: int = 0
    seen: dict[str, Any] = field(default_factory=dict)

    def resume(self) -> JsonObject:
        """Return what goes on from here: the users of this search come again, and count again."""
        return {
            "way": self.way.value,
            "number": self.number,
            "distinct": self.distinct - len(self.seen),
            "after": self.after,
        }


class SearchReading(Reading):
    """Everybody by pages or windows of the search; by `job(why)` where windows do not get on."""

    def __init__(
        self,
        api: ManagementApi,
        way: Way,
        why: str,
        *,
        total: int,
        job: Callable[[str], Reading],
        round_pause_s: float = ROUND_PAUSE_S,
    ) -> None:
        super().__init__(way, why, total=total, read_at=datetime.now(tz=UTC))
        self._api = api
        self._job = job
        self._round_pause_s = round_pause_s
        self._going_on: Reading | None = None

    def records(self, resume: JsonObject | None = None) -> Iterator[RawRecord]:
        resume = resume or {}
        if resume.get("way") == Way.JOB:
            yield from self._by_job("an export job goes on where windows did not", resume)
            return
        place = _place(self.way, resume)
        try:
            yield from self._everybody(place)
        except _TooManyAtOnce:
            why = (
                f"more than {SEARCH_LIMIT:,} users were created at {place.after or 'no time at all'}, which no search "
                f"shows; an export job reads everybody"
            )
            yield from self._by_job(why, {"number": place.number})

    def close(self) -> None:
        if self._going_on is not None:
            self._going_on.close()

    def _by_job(self, why: str, resume: JsonObject) -> Iterator[RawRecord]:
        job = self._going_on = self._job(why)
        self.way, self.why, self.carried = job.way, job.why, job.carried
        for raw in job.records(resume):
            self.read_at = job.read_at
            yield raw
        self.complete, self.shortfall = job.complete, job.shortfall

    def _everybody(self, place: _Place) -> Iterator[RawRecord]:
        missing = 0
        for round_number in range(ROUNDS):
            time.sleep(self._round_pause_s * round_number)
            yield from self._search(place)
            missing = count(self._api) - place.distinct
            if missing <= 0 and place.restarts < MAX_RESTARTS:
                self.complete = True
                return
            if missing <= 0:
                self.shortfall = (
                    "users were deleted faster than the search could be paged through; repeat the command, or read by "
                    "`--way job`"
                )
                return
        self.shortfall = (
            f"Auth0 counts {missing:,} more users than its search shows; it is some seconds behind after a change. "
            f"Repeat the command, or read by `--way job`"
        )

    def _search(self, place: _Place) -> Iterator[RawRecord]:
        """Give whom the search shows from the place on, and leave the place where it ended."""
        place.page = 0
        while True:
            page = self._page(place)
            if page is None:
                continue
            users, size = page
            for user in users:
                if (raw := _taken(place, user, size)) is not None:
                    yield raw
            if len(users) < place.page_size:
                return
            _move(place, users)

    def _page(self, place: _Place) -> tuple[list[dict[str, Any]], int] | None:
        """Return the page at the place, and about how large one of its records is; None when it has to be smaller."""
        query = {} if place.after is None else {"q": f"created_at:[{place.after} TO *]"}
        try:
            answer = self._api.answer(
                "users",
                page=str(place.page),
                per_page=str(place.page_size),
                sort="created_at:1",
                include_totals="true",
                search_engine="v3",
                **query,
            )
        except AnswerTooLarge:
            if place.page_size == 1:
                raise
            place.page_size, place.page = max(1, place.page_size // 4), 0
            return None
        found = answer.json()
        users = records_in(found, "users")
        if _shrank(place, found):
            return None
        return users, len(answer.content) // max(1, len(users))


def _place(way: Way, resume: JsonObject) -> _Place:
    number, after = int_in(resume, "number"), resume.get("after")
    if not isinstance(after, str):
        return _Place(way, number=number)  # a single search is short: it begins again
    return _Place(Way.WINDOWS, number=number, distinct=int_in(resume, "distinct"), after=after)


def _taken(place: _Place, user: dict[str, Any], size: int) -> RawRecord | None:
    """Return a user as the place's next record; None for one whom this search has shown before."""
    user_id = user.get("user_id")
    if isinstance(user_id, str):
        if user_id in place.seen:
            return None
        place.seen[user_id] = user.get("created_at")
    place.number += 1
    place.distinct += 1
    return RawRecord(number=place.number, record=user, resume=place.resume(), size=size)


def _shrank(place: _Place, answer: Any) -> bool:
    """Tell whether somebody was deleted since the last page, and begin the search again then.

    A page that moved up by one hides a user whom neither it nor the last one showed.
    """
    before, place.total = place.total, answer.get("total", 0) if isinstance(answer, dict) else 0
    if place.page == 0 or place.total >= before or place.restarts >= MAX_RESTARTS:
        return False
    place.restarts += 1
    place.page = 0
    return True


def _move(place: _Place, users: list[dict[str, Any]]) -> None:
    """Go to the next page, or to the window that begins with the last of these users.

    Raises _TooManyAtOnce when the search shows no more and no window is nearer.
    """
    place.page += 1
    is_at_end = (place.page + 1) * place.page_size > SEARCH_LIMIT
    if place.way is Way.PAGES and not is_at_end:
        return
    last = max(filter(_is_time, (user.get("created_at") for user in users)), default="")
    if last <= (place.after or ""):
        if is_at_end:
            raise _TooManyAtOnce
        return
    place.way, place.after, place.page = Way.WINDOWS, last, 0
    place.page_size = min(PAGE_SIZE, 2 * place.page_size)
    place.seen = {user_id: created_at for user_id, created_at in place.seen.items() if created_at == last}


def _is_time(text: Any) -> TypeGuard[str]:
    return isinstance(text, str) and _TIME.fullmatch(text) is not None
