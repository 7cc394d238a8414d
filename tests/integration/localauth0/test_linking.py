"""Linked accounts: one user with several identities, and what is lost and kept when they are one and two again."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest
from tests.integration.localauth0.acme import ANA, DATABASE, GOOGLE_USER, SAML_USER, Browser
from tests.integration.localauth0.jwts import verified
from tests.integration.localauth0.managed import Operator

from localauth0 import LocalAuth0
from localauth0.happenings import Happening

PASSWORD = "second password"


def path_of(user_id: str, rest: str = "") -> str:
    return f"/users/{quote(user_id, safe='')}{rest}"


def link(operator: Operator, primary: str, **body: Any) -> list[dict[str, Any]]:
    identities: list[dict[str, Any]] = operator.answer("POST", path_of(primary, "/identities"), body)
    return identities


def link_google(operator: Operator) -> list[dict[str, Any]]:
    return link(operator, ANA, provider="google-oauth2", user_id=GOOGLE_USER)


def test_the_secondary_user_is_one_identity_of_the_primary_and_no_user(operator: Operator) -> None:
    identities = link_google(operator)

    assert [one["provider"] for one in identities] == ["auth0", "google-oauth2"]
    assert identities[0]["profileData"]["email"] == "ana@example.com"
    assert identities[1]["profileData"] == {"email": "gil@example.com", "name": "Gil"}
    user = operator.answer("GET", path_of(ANA))
    assert user["identities"] == identities
    assert (user["email"], user["app_metadata"]) == ("ana@example.com", {"plan": "pro", "old": True})
    assert operator.refusal("GET", path_of(GOOGLE_USER))[2] == "inexistent_user"
    assert operator.call("DELETE", path_of(GOOGLE_USER)).status_code == 204
    listed = [one["user_id"] for one in operator.answer("GET", "/users")]
    assert (ANA in listed, GOOGLE_USER in listed) == (True, False)


@pytest.mark.parametrize("user_id", [GOOGLE_USER, GOOGLE_USER.partition("|")[2]])
def test_the_secondary_is_named_with_and_without_its_provider(operator: Operator, user_id: str) -> None:
    assert len(link(operator, ANA, provider="google-oauth2", user_id=user_id)) == 2


def test_the_secondarys_metadata_and_roles_are_lost(operator: Operator) -> None:
    operator.answer("PATCH", path_of(GOOGLE_USER), {"app_metadata": {"a": 1}, "user_metadata": {"b": 2}})
    operator.answer("POST", path_of(GOOGLE_USER, "/roles"), {"roles": ["rol_0000000000000002"]})
    link_google(operator)

    left = operator.call("DELETE", path_of(ANA, f"/identities/google-oauth2/{GOOGLE_USER.partition('|')[2]}"))

    assert left.status_code == 200
    assert [one["provider"] for one in left.json()] == ["auth0"]
    restored = operator.answer("GET", path_of(GOOGLE_USER))
    assert (restored["email"], restored["name"]) == ("gil@example.com", "Gil")
    assert not restored.keys() & {"app_metadata", "user_metadata"}
    assert operator.answer("GET", path_of(GOOGLE_USER, "/roles")) == []
    assert "profileData" not in operator.answer("GET", path_of(ANA))["identities"][0]


def test_each_identity_logs_in_as_the_primary_with_its_own_password(
    operated: LocalAuth0, operator: Operator
) -> None:
    body = {"connection": DATABASE, "email": "second@example.com", "password": PASSWORD}
    second = operator.answer("POST", "/users", body)["user_id"]
    link(operator, ANA, provider="auth0", user_id=second)
    with Browser(operated.url) as browser:
        callback = browser.log_in({"username": "second@example.com", "password": PASSWORD})
        tokens = browser.exchange(callback.code).json()
    assert verified(operated, tokens["id_token"], audience="spa")["sub"] == ANA
    operator.call("DELETE", path_of(ANA, f"/identities/auth0/{second.partition('|')[2]}"))

    with Browser(operated.url) as browser:
        callback = browser.log_in({"username": "second@example.com", "password": PASSWORD})
        tokens = browser.exchange(callback.code).json()
    assert verified(operated, tokens["id_token"], audience="spa")["sub"] == second


def test_an_identity_whose_id_has_more_parts_is_taken_away_by_its_path(operator: Operator) -> None:
    link(operator, ANA, provider="samlp", user_id=SAML_USER)

    path = f"/identities/samlp/{quote('corp|eve@corp.example', safe='')}"
    assert operator.call("DELETE", path_of(ANA, path)).status_code == 200

    assert operator.answer("GET", path_of(SAML_USER))["identities"][0]["user_id"] == "corp|eve@corp.example"


def test_attributes_of_a_linked_identity_are_changed_by_its_connection(operator: Operator) -> None:
    sms = operator.answer("POST", "/users", {"connection": "sms", "phone_number": "+34600999888"})["user_id"]
    link(operator, ANA, provider="sms", user_id=sms)

    user = operator.answer("PATCH", path_of(ANA), {"connection": "sms", "phone_number": "+34600999777"})

    assert user["identities"][1]["profileData"]["phone_number"] == "+34600999777"
    assert "phone_number" not in user
    refusal = operator.refusal("PATCH", path_of(ANA), {"connection": "corp", "email": "x@example.com"})
    assert refusal[:1] == (400,)


def test_the_primarys_profile_data_follows_its_profile(operator: Operator) -> None:
    link_google(operator)

    user = operator.answer("PATCH", path_of(ANA), {"nickname": "annie"})

    assert user["identities"][0]["profileData"]["nickname"] == "annie"


def test_an_id_token_names_the_secondary(operated: LocalAuth0, operator: Operator) -> None:
    with Browser(operated.url) as browser:
        callback = browser.continue_as(GOOGLE_USER, "google-oauth2")
        id_token = browser.exchange(callback.code).json()["id_token"]

    assert len(link(operator, ANA, link_with=id_token)) == 2
    assert operator.refusal("POST", path_of(ANA, "/identities"), {"link_with": "a.b.c"})[0] == 400


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"provider": "auth0", "user_id": "ana"}, 400),
        ({"provider": "auth0", "user_id": "nobody"}, 404),
        ({"provider": "auth0"}, 400),
        ({"user_id": "ana"}, 400),
        ({"provider": "google-oauth2", "user_id": GOOGLE_USER, "connection_id": "con_none"}, 400),
    ],
    ids=str,
)
def test_a_link_that_cannot_be_is_refused(operator: Operator, body: dict[str, Any], status: int) -> None:
    assert operator.refusal("POST", path_of(ANA, "/identities"), body)[0] == status


def test_the_main_identity_stays(operator: Operator) -> None:
    link_google(operator)

    refusal = operator.refusal("DELETE", path_of(ANA, "/identities/auth0/ana"))

    assert refusal[:2] == (400, "Main identity cannot be removed")
    assert operator.refusal("DELETE", path_of(ANA, "/identities/sms/1"))[0] == 404


def test_the_primary_takes_its_identities_along_when_deleted(operator: Operator) -> None:
    link_google(operator)
    operator.call("DELETE", path_of(ANA))

    assert operator.refusal("GET", path_of(GOOGLE_USER))[0] == 404


def test_whoever_listens_hears_of_both_users(operated: LocalAuth0, operator: Operator) -> None:
    heard: list[Happening] = []
    operated.store.listeners.append(heard.append)
    try:
        link_google(operator)
        operator.call("DELETE", path_of(ANA, f"/identities/google-oauth2/{GOOGLE_USER.partition('|')[2]}"))
    finally:
        operated.store.listeners.remove(heard.append)

    assert [
        (one.kind, one.profile and one.profile["user_id"], one.detail["secondary"]["user_id"])
        for one in heard
    ] == [
        ("linked", ANA, GOOGLE_USER),
        ("unlinked", ANA, GOOGLE_USER),
    ]
