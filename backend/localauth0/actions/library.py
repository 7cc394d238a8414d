"""The Actions of a tenant: drafts, their builds, deployed versions, and which trigger runs which of them.

A draft is what the Management API changes; traffic runs deployed versions.

Source: Auth0 docs, "Actions"; the Management OpenAPI, `/actions`; recorded traffic of the official Go SDK.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from localauth0.actions.catalogue import DEFAULT_RUNTIME, known_trigger
from localauth0.errors import ManagementError
from localauth0.tenant import TenantConfig

MAX_ACTIONS = 100
MAX_BINDINGS = 20  # per trigger
MAX_VERSIONS = 50  # per Action; the oldest that is not deployed goes
_PENDING_PART = 0.2  # of the time of a build


@dataclass(frozen=True)
class Dependency:
    name: str
    version: str
    registry_url: str | None = None


@dataclass(frozen=True)
class Secret:
    name: str
    value: str = field(repr=False)
    updated_at: datetime


@dataclass(frozen=True)
class Content:
    """What a build takes in and a version keeps."""

    code: str
    runtime: str = DEFAULT_RUNTIME
    dependencies: tuple[Dependency, ...] = ()
    secrets: tuple[Secret, ...] = ()


@dataclass(frozen=True)
class Version:
    """A deployed state of an Action, now or earlier."""

    id: str
    number: int
    content: Content
    trigger: tuple[str, str]
    created_at: datetime


@dataclass(frozen=True)
class Runnable:
    """What the sandbox needs of a version or of a draft."""

    name: str
    trigger: str
    code: str
    secrets: dict[str, str] = field(repr=False)


@dataclass(frozen=True)
class Build:
    """A build under way or over. `fault` is why it fails."""

    began_at: datetime
    fault: str | None = None


@dataclass
class ActionRecord:
    """An Action. `looks` counts how often its build has been asked for; `versions` are the oldest first."""

    id: str
    name: str
    trigger: tuple[str, str]
    created_at: datetime
    updated_at: datetime
    draft: Content
    build: Build
    looks: int = 0
    status: str = "pending"
    deploys_when_built: bool = False
    versions: list[Version] = field(default_factory=list)
    deployed_id: str | None = None
    versions_made: int = 0

    @property
    def deployed(self) -> Version | None:
        return next((v for v in self.versions if v.id == self.deployed_id), None)

    @property
    def all_changes_deployed(self) -> bool:
        deployed = self.deployed
        return deployed is not None and deployed.content == self.draft

    def runnable(self, content: Content) -> Runnable:
        secrets = {secret.name: secret.value for secret in content.secrets}
        return Runnable(self.name, self.trigger[0], content.code, secrets)


@dataclass(frozen=True)
class Binding:
    id: str
    action_id: str
    display_name: str
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True)
class BindingRequest:
    """One entry of a new flow; `kind` is `action_name`, `action_id` or `binding_id`."""

    kind: str
    value: str
    display_name: str | None = None


class ActionLibrary:
    """The Actions and flows of one tenant, first those of its file; safe to use from many threads.

    A build takes `config.action_builds.seconds`, and is over at the latest when it has been looked at
    `config.action_builds.looks` times, so that a client which replays recorded traffic finds what was recorded.
    """

    def __init__(self, config: TenantConfig, clock: Callable[[], datetime]) -> None:
        self._clock, self._settings = clock, config.action_builds
        self._lock = threading.RLock()
        self._actions: dict[str, ActionRecord] = {}
        self._flows: dict[str, list[Binding]] = {}
        for action in config.actions:
            now = clock()
            secrets = tuple(Secret(name, value, now) for name, value in action.secrets.items())
            self._add_deployed(action.name, action.trigger, Content(action.code, secrets=secrets))
        for trigger, names in config.bindings.items():
            self.bind(trigger, [BindingRequest("action_name", name) for name in names])

    def all(self) -> list[ActionRecord]:
        with self._lock:
            return [self._settled(action) for action in self._actions.values()]

    def get(self, action_id: str, *, is_look: bool = False) -> ActionRecord:
        """The Action as it is now; a look at it moves its build on. Raises ManagementError."""
        with self._lock:
            action = self._actions.get(action_id)
            if action is None:
                raise ManagementError(404, "That action does not exist.")
            if is_look:
                action.looks += 1
            return self._settled(action)

    def create(
        self, name: str, trigger: tuple[str, str], draft: Content, fault: str | None, *, deploy: bool
    ) -> ActionRecord:
        """Add an Action whose build begins now. Raises ManagementError."""
        with self._lock:
            self._refuse_taken_name(name, None)
            if len(self._actions) >= MAX_ACTIONS:
                raise ManagementError(400, f"You have reached the limit of {MAX_ACTIONS} actions.")
            now = self._clock()
            action = ActionRecord(
                id=str(uuid.uuid4()),
                name=name,
                trigger=trigger,
                created_at=now,
                updated_at=now,
                draft=draft,
                build=Build(now, fault),
                deploys_when_built=deploy,
            )
            self._actions[action.id] = action
            return replace(action)

    def update(
        self,
        action_id: str,
        change: Callable[[ActionRecord], tuple[str, tuple[str, str], Content]],
        fault: str | None,
    ) -> ActionRecord:
        """Change name, trigger and draft to what `change` makes of them; a build begins. Raises ManagementError."""
        with self._lock:
            action = self.get(action_id)
            name, trigger, draft = change(action)
            self._refuse_taken_name(name, action_id)
            if trigger[0] != action.trigger[0]:
                raise ManagementError(400, "The trigger of an action cannot be changed.")
            now = self._clock()
            stored = self._actions[action_id]
            stored.name, stored.trigger, stored.draft = name, trigger, draft
            stored.build, stored.status, stored.looks = Build(now, fault), "pending", 0
            stored.updated_at = now
            return replace(stored)

    def delete(self, action_id: str, *, force: bool) -> None:
        """Remove an Action; one that is bound only with `force`, which unbinds it. Raises ManagementError."""
        with self._lock:
            self.get(action_id)
            is_bound = any(b.action_id == action_id for flow in self._flows.values() for b in flow)
            if is_bound and not force:
                raise ManagementError(409, "Unable to delete an action bound to a trigger.")
            for trigger, flow in self._flows.items():
                self._flows[trigger] = [b for b in flow if b.action_id != action_id]
            del self._actions[action_id]

    def deploy(self, action_id: str) -> tuple[ActionRecord, Version]:
        """Let traffic run what the draft is now. Raises ManagementError."""
        with self._lock:
            action = self.get(action_id)
            if action.status != "built":
                raise ManagementError(400, "A draft must be in the 'built' state before it can be deployed.")
            return self._deploy(action_id, action.draft)

    def redeploy(
        self, action_id: str, version_id: str, *, update_draft: bool
    ) -> tuple[ActionRecord, Version]:
        """Let traffic run an earlier version again, as a new version. Raises ManagementError."""
        with self._lock:
            content = self.version(action_id, version_id)[1].content
            if update_draft:
                stored = self._actions[action_id]
                stored.draft, stored.updated_at = content, self._clock()
                stored.build, stored.status = Build(self._clock()), "built"
            return self._deploy(action_id, content)

    def version(self, action_id: str, version_id: str) -> tuple[ActionRecord, Version]:
        with self._lock:
            action = self.get(action_id)
            version = next((v for v in action.versions if v.id == version_id), None)
            if version is None:
                raise ManagementError(404, "That action version does not exist.")
            return action, version

    def flow(self, trigger: str) -> list[tuple[Binding, ActionRecord]]:
        """The bindings of a trigger with their Actions, in order of execution."""
        with self._lock:
            return [(binding, self.get(binding.action_id)) for binding in self._flows.get(trigger, [])]

    def bind(self, trigger: str, requests: Sequence[BindingRequest]) -> list[tuple[Binding, ActionRecord]]:
        """Replace the whole flow of a trigger, or nothing of it. Raises ManagementError."""
        if len(requests) > MAX_BINDINGS:
            raise ManagementError(400, f"A trigger can have at most {MAX_BINDINGS} bindings.")
        with self._lock:
            flow = [self._binding(trigger, asked) for asked in requests]
            self._flows[trigger] = flow
            return self.flow(trigger)

    def running(self, trigger: str) -> list[Runnable]:
        """What a trigger execution runs: the deployed versions of the bound Actions, in order."""
        with self._lock:
            deployed = [(action, action.deployed) for _, action in self.flow(trigger)]
            return [action.runnable(version.content) for action, version in deployed if version is not None]

    def _binding(self, trigger: str, asked: BindingRequest) -> Binding:
        now = self._clock()
        if asked.kind == "binding_id":
            bound = next((b for b in self._flows.get(trigger, []) if b.id == asked.value), None)
            if bound is None:
                raise ManagementError(404, "That binding does not exist.")
            return replace(bound, display_name=asked.display_name or bound.display_name, updated_at=now)
        action = self._named(asked)
        if action.trigger[0] != trigger:
            raise ManagementError(
                400, f"The action '{action.name}' does not support the trigger '{trigger}'."
            )
        if action.deployed is None:
            raise ManagementError(
                400, "Trying to create a binding for an action that has not been deployed yet."
            )
        return Binding(str(uuid.uuid4()), action.id, asked.display_name or action.name, now, now)

    def _named(self, asked: BindingRequest) -> ActionRecord:
        if asked.kind == "action_id":
            return self.get(asked.value)
        found = next((action.id for action in self._actions.values() if action.name == asked.value), "")
        return self.get(found)

    def _refuse_taken_name(self, name: str, own_id: str | None) -> None:
        if any(a.name == name and a.id != own_id for a in self._actions.values()):
            raise ManagementError(409, f"An action with the name '{name}' already exists.")

    def _deploy(self, action_id: str, content: Content) -> tuple[ActionRecord, Version]:
        stored = self._actions[action_id]
        stored.versions_made += 1
        stored.deploys_when_built = False
        version = Version(
            str(uuid.uuid4()), stored.versions_made, content, stored.trigger, created_at=self._clock()
        )
        kept = [*stored.versions, version]
        stored.versions, stored.deployed_id = kept[-MAX_VERSIONS:], version.id
        return replace(stored), version

    def _settled(self, action: ActionRecord) -> ActionRecord:
        """A copy of the Action after whatever its build has reached by now."""
        if action.status not in ("built", "failed"):
            action.status = self._build_status(action)
        if action.status == "built":
            action.draft = replace(
                action.draft,
                dependencies=tuple(replace(d, registry_url=None) for d in action.draft.dependencies),
            )
            if action.deploys_when_built:
                self._deploy(action.id, action.draft)
        return replace(action, versions=list(action.versions))

    def _build_status(self, action: ActionRecord) -> str:
        whole, looks = timedelta(seconds=self._settings.seconds), self._settings.looks
        elapsed, counted = self._clock() - action.build.began_at, action.looks if looks is not None else 0
        if elapsed >= whole or (looks is not None and counted >= looks):
            return "built" if action.build.fault is None else "failed"
        return "building" if elapsed >= _PENDING_PART * whole or counted > 0 else "pending"

    def _add_deployed(self, name: str, trigger: str, content: Content) -> None:
        known = known_trigger(trigger, None)
        version = known.version if known is not None else "v1"
        action = self.create(name, (trigger, version), content, None, deploy=False)
        self._actions[action.id].status = "built"
        self._deploy(action.id, content)
