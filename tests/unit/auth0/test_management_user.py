"""What a record of the Management API tells of its user, and what it does not."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from tests.builders import ABSENT, AT

from frontdesk.auth0.management_user import ROOT_FIELDS, user_from_management
from frontdesk.auth0.post_login import parse_post_login, user_from_post_login
from frontdesk.errors import PayloadInvalid
from frontdesk.hasura.user_write import write_for
from frontdesk.identity import FieldRule, FieldRules, Login, Source, Stamped, User

WRITE_ID = UUID(int=1)
# Source: Auth0 Management API, "Get a user", with every root field that frontdesk reads.
RECORD: dict[str, Any] = {
    "user_id": "auth0|64b0f1e2d3c4b5a697887766",
    "email": "ana@example.com",
    "email_verified": True,
    "username": "ana",
    "phone_number": "+34600111222",
    "phone_verified": True,
    "name": "Ana Ruiz",
    "nickname": "ana",
    "given_name": "Ana",
    "family_name": "Ruiz",
    "picture": "https://s.gravatar.com/avatar/x",
    "created_at": "2026-03-01T09:00:00.123Z",
    "updated_at": "2026-03-02T10:00:00.456Z",
    "identities": [
        {
            "connection": "Username-Password-Authentication",
            "user_id": "64b0f1e2d3c4b5a697887766",
            "provider": "auth0",
            "isSocial": False,
            "access_token": "an upstream secret",
        }
    ],
    "app_metadata": {"plan": "pro"},
    "user_metadata": {"lang": "es", "company": "Acme"},
    "last_ip": "203.0.113.7",
    "last_login": "2026-03-02T10:00:00.456Z",
    "logins_count": 4,
    "last_password_reset": "2026-03-01T12:00:00.000Z",
    "multifactor": ["guardian"],
    "blocked": False,
}


def a_record(**changes: Any) -> dict[str, Any]:
    return {name: value for name, value in {**RECORD, **changes}.items() if value is not ABSENT}


def parsed(record: dict[str, Any] | None = None, **how: Any) -> User:
    return user_from_management(record or RECORD, tenant="acme", read_at=AT, **how)


def faults(record: dict[str, Any]) -> dict[str, str]:
    with pytest.raises(PayloadInvalid) as raised:
        parsed(record)
    return {fault.field: fault.expected for fault in raised.value.faults}


def test_every_group_has_the_time_of_its_own() -> None:
    user = parsed()

    updated = datetime(2026, 3, 2, 10, 0, 0, 456000, tzinfo=UTC)
    assert (user.tenant, user.user_id, user.source) == ("acme", RECORD["user_id"], Source.PROFILE)
    assert user.born == datetime(2026, 3, 1, 9, 0, 0, 123000, tzinfo=UTC)
    assert user.profile is not None
    assert (user.profile.at, user.profile.value.user_name) == (updated, "ana")
    assert user.app_metadata == Stamped({"plan": "pro"}, updated)
    assert user.login == Stamped(Login(last_ip="203.0.113.7"), updated)
    assert (user.logins_count, user.blocked) == (4, Stamped(False, AT))
    assert (user.seen, user.roles, user.deleted, user.alive) == (None, None, None, None)


def test_a_profile_without_a_time_is_as_old_as_its_reading() -> None:
    user = parsed(a_record(updated_at=ABSENT))

    assert user.profile is not None
    assert user.app_metadata is not None
    assert (user.profile.at, user.app_metadata.at) == (AT, AT)


def test_only_a_read_of_one_user_proves_that_they_are_there() -> None:
    assert parsed(alive=True).alive == AT


def test_what_auth0_leaves_out_is_unset() -> None:
    user = parsed({"user_id": "auth0|ann"})

    assert user.profile is not None
    assert user.profile.value.email is None
    assert user.profile.value.sent is None
    assert (user.app_metadata, user.user_metadata) == (Stamped(None, AT), Stamped(None, AT))
    assert (user.blocked, user.login, user.logins_count) == (Stamped(False, AT), None, None)


def test_null_counts_as_absent() -> None:
    nothing = dict.fromkeys(name for name in ROOT_FIELDS if name != "user_id")

    assert parsed({"user_id": "auth0|ann", **nothing}) == parsed({"user_id": "auth0|ann"})


@pytest.mark.parametrize(
    ("carried", "sent", "groups"),
    [
        (frozenset({"user_id", "email", "blocked"}), {"email"}, {"profile", "blocked"}),
        (frozenset({"user_id", "username"}), {"user_name"}, {"profile"}),
        (frozenset({"identities"}), {"connection", "identities"}, {"profile"}),
        (frozenset({"user_id", "app_metadata"}), None, {"app_metadata"}),
    ],
)
def test_what_this_kind_of_record_cannot_have_is_not_sent(
    carried: frozenset[str], sent: set[str] | None, groups: set[str]
) -> None:
    user = parsed(
        a_record(last_login=ABSENT, logins_count=ABSENT),
        carried=carried,
    )

    told = {
        name
        for name in ("profile", "app_metadata", "user_metadata", "blocked")
        if getattr(user, name) is not None
    }
    assert told == groups
    assert (None if user.profile is None else user.profile.value.sent) == sent


def test_a_record_that_can_have_everything_is_a_whole_profile() -> None:
    user = parsed(carried=ROOT_FIELDS)

    assert user == parsed()


def test_five_fields_of_an_identity_are_read_and_no_token() -> None:
    user = parsed(a_record(identities=[{"user_id": 1001, "provider": "github", "access_token": "secret"}]))

    assert user.profile is not None
    assert user.profile.value.identities[0].user_id == "1001"
    assert "secret" not in repr(user)


@pytest.mark.parametrize(
    "user_id",
    [
        "oauth2|acme|a|b",
        "samlp|acme|ana/ruiz@example.com",
        "auth0|100%25",
        "auth0|żółć-😀",
        "github|#1?x=1 2",
    ],
)
def test_an_odd_id_is_taken_as_it_is(user_id: str) -> None:
    assert parsed(a_record(user_id=user_id)).user_id == user_id


@pytest.mark.parametrize(
    ("changes", "field", "expected"),
    [
        ({"user_id": ABSENT}, "user_id", "a value"),
        ({"user_id": None}, "user_id", "a string"),
        ({"user_id": 5}, "user_id", "a string"),
        ({"user_id": ""}, "user_id", "from 1 to 2048 bytes"),
        ({"user_id": "auth0|" + "ż" * 1022}, "user_id", "from 1 to 2048 bytes"),
        ({"email": ["a@example.com"]}, "email", "a string"),
        ({"email_verified": "true"}, "email_verified", "true or false"),
        ({"blocked": 1}, "blocked", "true or false"),
        ({"created_at": "yesterday"}, "created_at", "an ISO 8601 date-time with a time zone"),
        ({"updated_at": 1772359200}, "updated_at", "an ISO 8601 date-time with a time zone"),
        ({"last_login": "2026-03-01T10:00:00"}, "last_login", "an ISO 8601 date-time with a time zone"),
        ({"logins_count": "4"}, "logins_count", "an integer"),
        ({"logins_count": 2**31}, "logins_count", "an integer from 0 to 2147483647"),
        ({"app_metadata": []}, "app_metadata", "an object"),
        ({"user_metadata": "x"}, "user_metadata", "an object"),
        ({"identities": {}}, "identities", "a list"),
        ({"identities": [{"user_id": True}]}, "identities.0.user_id", "a string"),
        ({"identities": [{"profileData": []}]}, "identities.0.profileData", "an object"),
        ({"name": "a\x00b"}, "name", "text without NUL characters and lone surrogates"),
        ({"user_metadata": {"a": [{"b\x00": 1}]}}, "user_metadata.a.0.b�", "text without NUL"),
        ({"app_metadata": {"a": "\ud800"}}, "app_metadata.a", "text without NUL"),
        ({"app_metadata": {"a": float("nan")}}, "app_metadata.a", "a finite number"),
    ],
)
def test_a_wrong_field_is_named(changes: dict[str, Any], field: str, expected: str) -> None:
    (named,) = faults(a_record(**changes)).items()

    assert named[0] == field
    assert named[1].startswith(expected)


def test_nesting_without_end_is_refused() -> None:
    deep: Any = "bottom"
    for _ in range(900):
        deep = {"a": deep}

    assert faults(a_record(app_metadata=deep)) == {
        "app_metadata.a.a.a": "at most 64 levels of nesting",
    }


def test_the_letters_of_an_escape_are_no_nul() -> None:
    assert parsed(a_record(name="\\u0000")).profile is not None


def test_a_fault_in_what_is_ignored_is_ignored() -> None:
    assert parsed(a_record(raw_of_a_provider="a\x00b", multifactor=5)) == parsed()


def test_a_megabyte_of_metadata_is_taken() -> None:
    large = {f"key{number}": "ż" * 100 for number in range(5000)}

    user = parsed(a_record(user_metadata=large))

    assert user.user_metadata is not None
    assert len(json.dumps(user.user_metadata.value, ensure_ascii=False).encode()) > 1024 * 1024
    assert user.user_metadata.value == large


def test_a_login_and_a_record_of_one_state_give_one_row() -> None:
    """Whatever way in somebody came by, the columns of their profile are the same."""
    rules = FieldRules(
        [
            FieldRule.parse("company", {"path": "user_metadata.company"}),
            FieldRule.parse("plan", {"path": "app_metadata.plan", "owner": "first_write"}),
            FieldRule.parse("login", {"path": "user.username"}),
        ]
    )
    read = ("multifactor", "last_password_reset", "last_ip", "last_login", "logins_count", "blocked")
    body = {
        "user": {name: value for name, value in RECORD.items() if name not in read},
        "connection": {"name": "another-way-in"},
    }
    login = user_from_post_login(parse_post_login(json.dumps(body).encode()), tenant="acme", at=AT)

    by_login = write_for(login, write_id=WRITE_ID, rules=rules).object
    by_record = write_for(parsed(), write_id=WRITE_ID, rules=rules).object

    told_by_both = by_login.keys() & by_record.keys() - {"clocks", "lastSeen"}
    assert {"email", "identities", "connection", "appMetadata", "company", "plan", "login"} <= told_by_both
    assert {name: by_login[name] for name in told_by_both} == {name: by_record[name] for name in told_by_both}
    for group in ("profile", "app_metadata", "user_metadata"):
        assert by_login["clocks"][group]["at"] == by_record["clocks"][group]["at"]
