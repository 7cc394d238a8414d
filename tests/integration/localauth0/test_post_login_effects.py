"""What becomes of what Actions ask for in the post-login trigger."""

from __future__ import annotations

from typing import Any

import pytest
from tests.integration.localauth0.acme import (
    ANA,
    API,
    PASSWORD,
    TIMEOUT_S,
    Browser,
    error_of,
    with_action,
    with_actions,
)
from tests.integration.localauth0.conftest import StartTenant
from tests.integration.localauth0.jwts import verified

from localauth0 import LocalAuth0

NS = "https://acme.example"


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
