"""What Node does with Actions that misbehave, and what it keeps between executions."""

from __future__ import annotations

import hmac
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest
from tests.integration.localauth0.acme import (
    API,
    Browser,
    Callback,
    tokens_of,
    wait_until,
    with_action,
    with_actions,
)
from tests.integration.localauth0.conftest import StartTenant
from tests.integration.localauth0.jwts import verified

from localauth0 import LocalAuth0

NS = "https://acme.example"


def test_an_action_that_throws_fails_the_login_with_its_message(start_tenant: StartTenant) -> None:
    tenant = start_tenant(
        with_action(
            'console.log("before"); api.user.setAppMetadata("x", 1); throw new TypeError("no such plan");'
        )
    )

    assert log_in(tenant).error == ("access_denied", "no such plan")
    execution = tenant.executions[0]
    assert (execution.error, execution.logs) == ("no such plan", "before\n")
    assert "x" not in tenant.store.users["auth0|ana"].profile["app_metadata"]


@pytest.mark.parametrize(
    ("source", "error"),
    [
        ("exports.onExecutePostLogin = = 1;", "Unexpected token '='"),
        ("throw new Error('at load')", "at load"),
        ("exports.onExecute = async () => {};", "The Action does not export onExecutePostLogin"),
        ("const axios = require('axios');", "Cannot find module 'axios'"),
        ("exports.onExecutePostLogin = () => { throw 'a string'; };", "a string"),
        ("exports.onExecutePostLogin = () => process.exit(3);", "The Action ended its own process."),
        (
            "exports.onExecutePostLogin = () => new Promise(() => { Promise.reject(new Error('nobody waits')) });",
            "nobody waits",
        ),
    ],
)
def test_an_action_that_cannot_run_fails_the_login(
    start_tenant: StartTenant, source: str, error: str
) -> None:
    tenant = start_tenant(with_actions([("broken", source)]))

    assert log_in(tenant).error[0] == "access_denied"
    assert error in log_in(tenant).error[1]


@pytest.mark.parametrize(
    "body",
    [
        "while (true) {}",
        "while (true) await null;",
        "await new Promise(() => {});",
        "while (true) console.log('x'.repeat(100));",
        "while (true) api.accessToken.setCustomClaim('x', 1);",
    ],
)
def test_an_endless_action_is_ended_and_later_logins_go_on(start_tenant: StartTenant, body: str) -> None:
    tenant = start_tenant(
        with_action(f'if (event.user.user_id === "auth0|ana") {{ console.log("in"); {body} }}'),
        trigger_limit_s=0.5,
    )

    began = time.monotonic()
    callback = log_in(tenant)

    assert time.monotonic() - began < 10
    assert callback.error[0] == "access_denied"
    assert tenant.executions[0].error is not None
    assert tenant.executions[0].logs.startswith("in\n")
    with Browser(tenant.url) as browser:
        assert browser.continue_as("sms|5f1", "sms").code


def test_the_time_limit_is_one_for_all_actions_of_a_trigger(start_tenant: StartTenant) -> None:
    nap = "exports.onExecutePostLogin = async () => { await new Promise((done) => setTimeout(done, 700)); };"
    tenant = start_tenant(with_actions([("first", nap), ("second", nap)]), trigger_limit_s=1.2)

    assert log_in(tenant).error == (
        "access_denied",
        "The post-login trigger exceeded its limit of 1.2 seconds.",
    )
    assert [execution.error is None for execution in tenant.executions] == [True, False]


def test_an_endless_action_does_not_hold_up_others_meanwhile(start_tenant: StartTenant) -> None:
    tenant = start_tenant(
        with_action('if (event.user.user_id === "auth0|ana") while (true) {}'), trigger_limit_s=3
    )
    ended = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        endless = pool.submit(log_in, tenant)
        endless.add_done_callback(lambda _: ended.set())
        with Browser(tenant.url) as browser:
            assert browser.continue_as("sms|5f1", "sms").code
        assert not ended.is_set()

        assert endless.result().error[0] == "access_denied"


def test_text_that_has_no_utf_8_is_replaced_and_breaks_nothing(start_tenant: StartTenant) -> None:
    tenant = start_tenant(
        with_action(rf"""
            api.accessToken.setCustomClaim("{NS}/text", "\ud800 😀 \\ud800 \u2028 \u0000");
            api.accessToken.setCustomClaim("{NS}/number", NaN);
            console.log("\udfff");
        """)
    )

    claims = claims_of_a_login(tenant)

    assert claims[f"{NS}/text"] == "\ufffd 😀 \\ud800 \u2028 \0"
    assert claims[f"{NS}/number"] is None
    assert tenant.executions[0].logs == "\ufffd\n"


