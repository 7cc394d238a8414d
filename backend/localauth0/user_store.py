"""The tenant's users: by id, by the time of their creation, and by the names to log in with.

Users of the tenant file and those made since are kept; generated ones (generator.py) are made when somebody looks, and
kept from their first change on. A profile is never changed in place: a change puts another one in its place, so that
whoever reads one needs no copy and sees no half of a change.
"""

from __future__ import annotations

import heapq
import threading
from array import array
from bisect import bisect_left, insort
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from localauth0.generator import GeneratedPeople

Profile = Mapping[str, Any]
Key = tuple[int, int]  # milliseconds of `created_at`, and a serial number: the order of all users
IdentityKey = tuple[str, str]

BEGINNING_MS, END_MS = -(1 << 62), 1 << 62
_CHUNK = 1_000
_NUMBER_BITS = 21  # of a generated user beside a time of 42 bits; larger tenants are searched from end to end
_NUMBER_MASK = (1 << _NUMBER_BITS) - 1


@dataclass
class UserRecord:
    """A user: the profile in the Management API's shape (unset attributes are absent), and what lies beside it.

    `roles` are the names that the tenant file or the generator gave. `linked_passwords` are those of the database
    identities behind the first one.
    """

    profile: dict[str, Any]
    password: str | None
    roles: list[str]
    permissions: list[tuple[str, str]] = field(default_factory=list)
    linked_passwords: dict[IdentityKey, str] = field(default_factory=dict)

    @property
    def user_id(self) -> str:
        return str(self.profile["user_id"])

    @property
    def is_blocked(self) -> bool:
        return self.profile.get("blocked") is True


def created_ms(profile: Profile) -> int:
    """The time of creation in milliseconds; what is no time is the beginning of time."""
    return moment_ms(str(profile.get("created_at"))) or 0


