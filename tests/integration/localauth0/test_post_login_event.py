"""What Actions see of a login: the event of the post-login trigger."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from tests.integration.localauth0.acme import (
    ANA,
    API,
    CALLBACK,
    DATABASE,
    GOOGLE_USER,
    PASSWORD,
    SAML_USER,
    SCOPE,
    SMS_USER,
    Browser,
    Clock,
    tokens_of,
    with_action,
)
from tests.integration.localauth0.conftest import StartTenant
from tests.integration.localauth0.jwts import verified

NS = "https://acme.example"


def test_the_event_of_a_browser_login_is_the_documented_one(start_tenant: StartTenant) -> None:
    clock = Clock()
    tenant = start_tenant(with_action("", secrets_={"HOOK": "s3cret"}), clock=clock)
    with Browser(tenant.url) as browser:
        browser.http.headers.update({"User-Agent": "acme-test/1", "Accept-Language": "es-ES,es;q=0.8"})
        browser.log_in(login_hint="ana@example.com", ui_locales="es en")

    event = dict(tenant.executions[0].event)
    now = iso(clock.now)
    assert event.pop("session").keys() == {"id"}
    assert event["transaction"].pop("id")
    query = event["request"].pop("query")
    assert (query["client_id"], query["scope"], query["state"]) == ("spa", SCOPE, "app-state")
    assert event == {
        "authentication": {"methods": [{"name": "pwd", "timestamp": now}]},
        "authorization": {"roles": ["Editor"]},
        "client": {"client_id": "spa", "name": "Acme web", "metadata": {"team": "web"}},
        "connection": {"id": "con_0000000000000001", "name": DATABASE, "strategy": "auth0"},
        "request": {
            "ip": "127.0.0.1",
            "method": "GET",
            "body": {},
            "hostname": "127.0.0.1",
            "geoip": {},
            "user_agent": "acme-test/1",
            "language": "es-ES",
        },
        "resource_server": {"identifier": API},
        "secrets": {"HOOK": "s3cret"},
        "stats": {"logins_count": 5},
        "tenant": {"id": "acme"},
        "transaction": {
            "acr_values": [],
            "locale": "es",
            "login_hint": "ana@example.com",
            "metadata": {},
            "prompt": [],
            "protocol": "oidc-basic-profile",
            "redirect_uri": CALLBACK,
            "requested_authorization_details": [],
            "requested_scopes": SCOPE.split(),
            "response_mode": "query",
            "response_type": ["code"],
            "state": "app-state",
            "ui_locales": ["es", "en"],
        },
        "user": {
            "user_id": ANA,
            "email": "ana@example.com",
            "email_verified": True,
            "username": "ana",
            "name": "Ana Ruiz",
            "nickname": "ana",
            "given_name": "Ana",
            "created_at": "2026-03-01T09:00:00.123Z",
            "updated_at": now,
            "app_metadata": {"plan": "pro", "old": True},
            "user_metadata": {},
            "identities": [
                {"connection": DATABASE, "provider": "auth0", "user_id": "ana", "isSocial": False}
            ],
        },
    }


@pytest.mark.parametrize(
    ("user_id", "connection", "method", "identity"),
    [
        (
            GOOGLE_USER,
            "google-oauth2",
            "federated",
            {"provider": "google-oauth2", "user_id": "115015401343387192604", "isSocial": True},
        ),
        (SMS_USER, "sms", "sms", {"provider": "sms", "user_id": "5f1", "isSocial": False}),
        (
            SAML_USER,
            "corp",
            "federated",
            {"provider": "samlp", "user_id": "corp|eve@corp.example", "isSocial": False},
        ),
    ],
)
def test_each_kind_of_connection_names_its_method_and_identity(
    start_tenant: StartTenant, user_id: str, connection: str, method: str, identity: dict[str, Any]
) -> None:
    tenant = start_tenant(with_action(""))
    with Browser(tenant.url) as browser:
        browser.continue_as(user_id, connection)

    event = tenant.executions[0].event
    assert [m["name"] for m in event["authentication"]["methods"]] == [method]
    assert event["connection"]["name"] == connection
    assert event["user"]["identities"] == [{"connection": connection, **identity}]
    assert event["stats"] == {"logins_count": 1}
    assert event["authorization"] == {"roles": []}


def test_unset_attributes_are_absent_and_extra_ones_are_passed_on(start_tenant: StartTenant) -> None:
    tenant = start_tenant(with_action(""))
    with Browser(tenant.url) as browser:
        browser.continue_as(GOOGLE_USER, "google-oauth2")

    user = tenant.executions[0].event["user"]
    assert user["locale"] == "pt"
    assert user.keys().isdisjoint(
        {"username", "picture", "blocked", "last_login", "last_ip", "logins_count", "password", "roles"}
    )


def test_a_refresh_runs_the_actions_again_with_the_methods_of_the_login(start_tenant: StartTenant) -> None:
    clock = Clock()
    tenant = start_tenant(
        with_action(f"api.accessToken.setCustomClaim('{NS}/p', event.transaction.protocol);"), clock=clock
    )
    with Browser(tenant.url) as browser:
        refresh_token = browser.tokens()["refresh_token"]
        clock.advance(timedelta(minutes=10))
        answer = tokens_of(browser.refresh(refresh_token))

    login, refresh = (execution.event for execution in tenant.executions)
    assert verified(tenant, answer["access_token"], audience=API)[f"{NS}/p"] == "oauth2-refresh-token"
    assert refresh["transaction"]["protocol"] == "oauth2-refresh-token"
    assert "id" not in refresh["transaction"]
    assert "session" not in refresh
    assert (refresh["request"]["method"], refresh["request"]["query"]) == ("POST", {})
    assert refresh["request"]["body"] == {
        "grant_type": "refresh_token",
        "client_id": "spa",
        "refresh_token": refresh_token,
    }
    assert refresh["authentication"] == login["authentication"]
    assert refresh["stats"] == login["stats"]
    assert refresh["user"]["updated_at"] == login["user"]["updated_at"]


def test_a_silent_login_runs_the_actions_and_counts_no_login(start_tenant: StartTenant) -> None:
    tenant = start_tenant(with_action(""))
    with Browser(tenant.url) as browser:
        browser.log_in()
        browser.silent()

    login, silent = (execution.event for execution in tenant.executions)
    assert silent["transaction"]["prompt"] == ["none"]
    assert silent["session"] == login["session"]
    assert silent["stats"] == login["stats"]
    assert silent["authentication"] == login["authentication"]


def test_the_password_grant_shows_the_action_the_real_password(start_tenant: StartTenant) -> None:
    """So that a test of an Action can prove that it does not pass the password on."""
    tenant = start_tenant(with_action(""))
    with Browser(tenant.url, client_id="web", client_secret="web-secret") as server:
        tokens_of(server.token(grant_type="password", username="ana", password=PASSWORD, scope="openid"))

    event = tenant.executions[0].event
    assert event["request"]["body"]["password"] == PASSWORD
    assert event["transaction"]["protocol"] == "oauth2-password"
    assert "resource_server" not in event


def test_an_organization_login_shows_the_organization_and_its_roles(start_tenant: StartTenant) -> None:
    tenant = start_tenant(with_action(""))
    with Browser(tenant.url) as browser:
        browser.log_in(organization="globex")

    event = tenant.executions[0].event
    assert event["authorization"] == {"roles": ["Owner"]}
    assert event["organization"] == {
        "id": "org_0000000000000001",
        "name": "globex",
        "display_name": "Globex",
        "metadata": {"tier": "gold"},
    }


def iso(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
