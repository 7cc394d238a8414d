"""Nothing with which one could sign in stays in what is kept of a record."""

from __future__ import annotations

import json
from typing import Any

import pytest

from frontdesk.auth0.kept_json import REDACTED, Keeper, redacted_text, storable

TOKEN = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhdXRoMHxhbm4ifQ.c2lnbmF0dXJl"
SECRET = "s3cr3t-value"


def kept(value: dict[str, Any]) -> dict[str, Any]:
    return Keeper(redact=True).object(value)


@pytest.mark.parametrize(
    "name",
    [
        "access_token",
        "refresh_token",
        "id_token",
        "accessToken",
        "Authorization",
        "proxy-authorization",
        "Set-Cookie",
        "code",
        "code_verifier",
        "client_secret",
        "client_assertion",
        "password",
        "newPassword",
        "ticket",
        "otp",
        "link_with",
        "DPoP",
        "mfa_token",
        "confirmNewPassword",
        "httpAuthorization",
        "splunkToken",
        "datadogApiKey",
        "segmentWriteKey",
        "httpCustomHeaders",
        "secrets",
        "app_secret",
        "totp_secret",
        "secretAccessKey",
        "smtp_pass",
        "private_key",
        "ticket_id",
    ],
)
@pytest.mark.parametrize("value", [SECRET, [SECRET], {"token": SECRET}], ids=["text", "list", "object"])
def test_a_secret_is_redacted_by_its_name(name: str, value: Any) -> None:
    text = json.dumps(kept({"details": {"request": {name: value}}}))

    assert REDACTED in text
    assert SECRET not in text


@pytest.mark.parametrize(
    "value",
    [
        TOKEN,
        f"Bearer {TOKEN}",
        f"https://app.example.com/cb#access_token={SECRET}&state=1",
        f"https://app.example.com/cb?state=1&code={SECRET}",
        f"/logout?id_token_hint={SECRET}",
        f"token={SECRET}",
        f"https://t.auth0.com/passwordless/verify_redirect?scope=openid&verification_code={SECRET}&protocol=oauth2",
        f"https://app.example.com/join?invitation={SECRET}&organization=org_1",
        f"/authorize?redirect_uri=https%3A%2F%2Fapp.example.com%2Fcb%3Fcode%3D{SECRET}%26state%3D1",
        f"https://frontdesk:{SECRET}@hooks.example.com/streams",
    ],
)
def test_a_token_in_a_text_is_redacted_wherever_it_stands(value: str) -> None:
    text = json.dumps(kept({"query": {"return_to": [value]}}))

    assert REDACTED in text
    assert SECRET not in text
    assert TOKEN not in text


@pytest.mark.parametrize(
    "value",
    [
        {"error": {"code": "invalid_grant", "message": "no code=sent"}},
        {"refresh_token": {"access": "offline", "session_id": "s1"}},
        {"access_token_jti": "j1", "tokenCounter": 3, "session_id": "s1"},
        {"geo": {"country_code": "PT", "code": "PT"}},
        {"code": None, "token": False, "otp": 0},
        {"triggered_by_session_transfer_token": True, "token_endpoint_auth_method": "none"},
        {"accessedSecrets": ["client_secret"], "credential_id": "cred_1"},
        {"scope": "openid", "statusCode": 204, "credentials": {"jti": "1", "scopes": ["a"]}},
        {"url": "https://example.com/?state=1&client_id=c&code_challenge_method=S256"},
        {"url": "https://example.com:8443/users/ann@example.com"},
    ],
)
def test_what_is_no_secret_stays(value: dict[str, Any]) -> None:
    assert kept(value) == value


def test_the_environment_of_a_connections_scripts_is_redacted_whatever_its_names() -> None:
    for _ in range(2):  # also when its name was seen elsewhere before
        told = {
            "configuration": {"url": "x"},
            "options": {"configuration": {"DB_URI": SECRET}, "import_mode": True},
        }

        assert kept(told) == {
            "configuration": {"url": "x"},
            "options": {"configuration": REDACTED, "import_mode": True},
        }


def test_the_rest_of_a_url_stays() -> None:
    told = kept({"link": f"https://t.auth0.com/v?verification_code={SECRET}&scope=openid#x"})

    assert told == {"link": f"https://t.auth0.com/v?verification_code={REDACTED}&scope=openid#x"}


def test_what_is_written_to_users_is_not_redacted() -> None:
    told = {"app_metadata": {"code": "A1", "token": "t"}}

    assert storable(told) == told


def test_numbers_that_json_has_no_place_for_are_null() -> None:
    assert storable({"a": float("inf"), "b": [float("nan")], "c": 10**2000, "d": 1.5}) == {
        "a": None,
        "b": [None],
        "c": None,
        "d": 1.5,
    }


@pytest.mark.parametrize(
    "text",
    [
        json.dumps({"log_id": "1", "details": {"request": {"body": {"httpAuthorization": SECRET}}}}),
        json.dumps([{"secrets": [{"name": "N", "value": SECRET}]}]),
        f'{{"log_id":"1","password" : "{SECRET}", "b":',
        f'{{"log_id":"1","password":"a\\"{SECRET}',
        f'{{"log_id":"1","password":"{SECRET}\\',
        f'{{"a":{"1" * 5000}, "client_secret":"{SECRET}"}}',
        f'{{"url":"https://app.example.com/cb?code={SECRET}&state=1"',
        '{"a":' * 100 + f'{{"otp":"{SECRET}"}}' + "}" * 100,
        '{"a":' * 100_000 + f'{{"otp":"{SECRET}"}}',
    ],
)
def test_a_record_that_is_set_aside_shows_no_secret_whatever_is_wrong_with_it(text: str) -> None:
    shown = redacted_text(text)

    assert REDACTED in shown
    assert SECRET not in shown


@pytest.mark.parametrize(
    "text", ['{ "date":"yesterday",\n"type": "s" }', "nonsense", "", '{"type":', "7", "\ud800"]
)
def test_what_shows_no_secret_is_shown_as_it_came(text: str) -> None:
    assert redacted_text(text) == text


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (f"Bearer {TOKEN}", f"Bearer {REDACTED}"),
        ("a\x00b", "a\N{REPLACEMENT CHARACTER}b"),
        ("a\ud800b", "a\N{REPLACEMENT CHARACTER}b"),
        (float("nan"), None),
        ({"password": SECRET}, {"password": REDACTED}),
        ([{"text": "é", "otp": SECRET}], [{"text": "é", "otp": REDACTED}]),
    ],
    ids=["a token", "U+0000", "half a pair", "no number", "a secret below", "a secret in a list"],
)
def test_names_that_were_harmless_before_hide_nothing_that_comes_under_them(
    value: Any, expected: Any
) -> None:
    kept({"description": "plain", "place": "plain"})

    assert kept({"description": "plain", "place": value}) == {"description": "plain", "place": expected}


def test_the_size_is_the_same_whether_an_object_is_looked_through_or_copied() -> None:
    def size(value: dict[str, Any]) -> int:
        keeper = Keeper(redact=True)
        keeper.object(value)
        return keeper.size

    kept({"city": "", "numbers": ""})

    assert size({"city": "Malaga", "numbers": [1, 2]}) == size({"city": "Málaga", "numbers": [1, 2]})
