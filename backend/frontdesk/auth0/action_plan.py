"""The plan of a deploy: what the tenant holds of our Actions beside what it should hold.

Planning reads and changes nothing. It names everything that stands in the way at once, so that a deploy is either
carried out or not begun.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from frontdesk.auth0.action_state import (
    Binding,
    HeldAction,
    bindings_of,
    code_to_send,
    held_actions,
    is_ours,
    secrets_digest,
    without_secrets_digest,
)
from frontdesk.auth0.actions import MAX_SOURCE_BYTES, RenderedAction
from frontdesk.auth0.flow import MAX_BOUND, Position, Slot, arranged, slots_of
from frontdesk.auth0.management import ManagementApi
from frontdesk.auth0.plan import Step, StepKind

# Source of all limits: Auth0 docs, "Actions Limitations", "Entity Limit Policy".
MAX_ACTIONS = 100
MAX_SECRETS = 30
MAX_SECRET_NAME = 128
MAX_SECRET_VALUE = 4096


@dataclass(frozen=True, kw_only=True)
class Choices:
    """What the operator decides: see the options of `frontdesk actions deploy`."""

    position: Position | None = None
    take_over: bool = False
    prune: bool = False
    resend_secrets: bool = False


@dataclass(frozen=True, kw_only=True)
class ActionChange:
    """One Action: `held` is what is there, `send` whether its draft is written, `deploy` whether it is deployed."""

    wanted: RenderedAction
    held: HeldAction | None
    send: bool
    deploy: bool
    step: Step

    @property
    def code(self) -> str:
        """The code as it goes to Auth0."""
        return code_to_send(self.wanted)

    def code_diff(self) -> str:
        """Return the change of the code as a unified diff; empty when there is none."""
        before = without_secrets_digest(self.held.code) if self.held else ""
        lines = difflib.unified_diff(
            before.splitlines(),
            self.wanted.code.splitlines(),
            f"{self.wanted.title} at Auth0",
            f"{self.wanted.title} here",
            lineterm="",
        )
        return "\n".join(lines)


@dataclass(frozen=True, kw_only=True)
class FlowChange:
    """One trigger's flow: the titles of ours in it in their order, those that leave it, and how it will be."""

    trigger_id: str
    ours: tuple[str, ...]
    gone: tuple[str, ...]
    before: tuple[Binding, ...]
    after: tuple[Slot, ...]
    step: Step


@dataclass(frozen=True, kw_only=True)
class ActionsPlan:
    """All that a deploy will do to one tenant, in this order. Carrying it out twice changes nothing."""

    actions: tuple[ActionChange, ...]
    flows: tuple[FlowChange, ...]
    obstacles: tuple[Step, ...]
    notes: tuple[Step, ...]
    choices: Choices

    @property
    def steps(self) -> tuple[Step, ...]:
        """Every line of the plan."""
        changes = (*(each.step for each in self.actions), *(each.step for each in self.flows))
        return (*changes, *self.notes, *self.obstacles)

    @property
    def changes_anything(self) -> bool:
        """Whether carrying it out would change the tenant, or would if nothing stood in the way."""
        return bool(self.obstacles) or any(step.changes for step in self.steps)


def plan_actions(
    api: ManagementApi, rendered: Sequence[RenderedAction], choices: Choices | None = None
) -> ActionsPlan:
    """Return what deploying `rendered` would do to the tenant. Reads only.

    Raises Auth0Error, and PositionUnknown when the position asked for is not in a flow.
    """
    chosen = choices or Choices()
    held = held_actions(api)
    named = [(action, [each for each in held if each.title == action.title]) for action in rendered]
    obstacles = [step for action, found in named for step in _obstacles(action, found, chosen)]
    new = sum(1 for _, found in named if not found)
    if new and len(held) + new > MAX_ACTIONS:
        obstacles.append(_too_many_actions(len(held), new))
    blocked = {step.what for step in obstacles}
    changes = [
        _change(action, found[0] if found else None, chosen)
        for action, found in named
        if f"Action {action.title}" not in blocked
    ]
    stray = [each for each in held if is_ours(each) and all(each.title != one.title for one in rendered)]
    flows, notes = _flows(api, rendered, stray, chosen)
    obstacles += [_too_many_bound(flow) for flow in flows if len(flow.after) > MAX_BOUND]
    return ActionsPlan(
        actions=tuple(changes),
        flows=tuple(flows),
        obstacles=tuple(obstacles),
        notes=tuple(notes),
        choices=chosen,
    )


