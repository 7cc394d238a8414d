"""Generated tenants: the same for the same seed, odd in every way, and found without being kept."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from localauth0.generator import GeneratedPeople, generate_tenant
from localauth0.store import Store
from localauth0.tenant import Generate
from localauth0.tenant_file import parse_tenant

SIZE = 2_000


def people(*, users: int = SIZE, seed: int = 7, roles: int = 50) -> GeneratedPeople:
    return GeneratedPeople(Generate(users=users, roles=roles, seed=seed))


@pytest.fixture(scope="module")
def profiles() -> list[dict[str, Any]]:
    made = people()
    return [made.profile(number) for number in range(SIZE)]


def test_a_seed_gives_the_same_users_each_time_and_another_seed_others() -> None:
    def first(seed: int) -> str:
        made = people(seed=seed)
        return json.dumps([made.profile(number) for number in range(50)])

    assert first(7) == first(7)
    assert first(7) != first(8)


def test_every_user_is_found_by_id_and_by_each_name() -> None:
    made = people()
    for number in range(SIZE):
        profile = made.profile(number)
        assert made.number_of(profile["user_id"]) == number
        for name in ("email", "username", "phone_number"):
            if name in profile:
                assert number in made.numbers_of_name(profile[name].casefold())


@pytest.mark.parametrize(
    "user_id",
    ["auth0|none", "auth0|", "google-oauth2|1", "github|x", "github|99999999999999999999", "", "|", "ü"],
)
def test_other_ids_are_nobodys(user_id: str) -> None:
    assert people().number_of(user_id) is None


def test_ids_are_all_different(profiles: list[dict[str, Any]]) -> None:
    assert len({profile["user_id"] for profile in profiles}) == SIZE


def test_users_come_in_the_order_of_their_creation_many_at_one_moment(profiles: list[dict[str, Any]]) -> None:
    moments = [profile["created_at"] for profile in profiles]

    assert moments == sorted(moments)
    assert max(Counter(moments).values()) == 40


@pytest.mark.parametrize(
    ("what", "is_so"),
    [
        ("a slash in the id", lambda one: "/" in one["user_id"]),
        ("a third part in the id", lambda one: one["user_id"].count("|") > 1),
        ("letters of other scripts in the id", lambda one: not one["user_id"].isascii()),
        ("a percent sign in the id", lambda one: "%" in one["user_id"]),
        ("a long id", lambda one: len(one["user_id"]) > 200),
        ("a number as the identity's id", lambda one: isinstance(one["identities"][0]["user_id"], int)),
        ("writing from right to left", lambda one: "محمد" in one.get("name", "")),
        ("an emoji", lambda one: "😀" in one.get("name", "")),
        ("a combining accent", lambda one: "\u0301" in one.get("name", "")),
        ("no e-mail address", lambda one: "email" not in one),
        ("no name", lambda one: "name" not in one),
        ("never logged in", lambda one: "logins_count" not in one),
        ("blocked", lambda one: one.get("blocked") is True),
        ("said not to be blocked", lambda one: one.get("blocked") is False),
        ("linked accounts", lambda one: len(one["identities"]) == 2),
        ("no metadata", lambda one: not one.keys() & {"app_metadata", "user_metadata"}),
        ("nested metadata", lambda one: "stripe" in one.get("app_metadata", {})),
        ("long metadata", lambda one: len(one.get("user_metadata", {}).get("bio", "")) > 3_000),
    ],
)
def test_a_generated_tenant_has_somebody_with(profiles: list[dict[str, Any]], what: str, is_so: Any) -> None:
    assert any(is_so(profile) for profile in profiles), what


def test_nobody_was_changed_before_the_creation_or_in_the_future(profiles: list[dict[str, Any]]) -> None:
    assert all(one["created_at"] <= one["updated_at"] < "2026" for one in profiles)
    assert all(one.get("last_login", one["updated_at"]) == one["updated_at"] for one in profiles)


def test_all_kinds_of_connections_have_users(profiles: list[dict[str, Any]]) -> None:
    providers = {profile["user_id"].partition("|")[0] for profile in profiles}

    assert providers == {"auth0", "google-oauth2", "github", "samlp", "waad", "email", "sms"}


def test_two_users_of_two_connections_share_an_address(profiles: list[dict[str, Any]]) -> None:
    named = [profile for profile in profiles if profile.get("email") == "shared.50@example.com"]

    assert [profile["identities"][0]["connection"] for profile in named] == [
        "Username-Password-Authentication",
        "google-oauth2",
    ]


def test_nothing_that_is_not_set_is_null_at_the_root(profiles: list[dict[str, Any]]) -> None:
    assert all(value is not None for profile in profiles for value in profile.values())
    assert all(profile.get(kind) != {} for profile in profiles for kind in ("app_metadata", "user_metadata"))


def test_a_tenant_has_the_roles_organizations_and_connections_it_is_to_have() -> None:
    document = generate_tenant(users=3_000, roles=5, organizations=3, seed=1)
    config = parse_tenant(document, base_dir=Path())
    store = Store(config)

    assert (len(config.roles), len(config.organizations), len(config.connections)) == (5, 3, 7)
    assert len({role.id for role in config.roles}) == 5
    member = config.organizations[1].members[0].user_id
    assert store.users.look(member) is not None
    holder = next(user for user in store.users.records() if user.roles)
    assert set(holder.roles) <= {role.name for role in config.roles}


def test_the_users_and_connections_of_the_file_stand_beside_the_generated_ones() -> None:
    document = {
        "tenant": "acme",
        "connections": [{"id": "con_mine000000000001", "name": "google-oauth2", "strategy": "google-oauth2"}],
        "users": [{"user_id": "google-oauth2|7", "email": "me@example.com"}],
        "generate": {"users": 10},
    }
    store = Store(parse_tenant(document, base_dir=Path()))

    assert len(store.users) == 11
    google = [one.id for one in store.config.connections if one.name == "google-oauth2"]
    assert google == ["con_mine000000000001"]


def test_a_generated_user_knows_a_password() -> None:
    made = people()
    number = next(number for number in range(SIZE) if made.user_id(number).startswith("auth0|"))

    assert made.password(number) == f"generated-{number}"
