"""A record as a stream carries it: categories, hidden data, and the hash."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from localauth0.log_categories import CATEGORIES, category_of
from localauth0.streamed_records import streamed
from localauth0.xxhash64 import xxh64

SCHEMAS = Path(__file__).parents[2] / "data" / "auth0" / "log-types"


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        ("", 0xEF46DB3751D8E999),
        ("a", 0xD24EC4F1A98C6E5B),
        ("abc", 0x44BC2CF5AD770999),
        ("Nobody inspects the spammish repetition", 0xFBCEA83C8A378BF1),
    ],
)
def test_the_hash_is_the_published_one(text: str, digits: int) -> None:
    assert xxh64(text.encode()) == digits


@pytest.mark.parametrize(
    ("code", "category"),
    [
        ("s", "auth.login.success"),
        ("ss", "auth.signup.success"),
        ("sdu", "user.success"),
        ("fui", "system.notification"),
        ("feta", "auth.token_exchange.success"),
        ("organization_member_added", "other"),
        ("of tomorrow", "other"),
    ],
)
def test_a_type_belongs_to_the_documented_category(code: str, category: str) -> None:
    assert category_of(code) == category


def test_every_published_type_has_a_category_that_a_filter_can_name() -> None:
    codes = [path.name.removesuffix(".schema.json") for path in SCHEMAS.glob("*.schema.json")]

    assert len(codes) > 160
    assert {category_of(code) for code in codes} <= CATEGORIES


@pytest.mark.parametrize(
    ("field", "hidden"),
    [
        ("first_name", {"given_name", "name"}),
        ("username", {"user_name", "username"}),
        ("phone", {"phone_number"}),
        ("email", {"email"}),
    ],
)
def test_a_hidden_field_takes_its_family_with_it(field: str, hidden: set[str]) -> None:
    members = ("given_name", "name", "user_name", "username", "phone_number", "email", "user_id")
    record: dict[str, Any] = {"type": "ss", "log_id": "1", **dict.fromkeys(members, "x")}

    data = streamed(record, "acme", {"log_fields": [field], "method": "mask"})["data"]

    assert {name for name in members if data[name] == "*****"} == hidden
