"""/oauth/token for logins, /userinfo, and what stands in the tokens."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import jwt
import pytest
import requests
from tests.integration.localauth0.acme import (
    ANA,
    API,
    GOOGLE_USER,
    PASSWORD,
    PASSWORD_REALM,
    RBAC_API,
    SMS_USER,
    TIMEOUT_S,
    Browser,
    Clock,
    a_tenant,
    error_of,
    tokens_of,
)
from tests.integration.localauth0.conftest import StartTenant
from tests.integration.localauth0.jwts import verified

from localauth0 import LocalAuth0


def test_an_access_token_carries_what_auth0_puts_there_and_nothing_else(
    acme: LocalAuth0, browser: Browser
) -> None:
    tokens = browser.tokens()

    claims = verified(acme, tokens["access_token"], audience=API)
    issued_at = claims.pop("iat")
    assert claims == {
        "iss": acme.issuer,
        "sub": ANA,
        "aud": [API, f"{acme.url}/userinfo"],
        "exp": issued_at + 7200,
        "azp": "spa",
        "scope": "openid profile email offline_access read:things",
    }
    assert jwt.get_unverified_header(tokens["access_token"])["typ"] == "JWT"
    assert (tokens["token_type"], tokens["expires_in"]) == ("Bearer", 7200)


def test_an_id_token_carries_the_claims_of_its_scopes(acme: LocalAuth0, browser: Browser) -> None:
    claims = verified(acme, browser.tokens()["id_token"], audience="spa")

    issued_at, session_id = claims.pop("iat"), claims.pop("sid")
    assert session_id
    assert claims == {
        "iss": acme.issuer,
        "sub": ANA,
        "aud": "spa",
        "exp": issued_at + 36_000,
        "nonce": "app-nonce",
        "name": "Ana Ruiz",
        "nickname": "ana",
        "given_name": "Ana",
        "updated_at": acme.store.users[ANA].profile["updated_at"],
        "email": "ana@example.com",
        "email_verified": True,
    }


def test_the_phone_scope_opens_the_phone_number(acme: LocalAuth0, browser: Browser) -> None:
    callback = browser.continue_as(SMS_USER, "sms", scope="openid phone")

    claims = verified(acme, tokens_of(browser.exchange(callback.code))["id_token"], audience="spa")
    assert (claims["phone_number"], claims["phone_number_verified"]) == ("+34600111222", True)
    assert "email" not in claims


def test_max_age_puts_the_time_of_authentication_into_the_id_token(
    acme: LocalAuth0, browser: Browser
) -> None:
    claims = verified(acme, browser.tokens(max_age="600")["id_token"], audience="spa")

    assert 0 <= claims["iat"] - claims["auth_time"] < 60


def test_without_openid_the_audience_is_the_api_alone(acme: LocalAuth0, browser: Browser) -> None:
    tokens = browser.tokens(scope="read:things")

    assert verified(acme, tokens["access_token"], audience=API)["aud"] == API
    assert "id_token" not in tokens


def test_without_an_audience_the_access_token_is_opaque(acme: LocalAuth0, browser: Browser) -> None:
    tokens = browser.tokens(audience=None)

    assert "." not in tokens["access_token"]
    assert tokens["expires_in"] == 86_400
    assert userinfo(acme, tokens["access_token"]).json()["sub"] == ANA


def test_scopes_that_the_api_does_not_know_are_not_granted(browser: Browser) -> None:
    assert browser.tokens(scope="openid read:things drop:tables")["scope"] == "openid read:things"


def test_with_rbac_the_roles_permissions_are_what_is_granted(acme: LocalAuth0, browser: Browser) -> None:
    tokens = browser.tokens(audience=RBAC_API, scope="openid read:things write:things")

    claims = verified(acme, tokens["access_token"], audience=RBAC_API)
    assert (claims["scope"], claims["permissions"]) == ("openid read:things", ["read:things"])


def test_an_organization_login_names_the_organization_in_both_tokens(
    acme: LocalAuth0, browser: Browser
) -> None:
    tokens = browser.tokens(organization="globex")

    assert verified(acme, tokens["access_token"], audience=API)["org_id"] == "org_0000000000000001"
    assert verified(acme, tokens["id_token"], audience="spa")["org_id"] == "org_0000000000000001"


def test_the_rfc_9068_profile_names_the_client_its_own_way(start_tenant: StartTenant) -> None:
    api = {"identifier": API, "token_dialect": "rfc9068_profile"}
    tenant = start_tenant(a_tenant(resource_servers=[api], client_grants=[]))
    with Browser(tenant.url) as browser:
        token = browser.tokens(audience=API)["access_token"]

    claims = verified(tenant, token, audience=API)
    assert claims["client_id"] == "spa"
    assert claims["jti"]
    assert "azp" not in claims
    assert jwt.get_unverified_header(token)["typ"] == "at+jwt"


def test_a_code_works_once(browser: Browser) -> None:
    code = browser.log_in().code
    tokens_of(browser.exchange(code))

    assert error_of(browser.exchange(code)) == (403, "invalid_grant", "Invalid authorization code")


def test_a_code_lives_for_five_minutes(start_tenant: StartTenant) -> None:
    clock = Clock()
    tenant = start_tenant(a_tenant(), clock=clock)
    with Browser(tenant.url) as browser:
        code = browser.log_in().code
        clock.advance(timedelta(minutes=5, seconds=1))

        assert error_of(browser.exchange(code))[:2] == (403, "invalid_grant")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"code": "unknown"}, (403, "invalid_grant")),
        ({"code_verifier": "another-verifier-that-is-long-enough-to-be-one"}, (403, "invalid_grant")),
        ({"code_verifier": None}, (403, "invalid_grant")),
        ({"redirect_uri": "http://localhost:3000/other"}, (403, "invalid_grant")),
        ({"redirect_uri": None}, (403, "invalid_grant")),
        ({"code": None}, (400, "invalid_request")),
        ({"client_id": "nobody"}, (401, "access_denied")),
        ({"client_id": None}, (401, "access_denied")),
        ({"client_id": "web", "client_secret": "web-secret"}, (403, "invalid_grant")),
    ],
    ids=str,
)
def test_a_code_is_exchanged_only_as_it_was_asked_for(
    browser: Browser, changes: dict[str, str | None], expected: tuple[int, str]
) -> None:
    assert error_of(browser.exchange(browser.log_in().code, **changes))[:2] == expected


@pytest.mark.parametrize("secret", [None, "wrong"])
def test_a_confidential_client_must_show_its_secret(acme: LocalAuth0, secret: str | None) -> None:
    with Browser(acme.url, client_id="web", client_secret=secret) as server:
        answer = server.exchange(server.log_in().code)

    assert error_of(answer) == (401, "access_denied", "Unauthorized")


@pytest.mark.parametrize("with_pkce", [True, False], ids=["with PKCE", "without PKCE"])
def test_a_confidential_client_gets_its_tokens(acme: LocalAuth0, with_pkce: bool) -> None:
    with Browser(acme.url, client_id="web", client_secret="web-secret") as server:
        pkce: dict[str, str | None] = (
            {} if with_pkce else {"code_challenge": None, "code_challenge_method": None}
        )
        verifier = server.verifier if with_pkce else None

        tokens = tokens_of(server.exchange(server.log_in(**pkce).code, code_verifier=verifier))

    assert verified(acme, tokens["id_token"], audience="web")["sub"] == ANA


def test_the_secret_may_come_by_basic_authentication(acme: LocalAuth0) -> None:
    with Browser(acme.url, client_id="web") as server:
        server.http.auth = ("web", "web-secret")

        assert server.exchange(server.log_in().code, client_id=None).status_code == 200


def test_the_token_endpoint_takes_json_too(acme: LocalAuth0, browser: Browser) -> None:
    body = {
        "grant_type": "authorization_code",
        "client_id": "spa",
        "code": browser.log_in().code,
        "redirect_uri": "http://localhost:3000/callback",
        "code_verifier": browser.verifier,
    }

    assert requests.post(f"{acme.url}/oauth/token", json=body, timeout=TIMEOUT_S).status_code == 200


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"grant_type": 1}', b"\xff"])
def test_a_body_that_is_no_object_of_strings_is_refused(acme: LocalAuth0, body: bytes) -> None:
    answer = requests.post(
        f"{acme.url}/oauth/token",
        data=body,
        headers={"Content-Type": "application/json"},
        timeout=TIMEOUT_S,
    )

    assert error_of(answer)[:2] == (400, "invalid_request")


def test_a_body_above_one_mebibyte_is_refused(acme: LocalAuth0) -> None:
    answer = requests.post(f"{acme.url}/oauth/token", data={"grant_type": "x" * 1_100_000}, timeout=TIMEOUT_S)

    assert answer.status_code == 413


@pytest.mark.parametrize(
    ("grant_type", "expected"),
    [
        ("", (400, "invalid_request")),
        ("magic", (403, "unsupported_grant_type")),
        ("urn:ietf:params:oauth:grant-type:token-exchange", (501, "not_implemented")),
        ("urn:ietf:params:oauth:grant-type:device_code", (403, "unauthorized_client")),
        ("password", (403, "unauthorized_client")),
        ("client_credentials", (403, "unauthorized_client")),
    ],
)
def test_other_grant_types_are_told_apart(
    browser: Browser, grant_type: str, expected: tuple[int, str]
) -> None:
    assert error_of(browser.token(grant_type=grant_type))[:2] == expected


def test_a_refresh_token_gives_new_tokens(acme: LocalAuth0, browser: Browser) -> None:
    first = browser.tokens()

    second = tokens_of(browser.refresh(first["refresh_token"]))

    claims = verified(acme, second["access_token"], audience=API)
    assert (claims["sub"], claims["gty"]) == (ANA, "refresh_token")
    assert "refresh_token" not in second
    id_claims = verified(acme, second["id_token"], audience="spa")
    assert "nonce" not in id_claims
    assert tokens_of(browser.refresh(first["refresh_token"]))["scope"] == first["scope"]


def test_a_refresh_may_ask_for_fewer_scopes_and_never_for_more(browser: Browser) -> None:
    refresh_token = browser.tokens(scope="openid offline_access read:things")["refresh_token"]

    narrowed = tokens_of(browser.refresh(refresh_token, scope="read:things write:things"))

    assert narrowed["scope"] == "read:things"


@pytest.mark.parametrize(
    "changes", [{"scope": "openid"}, {"audience": RBAC_API}], ids=["not asked for", "not allowed by the API"]
)
def test_without_offline_access_there_is_no_refresh_token(browser: Browser, changes: dict[str, str]) -> None:
    assert "refresh_token" not in browser.tokens(**changes)


def test_an_unknown_refresh_token_is_refused(browser: Browser) -> None:
    assert error_of(browser.refresh("v1.nope")) == (
        403,
        "invalid_grant",
        "Unknown or invalid refresh token.",
    )


def test_a_refresh_token_belongs_to_its_client(acme: LocalAuth0, browser: Browser) -> None:
    refresh_token = browser.tokens()["refresh_token"]

    with Browser(acme.url, client_id="web", client_secret="web-secret") as other:
        assert error_of(other.refresh(refresh_token))[:2] == (403, "invalid_grant")


def test_a_blocked_or_deleted_user_gets_no_new_tokens(acme: LocalAuth0, browser: Browser) -> None:
    refresh_token = browser.tokens()["refresh_token"]

    acme.store.users[ANA].profile["blocked"] = True
    assert error_of(browser.refresh(refresh_token)) == (403, "unauthorized", "user is blocked")
    del acme.store.users[ANA]
    assert error_of(browser.refresh(refresh_token))[:2] == (403, "invalid_grant")


def test_a_refresh_for_another_audience_is_not_implemented(browser: Browser) -> None:
    refresh_token = browser.tokens()["refresh_token"]

    assert error_of(browser.refresh(refresh_token, audience=RBAC_API))[:2] == (501, "not_implemented")


@pytest.mark.parametrize(
    "realm", [{}, {"realm": "Username-Password-Authentication"}], ids=["default", "realm"]
)
def test_the_password_grant_logs_in_without_a_browser(acme: LocalAuth0, realm: dict[str, str]) -> None:
    with Browser(acme.url, client_id="web", client_secret="web-secret") as server:
        tokens = tokens_of(password_grant(server, password=PASSWORD, **realm))

    assert verified(acme, tokens["access_token"], audience=API)["gty"] == "password"


def test_the_password_grant_refuses_a_wrong_password(acme: LocalAuth0) -> None:
    with Browser(acme.url, client_id="web", client_secret="web-secret") as server:
        answer = password_grant(server, password="wrong")

    assert error_of(answer) == (403, "invalid_grant", "Wrong email or password.")


def test_userinfo_answers_by_scope(acme: LocalAuth0, browser: Browser) -> None:
    answer = userinfo(acme, browser.tokens(scope="openid email")["access_token"])

    assert answer.json() == {"sub": ANA, "email": "ana@example.com", "email_verified": True}


def test_userinfo_of_a_social_user(acme: LocalAuth0, browser: Browser) -> None:
    callback = browser.continue_as(GOOGLE_USER, "google-oauth2", scope="openid profile")

    answer = userinfo(acme, tokens_of(browser.exchange(callback.code))["access_token"])

    assert answer.json()["name"] == "Gil"


def test_userinfo_needs_a_token_of_this_tenant_with_openid(acme: LocalAuth0, browser: Browser) -> None:
    forged = jwt.encode({"sub": ANA, "aud": f"{acme.url}/userinfo"}, "0" * 32, algorithm="HS256")

    for token in (browser.tokens(scope="read:things")["access_token"], forged, "nonsense", ""):
        answer = userinfo(acme, token)
        assert (answer.status_code, answer.text) == (401, "Unauthorized")


def test_tokens_are_not_cached(browser: Browser) -> None:
    assert browser.exchange(browser.log_in().code).headers["Cache-Control"] == "no-store"


def test_the_page_of_an_application_may_call_the_token_endpoint(acme: LocalAuth0) -> None:
    def preflight(origin: str) -> str | None:
        headers = {"Origin": origin, "Access-Control-Request-Method": "POST"}
        answer = requests.options(f"{acme.url}/oauth/token", headers=headers, timeout=TIMEOUT_S)
        return answer.headers.get("Access-Control-Allow-Origin")

    assert preflight("http://localhost:3000") == "http://localhost:3000"
    assert preflight("http://evil.example") is None


def password_grant(server: Browser, **parameters: str) -> requests.Response:
    grant_type = PASSWORD_REALM if "realm" in parameters else "password"
    sent: dict[str, Any] = {"username": "ana@example.com", "audience": API, "scope": "openid", **parameters}
    return server.token(grant_type=grant_type, **sent)


def userinfo(tenant: LocalAuth0, token: str) -> requests.Response:
    headers = {"Authorization": f"Bearer {token}"}
    return requests.get(f"{tenant.url}/userinfo", headers=headers, timeout=TIMEOUT_S)
