"""Runs the Actions bound to a trigger, in order and on one clock, and gathers what they asked for."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import deque
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from localauth0.actions.library import Runnable
from localauth0.actions.runtime import ActionResult, ActionsRuntime, ActionsRuntimeFailed
from localauth0.records import ActionExecution
from localauth0.store import Store
from localauth0.tenant import Trigger

TRIGGER_LIMIT_S = 20.0  # Auth0's limit for all Actions of one trigger execution together


@dataclass(frozen=True)
class Denial:
    code: str
    reason: str


@dataclass
class Effects:
    """What the Actions of one trigger execution asked for. Metadata that is None is to be removed."""

    scopes: list[str]
    access_token_claims: dict[str, Any] = field(default_factory=dict)
    id_token_claims: dict[str, Any] = field(default_factory=dict)
    app_metadata: dict[str, Any] = field(default_factory=dict)
    user_metadata: dict[str, Any] = field(default_factory=dict)
    denial: Denial | None = None


class ActionFailed(Exception):
    """An Action threw or ran out of time; the text is the error's message."""


class Triggers:
    """The trigger executions of one tenant."""

    def __init__(self, store: Store, runtime: ActionsRuntime, *, limit_s: float = TRIGGER_LIMIT_S) -> None:
        self._store, self._runtime, self._limit_s = store, runtime, limit_s
        self._later: set[threading.Thread] = set()

    def run(self, trigger: Trigger, event: dict[str, Any], scopes: tuple[str, ...]) -> Effects:
        """Run the bound Actions until one denies. Raises ActionFailed when one throws or the time is over."""
        effects, kept = Effects(list(scopes)), self._store.executions
        deadline = time.monotonic() + self._limit_s
        for action in self._store.actions.running(trigger):
            result = self._execute(action, event, deadline, kept)
            for command in result.commands:
                self._apply(trigger, command, effects, event)
            if result.error is not None:
                raise ActionFailed(result.error)
            if effects.denial is not None:
                break
        return effects

    def run_later(self, trigger: Trigger, event: dict[str, Any]) -> None:
        """Run the Actions of an asynchronous trigger; nobody waits for them or hears of their errors."""

        def run() -> None:
            with contextlib.suppress(ActionFailed):  # the execution record has the error
                self.run(trigger, event, ())
            self._later.discard(thread)

        thread = threading.Thread(target=run, name=f"localauth0-{trigger}", daemon=True)
        self._later.add(thread)
        thread.start()

    def wait_for_later(self, limit_s: float) -> None:
        """Wait for what asynchronous triggers still run."""
        for thread in list(self._later):
            thread.join(limit_s)

    def try_out(self, action: Runnable, event: Mapping[str, Any]) -> ActionResult:
        """Run a draft with an event of the caller's; nothing of what it asks for is done, nothing is recorded."""
        try:
            return self._runtime.run(
                action,
                {**deepcopy(dict(event)), "secrets": dict(action.secrets)},
                {},
                timeout_s=self._limit_s,
                timeout_text=self._timeout_text(action.trigger),
            )
        except ActionsRuntimeFailed as err:
            return ActionResult((), "", 0.0, str(err), {"name": "Error", "message": str(err), "stack": ""})

    def syntax_fault(self, code: str) -> str | None:
        """Why the code does not compile; None when it does. Raises ActionsRuntimeFailed."""
        return self._runtime.syntax_fault(code)

    def _timeout_text(self, trigger: str) -> str:
        return f"The {trigger} trigger exceeded its limit of {self._limit_s:g} seconds."

    def _execute(
        self, action: Runnable, event: dict[str, Any], deadline: float, kept: deque[ActionExecution]
    ) -> ActionResult:
        sent = {**deepcopy(event), "secrets": dict(action.secrets)}
        try:
            result = self._runtime.run(
                action,
                sent,
                self._cache(action.trigger),
                timeout_s=deadline - time.monotonic(),
                timeout_text=self._timeout_text(action.trigger),
            )
        except ActionsRuntimeFailed as err:
            result = ActionResult((), "", 0.0, str(err))
        kept.append(
            ActionExecution(
                action.trigger,
                action.name,
                sent,
                result.commands,
                result.logs,
                result.duration_ms,
                result.error,
            )
        )
        return result

    def _apply(
        self, trigger: Trigger, command: Mapping[str, Any], effects: Effects, event: dict[str, Any]
    ) -> None:
        call, args = command["call"], command["args"]
        match call:
            case "access.deny":
                effects.denial = effects.denial or Denial(*args)
            case "accessToken.setCustomClaim":
                effects.access_token_claims[args[0]] = args[1]
            case "idToken.setCustomClaim":
                effects.id_token_claims[args[0]] = args[1]
            case "accessToken.addScope" | "accessToken.removeScope":
                _edit_scopes(effects.scopes, args[0], keep=call.endswith("addScope"))
            case (
                "transaction.addTargetScope"
                | "transaction.removeTargetScope"
                | "transaction.setTargetScopes"
                | "transaction.clearTargetScopes"
            ):
                _change_targets(call, args, effects, event)
            case "user.setAppMetadata" | "user.setUserMetadata":
                _change_metadata(call, args, effects, event)
            case "transaction.setMetadata":
                event["transaction"]["metadata"][args[0]] = args[1]
            case "cache.set" | "cache.delete":
                self._change_cache(trigger, args)

    def _cache(self, trigger: str) -> dict[str, Any]:
        """The living records of the trigger's cache."""
        now_ms = time.time() * 1000
        with self._store.lock:
            records = self._store.caches.get(trigger, {})
            return {key: dict(record) for key, record in records.items() if record["expires_at"] > now_ms}

    def _change_cache(self, trigger: str, args: list[Any]) -> None:
        with self._store.lock:
            records = self._store.caches.setdefault(trigger, {})
            records.pop(args[0], None)
            if len(args) > 1:
                records[args[0]] = args[1]


def _edit_scopes(scopes: list[str], scope: str, *, keep: bool) -> None:
    if scope in scopes:
        scopes.remove(scope)
    if keep:
        scopes.append(scope)


def _change_metadata(call: str, args: list[Any], effects: Effects, event: dict[str, Any]) -> None:
    """Gather the change, and show it to later Actions; it is written once, when the trigger is over."""
    kind = "app_metadata" if call == "user.setAppMetadata" else "user_metadata"
    changes = effects.app_metadata if kind == "app_metadata" else effects.user_metadata
    changes[args[0]] = args[1]
    seen = event["user"][kind]
    seen.pop(args[0], None)
    if args[1] is not None:
        seen[args[0]] = deepcopy(args[1])


def _change_targets(call: str, args: list[Any], effects: Effects, event: dict[str, Any]) -> None:
    """Change the scopes that the machine token will have, and show them to later Actions."""
    match call.removeprefix("transaction."):
        case "setTargetScopes":
            effects.scopes[:] = list(dict.fromkeys(args[0]))
        case "clearTargetScopes":
            effects.scopes.clear()
        case edit:
            _edit_scopes(effects.scopes, args[0], keep=edit == "addTargetScope")
    event["transaction"]["target_scopes"] = list(effects.scopes)
