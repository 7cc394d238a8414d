"""Actions brought to a running tenant: created, built, deployed, bound among other people's, and found unchanged."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jwt
import pytest
from tests.integration.auth0.action_tenant import (
    CREDENTIALS,
    NOT_OURS,
    OTHER_HOOK_SECRET,
    Tenant,
    a_tenant_of_machines,
    our_actions,
    with_code,
)
from tests.integration.localauth0.acme import Browser, a_tenant

from frontdesk.auth0.action_deploy import BuildFailed, carry_out
from frontdesk.auth0.action_plan import plan_actions
from frontdesk.auth0.flow import Position, PositionUnknown
from frontdesk.auth0.management import ManagementApi
from frontdesk.auth0.plan import PlanBlocked, StepKind
from frontdesk.errors import Auth0ScopeMissing
from localauth0 import LocalAuth0

OURS = "frontdesk-post-login"
StartTenant = Callable[..., Tenant]


@pytest.fixture(scope="module")
def keys_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Signing keys that the tenants of this module share, since making keys is the slow part of a start."""
    return tmp_path_factory.mktemp("localauth0")


@pytest.fixture
def start(keys_dir: Path) -> Iterator[StartTenant]:
    """Starts a tenant in which other people's Actions are bound to post-login."""
    started: list[tuple[LocalAuth0, ManagementApi]] = []

    def one(*actions: str, **changes: Any) -> Tenant:
        running = LocalAuth0(tenant=a_tenant_of_machines(*actions, **changes), data_dir=keys_dir).start()
        api = ManagementApi(running.url, CREDENTIALS)
        started.append((running, api))
        return Tenant(api)

    yield one
    for running, api in started:
        api.close()
        running.stop()


def kinds(tenant: Tenant, *names: str, **choices: Any) -> list[StepKind]:
    return [step.kind for step in tenant.plan(our_actions(*names), **choices).steps]


def test_a_new_action_is_created_deployed_and_bound_after_everybody_else(start: StartTenant) -> None:
    tenant = start("first", "second")

    done = tenant.deploy(our_actions())

    assert done == (
        f"Created and deployed {OURS}, version 1.",
        f"Bound post-login: first → second → {OURS}.",
    )
    assert tenant.flow() == ["first", "second", OURS]
    held = tenant.held(OURS)
    assert held.secret_names == {"FRONTDESK_HOOK_SECRET"}
    assert held.all_deployed
    assert held.deployed_code == held.code


@pytest.mark.parametrize("sent_secrets", ["replace", "merge"])
def test_a_second_deploy_changes_nothing(start: StartTenant, sent_secrets: str) -> None:
    """Whether Auth0 merges a list of secrets or replaces what it has is not documented: both must settle."""
    tenant = start("first", sent_secrets=sent_secrets)
    names = ("post-login", "credentials-exchange", "post-user-registration")
    tenant.deploy(our_actions(*names))
    before = [tenant.held(f"frontdesk-{name}") for name in names]

    assert set(kinds(tenant, *names)) == {StepKind.KEEP}
    assert tenant.deploy(our_actions(*names)) == ()
    assert [tenant.held(f"frontdesk-{name}") for name in names] == before


def test_planning_changes_nothing(start: StartTenant) -> None:
    tenant = start("first")

    plan = tenant.plan(our_actions())

    assert plan.changes_anything
    assert tenant.flow() == ["first"]
    assert kinds(tenant) == [StepKind.CREATE, StepKind.BIND]


def test_a_change_of_the_settings_is_a_new_version_with_its_difference_shown(start: StartTenant) -> None:
    tenant = start()
    tenant.deploy(our_actions())
    slower = our_actions(ACTION_DEADLINE_MS="2500")

    plan = tenant.plan(slower)

    assert "-const DEADLINE_MS = /* setting: deadline_ms */ 1500;" in plan.actions[0].code_diff()
    assert "+const DEADLINE_MS = /* setting: deadline_ms */ 2500;" in plan.actions[0].code_diff()
    assert tenant.deploy(slower) == (f"Updated and deployed {OURS}, version 2.",)
    assert "2500" in tenant.held(OURS).deployed_code


