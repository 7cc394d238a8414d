"""Carries out the plan of a deploy: drafts, builds, deployed versions, and then the flows.

The flow is changed last, so that it never names an Action that is not deployed. Whatever stops a deploy half-way, the
next one finds it: a draft that is not deployed, a deployed Action that is not bound.

The call that binds replaces a trigger's whole list, and Auth0 offers no condition for it. So the list is read right
before it is written, sent again by the ids of the bindings, and read back; what somebody removes or adds around it is
seen in one of the two, and the change is made once more on what is there then.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from auth0.management.types import (
    ActionBindingRef,
    ActionBindingWithRef,
    ActionSecretRequest,
    ActionTrigger,
    ActionVersionDependency,
)

from frontdesk.auth0.action_plan import ActionChange, ActionsPlan, FlowChange
from frontdesk.auth0.action_state import Binding, HeldAction, bindings_of, held_action
from frontdesk.auth0.flow import Position, Slot, arranged, slots_of
from frontdesk.auth0.listing import unreadable_is_told
from frontdesk.auth0.management import ManagementApi
from frontdesk.auth0.plan import PlanBlocked
from frontdesk.errors import Auth0Error, Auth0Rejected

FLOW_TRIES = 2
FIRST_POLL_S = 0.2
MAX_POLL_S = 3.0  # a build takes one to three seconds as a rule
POLL_GROWTH = 1.5
BIND_S = 5.0  # auth0-deploy-cli waits two seconds between deploying and binding
_BUILDING = frozenset({"pending", "building", "packaged", "retrying"})


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How long a build, and a deployed version's appearance, are waited for, in seconds."""

    build_s: float = 120.0
    deploy_s: float = 60.0


class BuildFailed(Auth0Error):
    """Auth0 could not build the Action."""

    type = "urn:frontdesk:problem:action-build-failed"


class DeployUnfinished(Auth0Error):
    """The Action is at Auth0, and logins do not run it yet."""

    type = "urn:frontdesk:problem:action-deploy-unfinished"
    retryable = True


class FlowChanged(Auth0Error):
    """Somebody else changed the flow at the same time."""

    type = "urn:frontdesk:problem:flow-changed"
    status = 409
    retryable = True


@unreadable_is_told()
def carry_out(
    api: ManagementApi,
    plan: ActionsPlan,
    *,
    report: Callable[[str], None] = lambda _: None,
    patience: Patience | None = None,
) -> tuple[str, ...]:
    """Do what the plan says and return what was done, in sentences of the past tense.

    `report` gets each as soon as it is true. Raises PlanBlocked before anything is changed, BuildFailed,
    DeployUnfinished, FlowChanged, and every other Auth0Error; carrying out a new plan after one of them finishes
    the work.
    """
    if plan.obstacles:
        raise PlanBlocked(plan.obstacles)
    done = []
    for sentence in _carried_out(api, plan, patience or Patience()):
        report(sentence)
        done.append(sentence)
    return tuple(done)


def _carried_out(api: ManagementApi, plan: ActionsPlan, patience: Patience) -> Iterator[str]:
    for change in plan.actions:
        if change.deploy:
            yield _deployed(api, change, patience)
    for flow in plan.flows:
        if flow.step.changes and (sentence := _bound(api, flow, plan.choices.position)):
            yield sentence


def _deployed(api: ManagementApi, change: ActionChange, patience: Patience) -> str:
    action_id = _sent(api, change) if change.send or change.held is None else change.held.action_id
    title = change.wanted.title
    version = _deploy_when_built(api, action_id, title, time.monotonic() + patience.build_s)
    _wait_until_deployed(api, action_id, change, version.id, time.monotonic() + patience.deploy_s)
    done = "Created" if change.held is None else "Updated" if change.send else "Finished"
    number = f", version {int(version.number)}" if version.number is not None else ""
    return f"{done} and deployed {title}{number}."


def _sent(api: ManagementApi, change: ActionChange) -> str:
    """Write the draft with all that belongs to it, and return the Action's id.

    The secrets go always, all of them, with their values: whether Auth0 merges a list or replaces what it has is not
    documented.
    """
    wanted = change.wanted
    parts: dict[str, Any] = {
        "supported_triggers": [ActionTrigger(id=wanted.trigger_id, version=wanted.trigger_version)],
        "code": change.code,
        "dependencies": [
            ActionVersionDependency(name=each.name, version=each.version) for each in wanted.dependencies
        ],
        "runtime": wanted.runtime,
        "secrets": [ActionSecretRequest(name=name, value=value) for name, value in wanted.secrets.items()],
    }
    if change.held is not None:
        api.sdk.actions.update(change.held.action_id, **parts)
        return change.held.action_id
    created = api.sdk.actions.create(name=wanted.title, **parts)
    if not created.id:
        raise DeployUnfinished(f"Auth0 created {wanted.title} and gave no id of it; deploy again")
    return str(created.id)


