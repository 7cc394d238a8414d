"""Who is written at all."""

from __future__ import annotations

from typing import Any

import pytest
from tests.builders import AT

from frontdesk.identity import Identity, Profile, Source, Stamped, User, UserFilter


def a_user(app_metadata: Any = None, **profile: Any) -> User:
    return User(
        tenant="acme",
        user_id="auth0|ann",
        source=Source.PROFILE,
        profile=Stamped(Profile(**profile), AT),
        app_metadata=Stamped(app_metadata, AT),
    )


def test_without_a_filter_everybody_is_written() -> None:
    nobody_known = User(tenant="acme", user_id="auth0|ann", source=Source.RECORD)

    assert UserFilter().leaves_out_nobody
    assert UserFilter().passes(nobody_known)


@pytest.mark.parametrize(
    ("profile", "passes"),
    [
        ({"email": "a@example.com", "email_verified": True}, True),
        ({"email": "a@example.com", "email_verified": False}, False),
        ({"email": "a@example.com"}, False),
        ({"email": "a@example.com", "phone_verified": True}, False),
        ({"phone_number": "+34600111222", "phone_verified": True}, True),
        ({"phone_number": "+34600111222", "phone_verified": False}, False),
        ({}, False),
    ],
)
def test_verified_is_who_verified_the_address_that_they_are_known_by(
    profile: dict[str, Any], passes: bool
) -> None:
    assert UserFilter.of(verified_only=True).passes(a_user(**profile)) is passes


def test_a_connection_counts_on_any_identity() -> None:
    only = UserFilter.of(connections=["github", "acme-saml"])

    assert only.passes(a_user(connection="github"))
    assert only.passes(a_user(connection="db", identities=(Identity(connection="acme-saml"),)))
    assert only.why_left_out(a_user(connection="db")) == "of another connection"


@pytest.mark.parametrize(
    ("wanted", "found", "passes"),
    [
        ("pro", {"plan": "pro"}, True),
        ("pro", {"plan": "free"}, False),
        ("pro", {"plan": ["free", "pro"]}, True),
        ("pro", {"plan": {"pro": True}}, False),
        ("pro", {}, False),
        ("pro", None, False),
        (True, {"plan": True}, True),
        (True, {"plan": 1}, False),
        (1, {"plan": True}, False),
        (1, {"plan": 1.0}, True),
        (False, {}, False),
    ],
)
def test_a_condition_compares_as_json_does(wanted: Any, found: Any, passes: bool) -> None:
    only = UserFilter.of(metadata={"app_metadata.plan": wanted})

    assert only.passes(a_user(found)) is passes


def test_all_conditions_have_to_be_met() -> None:
    only = UserFilter.of(verified_only=True, metadata={"app_metadata.a": 1, "app_metadata.b.c": 2})

    assert only.passes(a_user({"a": 1, "b": {"c": 2}}, email="a@example.com", email_verified=True))
    assert only.why_left_out(a_user({"a": 1, "b": {"c": 2}}, email="a@example.com")) == "not verified"
    assert only.why_left_out(a_user({"a": 1}, email_verified=True)) == "without the value at app_metadata.b.c"


@pytest.mark.parametrize(
    "only",
    [
        UserFilter.of(verified_only=True),
        UserFilter.of(connections=["github"]),
        UserFilter.of(metadata={"user_metadata.plan": "pro"}),
    ],
    ids=["verified", "connection", "metadata"],
)
def test_nobody_is_written_on_a_guess(only: UserFilter) -> None:
    silent = User(tenant="acme", user_id="auth0|ann", source=Source.RECORD)

    assert not only.passes(silent)


@pytest.mark.parametrize(
    ("path", "value"),
    [("user.email", "a"), ("app_metadata", "a"), ("app_metadata..a", "a"), ("app_metadata.a", ["a"])],
)
def test_a_wrong_condition_is_refused_by_its_path(path: str, value: Any) -> None:
    with pytest.raises(ValueError, match=f"'{path}': expected"):
        UserFilter.of(metadata={path: value})