def test_many_logins_at_once_are_all_served(start_tenant: StartTenant) -> None:
    tenant = start_tenant(with_action(f'api.accessToken.setCustomClaim("{NS}/who", event.user.user_id);'))

    with ThreadPoolExecutor(8) as pool:
        claims = list(pool.map(lambda _: claims_of_a_login(tenant), range(24)))

    assert {claim[f"{NS}/who"] for claim in claims} == {"auth0|ana"}
    counts = sorted(execution.event["stats"]["logins_count"] for execution in tenant.executions)
    assert counts[-1] == 4 + 24


def test_module_state_is_kept_between_executions_and_forgotten_by_a_reset(start_tenant: StartTenant) -> None:
    tenant = start_tenant(
        with_actions(
            [
                (
                    "counter",
                    f"""let n = 0;
                        exports.onExecutePostLogin = async (event, api) => {{
                          api.accessToken.setCustomClaim("{NS}/n", ++n);
                        }};""",
                )
            ]
        )
    )

    assert [counted(tenant), counted(tenant)] == [1, 2]
    tenant.reset()
    assert counted(tenant) == 1


def test_a_killed_node_process_is_replaced(start_tenant: StartTenant) -> None:
    others = node_children()
    tenant = start_tenant(with_action(""))
    (node,) = node_children() - others
    node.kill()
    node.wait(10)

    assert log_in(tenant).code
    (replacement,) = node_children() - others
    assert replacement.pid != node.pid


def test_a_node_process_killed_while_an_action_runs_fails_that_login_only(start_tenant: StartTenant) -> None:
    others = node_children()
    tenant = start_tenant(with_action('if (event.user.user_id === "auth0|ana") await new Promise(() => {});'))
    (node,) = node_children() - others
    idle_threads = node.num_threads()
    with ThreadPoolExecutor(1) as pool:
        hanging = pool.submit(log_in, tenant)
        wait_until(lambda: node.num_threads() > idle_threads)  # the instance of the Action
        node.kill()

        assert hanging.result().error[0] == "access_denied"
    with Browser(tenant.url) as browser:
        assert browser.continue_as("sms|5f1", "sms").code


