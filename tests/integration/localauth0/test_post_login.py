"""The post-login trigger: what Actions see, and what becomes of what they ask for."""

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
    TIMEOUT_S,
    Browser,
    Clock,
    error_of,
    tokens_of,
    with_action,
    with_actions,
)
from tests.integration.localauth0.conftest import StartTenant
from tests.integration.localauth0.jwts import verified

from localauth0 import LocalAuth0

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


def test_claims_that_an_action_sets_reach_their_token_and_userinfo(start_tenant: StartTenant) -> None:
    tenant = start_tenant(
        with_action(f"""
            api.accessToken.setCustomClaim("{NS}/plan", {{ name: event.user.app_metadata.plan, n: [1, null] }});
            api.accessToken.setCustomClaim("email", event.user.email);
            api.idToken.setCustomClaim("{NS}/lang", "es");
            api.idToken.setCustomClaim("plain", true);
        """)
    )
    with Browser(tenant.url) as browser:
        tokens = browser.tokens()
        headers = {"Authorization": f"Bearer {tokens['access_token']}"}
        userinfo = browser.http.get(f"{tenant.url}/userinfo", headers=headers, timeout=TIMEOUT_S).json()

    access = verified(tenant, tokens["access_token"], audience=API)
    identity = verified(tenant, tokens["id_token"], audience="spa")
    assert access[f"{NS}/plan"] == {"name": "pro", "n": [1, None]}
    assert access["email"] == "ana@example.com"
    assert f"{NS}/lang" not in access
    assert (identity[f"{NS}/lang"], identity["plain"]) == ("es", True)
    assert userinfo[f"{NS}/lang"] == "es"
    assert "plain" not in userinfo


def test_restricted_claims_vanish_without_an_error(start_tenant: StartTenant) -> None:
    names = [
        "roles",
        "groups",
        "permissions",
        "org_id",
        "sub",
        "aud",
        "exp",
        "azp",
        "scope",
        "gty",
        "acr",
        "sid",
    ]
    tenant = start_tenant(
        with_action(f"""
            for (const name of {names}) {{
              api.accessToken.setCustomClaim(name, "hers");
              api.idToken.setCustomClaim(name, "hers");
            }}
            api.accessToken.setCustomClaim("{NS}/kept", 1);
        """)
    )
    with Browser(tenant.url) as browser:
        tokens = browser.tokens()

    access = verified(tenant, tokens["access_token"], audience=API)
    assert access[f"{NS}/kept"] == 1
    assert "hers" not in access.values()
    assert "hers" not in verified(tenant, tokens["id_token"], audience="spa").values()


def test_claims_on_auth0s_own_domains_and_undefined_values_are_not_emitted(start_tenant: StartTenant) -> None:
    tenant = start_tenant(
        with_action(f"""
            for (const host of ["auth0.com", "acme.eu.auth0.com", "webtask.io", "webtask.run"])
              api.accessToken.setCustomClaim(`https://${{host}}/plan`, "pro");
            api.accessToken.setCustomClaim("{NS}/nothing", undefined);
            api.accessToken.setCustomClaim("https://myauth0.com/plan", "pro");
        """)
    )
    with Browser(tenant.url) as browser:
        claims = verified(tenant, browser.tokens()["access_token"], audience=API)

    assert [name for name in claims if name.startswith("https://")] == ["https://myauth0.com/plan"]


def test_a_claim_of_the_profile_is_not_overwritten_in_the_id_token(start_tenant: StartTenant) -> None:
    tenant = start_tenant(with_action('api.idToken.setCustomClaim("email", "other@example.com");'))
    with Browser(tenant.url) as browser:
        assert verified(tenant, browser.tokens()["id_token"], audience="spa")["email"] == "ana@example.com"


@pytest.mark.parametrize(("chars", "passes"), [(100_000, True), (103_000, False)])
def test_more_than_100_kb_of_claims_fail_the_login(
    start_tenant: StartTenant, chars: int, passes: bool
) -> None:
    tenant = start_tenant(with_action(f'api.idToken.setCustomClaim("{NS}/big", "x".repeat({chars}));'))
    with Browser(tenant.url) as browser:
        callback = browser.log_in()

    assert ("code" in callback.parameters) is passes
    if not passes:
        assert callback.error == ("access_denied", "The custom claims exceed the limit of 100 KB.")


def test_an_action_edits_the_scopes(start_tenant: StartTenant) -> None:
    tenant = start_tenant(
        with_action('api.accessToken.addScope("vip"); api.accessToken.removeScope("read:things");')
    )
    with Browser(tenant.url) as browser:
        tokens = browser.tokens()

    assert tokens["scope"] == "openid profile email offline_access vip"
    assert verified(tenant, tokens["access_token"], audience=API)["scope"] == tokens["scope"]