def _deploy_when_built(api: ManagementApi, action_id: str, title: str, give_up_at: float) -> Any:
    """Return the version that the deploy made. Somebody who saves the draft meanwhile starts another build."""
    while True:
        _wait_until_built(api, action_id, title, give_up_at)
        try:
            return api.sdk.actions.deploy(action_id)
        except Auth0Rejected:
            if held_action(api, action_id).status not in _BUILDING or time.monotonic() > give_up_at:
                raise


def _wait_until_built(api: ManagementApi, action_id: str, title: str, give_up_at: float) -> None:
    held = held_action(api, action_id)
    for _ in _polls(give_up_at):
        if held.status not in _BUILDING:
            break
        held = held_action(api, action_id)
    if held.status == "failed":
        raise BuildFailed(f"Auth0 could not build {title}: {_why_it_failed(api, held)}")
    if held.status != "built":
        raise DeployUnfinished(
            f"Auth0 has not built {title} in time, its state is {held.status!r}; what logins run is as before. "
            f"`frontdesk actions deploy` goes on from here"
        )


def _why_it_failed(api: ManagementApi, held: HeldAction) -> str:
    """Return Auth0's own words: the draft may have them, the newest version has them otherwise."""
    texts = list(held.faults)
    if not texts:
        versions = api.sdk.actions.versions.list(held.action_id, page=0, per_page=1).items or []
        texts = [error.msg for version in versions for error in version.errors or [] if error.msg]
    return "; ".join(texts)[:500] or "it gives no reason; the Dashboard shows the code and its packages"


def _wait_until_deployed(
    api: ManagementApi, action_id: str, change: ActionChange, version_id: str | None, give_up_at: float
) -> None:
    title = change.wanted.title
    held = held_action(api, action_id)
    for _ in _polls(give_up_at):
        if held.deployed_id == version_id and held.deployed_id is not None:
            break
        held = held_action(api, action_id)
    if held.deployed_id != version_id or held.deployed_id is None:
        raise DeployUnfinished(
            f"Auth0 took the deploy of {title}, and does not show it as deployed; see its versions in the "
            f"Dashboard, then deploy again"
        )
    missing = sorted(set(change.wanted.secrets) - held.secret_names)
    if missing or held.deployed_code not in (None, change.code):
        what = f"it lacks {', '.join(missing)}" if missing else "its code is not what was sent"
        raise DeployUnfinished(
            f"{title} is deployed, but {what}: somebody changed it meanwhile. Deploy again"
        )


def _bound(api: ManagementApi, flow: FlowChange, position: Position | None) -> str | None:
    """Write the flow and return what was done; None when somebody else did it meanwhile."""
    for _ in range(FLOW_TRIES):
        current = bindings_of(api, flow.trigger_id)
        wanted = arranged(current, flow.ours, gone=flow.gone, position=position if flow.ours else None)
        if wanted == slots_of(current):
            return None
        written = _write_flow(api, flow.trigger_id, wanted, current)
        if written and _holds(bindings_of(api, flow.trigger_id), wanted):
            return f"Bound {flow.trigger_id}: {' → '.join(slot.shown for slot in wanted) or 'empty'}."
    raise FlowChanged(
        f"the flow of {flow.trigger_id} was changed by somebody else while it was written, twice; look at it in the "
        f"Dashboard (Actions, Triggers), then deploy again"
    )


def _write_flow(
    api: ManagementApi, trigger_id: str, wanted: Sequence[Slot], current: Sequence[Binding]
) -> bool:
    """Write the flow; False when it was refused because it is no longer `current`. Raises Auth0Rejected.

    Auth0 may not know yet that an Action was deployed a moment ago, so a refusal is asked about for some seconds.
    """
    polls = _polls(time.monotonic() + BIND_S)
    while True:
        try:
            api.sdk.actions.triggers.bindings.update_many(
                trigger_id, bindings=[_reference(slot) for slot in wanted]
            )
            return True
        except Auth0Rejected as refused:
            if tuple(bindings_of(api, trigger_id)) != tuple(current):
                return False  # perhaps a binding that was sent again by its id is gone
            if refused.status_code not in (400, 404) or next(polls, "late") == "late":
                raise


def _reference(slot: Slot) -> ActionBindingWithRef:
    if slot.binding is None:
        ref = ActionBindingRef(type="action_name", value=slot.title)
        return ActionBindingWithRef(ref=ref, display_name=slot.title)
    ref = ActionBindingRef(type="binding_id", value=slot.binding.binding_id)
    return ActionBindingWithRef(ref=ref, display_name=slot.shown)


def _holds(flow: Sequence[Binding], wanted: Sequence[Slot]) -> bool:
    return [(each.title, each.display_name or each.title) for each in flow] == [
        (slot.title, slot.shown) for slot in wanted
    ]


def _polls(give_up_at: float) -> Iterator[None]:
    """Wait a little longer each time, until it is too late."""
    pause_s = FIRST_POLL_S
    while (left_s := give_up_at - time.monotonic()) > 0:
        time.sleep(min(pause_s, left_s))
        pause_s = min(pause_s * POLL_GROWTH, MAX_POLL_S)
        yield