def test_a_rotated_secret_is_noticed_though_auth0_shows_no_value(start: StartTenant) -> None:
    tenant = start()
    tenant.deploy(our_actions())
    rotated = our_actions(TENANTS_ACME_HOOK_SECRETS=OTHER_HOOK_SECRET)

    plan = tenant.plan(rotated)

    assert "the value of a secret changed" in plan.steps[0].detail
    assert plan.actions[0].code_diff() == ""
    assert tenant.deploy(rotated) == (f"Updated and deployed {OURS}, version 2.",)
    assert tenant.deploy(rotated) == ()


def test_the_next_login_runs_the_deployed_version(start: StartTenant) -> None:
    people = a_tenant()
    machines = a_tenant_of_machines()
    tenant = start(
        **{
            **people,
            "clients": people["clients"] + machines["clients"],
            "client_grants": people["client_grants"] + machines["client_grants"],
        }
    )
    tenant.deploy(our_actions("claims"))
    with Browser(tenant.api.url) as browser:
        token = browser.tokens()["access_token"]

    claims = jwt.decode(token, options={"verify_signature": False})
    assert claims["https://hasura.io/jwt/claims"]["x-hasura-tenant"] == "acme"


def test_neither_the_plan_nor_the_code_tells_a_secret(start: StartTenant) -> None:
    tenant = start()
    plan = tenant.plan(our_actions())

    carry_out(tenant.api, plan)

    assert "MfKQ9r8GKYqrTwjU" not in repr(plan) + tenant.held(OURS).code


def test_secrets_are_sent_again_when_asked(start: StartTenant) -> None:
    tenant = start()
    tenant.deploy(our_actions())

    assert tenant.deploy(our_actions(), resend_secrets=True) == (f"Updated and deployed {OURS}, version 2.",)


def test_a_secret_that_somebody_took_away_is_sent_again(start: StartTenant) -> None:
    tenant = start()
    tenant.deploy(our_actions())
    tenant.api.sdk.actions.update(tenant.held(OURS).action_id, secrets=[])

    assert "it lacks the secret FRONTDESK_HOOK_SECRET" in tenant.plan(our_actions()).steps[0].detail
    tenant.deploy(our_actions())
    assert tenant.held(OURS).secret_names == {"FRONTDESK_HOOK_SECRET"}


def test_a_half_finished_deploy_is_finished(start: StartTenant) -> None:
    """The draft is what it should be, and logins do not run it yet."""
    tenant = start("first")
    [action] = our_actions()
    plan = tenant.plan([action])
    tenant.api.sdk.actions.create(
        name=action.title,
        supported_triggers=[{"id": "post-login", "version": "v3"}],
        code=plan.actions[0].code,
        runtime=action.runtime,
        secrets=[{"name": name, "value": value} for name, value in action.secrets.items()],
    )

    assert "its draft is newer than what is deployed" in tenant.plan([action]).steps[0].detail
    assert tenant.deploy([action]) == (
        f"Finished and deployed {OURS}, version 1.",
        f"Bound post-login: first → {OURS}.",
    )
    assert tenant.deploy([action]) == ()


def test_an_edit_in_the_dashboard_is_told_and_replaced(start: StartTenant) -> None:
    tenant = start()
    tenant.deploy(our_actions())
    held = tenant.held(OURS)
    tenant.api.sdk.actions.update(held.action_id, code=held.code + "// tried something\n")

    plan = tenant.plan(our_actions())

    assert "its code was changed at Auth0" in plan.steps[0].detail
    assert "-// tried something" in plan.actions[0].code_diff()
    tenant.deploy(our_actions())
    assert tenant.held(OURS).deployed_code == held.code


def test_an_action_of_our_name_that_is_not_ours_is_left_alone(start: StartTenant) -> None:
    tenant = start("first", OURS)

    with pytest.raises(PlanBlocked) as refused:
        tenant.deploy(our_actions("post-login", "credentials-exchange"))

    assert "--take-over" in refused.value.detail
    assert tenant.held(OURS).code == NOT_OURS
    assert tenant.flow("credentials-exchange") == []


def test_an_action_that_is_not_ours_is_taken_over_when_asked(start: StartTenant) -> None:
    tenant = start(OURS, "second")

    tenant.deploy(our_actions(), take_over=True)

    assert tenant.held(OURS).deployed_code.startswith("// frontdesk post-login ")
    assert tenant.flow() == [OURS, "second"]
    assert tenant.deploy(our_actions()) == ()


