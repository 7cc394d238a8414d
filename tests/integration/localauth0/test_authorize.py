"""/authorize and the login page."""

from __future__ import annotations

from datetime import timedelta

import pytest
import requests
from tests.integration.localauth0.acme import (
    ANA,
    CALLBACK,
    DATABASE,
    GOOGLE_USER,
    PASSWORD,
    SAML_USER,
    TIMEOUT_S,
    Browser,
    Clock,
    a_tenant,
    callback_of,
    tokens_of,
)
from tests.integration.localauth0.conftest import StartTenant

from localauth0 import LocalAuth0


def test_a_login_ends_at_the_callback_with_a_code_and_the_applications_state(browser: Browser) -> None:
    callback = browser.log_in()

    assert callback.url == CALLBACK
    assert callback.parameters["state"] == "app-state"
    assert len(callback.code) > 20


def test_the_login_page_names_the_application_and_labels_its_fields(browser: Browser) -> None:
    page = browser.login_page(login_hint="ana@example.com")

    assert "Log in to Acme web" in page.text
    assert 'for="username"' in page.text
    assert 'value="ana@example.com"' in page.text
    assert "<script" not in page.text


def test_the_login_page_runs_nothing_and_sits_in_no_frame(browser: Browser) -> None:
    policy = browser.login_page().headers["Content-Security-Policy"]

    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy


def test_hostile_text_in_the_request_is_shown_as_text(browser: Browser) -> None:
    page = browser.login_page(login_hint='"><script>alert(1)</script>')

    assert "<script" not in page.text


@pytest.mark.parametrize("identifier", ["ana@example.com", "ANA@Example.com", "ana", " ana "])
def test_a_user_logs_in_by_email_address_or_user_name(browser: Browser, identifier: str) -> None:
    assert browser.log_in({"username": identifier, "password": PASSWORD}).code


@pytest.mark.parametrize("identifier", ["ana@example.com", "nobody@example.com", ""])
def test_a_wrong_password_and_an_unknown_user_look_alike(browser: Browser, identifier: str) -> None:
    answer = browser.submit(browser.login_page(), {"username": identifier, "password": "wrong"})

    assert answer.status_code == 400
    assert "Wrong email or password." in answer.text
    assert "wrong" not in answer.text.replace("Wrong", "")


def test_after_a_wrong_password_the_same_page_lets_the_user_in(browser: Browser) -> None:
    page = browser.login_page()
    browser.submit(page, {"username": "ana", "password": "wrong"})

    answer = browser.submit(page, {"username": "ana", "password": PASSWORD})

    assert callback_of(answer).code


def test_a_blocked_user_is_told_so_at_the_callback_and_counted(acme: LocalAuth0, browser: Browser) -> None:
    callback = browser.log_in({"username": "bad@example.com", "password": PASSWORD})

    assert callback.error == ("unauthorized", "user is blocked")
    assert callback.parameters["state"] == "app-state"
    assert acme.store.users["auth0|bad"].profile["logins_count"] == 1
    assert browser.silent().error[0] == "login_required"


def test_a_user_who_is_blocked_later_loses_the_session(acme: LocalAuth0, browser: Browser) -> None:
    browser.log_in()
    acme.store.users[ANA].profile["blocked"] = True

    assert browser.silent().error == ("unauthorized", "user is blocked")


def test_a_social_user_continues_without_a_password(browser: Browser) -> None:
    assert browser.continue_as(GOOGLE_USER, "google-oauth2").code


@pytest.mark.parametrize(
    ("user_id", "connection"),
    [
        pytest.param(ANA, DATABASE, id="a database user without the password"),
        pytest.param(ANA, "google-oauth2", id="a connection that the user is not in"),
        pytest.param("google-oauth2|none", "google-oauth2", id="an unknown user"),
    ],
)
def test_continue_as_is_no_way_around_a_password(browser: Browser, user_id: str, connection: str) -> None:
    answer = browser.submit(browser.login_page(), {"user_id": user_id, "connection": connection})

    assert answer.status_code == 400
    assert "Location" not in answer.headers


def test_the_connection_parameter_offers_that_connection_only(browser: Browser) -> None:
    page = browser.login_page(connection="corp")

    assert SAML_USER in page.text
    assert GOOGLE_USER not in page.text
    assert 'name="password"' not in page.text
    refused = browser.submit(page, {"username": "ana", "password": PASSWORD})
    assert refused.status_code == 400


def test_a_second_login_of_the_same_browser_needs_no_page(browser: Browser) -> None:
    browser.log_in()

    assert callback_of(browser.authorize()).code
    assert browser.silent().code


def test_without_a_session_a_silent_login_is_refused(browser: Browser) -> None:
    assert browser.silent().error == ("login_required", "Login required")


def test_prompt_login_shows_the_page_in_spite_of_a_session(browser: Browser) -> None:
    browser.log_in()

    assert browser.authorize(prompt="login").headers["Location"].startswith("/u/login?")


def test_a_session_of_another_connection_does_not_count(browser: Browser) -> None:
    browser.log_in()

    assert browser.silent(connection="google-oauth2").error[0] == "login_required"


