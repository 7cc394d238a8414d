"""Sign-up and change of password, by API and by page, with the Actions that run after them."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from tests.integration.localauth0.acme import (
    DATABASE,
    PASSWORD,
    TIMEOUT_S,
    Browser,
    a_tenant,
    callback_of,
    tokens_of,
    wait_until,
)
from tests.integration.localauth0.conftest import StartTenant
from tests.integration.localauth0.jwts import verified

from localauth0 import LocalAuth0

REGISTERED = "exports.onExecutePostUserRegistration = async (event, api) => { BODY };"
CHANGED = "exports.onExecutePostChangePassword = async (event, api) => { BODY };"
NEW = {"email": "New.Person@Example.com", "password": PASSWORD}


def with_account_actions(body: str = "") -> dict[str, Any]:
    return a_tenant(
        actions=[
            {"name": "up", "trigger": "post-user-registration", "code": REGISTERED.replace("BODY", body)},
            {"name": "changed", "trigger": "post-change-password", "code": CHANGED.replace("BODY", body)},
        ],
        bindings={"post-user-registration": ["up"], "post-change-password": ["changed"]},
    )


def sign_up(tenant: LocalAuth0, **changes: Any) -> requests.Response:
    body = {"client_id": "spa", "connection": DATABASE, **NEW, **changes}
    return requests.post(f"{tenant.url}/dbconnections/signup", json=body, timeout=TIMEOUT_S)


def ask_for_password(tenant: LocalAuth0, email: str) -> requests.Response:
    body = {"client_id": "spa", "connection": DATABASE, "email": email}
    return requests.post(f"{tenant.url}/dbconnections/change_password", json=body, timeout=TIMEOUT_S)


def test_who_signs_up_by_api_can_log_in(acme: LocalAuth0, browser: Browser) -> None:
    answer = sign_up(acme, given_name="Nia", user_metadata={"plan": "free"})

    body = answer.json()
    assert answer.status_code == 200
    assert len(body.pop("_id")) == 24
    assert body.pop("picture").startswith("https://s.gravatar.com/avatar/")
    assert body == {
        "email": "new.person@example.com",
        "email_verified": False,
        "name": "new.person@example.com",
        "nickname": "new.person",
        "given_name": "Nia",
        "user_metadata": {"plan": "free"},
    }
    tokens = tokens_of(
        browser.exchange(browser.log_in({"username": NEW["email"], "password": PASSWORD}).code)
    )
    claims = verified(acme, tokens["id_token"], audience="spa")
    assert (claims["email"], claims["given_name"]) == ("new.person@example.com", "Nia")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"email": "ANA@example.com"}, "invalid_signup"),
        ({"username": "ana"}, "invalid_signup"),
        ({"email": "no-address"}, "invalid_signup"),
        ({"email": "x" * 65 + "@example.com"}, "invalid_signup"),
        ({"password": "x" * 73}, "invalid_password"),
        ({"password": None}, "invalid_request"),
        ({"user_metadata": {f"k{n}": "v" for n in range(11)}}, "invalid_signup"),
        ({"user_metadata": {"k": "v" * 501}}, "invalid_signup"),
        ({"connection": "google-oauth2"}, "invalid_connection"),
        ({"client_id": "nobody"}, "unauthorized_client"),
    ],
    ids=str,
)
def test_a_faulty_sign_up_is_refused_and_makes_nobody(
    acme: LocalAuth0, changes: dict[str, Any], code: str
) -> None:
    before = len(acme.store.users)

    answer = sign_up(acme, **changes)

    assert (answer.status_code, answer.json()["code"], answer.json()["statusCode"]) == (400, code, 400)
    assert len(acme.store.users) == before


def test_actions_run_after_a_sign_up_with_its_user(start_tenant: StartTenant) -> None:
    tenant = start_tenant(with_account_actions("api.cache.set('k', 'v')"))

    user_id = f"auth0|{sign_up(tenant, user_metadata={'plan': 'free'}).json()['_id']}"

    wait_until(lambda: len(tenant.executions) == 1)
    execution = tenant.executions[0]
    assert (execution.trigger, execution.error) == ("post-user-registration", None)
    event = execution.event
    assert set(event) == {"connection", "request", "tenant", "user", "secrets"}
    assert (event["user"]["user_id"], event["user"]["user_metadata"]) == (user_id, {"plan": "free"})
    assert "identities" not in event["user"]
    assert event["connection"]["name"] == DATABASE
    assert PASSWORD not in str(event)


def test_nobody_waits_for_the_actions_after_a_sign_up_or_hears_of_their_errors(
    start_tenant: StartTenant,
) -> None:
    tenant = start_tenant(with_account_actions("for (;;);"), trigger_limit_s=1.0)

    answer = sign_up(tenant)

    assert answer.status_code == 200
    assert tenant.executions == []
    wait_until(lambda: len(tenant.executions) == 1)
    assert "exceeded its limit" in str(tenant.executions[0].error)


def test_the_sign_up_page_signs_up_and_logs_in_at_once(start_tenant: StartTenant) -> None:
    tenant = start_tenant(with_account_actions())

    with Browser(tenant.url) as browser:
        redirect = browser.authorize(screen_hint="signup")
        assert redirect.headers["Location"].startswith("/u/signup?")
        page = browser.http.get(tenant.url + redirect.headers["Location"], timeout=TIMEOUT_S)
        callback = callback_of(browser.submit(page, NEW))
        tokens = tokens_of(browser.exchange(callback.code))
        assert browser.silent().code  # the sign-up has begun a session

    claims = verified(tenant, tokens["id_token"], audience="spa")
    assert claims["email"] == "new.person@example.com"
    wait_until(lambda: len(tenant.executions) == 1)
    transaction = tenant.executions[0].event["transaction"]
    assert (transaction["protocol"], transaction["state"]) == ("oidc-basic-profile", "app-state")
    assert tenant.store.users[claims["sub"]].profile["logins_count"] == 1


def test_login_and_sign_up_pages_lead_to_each_other(browser: Browser) -> None:
    page = browser.login_page()
    state = page.url.split("state=")[1]
    signup = browser.http.get(f"{browser.url}/u/signup?state={state}", timeout=TIMEOUT_S)

    assert f"/u/signup?state={state}" in page.text
    assert f"/u/login?state={state}" in signup.text


def test_a_faulty_sign_up_on_the_page_can_be_mended(browser: Browser) -> None:
    redirect = browser.authorize(screen_hint="signup")
    page = browser.http.get(browser.url + redirect.headers["Location"], timeout=TIMEOUT_S)

    taken = browser.submit(page, {"email": "ana@example.com", "password": PASSWORD})

    assert taken.status_code == 400
    assert "The user already exists." in taken.text
    assert callback_of(browser.submit(page, NEW)).code


def test_a_sign_up_needs_a_database_among_the_connections_of_the_login(browser: Browser) -> None:
    redirect = browser.authorize(screen_hint="signup", connection="google-oauth2")

    page = browser.http.get(browser.url + redirect.headers["Location"], timeout=TIMEOUT_S)

    assert page.status_code == 400


def test_the_mailed_link_changes_the_password_once(start_tenant: StartTenant) -> None:
    tenant = start_tenant(with_account_actions())
    answer = ask_for_password(tenant, "Ana@Example.com")
    (mail,) = tenant.mails

    with Browser(tenant.url) as browser:
        page = browser.http.get(mail.url, timeout=TIMEOUT_S)
        fields = {"password": "a new one", "confirmation": "a new one"}
        end = browser.submit(page, fields)
        again = browser.submit(page, fields)
        old = browser.submit(browser.login_page(), {"username": "ana", "password": PASSWORD})
        assert browser.log_in({"username": "ana", "password": "a new one"}).code

    assert answer.text == "We've just sent you an email to reset your password."
    assert mail.to == "ana@example.com"
    assert "has been changed" in end.text
    assert (again.status_code, old.status_code) == (400, 400)
    wait_until(lambda: len(tenant.executions) == 1)
    execution = tenant.executions[0]
    assert execution.trigger == "post-change-password"
    assert set(execution.event["user"]) == {
        "user_id", "email", "email_verified", "username", "last_password_reset",
    }  # fmt: skip
    assert "a new one" not in str(execution.event)


def test_two_different_passwords_change_nothing(acme: LocalAuth0, browser: Browser) -> None:
    ask_for_password(acme, "ana@example.com")
    page = browser.http.get(acme.mails[0].url, timeout=TIMEOUT_S)

    answer = browser.submit(page, {"password": "one", "confirmation": "other"})

    assert answer.status_code == 400
    assert browser.log_in().code


def test_a_stranger_s_address_gets_the_same_answer_and_no_mail(acme: LocalAuth0) -> None:
    known, unknown = ask_for_password(acme, "ana@example.com"), ask_for_password(acme, "nobody@example.com")

    assert (known.status_code, known.text) == (unknown.status_code, unknown.text) == (200, known.text)
    assert [mail.to for mail in acme.mails] == ["ana@example.com"]