def _obstacles(action: RenderedAction, found: Sequence[HeldAction], choices: Choices) -> Iterator[Step]:
    def cannot(detail: str) -> Step:
        return Step(f"Action {action.title}", StepKind.CANNOT, detail)

    for held in found:
        if held.trigger_id != action.trigger_id:
            yield cannot(
                f"the tenant has an Action of this name for the trigger {held.trigger_id}, and a trigger "
                f"cannot be changed; rename or delete it in the Dashboard (Actions, Library)"
            )
        elif held.marker is None and not choices.take_over:
            yield cannot(
                "the tenant has an Action of this name that frontdesk did not make; rename it in the Dashboard "
                "(Actions, Library), or replace its code with --take-over"
            )
    if len(found) > 1:
        yield cannot(f"the tenant has {len(found)} Actions of this name; rename the others in the Dashboard")
    for fault in _value_faults(action):
        yield cannot(fault)


def _value_faults(action: RenderedAction) -> Iterator[str]:
    size = len(code_to_send(action).encode())
    if size > MAX_SOURCE_BYTES:
        yield (
            f"its code has {size} bytes, Auth0 takes {MAX_SOURCE_BYTES}; shorten the tables of the settings that "
            f"are written into it (claims.role_map, machine_roles)"
        )
    if len(action.secrets) > MAX_SECRETS:
        yield f"it has {len(action.secrets)} secrets, Auth0 takes {MAX_SECRETS}"
    for name, value in action.secrets.items():
        if not value:
            yield f"its secret {name} has no value; the settings were read without secrets"
        if len(name) > MAX_SECRET_NAME or len(value) > MAX_SECRET_VALUE:
            yield (
                f"its secret {name[:MAX_SECRET_NAME]} is too long: Auth0 takes names of {MAX_SECRET_NAME} and values "
                f"of {MAX_SECRET_VALUE} characters"
            )


def _change(action: RenderedAction, held: HeldAction | None, choices: Choices) -> ActionChange:
    what = f"Action {action.title}"
    if held is None:
        detail = f"trigger {action.trigger_id} {action.trigger_version}, {action.runtime}, {_secrets(action)}"
        step = Step(what, StepKind.CREATE, detail)
        return ActionChange(wanted=action, held=None, send=True, deploy=True, step=step)
    reasons = tuple(_reasons_to_send(action, held, choices))
    unfinished = not reasons and (not held.all_deployed or held.status in ("pending", "building"))
    if reasons:
        step = Step(what, StepKind.UPDATE, "; ".join(reasons))
    elif unfinished:
        step = Step(what, StepKind.UPDATE, "its draft is newer than what is deployed: deploys it")
    else:
        step = Step(what, StepKind.KEEP, _kept(action, held))
    return ActionChange(
        wanted=action, held=held, send=bool(reasons), deploy=bool(reasons) or unfinished, step=step
    )


def _reasons_to_send(action: RenderedAction, held: HeldAction, choices: Choices) -> Iterator[str]:
    if held.marker is None:
        yield "taken over: the code of somebody else is replaced"
    elif held.marker.edited:
        yield "its code was changed at Auth0, the change is replaced"
    elif without_secrets_digest(held.code) != action.code:
        yield "its code changes"
    if held.trigger_version != action.trigger_version:
        yield f"trigger version {held.trigger_version or 'unknown'} becomes {action.trigger_version}"
    if held.runtime != action.runtime:
        yield f"runtime {held.runtime or 'unknown'} becomes {action.runtime}"
    if dict(held.dependencies) != {module.name: module.version for module in action.dependencies}:
        yield "its packages change"
    yield from _secret_reasons(action, held, choices)
    if held.status == "failed":
        yield "Auth0 could not build it the last time, it is sent again"