def moment_ms(text: str) -> int | None:
    """An ISO time in milliseconds since 1970."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return (aware - _EPOCH) // timedelta(milliseconds=1)


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class UserStore(MutableMapping[str, UserRecord]):
    """All users. Hold `lock` over what must not be torn apart; each method by itself is whole."""

    def __init__(
        self,
        records: list[UserRecord],
        generated: GeneratedPeople,
        *,
        clock: Callable[[], datetime],
        lag: timedelta,
        lock: threading.RLock,
    ) -> None:
        self._clock, self._lag, self._lock = clock, lag, lock
        self._generated = generated
        self._taken: list[int] = []  # numbers of generated users that are kept, or gone
        self._kept: dict[str, UserRecord] = {}
        self._keys: dict[str, Key] = {}
        self._order: list[tuple[Key, str]] = []
        self._ids_by_name: dict[str, set[str]] = {}
        self._by_update: array[int] | None = None
        self._earlier: dict[str, list[tuple[datetime, Profile | None]]] = {}
        self._serial = len(generated)
        self.version = 0  # goes up with every change
        for record in records:
            self._insert(record, self._next_key(record))
        self._order.sort()

    def __getitem__(self, user_id: str) -> UserRecord:
        """The user, to read or change. A generated one is kept from now on."""
        with self._lock:
            if (kept := self._kept.get(user_id)) is not None:
                return kept
            number = self._living_number(user_id)
            if number is None:
                raise KeyError(user_id)
            record = self._make(number)
            insort(self._taken, number)
            self._insert(record, (self._generated.created_ms(number), number))
            return record

    def __setitem__(self, user_id: str, record: UserRecord) -> None:
        """Add a user, or put one in the place of another."""
        with self._lock:
            if user_id in self:
                del self[user_id]
            self._remember(user_id, None)
            self._insert(record, self._next_key(record))
            self.version += 1

    def __delitem__(self, user_id: str) -> None:
        with self._lock:
            record = self[user_id]
            self._remember(user_id, record.profile)
            key = self._keys.pop(user_id)
            del self._kept[user_id]
            del self._order[bisect_left(self._order, (key, user_id))]
            self._forget_names(record)
            self.version += 1

    def __contains__(self, user_id: object) -> bool:
        return isinstance(user_id, str) and (
            user_id in self._kept or self._living_number(user_id) is not None
        )

    def __len__(self) -> int:
        with self._lock:
            return len(self._generated) - len(self._taken) + len(self._kept)

    def __iter__(self) -> Iterator[str]:
        return (record.user_id for record in self.records())

    def rewrite(self, user: UserRecord, profile: dict[str, Any]) -> None:
        """Put another profile in the place of the user's; id and time of creation stay."""
        with self._lock:
            self._remember(user.user_id, user.profile)
            self._forget_names(user)
            user.profile = profile
            self._learn_names(user)
            self.version += 1

    def look(self, user_id: str) -> Profile | None:
        """The profile of a user, only to read."""
        with self._lock:
            if (kept := self._kept.get(user_id)) is not None:
                return kept.profile
            number = self._living_number(user_id)
            return self._generated.profile(number) if number is not None else None

    def named(self, name: str) -> list[UserRecord]:
        """The users one of whose identities has that e-mail address, username or telephone number, oldest first."""
        wanted = name.strip().casefold()
        with self._lock:
            found = {user_id: self._keys[user_id] for user_id in self._ids_by_name.get(wanted, ())}
            for number in self._generated.numbers_of_name(wanted):
                if not self._is_taken(number):
                    profile = self._generated.profile(number)
                    if wanted in login_names(profile):
                        found[profile["user_id"]] = (self._generated.created_ms(number), number)
            return [self[user_id] for user_id in sorted(found, key=found.__getitem__)]

    def records(self) -> Iterator[UserRecord]:
        """All users, oldest first, only to read. Who is made or deleted meanwhile may be missing or there."""
        for key, source in self._walk():
            yield source if source is not None else self._make(key[1])

    def profiles(self) -> Iterator[Profile]:
        """All users' profiles, oldest first, only to read; nothing is kept of those that have gone by."""
        return (profile for _, profile in self.entries(BEGINNING_MS, END_MS))

    def role_grants(self) -> Iterator[tuple[str, list[str]]]:
        """The ids of all users and the names of the roles that tenant file or generator gave them."""
        for key, source in self._walk():
            if source is not None:
                yield source.user_id, source.roles
            elif roles := self._generated.roles(key[1]):
                yield self._generated.user_id(key[1]), roles

    def count_between(self, low_ms: int, high_ms: int) -> int:
        """How many users were made at or after `low_ms` and before `high_ms`."""
        with self._lock:
            first, last = self._numbers(low_ms), self._numbers(high_ms)
            taken = bisect_left(self._taken, last) - bisect_left(self._taken, first)
            kept = self._place((high_ms, -1)) - self._place((low_ms, -1))
            return last - first - taken + kept

    def page(
        self, low_ms: int, high_ms: int, *, start: int, size: int, newest_first: bool = False
    ) -> list[Profile]:
        """`size` of the profiles of those made at or after `low_ms` and before `high_ms`, from the place `start` on."""
        with self._lock:
            generated = range(self._numbers(low_ms), self._numbers(high_ms))
            kept = range(self._place((low_ms, -1)), self._place((high_ms, -1)))
            if newest_first:
                generated, kept = generated[::-1], kept[::-1]
            merged = self._merged(generated, kept, newest_first=newest_first)
            return [self._profile(key, user_id) for key, user_id in islice(merged, start, start + size)]

    def entries(self, low_ms: int, high_ms: int) -> Iterator[tuple[Key, Profile]]:
        """Keys and profiles of those made at or after `low_ms` and before `high_ms`, oldest first, only to read."""
        for key, source in self._walk(low_ms, high_ms):
            yield key, source.profile if source is not None else self._generated.profile(key[1])

    def entries_updated(self, low_ms: int, high_ms: int) -> Iterator[tuple[Key, Profile]]:
        """Keys and profiles of those last changed at or after `low_ms` and before `high_ms`, and of some others."""
        if len(self._generated) > _NUMBER_MASK:
            yield from self.entries(BEGINNING_MS, END_MS)
            return
        with self._lock:
            order = self._numbers_by_update()
            first, last = (bisect_left(order, ms << _NUMBER_BITS) for ms in (low_ms, high_ms))
            numbers = sorted(entry & _NUMBER_MASK for entry in order[first:last])
            found = [(self._generated_key(n), None) for n in numbers if not self._is_taken(n)]
            kept = [(key, self._kept[user_id].profile) for key, user_id in self._order]
        for key, profile in heapq.merge(found, kept, key=lambda entry: entry[0]):
            yield key, profile if profile is not None else self._generated.profile(key[1])

    def _numbers_by_update(self) -> array[int]:
        """The generated users by the time of their last change, as one number each; made when first asked for."""
        if self._by_update is None:
            times = enumerate(map(self._generated.updated_ms, range(len(self._generated))))
            self._by_update = array("q", sorted(ms << _NUMBER_BITS | number for number, ms in times))
        return self._by_update

    def at(self, key: Key) -> Profile | None:
        """The profile of the user with that key."""
        with self._lock:
            place = self._place(key)
            if place < len(self._order) and self._order[place][0] == key:
                return self._kept[self._order[place][1]].profile
            is_generated = key[1] < len(self._generated) and not self._is_taken(key[1])
            return self._generated.profile(key[1]) if is_generated else None

    def unsettled(self) -> dict[str, Profile | None]:
        """What a search still sees of the users who changed a moment ago: the earlier profile, or nobody."""
        with self._lock:
            now = self._clock()
            seen: dict[str, Profile | None] = {}
            for user_id, earlier in list(self._earlier.items()):
                while earlier and earlier[0][0] <= now:
                    earlier.pop(0)
                if earlier:
                    seen[user_id] = earlier[0][1]
                else:
                    del self._earlier[user_id]
            return seen

    def _walk(
        self, low_ms: int = BEGINNING_MS, high_ms: int = END_MS
    ) -> Iterator[tuple[Key, UserRecord | None]]:
        """Keys in order, with the record of those that are kept; in pieces, so that nobody waits for long."""
        last: Key = (low_ms, -1)
        while piece := self._piece(last, high_ms):
            yield from piece
            last = piece[-1][0]

    def _piece(self, last: Key, high_ms: int) -> list[tuple[Key, UserRecord | None]]:
        with self._lock:
            first = self._numbers(last[0])
            while first < len(self._generated) and self._generated_key(first) <= last:
                first += 1
            generated = range(first, self._numbers(high_ms))
            kept = range(self._place((last[0], last[1] + 1)), self._place((high_ms, -1)))
            found = islice(self._merged(generated, kept), _CHUNK)
            return [(key, self._kept[user_id] if user_id is not None else None) for key, user_id in found]

    def _merged(
        self, generated: range, kept: range, *, newest_first: bool = False
    ) -> Iterator[tuple[Key, str | None]]:
        """The keys of both, in order; with the user id of those that are kept."""
        living: Iterator[tuple[Key, str | None]] = (
            (self._generated_key(number), None) for number in generated if not self._is_taken(number)
        )
        if not kept:
            return living
        ours: Iterator[tuple[Key, str | None]] = (self._order[place] for place in kept)
        return heapq.merge(living, ours, key=lambda entry: entry[0], reverse=newest_first)

    def _profile(self, key: Key, user_id: str | None) -> Profile:
        return self._kept[user_id].profile if user_id is not None else self._generated.profile(key[1])

    def _generated_key(self, number: int) -> Key:
        return self._generated.created_ms(number), number

    def _numbers(self, from_ms: int) -> int:
        """The number of the first generated user made at that time or later."""
        return bisect_left(range(len(self._generated)), from_ms, key=self._generated.created_ms)

    def _place(self, key: Key) -> int:
        return bisect_left(self._order, (key, ""))

    def _living_number(self, user_id: str) -> int | None:
        number = self._generated.number_of(user_id)
        return number if number is not None and not self._is_taken(number) else None

    def _is_taken(self, number: int) -> bool:
        place = bisect_left(self._taken, number)
        return place < len(self._taken) and self._taken[place] == number

    def _make(self, number: int) -> UserRecord:
        people = self._generated
        return UserRecord(people.profile(number), people.password(number), people.roles(number))

    def _next_key(self, record: UserRecord) -> Key:
        self._serial += 1
        return created_ms(record.profile), self._serial

    def _insert(self, record: UserRecord, key: Key) -> None:
        user_id = record.user_id
        self._kept[user_id], self._keys[user_id] = record, key
        insort(self._order, (key, user_id))
        self._learn_names(record)

    def _learn_names(self, record: UserRecord) -> None:
        for name in login_names(record.profile):
            self._ids_by_name.setdefault(name, set()).add(record.user_id)

    def _forget_names(self, record: UserRecord) -> None:
        for name in login_names(record.profile):
            ids = self._ids_by_name.get(name, set())
            ids.discard(record.user_id)
            if not ids:
                self._ids_by_name.pop(name, None)

    def _remember(self, user_id: str, before: Profile | None) -> None:
        """Let searches see for a while what was there before a change."""
        if self._lag:
            self._earlier.setdefault(user_id, []).append((self._clock() + self._lag, before))


def login_names(profile: Profile) -> set[str]:
    """What somebody may type to say who they are: the names of the user and of all linked identities."""
    linked = [identity.get("profileData") or {} for identity in profile["identities"][1:]]
    return {
        str(shown[key]).casefold()
        for shown in (profile, *linked)
        for key in ("email", "username", "phone_number")
        if shown.get(key) is not None
    }
