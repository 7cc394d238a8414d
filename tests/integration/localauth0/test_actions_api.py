"""Actions through the Management API: drafts, builds, versions, bindings, and what logins run of them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import jwt
import pytest
from auth0.management.client import Auth0
from auth0.management.core.api_error import ApiError
from auth0.management.types import ActionBindingRef, ActionBindingWithRef, ActionTrigger
from tests.integration.localauth0.acme import Browser, Clock, tokens_of, wait_until
from tests.integration.localauth0.action_calls import NOOP, Manager, an_action, claim_action, flow_of
from tests.integration.localauth0.conftest import StartTenant
from tests.integration.localauth0.managed import an_operated_tenant

from localauth0 import LocalAuth0

CLAIM = "https://acme.example/by"


@pytest.fixture
def tenant(operated: LocalAuth0) -> LocalAuth0:
    return operated


@pytest.fixture
def manager(tenant: LocalAuth0) -> Manager:
    return Manager(tenant)


def claims_of_a_login(tenant: LocalAuth0) -> dict[str, Any]:
    with Browser(tenant.url) as browser:
        token = tokens_of(browser.exchange(browser.log_in().code))["access_token"]
    claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return claims


def test_a_build_goes_through_its_states_in_its_time(start_tenant: StartTenant) -> None:
    clock = Clock()
    builds = {"seconds": 10, "looks": None}
    manager = Manager(start_tenant(an_operated_tenant(action_builds=builds), clock=clock))

    created = manager.create()
    seen = [created["status"], manager.status(created["id"])]
    for _ in range(2):
        clock.advance(timedelta(seconds=5))
        seen.append(manager.status(created["id"]))

    assert seen == ["pending", "pending", "building", "built"]


def test_the_third_look_finds_a_build_done(start_tenant: StartTenant) -> None:
    manager = Manager(start_tenant(an_operated_tenant(action_builds={"seconds": 600})))
    action_id = manager.create()["id"]

    assert [manager.status(action_id) for _ in range(3)] == ["building", "building", "built"]


def test_code_that_does_not_compile_fails_to_build_and_is_not_deployed(manager: Manager) -> None:
    action_id = manager.create(code="exports.onExecutePostLogin = async (event => {")["id"]

    wait_until(lambda: manager.status(action_id) == "failed")

    assert manager.refusal("POST", f"/actions/{action_id}/deploy")[0] == 400


def test_a_draft_that_is_not_built_is_not_deployed(start_tenant: StartTenant) -> None:
    manager = Manager(start_tenant(an_operated_tenant(action_builds={"seconds": 600})))
    action_id = manager.create()["id"]

    text = "A draft must be in the 'built' state before it can be deployed."
    assert manager.refusal("POST", f"/actions/{action_id}/deploy") == (400, text, None)


def test_an_action_may_be_deployed_with_its_creation(manager: Manager) -> None:
    action_id = manager.create(deploy=True)["id"]

    manager.wait_until_built(action_id)

    action = manager.answer("GET", f"/actions/{action_id}")
    assert action["deployed_version"]["number"] == 1
    assert action["all_changes_deployed"] is True


def test_a_login_runs_the_deployed_version_and_not_the_draft(tenant: LocalAuth0, manager: Manager) -> None:
    action_id = manager.create(code=claim_action("first"))["id"]
    manager.deploy(action_id)
    assert CLAIM not in claims_of_a_login(tenant)  # deployed, but bound nowhere

    manager.bind("one")
    manager.answer("PATCH", f"/actions/{action_id}", {"code": claim_action("second")})
    assert claims_of_a_login(tenant)[CLAIM] == "first"
    assert manager.answer("GET", f"/actions/{action_id}")["all_changes_deployed"] is False

    manager.deploy(action_id)
    assert claims_of_a_login(tenant)[CLAIM] == "second"
    assert manager.answer("GET", f"/actions/{action_id}")["all_changes_deployed"] is True


def test_an_earlier_version_can_be_deployed_again(tenant: LocalAuth0, manager: Manager) -> None:
    action_id = manager.create(code=claim_action("first"))["id"]
    first = manager.deploy(action_id)
    manager.bind("one")
    manager.answer("PATCH", f"/actions/{action_id}", {"code": claim_action("second")})
    manager.deploy(action_id)

    manager.answer("POST", f"/actions/{action_id}/versions/{first['id']}/deploy", {"update_draft": True})

    assert claims_of_a_login(tenant)[CLAIM] == "first"
    versions = manager.answer("GET", f"/actions/{action_id}/versions")["versions"]
    assert [(v["number"], v["deployed"]) for v in versions] == [(3, True), (2, False), (1, False)]
    assert manager.answer("GET", f"/actions/{action_id}")["code"] == claim_action("first")
    path = f"/actions/{action_id}/versions/{first['id']}"
    assert manager.answer("GET", path)["code"] == claim_action("first")
    assert manager.refusal("GET", f"/actions/{action_id}/versions/none")[0] == 404


def test_fifty_versions_are_kept_the_newest_ones(manager: Manager) -> None:
    action_id = manager.create()["id"]
    manager.wait_until_built(action_id)
    for _ in range(51):
        manager.answer("POST", f"/actions/{action_id}/deploy")

    answer = manager.answer("GET", f"/actions/{action_id}/versions?per_page=100")
    assert answer["total"] == 50
    assert (answer["versions"][0]["number"], answer["versions"][-1]["number"]) == (51, 2)


def test_bindings_replace_the_whole_flow_in_the_order_given(tenant: LocalAuth0, manager: Manager) -> None:
    for name in ("one", "two"):
        manager.deploy(manager.create(name, code=claim_action(name))["id"])

    manager.bind("one", "two")
    assert claims_of_a_login(tenant)[CLAIM] == "two"
    kept = manager.bind("two", "one")[1]
    assert claims_of_a_login(tenant)[CLAIM] == "one"

    changed = [
        {"ref": {"type": "binding_id", "value": kept["id"]}, "display_name": "Kept"},
        {
            "ref": {
                "type": "action_id",
                "value": manager.answer("GET", "/actions?actionName=two")["actions"][0]["id"],
            }
        },
    ]
    bound = manager.answer("PATCH", "/triggers/post-login/bindings", {"bindings": changed})["bindings"]
    assert [(b["id"] == kept["id"], b["display_name"]) for b in bound] == [(True, "Kept"), (False, "two")]

    manager.bind()
    assert manager.bound() == []
    assert CLAIM not in claims_of_a_login(tenant)


def test_a_flow_with_one_bad_entry_stays_as_it_was(manager: Manager) -> None:
    manager.deploy(manager.create("one")["id"])
    manager.create("undeployed")
    machine = {"supported_triggers": [{"id": "credentials-exchange", "version": "v2"}]}
    manager.deploy(manager.create("machine", **machine)["id"])
    manager.bind("one")

    def refused(reference: dict[str, str]) -> int:
        one = {"ref": {"type": "action_name", "value": "one"}}
        flow = {"bindings": [one, one, {"ref": reference}]}
        return manager.refusal("PATCH", "/triggers/post-login/bindings", flow)[0]

    statuses = [
        refused({"type": "action_name", "value": "undeployed"}),
        refused({"type": "action_name", "value": "machine"}),
        refused({"type": "action_name", "value": "nobody"}),
        refused({"type": "binding_id", "value": "nobody"}),
    ]

    assert statuses == [400, 400, 404, 404]
    assert manager.bound() == ["one"]


def test_a_bound_action_is_deleted_only_by_force(manager: Manager) -> None:
    action_id = manager.create()["id"]
    manager.deploy(action_id)
    manager.bind("one")

    refusal = manager.refusal("DELETE", f"/actions/{action_id}")
    manager.answer("DELETE", f"/actions/{action_id}?force=true")

    assert refusal == (409, "Unable to delete an action bound to a trigger.", None)
    assert manager.bound() == []
    assert manager.refusal("GET", f"/actions/{action_id}") == (404, "That action does not exist.", None)


def test_secrets_reach_the_action_and_no_answer(tenant: LocalAuth0, manager: Manager) -> None:
    code = "exports.onExecutePostLogin = async (event) => { console.log(JSON.stringify(event.secrets)); };"
    created = manager.create(code=code, secrets=[{"name": "KEY", "value": "s3cret-value"}])
    manager.deploy(created["id"])
    manager.bind("one")
    manager.answer("PATCH", f"/actions/{created['id']}", {"code": code + "//"})
    manager.deploy(created["id"])

    claims_of_a_login(tenant)

    assert tenant.executions[-1].logs == '{"KEY":"s3cret-value"}\n'
    assert set(created["secrets"][0]) == {"name", "updated_at"}
    for path in ("/actions", f"/actions/{created['id']}/versions", "/triggers/post-login/bindings"):
        assert "s3cret-value" not in manager.call("GET", path).text


@pytest.mark.parametrize(
    ("mode", "expected"), [("replace", {"A": "a", "C": "c"}), ("merge", {"A": "a", "B": "b", "C": "c"})]
)
def test_sent_secrets_replace_or_join_the_old_ones_as_the_tenant_file_says(
    start_tenant: StartTenant, mode: str, expected: dict[str, str]
) -> None:
    tenant = start_tenant(an_operated_tenant(sent_secrets=mode))
    manager = Manager(tenant)
    secrets = [{"name": "A", "value": "a"}, {"name": "B", "value": "b"}]
    action_id = manager.create(secrets=secrets)["id"]

    manager.answer(
        "PATCH", f"/actions/{action_id}", {"secrets": [{"name": "A"}, {"name": "C", "value": "c"}]}
    )

    kept = tenant.store.actions.get(action_id)
    assert kept.runnable(kept.draft).secrets == expected


@pytest.mark.parametrize(
    "changes",
    [
        {"code": "/" * 100_001},
        {"secrets": [{"name": f"S{n}", "value": "v"} for n in range(31)]},
        {"secrets": [{"name": "S" * 129, "value": "v"}]},
        {"secrets": [{"name": "S", "value": "v" * 4097}]},
        {"secrets": [{"name": "S"}]},
        {"name": ""},
        {"supported_triggers": []},
        {"supported_triggers": [{"id": "no-such-trigger", "version": "v1"}]},
        {"supported_triggers": [{"id": "post-login", "version": "v9"}]},
        {"runtime": "node4"},
        {"unknown": True},
    ],
    ids=lambda changes: ",".join(changes),
)
def test_a_body_over_a_limit_is_refused_and_nothing_is_made(
    manager: Manager, changes: dict[str, Any]
) -> None:
    refusal = manager.refusal("POST", "/actions", {**an_action(), **changes})

    assert refusal[0::2] == (400, "invalid_body")
    assert manager.answer("GET", "/actions")["total"] == 0


def test_a_tenant_has_a_hundred_actions_and_a_trigger_twenty(manager: Manager) -> None:
    manager.deploy(manager.create("one")["id"])
    for number in range(99):
        manager.create(f"action {number}")

    assert manager.refusal("POST", "/actions", an_action("more"))[0] == 400
    assert manager.refusal("PATCH", "/triggers/post-login/bindings", flow_of(*["one"] * 21))[0] == 400


def test_an_action_name_is_there_once(manager: Manager) -> None:
    manager.create("one")
    other = manager.create("two")

    assert manager.refusal("POST", "/actions", an_action("one"))[0] == 409
    assert manager.refusal("PATCH", f"/actions/{other['id']}", {"name": "one"})[0] == 409


def test_lists_are_paged_and_filtered(manager: Manager) -> None:
    for name in ("a", "b", "c"):
        manager.create(name)
    manager.create("m", supported_triggers=[{"id": "credentials-exchange", "version": "v2"}], deploy=True)
    wait_until(lambda: manager.answer("GET", "/actions?deployed=true")["total"] == 1)

    second = manager.answer("GET", "/actions?page=1&per_page=3")
    of_trigger = manager.answer("GET", "/actions?triggerId=post-login")

    assert (second["total"], second["page"], second["per_page"]) == (4, 1, 3)
    assert [action["name"] for action in second["actions"]] == ["m"]
    assert (of_trigger["total"], of_trigger["per_page"]) == (3, 20)


def test_the_file_s_actions_are_there_deployed_and_bound(start_tenant: StartTenant) -> None:
    file_actions = [{"name": "filed", "trigger": "post-login", "code": NOOP, "secrets": {"K": "v"}}]
    tenant = start_tenant(an_operated_tenant(actions=file_actions, bindings={"post-login": ["filed"]}))
    manager = Manager(tenant)
    manager.bind()

    tenant.reset()

    (action,) = manager.answer("GET", "/actions")["actions"]
    assert (action["name"], action["status"], action["all_changes_deployed"]) == ("filed", "built", True)
    assert [secret["name"] for secret in action["secrets"]] == ["K"]
    assert manager.bound() == ["filed"]


def test_the_test_call_runs_the_draft_with_its_secrets_and_changes_nothing(
    tenant: LocalAuth0, manager: Manager
) -> None:
    code = """exports.onExecutePostLogin = async (event, api) => {
        console.log(event.user.name, event.secrets.KEY);
        api.user.setAppMetadata("seen", true);
    };"""
    action_id = manager.create(code=code, secrets=[{"name": "KEY", "value": "v"}])["id"]
    event = {
        "user": {"name": "Ana", "user_id": "auth0|ana"},
        "tenant": {"id": "acme"},
        "request": {"ip": "::1"},
    }

    payload = manager.answer("POST", f"/actions/{action_id}/test", {"payload": {"event": event}})["payload"]

    assert payload["logs"] == "Ana v\n"
    assert payload["commands"] == [{"type": "user.setAppMetadata", "args": ["seen", True]}]
    assert payload["stats"]["action_duration_ms"] >= 0
    assert tenant.executions == []
    assert "seen" not in tenant.store.users["auth0|ana"].profile["app_metadata"]


def test_code_that_throws_in_the_test_call_is_a_200_with_its_error(manager: Manager) -> None:
    code = "exports.onExecutePostLogin = async () => { throw new RangeError('no'); };"
    action_id = manager.create(code=code)["id"]
    event: dict[str, Any] = {"tenant": {}, "request": {}}

    error = manager.answer("POST", f"/actions/{action_id}/test", {"payload": {"event": event}})["payload"][
        "error"
    ]

    assert (error["name"], error["message"]) == ("RangeError", "no")
    assert "RangeError: no" in error["stack"]


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("GET", "/actions", "read:actions"),
        ("POST", "/actions", "create:actions"),
        ("PATCH", "/triggers/post-login/bindings", "update:actions"),
        ("DELETE", "/actions/x", "delete:actions"),
    ],
)
def test_each_call_needs_its_scope(tenant: LocalAuth0, method: str, path: str, scope: str) -> None:
    others = {"read:actions", "create:actions", "update:actions", "delete:actions"} - {scope}

    refusal = Manager(tenant, scope=" ".join(sorted(others))).refusal(method, path, {})

    assert refusal[0::2] == (403, "insufficient_scope")
    assert scope in refusal[1]


def test_flows_that_never_run_here_take_no_binding(manager: Manager) -> None:
    path = "/triggers/send-phone-message/bindings"

    assert manager.answer("GET", path)["bindings"] == []
    assert manager.answer("PATCH", path, {"bindings": []}) == {"bindings": []}
    assert manager.refusal("PATCH", path, flow_of("one"))[0] == 501
    assert manager.refusal("GET", "/triggers/nothing/bindings")[0] == 404


def test_the_official_sdk_takes_an_action_from_creation_to_login_and_away(
    tenant: LocalAuth0, auth0: Auth0
) -> None:
    actions = auth0.actions
    trigger = ActionTrigger(id="post-login", version="v3")
    created = actions.create(name="by-sdk", supported_triggers=[trigger], code=claim_action("sdk"))
    assert created.id is not None
    action_id = created.id
    wait_until(lambda: actions.get(action_id).status == "built")
    actions.deploy(action_id)
    reference = ActionBindingWithRef(ref=ActionBindingRef(type="action_name", value="by-sdk"))
    actions.triggers.bindings.update_many("post-login", bindings=[reference])

    assert claims_of_a_login(tenant)[CLAIM] == "sdk"
    assert [action.name for action in actions.list()] == ["by-sdk"]
    assert [v.deployed for v in actions.versions.list(action_id)] == [True]
    assert "post-login" in {t.id for t in actions.triggers.list().triggers or []}
    actions.update(action_id, code=claim_action("again"))
    assert actions.get(action_id).all_changes_deployed is False
    tried = actions.test(action_id, payload={"event": {"tenant": {}, "request": {}}})
    assert tried.payload is not None
    actions.delete(action_id, force=True)
    with pytest.raises(ApiError) as refused:
        actions.get(action_id)
    assert refused.value.status_code == 404
