"""Searching users: the part of Auth0's query language (v3, Lucene's) that clients use, and the order of what is found.

A query is parsed into a tree that knows which users it means; what Auth0 would understand and localauth0 does not is
said so, and what nobody can understand is a fault. Searches may lag behind (`search_lag` of the tenant file).

Source: Auth0 docs, "User Search Query Syntax", "User Search Best Practices".
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from localauth0.search_syntax import Everybody, Node, SearchFault, parse, window_of
from localauth0.search_values import is_searchable, scalars
from localauth0.user_store import BEGINNING_MS, END_MS, Key, Profile, UserStore, created_ms

_MAX_REMEMBERED = 8  # searches whose hits are remembered until somebody changes
_CREATED, _UPDATED = "created_at", "updated_at"


@dataclass(frozen=True)
class Order:
    """By which field the hits are sorted; by creation when nothing is said."""

    field: str = _CREATED
    is_descending: bool = False


@dataclass(frozen=True)
class Found:
    """One page of the hits, and how many there are in all."""

    profiles: list[Profile]
    total: int


@dataclass(frozen=True)
class _Hit:
    """A user who is meant; with the profile that the search sees when that is not the user's own."""

    key: Key
    seen: Profile | None = None


class UserSearch:
    """Searches over one store of users; remembers the hits of the last ones, for those who read page by page."""

    def __init__(self, users: UserStore) -> None:
        self._users = users
        self._remembered: OrderedDict[tuple[str, Order, int], list[_Hit]] = OrderedDict()

    def find(self, query: str | None, order: Order, *, start: int, size: int) -> Found:
        """The hits from the place `start` on. Raises SearchFault, NotImplementedHere."""
        tree = parse(query) if query is not None else Everybody()
        low, high, is_all = window_of(tree, _CREATED)
        earlier = self._users.unsettled()
        if is_all and order.field == _CREATED and not earlier:
            page = self._users.page(low, high, start=start, size=size, newest_first=order.is_descending)
            return Found(page, self._users.count_between(low, high))
        hits = self._hits(query or "", tree, order, earlier)
        chosen = (self._profile(hit) for hit in hits[start : start + size])
        return Found([profile for profile in chosen if profile is not None], len(hits))

    def _hits(self, query: str, tree: Node, order: Order, earlier: dict[str, Profile | None]) -> list[_Hit]:
        memory = (query, order, self._users.version)
        if earlier:
            return _sorted(self._scan(tree, earlier), order)
        if (known := self._remembered.get(memory)) is not None:
            return known
        hits = _sorted(self._scan(tree, earlier), order)
        self._remembered[memory] = hits
        while len(self._remembered) > _MAX_REMEMBERED:
            self._remembered.popitem(last=False)
        return hits

    def _scan(self, tree: Node, earlier: dict[str, Profile | None]) -> Iterator[tuple[_Hit, Profile]]:
        for key, profile in self._candidates(tree):
            if profile["user_id"] not in earlier and tree.matches(profile):
                yield _Hit(key), profile
        for serial, seen in enumerate(earlier.values()):
            if seen is not None and tree.matches(seen):
                yield _Hit((created_ms(seen), serial), seen), seen

    def _candidates(self, tree: Node) -> Iterator[tuple[Key, Profile]]:
        """All who may be meant, as far as times tell."""
        low, high, _ = window_of(tree, _UPDATED)
        if low > BEGINNING_MS or high < END_MS:
            return self._users.entries_updated(low, high)
        low, high, _ = window_of(tree, _CREATED)
        return self._users.entries(low, high)

    def _profile(self, hit: _Hit) -> Profile | None:
        return hit.seen if hit.seen is not None else self._users.at(hit.key)


def _sorted(found: Iterator[tuple[_Hit, Profile]], order: Order) -> list[_Hit]:
    """The hits in order; who has no value of the field comes last."""
    if order.field == _CREATED:
        return sorted((hit for hit, _ in found), key=lambda hit: hit.key, reverse=order.is_descending)
    with_value: list[tuple[tuple[int, Any], Key, _Hit]] = []
    without: list[_Hit] = []
    for hit, profile in found:
        values = sorted(_comparable(value) for value in scalars(profile, order.field))
        if values:
            with_value.append((values[-1 if order.is_descending else 0], hit.key, hit))
        else:
            without.append(hit)
    with_value.sort(key=lambda entry: entry[:2], reverse=order.is_descending)
    return [*(hit for *_, hit in with_value), *without]


def _comparable(value: Any) -> tuple[int, Any]:
    """Numbers before texts, since neither can be compared with the other."""
    return (0, value) if isinstance(value, int | float) else (1, str(value))


def order_of(text: str | None) -> Order:
    """The order that the parameter `sort` asks for. Raises SearchFault."""
    if text is None:
        return Order()
    field, colon, direction = text.rpartition(":")
    if not colon or direction not in ("1", "-1") or not is_searchable(field):
        raise SearchFault(f"sort {text!r}: expected a searchable field, a colon, and 1 or -1")
    return Order(field, direction == "-1")
