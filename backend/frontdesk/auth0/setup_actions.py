"""The Actions as a part of set-up: what `frontdesk actions deploy` does, in one step."""

from __future__ import annotations

from collections.abc import Iterator

from frontdesk.auth0.action_deploy import carry_out
from frontdesk.auth0.action_plan import ActionsPlan, plan_actions
from frontdesk.auth0.actions import rendered_actions
from frontdesk.auth0.management import ManagementApi
from frontdesk.auth0.plan import StepKind
from frontdesk.auth0.setup_steps import Made, Part, SetupStep, cannot, steps_of
from frontdesk.errors import SettingsInvalid
from frontdesk.settings import Settings

_BY_HAND = "frontdesk actions render --help says how to get the sources for the Dashboard."


def plan_tenant_actions(api: ManagementApi, settings: Settings, tenant: str) -> tuple[SetupStep, ...]:
    """Plan the Actions of the settings for one tenant."""
    return steps_of(Part.ACTIONS, "Actions", _BY_HAND, lambda: _planned(api, settings, tenant))


def _planned(api: ManagementApi, settings: Settings, tenant: str) -> Iterator[SetupStep]:
    try:
        rendered = rendered_actions(settings, tenant, settings.action.names)
    except SettingsInvalid as error:
        yield cannot(Part.ACTIONS, "Actions", f"{'; '.join(error.faults)}.")
        return
    plan = plan_actions(api, rendered)
    for step in plan.steps:
        if not step.changes:
            yield SetupStep(what=step.what, kind=step.kind, detail=f"{step.detail}.", part=Part.ACTIONS)
    changes = [f"{step.kind} {step.what} ({step.detail})" for step in plan.steps if step.changes]
    if changes:
        yield _deploy(api, plan, f"{'; '.join(changes)}.")


def _deploy(api: ManagementApi, plan: ActionsPlan, detail: str) -> SetupStep:
    if plan.obstacles:
        return cannot(Part.ACTIONS, "Actions", f"Not done while the other cannot be: {detail}")

    def deploy(_: Made) -> None:
        carry_out(api, plan)

    kind = next(step.kind for step in plan.steps if step.changes)
    return SetupStep(
        what="Actions",
        kind=kind if kind is not StepKind.BIND else StepKind.UPDATE,
        detail=detail,
        part=Part.ACTIONS,
        scope="create:actions",
        by_hand=_BY_HAND,
        act=deploy,
    )
