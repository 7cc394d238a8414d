"""What a post-login call tells of a user and of the login."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.builders import ABSENT, AT, EVENT_NAMES, a_hook_body

from frontdesk.auth0.hook_body import MAX_ID_BYTES
from frontdesk.auth0.post_login import (
    login_context_from_post_login,
    parse_post_login,
    user_from_post_login,
)
from frontdesk.errors import FieldFault, PayloadInvalid
from frontdesk.identity import (
    Identity,
    Login,
    LoginContext,
    Organization,
    Profile,
    Seen,
    Source,
    Stamped,
    User,
)


def user_of(event: str = "database", changes: dict[str, Any] | None = None) -> User:
    body = json.dumps(a_hook_body(event, changes)).encode()
    return user_from_post_login(parse_post_login(body), tenant="default", at=AT)


def login_of(event: str = "database", changes: dict[str, Any] | None = None) -> LoginContext:
    return login_context_from_post_login(parse_post_login(json.dumps(a_hook_body(event, changes)).encode()))


def faults(changes: dict[str, Any]) -> tuple[FieldFault, ...]:
    with pytest.raises(PayloadInvalid) as raised:
        user_of(changes=changes)
    return raised.value.faults


def test_a_database_login_carries_a_whole_user() -> None:
    updated = datetime(2026, 3, 2, 10, 0, 0, 456000, UTC)
    authenticated = datetime(2026, 3, 2, 10, 0, 0, 123000, UTC)
    created = datetime(2026, 3, 1, 9, 0, 0, 123000, UTC)

    assert user_of() == User(
        tenant="default",
        user_id="auth0|64b0f1e2d3c4b5a697887766",
        source=Source.LOGIN,
        born=created,
        profile=Stamped(
            Profile(
                user_name="ana",
                email="ana@example.com",
                email_verified=True,
                name="Ana Ruiz",
                given_name="Ana",
                family_name="Ruiz",
                nickname="ana",
                picture="https://s.gravatar.com/avatar/5f2c?s=480&r=pg&d=https%3A%2F%2Fcdn.auth0.com%2Favatars%2Far.png",
                connection="Username-Password-Authentication",
                identities=(
                    Identity(
                        connection="Username-Password-Authentication",
                        provider="auth0",
                        user_id="64b0f1e2d3c4b5a697887766",
                        is_social=False,
                    ),
                ),
                created_at=created,
                updated_at=updated,
            ),
            updated,
        ),
        app_metadata=Stamped({"plan": "pro", "roles": ["beta"]}, updated),
        user_metadata=Stamped({"lang": "es"}, updated),
        roles=Stamped(("Editor",), AT),
        seen=Stamped(Seen(), AT),
        login=Stamped(Login(last_ip="203.0.113.7"), authenticated),
        logins_count=4,
        alive=authenticated,
    )


@pytest.mark.parametrize("event", EVENT_NAMES)
def test_every_documented_event_gives_a_user_that_says_nothing_of_blocks_and_deletions(event: str) -> None:
    user = user_of(event)

    assert user.user_id == a_hook_body(event)["user"]["user_id"]
    assert user.profile is not None
    assert (user.blocked, user.deleted) == (None, None)


def test_an_identity_id_that_is_a_number_becomes_text() -> None:
    profile = user_of("social").profile

    assert profile is not None
    assert [identity.user_id for identity in profile.value.identities] == ["115015401343387192604", "1001"]
    assert profile.value.identities[1].profile_data == {"nickname": "liwei", "name": "李伟"}


def test_an_upstream_token_in_an_identity_is_not_kept() -> None:
    identity = {"connection": "google-oauth2", "access_token": "ya29.secret", "refresh_token": "1//secret"}

    user = user_of(changes={"user.identities": [identity]})

    assert "secret" not in repr(user)


def test_the_connection_is_the_primary_identitys_else_the_logins() -> None:
    linked = user_of("social", {"connection.name": "github"})
    placeholder = user_of("placeholder")

    assert linked.profile is not None
    assert linked.profile.value.connection == "google-oauth2"
    assert placeholder.profile is not None
    assert placeholder.profile.value.connection == "Username-Password-Authentication"


@pytest.mark.parametrize("event", ["social", "passwordless"])
def test_a_login_without_authorization_says_nothing_of_roles(event: str) -> None:
    assert user_of(event).roles is None
    assert login_of(event).auth0_roles == ()


@pytest.mark.parametrize("authorization", [{}, {"roles": None}, None])
def test_an_authorization_without_roles_says_nothing_of_roles(authorization: object) -> None:
    assert user_of(changes={"authorization": authorization}).roles is None


def test_an_empty_list_of_roles_takes_them_away() -> None:
    assert user_of(changes={"authorization.roles": []}).roles == Stamped((), AT)


def test_the_roles_of_an_organization_go_into_its_token_and_not_into_the_row() -> None:
    user, login = user_of("organization"), login_of("organization")

    assert user.roles is None
    assert user.seen == Stamped(Seen(organization_id="org_juG7cAQ0CymOcVpV"), AT)
    assert login == LoginContext(
        auth0_roles=("Org Owner",),
        organization=Organization(
            id="org_juG7cAQ0CymOcVpV",
            name="initech",
            display_name="Initech GmbH",
            metadata={"region": "eu-central"},
        ),
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"transaction.protocol": "oauth2-refresh-token"},
        {"transaction.protocol": "oauth2-token-exchange"},
        {"transaction.prompt": ["none"]},
    ],
    ids=str,
)
def test_a_refresh_or_a_silent_login_moves_last_seen_and_counts_no_login(changes: dict[str, Any]) -> None:
    user = user_of(changes=changes)

    assert user.seen is not None
    assert user.profile is not None
    assert (user.login, user.logins_count, user.alive) == (None, None, None)


def test_the_documented_refresh_event_is_no_login() -> None:
    user = user_of("refresh_token")

    assert (user.login, user.logins_count, user.alive) == (None, None, None)


def test_the_time_of_a_login_is_that_of_its_newest_method() -> None:
    newest = datetime(2026, 5, 5, 6, 58, 31, 250000, UTC)

    user = user_of("enterprise")

    assert (user.login and user.login.at, user.alive) == (newest, newest)


@pytest.mark.parametrize("methods", [[], None, [{"name": "pwd"}]])
def test_a_login_that_names_no_time_of_authentication_proves_no_life(methods: object) -> None:
    user = user_of(changes={"authentication.methods": methods})

    assert (user.login, user.alive, user.logins_count) == (None, None, 4)


def test_a_profile_without_its_own_time_has_the_time_of_the_call() -> None:
    user = user_of(changes={"user.updated_at": ABSENT})

    assert user.profile is not None
    assert user.profile.at == AT
    assert user.app_metadata is not None
    assert user.app_metadata.at == AT


def test_metadata_that_the_action_left_out_is_not_sent() -> None:
    user = user_of(changes={"user.user_metadata": ABSENT, "omitted": ["user_metadata"]})

    assert user.user_metadata is None
    assert user.app_metadata is not None


def test_metadata_that_auth0_does_not_have_is_cleared() -> None:
    user = user_of(changes={"user.user_metadata": ABSENT})

    assert user.user_metadata is not None
    assert user.user_metadata.value is None


def test_null_counts_as_absent() -> None:
    nulls = dict.fromkeys(
        ["authorization", "organization", "session", "stats", "transaction", "omitted", "version", "request"]
    ) | {"user.email": None, "user.identities": None, "user.created_at": None, "connection": None}

    user = user_of(changes=nulls)

    assert user.profile is not None
    assert (user.profile.value.email, user.profile.value.identities, user.born) == (None, (), None)
    assert (user.roles, user.logins_count) == (None, None)


def test_only_the_user_id_is_required() -> None:
    user = user_from_post_login(parse_post_login(b'{"user":{"user_id":"auth0|1"}}'), tenant="a", at=AT)

    assert user.profile == Stamped(Profile(), AT)
    assert (user.tenant, user.born, user.alive) == ("a", None, None)


def test_unknown_fields_are_ignored() -> None:
    assert user_of(changes={"user.shoe_size": 43, "surprise": {"a": [1]}}) == user_of()


def test_times_of_other_zones_become_utc() -> None:
    user = user_of(changes={"user.created_at": "2026-03-01T10:00:00+01:00"})

    assert user.born == datetime(2026, 3, 1, 9, tzinfo=UTC)
    assert user.born.utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    "user_id",
    [
        "samlp|acme saml|ana maría@example.com",
        "oidc|con|a|b|c",
        "auth0|" + "x" * 300,
        "auth0|😀",
        "é" * (MAX_ID_BYTES // 2),
        "' OR 1=1 --",
        "a",
    ],
    ids=["spaces", "pipes", "long", "emoji", "longest", "quotes", "short"],
)
def test_a_user_id_is_opaque(user_id: str) -> None:
    assert user_of(changes={"user.user_id": user_id}).user_id == user_id


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("user.user_id", ABSENT, "a value"),
        ("user.user_id", None, "a string"),
        ("user.user_id", 7, "a string"),
        ("user.user_id", "", f"from 1 to {MAX_ID_BYTES} bytes"),
        ("user.user_id", "é" * MAX_ID_BYTES, f"from 1 to {MAX_ID_BYTES} bytes"),
        ("user", ABSENT, "a value"),
        ("user", None, "an object"),
        ("user", [], "an object"),
        ("user.email", 7, "a string"),
        ("user.email_verified", "true", "true or false"),
        ("user.email_verified", 1, "true or false"),
        ("user.app_metadata", "x", "an object"),
        ("user.user_metadata", [1], "an object"),
        ("user.identities", {}, "a list"),
        ("user.identities.0.user_id", True, "a string"),
        ("user.identities.0.user_id", 1.5, "a string"),
        ("user.identities.0.profileData", "x", "an object"),
        ("user.created_at", "yesterday", "an ISO 8601 date-time with a time zone"),
        ("user.created_at", "2026-03-01T09:00:00", "an ISO 8601 date-time with a time zone"),
        ("user.created_at", "0001-01-01T00:00:00+14:00", "an ISO 8601 date-time with a time zone"),
        ("user.updated_at", 1772442000, "an ISO 8601 date-time with a time zone"),
        ("authorization", "x", "an object"),
        ("authorization.roles", "Editor", "a list"),
        ("authorization.roles", ["Editor", 1], "a string"),
        ("organization.id", ABSENT, "a value"),
        ("organization.id", "", f"from 1 to {MAX_ID_BYTES} bytes"),
        ("organization.id", "o" * (MAX_ID_BYTES + 1), f"from 1 to {MAX_ID_BYTES} bytes"),
        ("organization.metadata", "x", "an object"),
        ("authentication.methods", {}, "a list"),
        ("stats.logins_count", "4", "an integer"),
        ("stats.logins_count", -1, "an integer from 0 to 2147483647"),
        ("stats.logins_count", 2**31, "an integer from 0 to 2147483647"),
        ("stats.logins_count", True, "an integer"),
        ("transaction.prompt", "none", "a list"),
        ("version", 2, "1"),
        ("omitted", "user_metadata", "a list"),
    ],
)
def test_a_wrong_field_is_named_with_what_was_expected(field: str, value: Any, expected: str) -> None:
    changes = {"organization": {"id": "org_1"}, field: value}
    named = f"{field}.1" if value == ["Editor", 1] else field

    assert faults(changes) == (FieldFault(named, expected),)


def test_all_wrong_fields_are_named_at_once() -> None:
    found = faults({"user.email": 1, "user.name": 2, "stats.logins_count": "x"})

    assert {fault.field for fault in found} == {"user.email", "user.name", "stats.logins_count"}
