"""Runs the Actions bound to a trigger, in order and on one clock, and gathers what they asked for."""

from __future__ import annotations

import time
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from localauth0.actions.runtime import ActionResult, ActionsRuntime, ActionsRuntimeFailed
from localauth0.records import ActionExecution
from localauth0.store import Store
from localauth0.tenant import Action, Trigger

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

    def run(self, trigger: Trigger, event: dict[str, Any], scopes: tuple[str, ...]) -> Effects:
        """Run the bound Actions until one denies. Raises ActionFailed when one throws or the time is over."""
        effects = Effects(list(scopes))
        deadline = time.monotonic() + self._limit_s
        for action in self._store.config.bound_actions(trigger):
            result = self._execute(action, event, deadline)
            for command in result.commands:
                self._apply(trigger, command, effects, event)
            if result.error is not None:
                raise ActionFailed(result.error)
            if effects.denial is not None:
                break
        return effects

    def _execute(self, action: Action, event: dict[str, Any], deadline: float) -> ActionResult:
        sent = {**deepcopy(event), "secrets": dict(action.secrets)}
        try:
            result = self._runtime.run(
                action,
                sent,
                self._cache(action.trigger),
                timeout_s=deadline - time.monotonic(),
                timeout_text=f"The {action.trigger} trigger exceeded its limit of {self._limit_s:g} seconds.",
            )
        except ActionsRuntimeFailed as err:
            result = ActionResult((), "", 0.0, str(err))
        self._store.executions.append(
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
