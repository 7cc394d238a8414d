"""Users by the Management API: made, changed and deleted with Auth0's rules and refusals; who is made can log in."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest
from auth0.management.client import Auth0
from tests.integration.localauth0.acme import ANA, CALLBACK, DATABASE, GOOGLE_USER, SMS_USER, Browser
from tests.integration.localauth0.conftest import StartTenant
from tests.integration.localauth0.managed import Operator, an_operated_tenant

from localauth0 import LocalAuth0
from localauth0.happenings import Happening

PASSWORD = "I have a password and its a secret"
NEW = {"connection": DATABASE, "email": "New.Person@Example.com", "password": PASSWORD}


def path_of(user_id: str, rest: str = "") -> str:
    return f"/users/{quote(user_id, safe='')}{rest}"


def made(operator: Operator, **more: Any) -> dict[str, Any]:
    user: dict[str, Any] = operator.answer("POST", "/users", {**NEW, **more})
    return user


def changed(operator: Operator, user_id: str, **changes: Any) -> dict[str, Any]:
    user: dict[str, Any] = operator.answer("PATCH", path_of(user_id), changes)
    return user


def test_a_made_user_has_what_was_said_and_what_follows_from_it(operator: Operator) -> None:
    user = made(operator, given_name="Nia", app_metadata={"plan": "pro"}, user_metadata={}, blocked=False)

    assert user["identities"] == [
        {
            "connection": DATABASE,
            "provider": "auth0",
            "user_id": user["user_id"].removeprefix("auth0|"),
            "isSocial": False,
        }
    ]
    assert user["created_at"] == user["updated_at"]
    assert user["picture"].startswith("https://s.gravatar.com/avatar/")
    kept = {
        key: user[key]
        for key in user.keys() - {"identities", "created_at", "updated_at", "picture", "user_id"}
    }
    assert kept == {
        "email": "new.person@example.com",
        "email_verified": False,
        "name": "new.person@example.com",
        "nickname": "new.person",
        "given_name": "Nia",
        "app_metadata": {"plan": "pro"},
        "blocked": False,
    }
    assert operator.answer("GET", path_of(user["user_id"])) == user


def test_a_made_user_can_log_in_with_address_and_username(operated: LocalAuth0, operator: Operator) -> None:
    made(operator, username="Nia")

    for name in ("new.person@example.com", "NIA"):
        with Browser(operated.url) as browser:
            assert browser.log_in({"username": name, "password": PASSWORD}).code


def test_users_of_passwordless_connections_are_made_without_password(operator: Operator) -> None:
    user = operator.answer("POST", "/users", {"connection": "sms", "phone_number": "+34600999888"})

    assert (user["user_id"][:4], user["name"], user["phone_verified"]) == ("sms|", "+34600999888", False)


@pytest.mark.parametrize(
    "own_id", ["plain", "ünï/çødé", "50%25", "a|b", "x/roles", "hash#?&=+", "😀", "..", "z" * 255], ids=repr
)
def test_an_id_of_ones_own_is_found_by_its_encoded_path(operator: Operator, own_id: str) -> None:
    user = made(operator, user_id=own_id)

    assert user["user_id"] == f"auth0|{own_id}"
    assert operator.answer("GET", path_of(user["user_id"])) == user
    assert operator.answer("GET", path_of(user["user_id"], "/roles")) == []
    assert changed(operator, user["user_id"], nickname="n")["nickname"] == "n"
    assert operator.call("DELETE", path_of(user["user_id"])).status_code == 204
    assert operator.refusal("GET", path_of(user["user_id"]))[0] == 404


@pytest.mark.parametrize(
    ("change", "status", "code", "words"),
    [
        ({"connection": "nowhere"}, 400, "inexistent_connection", "Connection does not exist."),
        ({"connection": "corp"}, 400, "operation_not_supported", "does not support user creation"),
        ({"connection": None}, 400, "invalid_body", "connection"),
        ({"password": None}, 400, "invalid_body", "password"),
        ({"email": "no address"}, 400, "invalid_body", "email"),
        ({"user_id": "a b"}, 400, "invalid_body", "on property user_id"),
        ({"user_id": "z" * 256}, 400, "invalid_body", "user_id"),
        ({"phone_number": "123"}, 400, "invalid_body", "phone_number"),
        ({"given_name": "z" * 151}, 400, "invalid_body", "given_name"),
        ({"blocked": "yes"}, 400, "invalid_body", "Expected type boolean but found type string"),
        ({"surname": "x"}, 400, "invalid_body", "Additional properties not allowed: surname"),
        ({"app_metadata": {"email": "x"}}, 400, "invalid_body", "email"),
        ({"user_metadata": {"a": {"b.c": 1}}}, 400, "invalid_body", "b.c"),
        ({"password": "x" * 73}, 400, "invalid_body", "72 bytes"),
        ({"email": "ANA@example.com"}, 409, "auth0_idp_error", "The user already exists."),
        ({"username": "Ana"}, 409, "auth0_idp_error", "The user already exists."),
        ({"user_id": "ana"}, 409, "auth0_idp_error", "The user already exists."),
    ],
    ids=str,
)
def test_a_user_who_cannot_be_is_refused(
    operator: Operator, change: dict[str, Any], status: int, code: str, words: str
) -> None:
    body = {name: value for name, value in {**NEW, **change}.items() if value is not None}

    refusal = operator.refusal("POST", "/users", body)

    assert (refusal[0], refusal[2]) == (status, code)
    assert words in refusal[1]


def test_a_connection_may_refuse_usernames(start_tenant: StartTenant) -> None:
    connection = {"id": "con_0000000000000001", "name": DATABASE, "strategy": "auth0", "usernames": "refused"}
    operator = Operator(
        start_tenant(an_operated_tenant(connections=[connection], users=[], organizations=[]))
    )

    refusal = operator.refusal("POST", "/users", {**NEW, "username": "nia"})

    assert refusal[:2] == (400, "Cannot set username for connection without requires_username.")


def test_root_attributes_are_replaced_and_null_takes_them_away(operator: Operator) -> None:
    user = changed(operator, ANA, given_name=None, nickname="annie", blocked=True)

    assert "given_name" not in user
    assert (user["nickname"], user["blocked"], user["name"]) == ("annie", True, "Ana Ruiz")
    assert user["updated_at"] > "2026-03-02T10:00:00.456Z"
    assert user["created_at"] == "2026-03-01T09:00:00.123Z"


def test_metadata_merge_at_the_first_level_only(operator: Operator) -> None:
    changed(operator, ANA, app_metadata={"a": {"x": 1, "y": 2}, "b": 1})

    user = changed(operator, ANA, app_metadata={"a": {"x": 3}, "b": None, "c": [1]})

    assert user["app_metadata"] == {"plan": "pro", "old": True, "a": {"x": 3}, "c": [1]}


def test_an_empty_object_erases_metadata(operator: Operator) -> None:
    changed(operator, ANA, user_metadata={"lang": "es"})

    user = changed(operator, ANA, app_metadata={})

    assert "app_metadata" not in user
    assert user["user_metadata"] == {"lang": "es"}


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("password", "email"),
        ("password", "email_verified"),
        ("username", "email"),
        ("username", "email_verified"),
        ("username", "password"),
    ],
)
def test_some_attributes_cannot_be_changed_together(operator: Operator, first: str, second: str) -> None:
    values = {"password": "another", "email": "b@example.com", "email_verified": True, "username": "b"}

    refusal = operator.refusal("PATCH", path_of(ANA), {first: values[first], second: values[second]})

    assert refusal == (400, f"Cannot update {first} and {second} simultaneously", "invalid_body")


def test_a_new_password_is_the_one_that_logs_in(operated: LocalAuth0, operator: Operator) -> None:
    user = changed(operator, ANA, password="quite another", connection=DATABASE)

    assert user["last_password_reset"] == user["updated_at"]
    with Browser(operated.url) as browser:
        assert browser.log_in({"username": "ana", "password": "quite another"}).code


def test_a_new_address_is_not_verified_and_must_be_free(operator: Operator) -> None:
    user = changed(operator, ANA, email="Ana.New@Example.com")

    assert (user["email"], user["email_verified"]) == ("ana.new@example.com", False)
    assert changed(operator, ANA, email="ana@example.com", email_verified=True)["email_verified"] is True
    refusal = operator.refusal("PATCH", path_of(ANA), {"email": "bad@example.com"})
    assert refusal == (400, "The specified new email already exists", "auth0_idp_error")


@pytest.mark.parametrize(
    "change", [{"email": "x@example.com"}, {"password": "x"}, {"email_verified": True}], ids=str
)
def test_what_another_provider_owns_cannot_be_changed(operator: Operator, change: dict[str, Any]) -> None:
    status, message, code = operator.refusal("PATCH", path_of(GOOGLE_USER), change)

    assert (status, code) == (400, "operation_not_supported")
    assert "The connection (google-oauth2) must either be a database connection" in message


def test_a_blocked_user_cannot_log_in_until_unblocked(operated: LocalAuth0, operator: Operator) -> None:
    fields = {"user_id": SMS_USER, "connection": "sms"}
    changed(operator, SMS_USER, blocked=True)
    with Browser(operated.url) as browser:
        assert browser.log_in(fields).error == ("unauthorized", "user is blocked")
    changed(operator, SMS_USER, blocked=False)
    with Browser(operated.url) as browser:
        assert browser.log_in(fields).url == CALLBACK


def test_nobody_can_be_changed_who_is_not_there(operator: Operator) -> None:
    assert operator.refusal("PATCH", "/users/auth0%7Cnobody", {"nickname": "n"}) == (
        404,
        "The user does not exist.",
        "inexistent_user",
    )
    assert operator.call("DELETE", "/users/auth0%7Cnobody").status_code == 204


def test_a_deleted_user_leaves_roles_and_organizations(operator: Operator, auth0: Auth0) -> None:
    auth0.users.delete(ANA)

    assert operator.refusal("GET", path_of(ANA))[0] == 404
    assert operator.answer("GET", "/roles/rol_0000000000000001/users") == []
    assert operator.answer("GET", "/organizations/org_0000000000000001/members") == []


def test_a_user_made_again_has_another_id_and_none_of_the_old_things(operator: Operator) -> None:
    first = made(operator, app_metadata={"old": True})
    operator.call("DELETE", path_of(first["user_id"]))

    second = made(operator)

    assert second["user_id"] != first["user_id"]
    assert "app_metadata" not in second


def test_narrow_scopes_open_one_kind_of_metadata(operated: LocalAuth0) -> None:
    narrow = Operator(operated, scope="update:users_app_metadata")

    assert (
        narrow.answer("PATCH", path_of(ANA), {"app_metadata": {"plan": "free"}})["app_metadata"]["plan"]
        == "free"
    )
    assert narrow.refusal("PATCH", path_of(ANA), {"blocked": True})[2] == "insufficient_scope"
    assert narrow.refusal("POST", "/users", NEW)[2] == "insufficient_scope"
    assert narrow.refusal("DELETE", path_of(ANA))[2] == "insufficient_scope"


def test_blocks_of_the_brute_force_protection_are_read_and_lifted(
    operated: LocalAuth0, operator: Operator
) -> None:
    block = {"identifier": "ana@example.com", "ip": "203.0.113.7"}
    for path in (f"/user-blocks/{quote(ANA, safe='')}", "/user-blocks?identifier=ana%40example.com"):
        operated.store.user_blocks[ANA] = [block]
        assert operator.answer("GET", path) == {"blocked_for": [block]}
        assert operator.call("DELETE", path).status_code == 204
        assert operator.answer("GET", path) == {"blocked_for": []}
    assert operator.refusal("GET", "/user-blocks/auth0%7Cnobody")[0] == 404
    assert operator.refusal("GET", "/user-blocks?identifier=nobody")[0] == 404
    assert operator.refusal("GET", "/user-blocks")[2] == "invalid_query_string"


def test_whoever_listens_hears_what_happened_and_by_whom(operated: LocalAuth0, operator: Operator) -> None:
    heard: list[Happening] = []
    operated.store.listeners.append(heard.append)
    try:
        user_id = made(operator)["user_id"]
        changed(operator, user_id, nickname="n")
        operator.call("DELETE", path_of(user_id))
    finally:
        operated.store.listeners.remove(heard.append)

    assert [happening.kind for happening in heard] == ["created", "updated", "deleted"]
    assert {(happening.by.client_id, happening.by.is_api) for happening in heard} == {("operator", True)}
    assert all(happening.profile and happening.profile["user_id"] == user_id for happening in heard)


def test_the_official_sdk_makes_changes_and_deletes_users(auth0: Auth0) -> None:
    user = auth0.users.create(connection=DATABASE, email="sdk@example.com", password=PASSWORD)
    assert user.user_id is not None
    auth0.users.update(user.user_id, user_metadata={"lang": "es"}, blocked=True)

    found = auth0.users.get(user.user_id)
    assert (found.blocked, found.user_metadata) == (True, {"lang": "es"})
    assert [one.user_id for one in auth0.users.list_users_by_email(email="sdk@example.com")] == [user.user_id]
    auth0.users.delete(user.user_id)
    assert auth0.users.list_users_by_email(email="sdk@example.com") == []
