"""The users of a tenant, generated and kept ones: one order, one count, whatever is changed."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

from localauth0.store import Store
from localauth0.tenant import Generate, TenantConfig
from localauth0.user_store import BEGINNING_MS, END_MS, UserRecord, UserStore, created_ms, moment_ms

NOW = datetime(2026, 3, 1, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


def a_store(users: int = 250, *, lag: float = 0.0, clock: Clock | None = None) -> UserStore:
    config = TenantConfig(tenant="acme", generate=Generate(users=users, seed=3), search_lag=lag)
    return Store(config, clock or Clock()).users


def a_user(user_id: str, created_at: str = "2020-06-01T00:00:00.000Z", **more: Any) -> UserRecord:
    identity = {
        "connection": "db",
        "provider": "auth0",
        "user_id": user_id.partition("|")[2],
        "isSocial": False,
    }
    profile = {"user_id": user_id, "created_at": created_at, "identities": [identity], **more}
    return UserRecord(profile, None, [])


def ids(store: UserStore) -> list[str]:
    return [str(profile["user_id"]) for profile in store.profiles()]


def shuffled(store: UserStore, seed: int) -> None:
    """Change, delete and add many users in any order."""
    dice = random.Random(seed)
    for number in range(60):
        user_id = dice.choice(ids(store)[:: dice.randint(1, 9)])
        if number % 3 == 0:
            del store[user_id]
        elif number % 3 == 1:
            user = store[user_id]
            store.rewrite(user, {**user.profile, "nickname": f"n{number}"})
        else:
            day = f"20{dice.randint(14, 26)}-0{dice.randint(1, 9)}-11T00:00:00.000Z"
            store[f"auth0|new{number}"] = a_user(f"auth0|new{number}", day)


def test_pages_and_counts_of_any_window_are_those_of_all_users() -> None:
    store = a_store()
    shuffled(store, 1)
    everybody = sorted(store.profiles(), key=created_ms)
    dice = random.Random(2)

    for _ in range(50):
        low, high = sorted(created_ms(dice.choice(everybody)) for _ in range(2))
        meant = [one["user_id"] for one in everybody if low <= created_ms(one) < high]
        page = store.page(low, high, start=3, size=20)
        newest = store.page(low, high, start=0, size=1_000, newest_first=True)
        assert store.count_between(low, high) == len(meant)
        assert [one["user_id"] for one in page] == meant[3:23]
        assert [one["user_id"] for one in newest] == meant[::-1]


def test_a_store_counts_whom_it_has() -> None:
    store = a_store()
    shuffled(store, 4)

    found = ids(store)
    assert len(found) == len(set(found)) == len(store) == store.count_between(BEGINNING_MS, END_MS)
    assert all(user_id in store for user_id in found)
    assert all(store.at(key) == profile for key, profile in store.entries(BEGINNING_MS, END_MS))


def test_a_change_of_a_generated_user_stays_and_moves_nobody() -> None:
    store = a_store()
    before = ids(store)
    user = store[before[120]]
    store.rewrite(user, {**user.profile, "nickname": "changed"})

    assert ids(store) == before
    profile = store.look(before[120])
    assert profile is not None
    assert profile["nickname"] == "changed"


def test_a_deleted_user_is_gone_and_comes_back_as_new() -> None:
    store = a_store(20)
    user_id = ids(store)[5]
    del store[user_id]

    assert (user_id in store, store.look(user_id), store.get(user_id), len(store)) == (False, None, None, 19)
    store[user_id] = a_user(user_id, "2026-01-01T00:00:00.000Z")
    assert ids(store)[-1] == user_id
    assert len(store) == 20


def test_looking_keeps_nothing_and_a_look_is_not_the_users_own() -> None:
    store = a_store(20)
    first = ids(store)[0]

    assert store.look(first) == store.look(first)
    assert store.look(first) is not store.look(first)
    assert store[first] is store[first]


def test_users_are_found_by_any_name_until_they_have_another() -> None:
    store = a_store(50)
    store["auth0|a"] = a_user("auth0|a", email="Ana@example.com", username="ana")
    generated = next(one for one in store.profiles() if "email" in one)

    assert [one.user_id for one in store.named("ANA@example.com ")] == ["auth0|a"]
    assert generated["user_id"] in [one.user_id for one in store.named(generated["email"])]
    user = store["auth0|a"]
    store.rewrite(user, {**user.profile, "email": "other@example.com"})
    assert store.named("ana@example.com") == []
    assert store.named("ana") == store.named("other@example.com") == [user]


def test_whoever_reads_everybody_meets_each_once_though_others_come_and_go() -> None:
    store = a_store(3_000)
    before, seen = ids(store), []
    for place, profile in enumerate(store.profiles()):
        seen.append(profile["user_id"])
        if place % 100 == 0:
            store[f"auth0|early{place}"] = a_user(f"auth0|early{place}", "2001-01-01T00:00:00.000Z")
            del store[before[-1 - place // 100]]

    assert len(seen) == len(set(seen))
    assert set(before[:2_900]) <= set(seen)


def test_searches_see_what_was_there_before_for_a_while() -> None:
    clock = Clock()
    store = a_store(5, lag=2.0, clock=clock)
    changed, gone = ids(store)[:2]
    before = store.look(changed)
    user = store[changed]
    store.rewrite(user, {**user.profile, "nickname": "one"})
    clock.now += timedelta(seconds=1)
    store.rewrite(user, {**user.profile, "nickname": "two"})
    del store[gone]
    store["auth0|new"] = a_user("auth0|new")

    seen = store.unsettled()
    assert (seen[changed], seen["auth0|new"]) == (before, None)
    assert seen[gone] is not None
    clock.now += timedelta(seconds=1)
    assert (store.unsettled()[changed] or {})["nickname"] == "one"
    clock.now += timedelta(seconds=1)
    assert store.unsettled() == {}


def test_times_are_read_with_and_without_milliseconds_and_zone() -> None:
    moments = ["2026-03-01T00:00:00Z", "2026-03-01T00:00:00.000Z", "2026-03-01T01:00:00+01:00", "2026-03-01"]

    assert {moment_ms(text) for text in moments} == {1_772_323_200_000}
    assert moment_ms("yesterday") is None