def test_actions_get_nothing_of_the_environment_and_a_read_only_file_system(
    start_tenant: StartTenant, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("FRONTDESK_SECRET_FOR_TEST", "do not leak")
    target = tmp_path / "written"
    tenant = start_tenant(
        with_action(f"""
            console.log(JSON.stringify(process.env));
            try {{ require("node:fs").writeFileSync("{target}", "x"); }} catch (e) {{ console.log(e.code); }}
            try {{ require("node:child_process").execSync("true"); }} catch (e) {{ console.log(e.code); }}
        """)
    )

    assert log_in(tenant).code
    assert tenant.executions[0].logs == "{}\nERR_ACCESS_DENIED\nERR_ACCESS_DENIED\n"
    assert not target.exists()


def test_actions_may_use_fetch_and_the_modules_of_node(start_tenant: StartTenant) -> None:
    tenant = start_tenant(
        with_action("""
            const { createHmac } = require("node:crypto");
            console.log(createHmac("sha256", "k").update("v").digest("hex").slice(0, 8));
            const answer = await fetch(event.request.query.keys_at, { signal: AbortSignal.timeout(5000) });
            console.log(answer.status, (await answer.json()).keys.length);
        """)
    )

    with Browser(tenant.url) as browser:
        assert browser.log_in(keys_at=f"{tenant.url}/.well-known/jwks.json").code
    digest = hmac.new(b"k", b"v", "sha256").hexdigest()
    assert tenant.executions[0].logs == f"{digest[:8]}\n200 2\n"


def test_console_output_is_kept_up_to_256_characters(start_tenant: StartTenant) -> None:
    tenant = start_tenant(with_action('console.error("y".repeat(200)); console.info("z".repeat(200));'))

    log_in(tenant)

    assert tenant.executions[0].logs == "y" * 200 + "\n" + "z" * 55


@pytest.mark.parametrize(
    "call",
    [
        "api.multifactor.enable('any')",
        "api.redirect.sendUserTo('https://x.example')",
        "api.authentication.challengeWith({ type: 'otp' })",
        "api.session.revoke('x')",
        "api.access.allow()",
        "api.brandNew.thing.deeper()",
        "api.user.setName('x')",
    ],
)
def test_calls_that_are_missing_throw_and_name_themselves(start_tenant: StartTenant, call: str) -> None:
    tenant = start_tenant(with_action(f"await {call};"))

    name = call.split("(")[0]
    assert log_in(tenant).error == ("access_denied", f"{name} is not implemented by localauth0")


def test_calls_after_the_end_of_an_execution_have_no_effect(start_tenant: StartTenant) -> None:
    tenant = start_tenant(
        with_actions(
            [
                (
                    "late",
                    f"""let earlier = null;
                        exports.onExecutePostLogin = async (event, api) => {{
                          if (earlier) earlier.accessToken.setCustomClaim("{NS}/stolen", "yes");
                          earlier = api;
                        }};""",
                )
            ]
        )
    )

    log_in(tenant)
    assert f"{NS}/stolen" not in claims_of_a_login(tenant)


def test_the_cache_keeps_values_between_executions_of_the_trigger(start_tenant: StartTenant) -> None:
    tenant = start_tenant(
        with_action(f"""
            api.accessToken.setCustomClaim("{NS}/cached", api.cache.get("token")?.value ?? "none");
            console.log(JSON.stringify(api.cache.set("token", "t1", {{ ttl: 60000 }})));
        """)
    )

    assert claims_of_a_login(tenant)[f"{NS}/cached"] == "none"
    assert claims_of_a_login(tenant)[f"{NS}/cached"] == "t1"
    assert '"type":"success"' in tenant.executions[0].logs


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ('api.cache.set("k".repeat(65), "v")', "CacheKeySizeExceeded"),
        ('api.cache.set("k", "v".repeat(4097))', "CacheValueSizeExceeded"),
        (
            '["a", "b"].map((k) => api.cache.set(k, "v".repeat(4090))) && api.cache.set("c", "v".repeat(99))',
            "CacheSizeExceeded",
        ),
        (
            '[...Array(20).keys()].map((n) => api.cache.set(`k${n}`, "v")) && api.cache.set("one more", "v")',
            "MaxSideEffectsExceeded",
        ),
        ('api.cache.set("k", "v", { expires_at: Date.now() - 1 })', "ItemAlreadyExpired"),
        ('api.cache.set("k", "v", { ttl: "soon" })', "InvalidExpiry"),
        ('api.cache.set("k", 1)', "FailedToSetCacheRecord"),
        ('api.cache.delete("k")', "CacheKeyDoesNotExist"),
    ],
)
def test_the_cache_returns_errors_and_does_not_throw(
    start_tenant: StartTenant, code: str, expected: str
) -> None:
    tenant = start_tenant(with_action(f"console.log(JSON.stringify({code}));"))

    assert log_in(tenant).code
    assert tenant.executions[0].logs == f'{{"type":"error","code":"{expected}"}}\n'


@pytest.mark.parametrize(
    ("options", "life_ms"),
    [
        ("undefined", 15 * 60_000),
        ("{ ttl: 1000 }", 1000),
        ("{ ttl: 60000, expires_at: Date.now() + 2000 }", 2000),
        ("{ ttl: 10 * 86400000 }", 86_400_000),
    ],
)
def test_a_cached_value_lives_as_long_as_auth0_lets_it(
    start_tenant: StartTenant, options: str, life_ms: int
) -> None:
    tenant = start_tenant(
        with_action(
            f'const now = Date.now(); console.log(api.cache.set("k", "v", {options}).record.expires_at - now);'
        )
    )

    log_in(tenant)

    assert life_ms <= int(tenant.executions[0].logs) <= life_ms + 1000


def log_in(tenant: LocalAuth0) -> Callback:
    with Browser(tenant.url) as browser:
        return browser.log_in()


def claims_of_a_login(tenant: LocalAuth0) -> dict[str, object]:
    with Browser(tenant.url) as browser:
        tokens = tokens_of(browser.exchange(browser.log_in().code))
    return verified(tenant, tokens["access_token"], audience=API)


def counted(tenant: LocalAuth0) -> object:
    return claims_of_a_login(tenant)[f"{NS}/n"]


def node_children() -> set[psutil.Process]:
    return {child for child in psutil.Process().children() if child.name().startswith("node")}