def _secret_reasons(action: RenderedAction, held: HeldAction, choices: Choices) -> Iterator[str]:
    there, here = held.marker and held.marker.secrets, secrets_digest(action.secrets)
    if missing := sorted(set(action.secrets) - held.secret_names):
        yield f"it lacks the {'secret' if len(missing) == 1 else 'secrets'} {', '.join(missing)}"
    elif there and here and there != here:
        yield "the value of a secret changed"
    elif action.secrets and choices.resend_secrets:
        yield "its secrets are sent again, as asked"


def _kept(action: RenderedAction, held: HeldAction) -> str:
    number = f"version {held.deployed_number} is deployed" if held.deployed_number is not None else "deployed"
    further = sorted(held.secret_names - set(action.secrets))
    extra = f"; it has further secrets that it does not use: {', '.join(further)}" if further else ""
    if action.secrets and (held.marker is None or held.marker.secrets is None):
        return f"{number}; whether its secrets have the right values cannot be seen, --secrets sends them again{extra}"
    return number + extra


def _secrets(action: RenderedAction) -> str:
    names = ", ".join(action.secrets)
    return (
        f"with {'the secret' if len(action.secrets) == 1 else 'the secrets'} {names}"
        if names
        else "no secret"
    )


def _flows(
    api: ManagementApi, rendered: Sequence[RenderedAction], stray: Sequence[HeldAction], choices: Choices
) -> tuple[list[FlowChange], list[Step]]:
    """Return the change of every flow that holds, or shall hold, an Action of ours, and what to tell beside them."""
    flows, notes = [], []
    triggers = dict.fromkeys([each.trigger_id for each in rendered] + [each.trigger_id for each in stray])
    for trigger_id in triggers:
        before = bindings_of(api, trigger_id)
        ours = tuple(each.title for each in rendered if each.trigger_id == trigger_id)
        ids = {each.action_id for each in stray}
        left = tuple(each.title for each in before if each.action_id in ids)
        gone = left if choices.prune else ()
        if not choices.prune:
            notes += [_left_over(title, trigger_id) for title in left]
        if ours or gone:
            position = choices.position if ours else None
            after = arranged(before, ours, gone=gone, position=position)
            step = _flow_step(trigger_id, before, after, gone)
            flows.append(
                FlowChange(trigger_id=trigger_id, ours=ours, gone=gone, before=before, after=after, step=step)
            )
    return flows, notes


def _flow_step(
    trigger_id: str, before: Sequence[Binding], after: Sequence[Slot], gone: Sequence[str]
) -> Step:
    what = f"Flow {trigger_id}"
    order = " → ".join(slot.shown for slot in after) or "empty"
    if tuple(after) == slots_of(before):
        return Step(what, StepKind.KEEP, order)
    return Step(what, StepKind.BIND, order + (f" (without {', '.join(gone)})" if gone else ""))


def _left_over(title: str, trigger_id: str) -> Step:
    return Step(
        f"Action {title}",
        StepKind.KEEP,
        f"it is bound to {trigger_id} and no longer in action.names; --prune takes it out of the flow",
    )


def _too_many_actions(there: int, new: int) -> Step:
    return Step(
        "Library",
        StepKind.CANNOT,
        f"the tenant has {there} Actions and {new} more are needed, Auth0 takes {MAX_ACTIONS}; delete some",
    )


def _too_many_bound(flow: FlowChange) -> Step:
    return Step(
        f"Flow {flow.trigger_id}",
        StepKind.CANNOT,
        f"it would hold {len(flow.after)} Actions, Auth0 takes {MAX_BOUND}; take some out of it in the Dashboard",
    )