def test_an_action_of_our_name_for_another_trigger_cannot_be_used(start: StartTenant) -> None:
    tenant = start()
    tenant.deploy(our_actions("claims"))
    [action] = our_actions("credentials-exchange")

    plan = tenant.plan([dataclasses.replace(action, name="claims")])

    assert [step.kind for step in plan.obstacles] == [StepKind.CANNOT]
    assert "a trigger cannot be changed" in plan.obstacles[0].detail


@pytest.mark.parametrize(
    ("position", "flow"),
    [
        ("first", [OURS, "first", "second"]),
        ("last", ["first", "second", OURS]),
        ("2", ["first", OURS, "second"]),
        ("before:second", ["first", OURS, "second"]),
        ("after:first", ["first", OURS, "second"]),
        ("9", ["first", "second", OURS]),
    ],
)
def test_a_new_action_goes_where_it_is_asked_for(start: StartTenant, position: str, flow: list[str]) -> None:
    tenant = start("first", "second")

    tenant.deploy(our_actions(), position=Position.parse(position))

    assert tenant.flow() == flow
    assert tenant.deploy(our_actions(), position=Position.parse(position)) == ()


def test_what_is_bound_stays_where_somebody_put_it(start: StartTenant) -> None:
    tenant = start("first", "second")
    tenant.deploy(our_actions(), position=Position.parse("first"))

    tenant.deploy(our_actions(ACTION_DEADLINE_MS="2500"))

    assert tenant.flow() == [OURS, "first", "second"]


def test_an_unknown_position_is_answered_with_what_the_flow_holds(start: StartTenant) -> None:
    tenant = start("first")

    with pytest.raises(PositionUnknown, match="it holds 'first'"):
        tenant.plan(our_actions(), position=Position.parse("after:second"))


def test_a_full_flow_is_found_before_anything_is_done(start: StartTenant) -> None:
    names = [f"action-{number}" for number in range(20)]
    tenant = start(*names)

    with pytest.raises(PlanBlocked, match="it would hold 21 Actions, Auth0 takes 20"):
        tenant.deploy(our_actions())

    assert tenant.flow() == names
    assert all(step.kind is not StepKind.UPDATE for step in tenant.plan(our_actions()).steps)


def test_an_action_that_is_no_longer_wanted_is_told_and_unbound_only_when_asked(start: StartTenant) -> None:
    tenant = start("first")
    tenant.deploy(our_actions("claims", "sync"))

    told = tenant.plan(our_actions("sync"))

    assert [(step.what, "--prune" in step.detail) for step in told.notes] == [
        ("Action frontdesk-claims", True)
    ]
    assert not told.changes_anything
    tenant.deploy(our_actions("sync"), prune=True)
    assert tenant.flow() == ["first", "frontdesk-sync"]
    assert tenant.held("frontdesk-claims").all_deployed, "it is unbound, not deleted"


def test_a_change_of_the_flow_after_the_plan_is_kept(start: StartTenant) -> None:
    tenant = start("first", "second")
    plan = tenant.plan(our_actions())

    def somebody_unbinds_before_we_bind(done: str) -> None:
        if done.startswith("Created"):
            two = {"ref": {"type": "action_name", "value": "second"}, "display_name": "Two"}
            tenant.api.sdk.actions.triggers.bindings.update_many("post-login", bindings=[two])

    done = carry_out(tenant.api, plan, report=somebody_unbinds_before_we_bind)

    assert done[-1] == f"Bound post-login: Two → {OURS}."
    assert tenant.flow() == ["second", OURS]


def test_code_that_does_not_build_is_told_and_sent_again_the_next_time(start: StartTenant) -> None:
    tenant = start("first")
    [action] = our_actions()
    broken = with_code(action, "exports.onExecutePostLogin = async (event, api) => {")

    with pytest.raises(BuildFailed, match=f"Auth0 could not build {OURS}"):
        tenant.deploy([broken])

    assert tenant.flow() == ["first"]
    assert "Auth0 could not build it the last time" in tenant.plan([broken]).steps[0].detail
    tenant.deploy([action])
    assert tenant.flow() == ["first", OURS]


def test_a_missing_scope_is_named_before_anything_is_done(start: StartTenant) -> None:
    grant = {"client_id": "m2m", "audience": "/api/v2/", "scope": ["read:actions"]}
    tenant = start("first", client_grants=[grant])

    with pytest.raises(Auth0ScopeMissing) as refused:
        tenant.deploy(our_actions())

    assert refused.value.scopes == ("create:actions",)
    assert plan_actions(tenant.api, our_actions()).changes_anything
