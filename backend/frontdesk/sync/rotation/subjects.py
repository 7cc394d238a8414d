"""The secrets that can be rotated, each with who has to learn the new value."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from frontdesk.auth0.action_deploy import carry_out
from frontdesk.auth0.action_plan import ActionsPlan, Choices, plan_actions
from frontdesk.auth0.actions import NAME_PREFIX, action_dir, read_manifest, rendered_actions
from frontdesk.auth0.management import ManagementApi
from frontdesk.auth0.plan import PlanBlocked, StepKind
from frontdesk.auth0.setup_steps import Made, Outcome, SetupStep
from frontdesk.auth0.setup_steps import carry_out as carry_out_steps
from frontdesk.auth0.setup_streams import plan_streams
from frontdesk.errors import UsageError
from frontdesk.settings import Settings, TenantSettings, secret
from frontdesk.settings_secrets import Origin, SecretPlace
from frontdesk.settings_sources import TENANTS, Path_
from frontdesk.settings_start import hook_secret
from frontdesk.settings_types import ACTION_NAMES
from frontdesk.sync.rotation.replicas import ask_hook, ask_operator, ask_stream
from frontdesk.sync.rotation.rotate import RotationBlocked, RotationStopped, Subject

TOKEN_BYTES = 32


class Kind(StrEnum):
    """What to rotate."""

    HOOK = "hook"
    STREAM = "stream"
    OPERATOR = "operator"


@dataclass(frozen=True, kw_only=True)
class Desk:
    """What subjects are made from: how settings are read, where secrets are, and the way to Auth0."""

    read: Callable[[], Settings]
    places: Callable[[], dict[Path_, SecretPlace]]
    open_api: Callable[[Settings, str], ManagementApi]


def subject_of(kind: Kind, desk: Desk, tenant: str) -> Subject:
    """Return the secret of this kind; `tenant` is a key of the settings.

    Raises UsageError when it is not set, when it shares its file with another one, or when no replica is known.
    """
    settings = desk.read()
    path: Path_ = ("operator_token",) if kind is Kind.OPERATOR else (TENANTS, tenant, _NAMES[kind])
    place = _place(desk, path)
    replicas = settings.server.replicas or ((settings.action.url,) if settings.action.url else ())
    if not replicas:
        raise UsageError(
            "nobody can be asked whether the new value is accepted: set [server] replicas, or [action] url"
        )
    command = f"frontdesk secrets rotate {kind}" + (
        f" --tenant {tenant}" if len(settings.tenants) > 1 else ""
    )
    if kind is Kind.OPERATOR:
        return Subject(
            title="the operator token",
            command="frontdesk secrets rotate operator",
            place=place,
            replicas=replicas,
            values=lambda: tuple(map(secret, desk.read().operator_tokens)),
            new=lambda: secrets.token_urlsafe(TOKEN_BYTES),
            ask=ask_operator,
            prepare=lambda: (
                f"Leave it to you to give the first value of {place.path} to whoever asks frontdesk.",
            ),
        )
    is_hook = kind is Kind.HOOK
    hand = _Hook(desk, tenant) if is_hook else _Streams(desk, tenant)
    return Subject(
        title=f"the {'hook secret' if is_hook else 'stream token'} of tenant {tenant}",
        command=command,
        place=place,
        replicas=replicas,
        values=lambda: _values(desk.read().tenants[tenant], kind),
        new=hook_secret if is_hook else lambda: secrets.token_urlsafe(TOKEN_BYTES),
        ask=ask_hook(tenant) if is_hook else ask_stream(tenant),
        prepare=hand.prepare,
        hand_over=hand.over,
    )


def place_of_kind(kind: Kind, desk: Desk, tenant: str) -> SecretPlace:
    """Return where the secret is. Raises UsageError as `subject_of` does."""
    return _place(desk, ("operator_token",) if kind is Kind.OPERATOR else (TENANTS, tenant, _NAMES[kind]))


def steps_by_hand(kind: Kind, place: SecretPlace, tenant: str) -> tuple[str, ...]:
    """Return what a person does when frontdesk cannot write the secret where it comes from."""
    make = 'echo "whsec_$(openssl rand -base64 32)"' if kind is Kind.HOOK else "openssl rand -base64 32"
    tell = {
        Kind.HOOK: f"Run `frontdesk actions deploy --tenant {tenant}` with it, and wait until it has ended.",
        Kind.STREAM: f"Run `frontdesk auth0 setup --tenant {tenant} --only streams --force` with it.",
        Kind.OPERATOR: "Give the new value to whoever asks /api and /metrics.",
    }[kind]
    return (
        f"Make a new value: {make}",
        f"Put it first into {place.variable}, before the old one with a comma between, wherever that comes from.",
        "Restart every replica of frontdesk, one after the other.",
        tell,
        f"Take the old value out of {place.variable}, and restart every replica again.",
    )


_NAMES = {Kind.HOOK: "hook_secrets", Kind.STREAM: "stream_tokens"}


def _values(tenant: TenantSettings, kind: Kind) -> tuple[str, ...]:
    return tuple(map(secret, tenant.hook_secrets if kind is Kind.HOOK else tenant.stream_tokens))


def _place(desk: Desk, path: Path_) -> SecretPlace:
    places = desk.places()
    if path not in places:
        raise UsageError(f"{'.'.join(path)} is not set, so there is nothing to rotate")
    place = places[path]
    shared = [
        other.variable
        for key, other in places.items()
        if key != path and place.origin is Origin.FILE and other.origin is Origin.FILE and _same(place, other)
    ]
    if shared:
        raise UsageError(
            f"{place.path} is the file of {', '.join(shared)} too; give each a file of its own first"
        )
    return place


def _same(one: SecretPlace, other: SecretPlace) -> bool:
    return one.path is not None and other.path is not None and one.path.resolve() == other.path.resolve()


@dataclass(frozen=True)
class _Hook:
    """The Actions learn the new hook secret: all their secrets are sent, and they are deployed."""

    desk: Desk
    tenant: str

    def prepare(self) -> tuple[str, ...]:
        settings = self.desk.read()
        with self.desk.open_api(settings, self.tenant) as api:
            plan = self._plan(api, settings)
        told = [each.wanted.title for each in plan.actions if each.wanted.secrets]
        other = [f"{step.what} ({step.detail})" for step in plan.steps if step.changes]
        sentences = [f"Send the new value to {', '.join(told)} at Auth0, and deploy."] if told else []
        return (*sentences, *(f"With it, deploy what waits already: {each}." for each in other))

    def over(self, new: str) -> tuple[str, ...]:
        settings = self.desk.read()
        if _values(settings.tenants[self.tenant], Kind.HOOK)[0] != new:
            raise RotationStopped("somebody changed the hook secrets meanwhile")
        with self.desk.open_api(settings, self.tenant) as api:
            done = carry_out(api, self._plan(api, settings))
        return done or ("The Actions have the new value already.",)

    def _plan(self, api: ManagementApi, settings: Settings) -> ActionsPlan:
        rendered = rendered_actions(settings, self.tenant, settings.action.names)
        plan = plan_actions(api, rendered)
        if any(
            each.held and each.held.marker and each.held.marker.secrets is None and each.wanted.secrets
            for each in plan.actions
        ):
            # Somebody else set its secrets the last time, so whether it has this value cannot be seen.
            plan = plan_actions(api, rendered, Choices(resend_secrets=True))
        if plan.obstacles:
            raise PlanBlocked(plan.obstacles)
        if absent := [
            each.wanted.title for each in plan.actions if each.held is None and each.wanted.secrets
        ]:
            raise RotationBlocked(
                f"{', '.join(absent)} is not at Auth0 yet, so there is nobody to give the new value to; "
                f"`frontdesk actions deploy` brings it there"
            )
        if left := [step.what for step in plan.notes if _has_the_secret(step.what)]:
            raise RotationBlocked(
                f"{', '.join(left)} is bound and would keep the old value, since action.names does not have it; "
                f"`frontdesk actions deploy --prune` takes it out of its flow"
            )
        return plan


def _has_the_secret(what: str) -> bool:
    name = what.removeprefix(f"Action {NAME_PREFIX}")
    return name in ACTION_NAMES and bool(read_manifest(action_dir(name)).secrets)


@dataclass(frozen=True)
class _Streams:
    """The streams that are at Auth0 learn the new token."""

    desk: Desk
    tenant: str

    def prepare(self) -> tuple[str, ...]:
        settings = self.desk.read()
        with self.desk.open_api(settings, self.tenant) as api:
            steps = self._steps(api, settings)
        if stuck := [step for step in steps if step.kind is StepKind.CANNOT and step.needed]:
            raise PlanBlocked(stuck)
        names = [step.what for step in steps if step.kind is StepKind.UPDATE]
        return (f"Send the new value to the {' and the '.join(names)} at Auth0.",) if names else ()

    def over(self, new: str) -> tuple[str, ...]:
        settings = self.desk.read()
        if _values(settings.tenants[self.tenant], Kind.STREAM)[0] != new:
            raise RotationStopped("somebody changed the stream tokens meanwhile")
        with self.desk.open_api(settings, self.tenant) as api:
            outcomes = carry_out_steps(self._steps(api, settings), Made())
        return tuple(_told(outcomes)) or ("No stream of ours is at Auth0 yet.",)

    def _steps(self, api: ManagementApi, settings: Settings) -> tuple[SetupStep, ...]:
        """Return the streams that are there; one that is not is for `frontdesk auth0 setup` to make."""
        tokens = settings.tenants[self.tenant].stream_tokens
        steps = plan_streams(
            api, public_url=settings.action.url, tenant=self.tenant, token=secret(tokens[0]), force=True
        )
        return tuple(step for step in steps if step.kind is not StepKind.CREATE)


def _told(outcomes: Sequence[Outcome]) -> Iterator[str]:
    for outcome in outcomes:
        if outcome.is_lacking:
            raise RotationStopped(f"{outcome.step.what}: {outcome.problem}")
        if outcome.problem is None:
            yield f"The {outcome.step.what} has the new value."