def test_a_denial_reaches_the_application_after_the_action_returned(start_tenant: StartTenant) -> None:
    tenant = start_tenant(
        with_actions(
            [
                (
                    "first",
                    """exports.onExecutePostLogin = async (event, api) => {
                         api.access.deny("Sorry, Ana & co.");
                         await new Promise((done) => setTimeout(done, 5));
                         api.user.setAppMetadata("denied", true);
                       };""",
                ),
                ("second", "exports.onExecutePostLogin = async () => {};"),
            ]
        )
    )
    with Browser(tenant.url) as browser:
        callback = browser.log_in()

        assert browser.silent().error[0] == "login_required"
    assert callback.error == ("access_denied", "Sorry, Ana & co.")
    assert callback.parameters["state"] == "app-state"
    assert [execution.action for execution in tenant.executions] == ["first"]
    assert metadata(tenant)["denied"] is True


def test_a_denial_of_a_refresh_is_a_403(start_tenant: StartTenant) -> None:
    tenant = start_tenant(
        with_action('if (event.transaction.protocol === "oauth2-refresh-token") api.access.deny("no more");')
    )
    with Browser(tenant.url) as browser:
        refresh_token = browser.tokens()["refresh_token"]

        assert error_of(browser.refresh(refresh_token)) == (403, "access_denied", "no more")


def test_metadata_is_merged_and_written_once_at_the_end(start_tenant: StartTenant) -> None:
    tenant = start_tenant(
        with_actions(
            [
                (
                    "first",
                    """exports.onExecutePostLogin = async (event, api) => {
                         api.user.setAppMetadata("old", null);
                         api.user.setAppMetadata("visits", { n: 1 });
                         api.user.setUserMetadata("lang", "es");
                       };""",
                ),
                (
                    "second",
                    f"""exports.onExecutePostLogin = async (event, api) => {{
                          api.idToken.setCustomClaim("{NS}/seen", event.user.app_metadata);
                        }};""",
                ),
            ]
        )
    )
    with Browser(tenant.url) as browser:
        tokens = browser.tokens()

    assert metadata(tenant) == {"plan": "pro", "visits": {"n": 1}}
    assert tenant.store.users[ANA].profile["user_metadata"] == {"lang": "es"}
    assert verified(tenant, tokens["id_token"], audience="spa")[f"{NS}/seen"] == metadata(tenant)


def test_metadata_whose_last_key_goes_is_absent(start_tenant: StartTenant) -> None:
    tenant = start_tenant(
        with_action('api.user.setAppMetadata("old", null); api.user.setAppMetadata("plan", null);')
    )
    with Browser(tenant.url) as browser:
        browser.log_in()

    assert "app_metadata" not in tenant.store.users[ANA].profile


def test_transaction_metadata_is_shared_by_the_actions_of_a_login(start_tenant: StartTenant) -> None:
    tenant = start_tenant(
        with_actions(
            [
                (
                    "first",
                    """exports.onExecutePostLogin = async (event, api) => {
                         api.transaction.setMetadata("risk", 7);
                       };""",
                ),
                (
                    "second",
                    f"""exports.onExecutePostLogin = async (event, api) => {{
                          api.accessToken.setCustomClaim("{NS}/risk", event.transaction.metadata.risk);
                        }};""",
                ),
            ]
        )
    )
    with Browser(tenant.url) as browser:
        assert verified(tenant, browser.tokens()["access_token"], audience=API)[f"{NS}/risk"] == 7


def test_actions_run_in_the_order_of_their_binding(start_tenant: StartTenant) -> None:
    source = "exports.onExecutePostLogin = async () => {};"
    document = with_actions([("a", source), ("b", source), ("c", source)])
    document["bindings"] = {"post-login": ["c", "a"]}
    tenant = start_tenant(document)
    with Browser(tenant.url) as browser:
        browser.log_in()

    assert [execution.action for execution in tenant.executions] == ["c", "a"]


def test_an_execution_tells_what_the_action_did(start_tenant: StartTenant) -> None:
    tenant = start_tenant(
        with_action('console.log("hello %s", event.user.name); api.accessToken.setCustomClaim("x", 1);')
    )
    with Browser(tenant.url) as browser:
        browser.log_in()

    execution = tenant.executions[0]
    assert execution.trigger == "post-login"
    assert execution.logs == "hello Ana Ruiz\n"
    assert execution.commands == ({"call": "accessToken.setCustomClaim", "args": ["x", 1]},)
    assert execution.error is None
    assert 0 < execution.duration_ms < 20_000
    assert PASSWORD not in repr(execution)


def metadata(tenant: LocalAuth0) -> dict[str, Any]:
    found: dict[str, Any] = tenant.store.users[ANA].profile["app_metadata"]
    return found


def iso(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