def test_a_session_older_than_max_age_does_not_count(start_tenant: StartTenant) -> None:
    clock = Clock()
    tenant = start_tenant(a_tenant(), clock=clock)
    with Browser(tenant.url) as browser:
        browser.log_in()
        clock.advance(timedelta(seconds=61))

        assert browser.silent(max_age="60").error[0] == "login_required"
        assert browser.silent(max_age="62").code


def test_a_session_ends_after_three_days(start_tenant: StartTenant) -> None:
    clock = Clock()
    tenant = start_tenant(a_tenant(), clock=clock)
    with Browser(tenant.url) as browser:
        browser.log_in()
        clock.advance(timedelta(days=3, seconds=1))

        assert browser.silent().error[0] == "login_required"


@pytest.mark.parametrize(
    "redirect_uri",
    [None, "http://evil.example/", CALLBACK + "/", CALLBACK + "?x=1", CALLBACK.upper()],
)
def test_an_unlisted_callback_gets_a_page_and_no_redirect(browser: Browser, redirect_uri: str | None) -> None:
    answer = browser.authorize(redirect_uri=redirect_uri)

    assert answer.status_code == 403
    assert "Callback URL mismatch" in answer.text
    assert "Location" not in answer.headers


def test_an_unknown_client_gets_a_page(browser: Browser) -> None:
    answer = browser.authorize(client_id="nobody")

    assert answer.status_code == 403
    assert "Unknown client" in answer.text


@pytest.mark.parametrize(
    ("changes", "error", "text"),
    [
        ({"response_type": None}, "invalid_request", "response_type"),
        ({"code_challenge": None, "code_challenge_method": None}, "invalid_request", "code_challenge"),
        ({"code_challenge_method": "plain"}, "invalid_request", "S256"),
        (
            {"audience": "https://nowhere.example"},
            "access_denied",
            "Service not found: https://nowhere.example",
        ),
        ({"connection": "nope"}, "invalid_request", "connection"),
        ({"organization": "nope"}, "invalid_request", "organization"),
        ({"max_age": "soon"}, "invalid_request", "max_age"),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_other_faults_of_the_request_reach_the_application(
    browser: Browser, changes: dict[str, str | None], error: str, text: str
) -> None:
    callback = callback_of(browser.authorize(**changes))

    assert callback.error[0] == error
    assert text in callback.error[1]
    assert callback.parameters["state"] == "app-state"


@pytest.mark.parametrize(
    "changes",
    [
        {"response_type": "token"},
        {"response_type": "code id_token"},
        {"response_mode": "form_post"},
        {"prompt": "consent"},
        {"invitation": "inv"},
        {"request": "ey"},
    ],
    ids=str,
)
def test_what_is_missing_says_so_loudly(browser: Browser, changes: dict[str, str]) -> None:
    answer = browser.authorize(**changes)

    assert answer.status_code == 501
    assert "does not implement" in answer.text


def test_a_repeated_parameter_is_refused(acme: LocalAuth0) -> None:
    query = f"client_id=spa&redirect_uri={CALLBACK}&redirect_uri={CALLBACK}"

    answer = requests.get(f"{acme.url}/authorize?{query}", allow_redirects=False, timeout=TIMEOUT_S)

    assert answer.status_code == 400


def test_a_login_page_works_only_in_the_browser_that_began_the_login(
    acme: LocalAuth0, browser: Browser
) -> None:
    """Otherwise a stranger could have somebody log in to the stranger's account."""
    page = browser.login_page()
    with Browser(acme.url) as victim:
        victim.login_page()

        answer = victim.submit(page, {"username": "ana", "password": PASSWORD})

    assert answer.status_code == 400
    assert "This login cannot go on" in answer.text


def test_a_login_page_is_used_up_by_the_login(browser: Browser) -> None:
    page = browser.login_page()
    fields = {"username": "ana", "password": PASSWORD}
    browser.submit(page, fields)

    assert browser.submit(page, fields).status_code == 400


def test_a_login_page_lives_for_an_hour(start_tenant: StartTenant) -> None:
    clock = Clock()
    tenant = start_tenant(a_tenant(), clock=clock)
    with Browser(tenant.url) as browser:
        page = browser.login_page()
        clock.advance(timedelta(hours=1, seconds=1))

        assert browser.submit(page, {"username": "ana", "password": PASSWORD}).status_code == 400


def test_an_organization_login_is_for_members(browser: Browser) -> None:
    stranger = browser.continue_as(GOOGLE_USER, "google-oauth2", organization="globex")

    assert stranger.error[0] == "access_denied"
    assert "is not part of the org_0000000000000001 organization" in stranger.error[1]


@pytest.mark.parametrize("organization", ["globex", "org_0000000000000001"])
def test_a_member_logs_in_to_the_organization(browser: Browser, organization: str) -> None:
    assert "Globex" in browser.login_page(organization=organization).text
    assert tokens_of(browser.exchange(browser.log_in(organization=organization).code))["id_token"]


@pytest.mark.parametrize("path", ["/dbconnections/x", "/oauth/par", "/samlp/x"])
def test_unknown_paths_say_not_implemented(acme: LocalAuth0, path: str) -> None:
    answer = requests.post(acme.url + path, json={}, timeout=TIMEOUT_S)

    assert answer.status_code == 501
    assert answer.json() == {
        "error": "not_implemented",
        "error_description": f"localauth0 does not implement POST {path}.",
    }
