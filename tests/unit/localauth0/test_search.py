"""The query language of the user search, against tables of cases and against a naive reading of all users."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from localauth0.errors import NotImplementedHere
from localauth0.search import UserSearch, order_of
from localauth0.search_syntax import SearchFault, parse
from localauth0.store import Store
from localauth0.tenant import Generate, TenantConfig
from localauth0.user_store import Profile, UserStore

ANA: dict[str, Any] = {
    "user_id": "auth0|a b",
    "email": "Ana@Example.com",
    "email_verified": True,
    "username": "ana",
    "name": "Ana Ruiz",
    "nickname": "any",
    "created_at": "2026-03-01T09:00:00.123Z",
    "updated_at": "2026-03-02T00:00:00.000Z",
    "logins_count": 4,
    "identities": [
        {"connection": "db", "provider": "auth0", "user_id": "a b"},
        {"connection": "github", "provider": "github", "user_id": 1001, "profileData": {"name": "ana-hub"}},
    ],
    "app_metadata": {"plan": "pro", "seats": 7, "ratio": 0.5, "none": None, "empty": {}, "tags": ["x", "y"]},
    "user_metadata": {"addresses": [{"city": "Paris"}, {"city": "Lima"}], "lang": "es", "deep": {"a:b": 1}},
}


@pytest.mark.parametrize(
    "query",
    [
        'email:"ana@example.com"',
        "email:ANA@EXAMPLE.COM",
        'email.domain:"example.com"',
        'name:"ana ruiz"',
        "name:an*",
        "name:*ruiz",
        "name:A?a*",
        "nickname:ANY",
        'user_id:"auth0|a b"',
        "user_id:auth0|a\\ b",
        "username:ana",
        "email_verified:true",
        "logins_count:4",
        "logins_count:[4 TO 4]",
        "logins_count:{3 TO *]",
        "logins_count:>3",
        "logins_count:>=4 AND logins_count:<5",
        'identities.connection:"github"',
        'identities.user_id:"1001"',
        "identities.profileData.name:ana-hub",
        "app_metadata.plan:pro",
        "app_metadata.seats:7",
        "app_metadata.seats:[5 TO 10]",
        "app_metadata.ratio:0.5",
        "app_metadata.tags:y",
        'user_metadata.addresses.city:"Paris"',
        "user_metadata.addresses.city:Lima",
        "_exists_:logins_count",
        "_exists_:app_metadata.tags",
        "_exists_:user_metadata",
        "NOT _exists_:app_metadata.none",
        "NOT _exists_:app_metadata.empty",
        "NOT _exists_:last_login",
        "-username:bob",
        "!username:bob",
        "username:(bob OR ana)",
        "(username:bob OR username:ana) AND NOT blocked:true",
        "username:bob OR username:ana AND logins_count:4",
        "username:bob || username:ana && logins_count:4",
        "NOT _exists_:logins_count OR logins_count:4",
        "created_at:2026-03-01",
        "created_at:[2026-03-01 TO 2026-03-01]",
        "created_at:[2026-03-01T09:00:00.123Z TO *]",
        "created_at:{2026-03-01T09:00:00.122Z TO 2026-03-01T09:00:00.124Z}",
        'created_at:["2026-03-01T09:00:00.000Z" TO "2026-03-01T09:00:01.000Z"]',
        "created_at:[2026 TO 2026]",
        "created_at:[* TO *]",
        "created_at:<2026-03-02",
        "updated_at:[2026-03-02T01:00:00+01:00 TO *}",
        "app_metadata.plan:p*",
    ],
)
def test_a_query_means_somebody(query: str) -> None:
    assert parse(query).matches(ANA)


@pytest.mark.parametrize(
    "query",
    [
        "username:ANA",
        "username:bob",
        "name:ana",
        'app_metadata.plan:"PRO"',
        "user_metadata.lang:ES",
        "identities.connection:Github",
        "email.domain:ample.com",
        "logins_count:{4 TO *]",
        "logins_count:[* TO 4}",
        "logins_count:[5 TO 3]",
        "app_metadata.seats:[abc TO def]",
        "_exists_:app_metadata.none",
        "_exists_:last_login",
        "NOT username:ana",
        "-username:ana",
        "username:ana AND NOT username:ana",
        "created_at:{2026-03-01T09:00:00.123Z TO *]",
        "created_at:[* TO 2026-03-01T09:00:00.123Z}",
        "created_at:[* TO 2026-03-01}",
        "created_at:>2026-03-01",
        "app_metadata:pro",
        "unknown:x",
        "user_metadata.addresses:Paris",
    ],
)
def test_a_query_does_not_mean_somebody_else(query: str) -> None:
    assert not parse(query).matches(ANA)


@pytest.mark.parametrize(
    "query",
    [
        "email:",
        "email:(",
        "(email:a",
        "email:a)",
        "AND",
        "email:a AND",
        "NOT",
        "OR email:a",
        'email:"a',
        "created_at:[2026-01-01 2026-02-01]",
        "created_at:[2026-01-01 TO",
        "created_at:[2026-13-01 TO *]",
        "created_at:[yesterday TO *]",
        "created_at:12:00",
        "picture:x",
        "multifactor:x",
        "name:*iz",
        "user_metadata.lang:e*",
        "user_metadata.age:[1 TO 2]",
        "_exists_:",
        "a..b:c",
        "(" * 200 + "email:a" + ")" * 200,
        "NOT " * 200 + "email:a",
    ],
)
def test_what_cannot_be_read_is_a_fault(query: str) -> None:
    with pytest.raises(SearchFault):
        parse(query)


@pytest.mark.parametrize(
    "query", ["ana", '"ana ruiz"', "email:a email:b", "name:ana~", "name:ana^2", "name:/a.*/", "+email:a"]
)
def test_what_only_auth0_can_is_said_to_be_missing(query: str) -> None:
    with pytest.raises(NotImplementedHere):
        parse(query)


Truth = Callable[[Profile], bool]
# Each with its naive meaning over generated users.
_PARTS: list[tuple[str, Truth]] = [
    ("email_verified:true", lambda one: one.get("email_verified") is True),
    ("blocked:true", lambda one: one.get("blocked") is True),
    ("_exists_:logins_count", lambda one: "logins_count" in one),
    ("logins_count:[100 TO 300}", lambda one: 100 <= one.get("logins_count", -1) < 300),
    ('identities.connection:"google-oauth2"', lambda one: "google-oauth2" in _connections(one)),
    ('email.domain:"corp.example"', lambda one: one.get("email", "").endswith("@corp.example")),
    ("app_metadata.plan:pro", lambda one: one.get("app_metadata", {}).get("plan") == "pro"),
    ("name:ana*", lambda one: one.get("name", "").casefold().startswith("ana")),
    ("created_at:[2018 TO 2020}", lambda one: "2018" <= one["created_at"] < "2020"),
    (
        "created_at:{2017-05-01T00:00:00.000Z TO *]",
        lambda one: one["created_at"] > "2017-05-01T00:00:00.000Z",
    ),
    ("updated_at:[2019-03-04 TO 2021-06-07]", lambda one: "2019-03-04" <= one["updated_at"] < "2021-06-08"),
]


def _connections(profile: Profile) -> list[str]:
    return [identity["connection"] for identity in profile["identities"]]


def _composed(dice: random.Random, depth: int = 0) -> tuple[str, Truth]:
    """A random query, and what it means."""
    kind = dice.choice(["part", "not", "and", "or"]) if depth < 3 else "part"
    if kind == "part":
        return dice.choice(_PARTS)
    left, left_truth = _composed(dice, depth + 1)
    if kind == "not":
        return f"NOT ({left})", lambda one: not left_truth(one)
    right, right_truth = _composed(dice, depth + 1)
    if kind == "and":
        return f"({left}) AND ({right})", lambda one: left_truth(one) and right_truth(one)
    return f"({left}) OR ({right})", lambda one: left_truth(one) or right_truth(one)


@pytest.fixture(scope="module")
def users() -> UserStore:
    store = Store(TenantConfig(tenant="acme", generate=Generate(users=400, seed=5))).users
    everybody = [str(one["user_id"]) for one in store.profiles()]
    for user_id in everybody[10:100:7]:
        del store[user_id]
    for user_id in everybody[200:300:5]:
        store.rewrite(store[user_id], {**store[user_id].profile, "blocked": True})
    return store


@pytest.mark.parametrize("seed", range(25))
def test_a_search_finds_just_whom_a_look_at_everybody_finds(users: UserStore, seed: int) -> None:
    query, means = _composed(random.Random(seed))
    meant = [one["user_id"] for one in users.profiles() if means(one)]

    found = UserSearch(users).find(query, order_of("created_at:1"), start=0, size=1_000)

    assert (found.total, [one["user_id"] for one in found.profiles]) == (len(meant), meant), query


@pytest.mark.parametrize("direction", [1, -1])
@pytest.mark.parametrize("field", ["email", "logins_count", "updated_at", "created_at", "app_metadata.seats"])
def test_hits_are_sorted_and_who_has_no_value_comes_last(
    users: UserStore, field: str, direction: int
) -> None:
    found = UserSearch(users).find(None, order_of(f"{field}:{direction}"), start=0, size=1_000)

    values = [_at(one, field) for one in found.profiles]
    there = [value for value in values if value is not None]
    assert there == sorted(there, reverse=direction < 0)
    assert values == there + [None] * (len(values) - len(there))
    assert found.total == len(users)


def _at(profile: Profile, field: str) -> Any:
    value: Any = profile
    for name in field.split("."):
        value = value.get(name, {})
    return value if value != {} else None


@pytest.mark.parametrize("text", ["created_at", "created_at:2", ":1", "picture:1", "a b:1"])
def test_an_order_that_cannot_be_read_is_a_fault(text: str) -> None:
    with pytest.raises(SearchFault):
        order_of(text)


def test_pages_of_one_search_fit_together(users: UserStore) -> None:
    search, order = UserSearch(users), order_of("updated_at:1")
    whole = search.find("email_verified:true", order, start=0, size=1_000).profiles

    pages = [search.find("email_verified:true", order, start=at, size=50) for at in range(0, 1_000, 50)]

    assert [one for page in pages for one in page.profiles] == whole


def test_a_search_sees_a_change_after_a_change() -> None:
    store = Store(TenantConfig(tenant="acme", generate=Generate(users=30))).users
    search, order = UserSearch(store), order_of(None)
    before = search.find("nickname:changed", order, start=0, size=10).total
    user = next(iter(store.values()))
    store.rewrite(store[user.user_id], {**user.profile, "nickname": "changed"})

    assert (before, search.find("nickname:changed", order, start=0, size=10).total) == (0, 1)


@pytest.mark.parametrize(
    "query", [None, "created_at:[2015 TO *]", "nickname:changed OR NOT nickname:changed"]
)
def test_a_search_may_lag_behind(query: str | None) -> None:
    now = [datetime(2026, 3, 1, tzinfo=UTC)]
    config = TenantConfig(tenant="acme", generate=Generate(users=30), search_lag=3.0)
    store = Store(config, lambda: now[0]).users
    search, order = UserSearch(store), order_of("created_at:1")
    before = search.find(query, order, start=0, size=100)
    first, second, *_ = (str(one["user_id"]) for one in before.profiles)
    store.rewrite(store[first], {**store[first].profile, "nickname": "changed"})
    del store[second]

    assert search.find(query, order, start=0, size=100) == before
    now[0] += timedelta(seconds=3)
    after = search.find(query, order, start=0, size=100)
    assert (after.total, after.profiles[0]["nickname"]) == (29, "changed")
