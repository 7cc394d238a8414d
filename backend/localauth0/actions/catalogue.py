"""The triggers that Auth0 has, and which of them localauth0 runs.

Source: Auth0 docs, "Actions Triggers"; the recorded answer of `GET /api/v2/actions/triggers`, brought up to Node 22.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

_RUNTIMES = ("node12", "node16", "node18", "node22")
_FIRST_RUNTIMES = ("node12",)
DEFAULT_RUNTIME = "node22"

# Triggers that are run here, with the name of the function that an Action exports for them.
HANDLERS = {
    "post-login": "onExecutePostLogin",
    "credentials-exchange": "onExecuteCredentialsExchange",
    "post-user-registration": "onExecutePostUserRegistration",
    "post-change-password": "onExecutePostChangePassword",
}


@dataclass(frozen=True)
class KnownTrigger:
    """One version of a trigger."""

    id: str
    version: str
    is_current: bool
    compatible: tuple[tuple[str, str], ...] = ()
    is_bound_to_flow: bool = True

    @property
    def runtimes(self) -> tuple[str, ...]:
        return _RUNTIMES if self.is_current or self.version != "v1" else _FIRST_RUNTIMES

    def answer(self) -> dict[str, Any]:
        """The entry in the list of triggers, with the keys that were recorded (`binding_policy` came later)."""
        answer: dict[str, Any] = {
            "id": self.id,
            "version": self.version,
            "status": "CURRENT" if self.is_current else "DEPRECATED",
            "runtimes": list(self.runtimes),
            "default_runtime": self.runtimes[-1],
            "compatible_triggers": [{"id": id_, "version": version} for id_, version in self.compatible],
        }
        if (self.id, self.version) == ("send-phone-message", "v1"):
            del answer["default_runtime"]
        return answer


def _old(trigger_id: str) -> KnownTrigger:
    return KnownTrigger(trigger_id, "v1", is_current=False)


def _current(trigger_id: str) -> KnownTrigger:
    return KnownTrigger(trigger_id, "v2", is_current=True)


KNOWN_TRIGGERS: tuple[KnownTrigger, ...] = (
    _old("post-login"),
    KnownTrigger("post-login", "v2", is_current=False),
    KnownTrigger("post-login", "v3", is_current=True, compatible=(("post-login", "v2"),)),
    _current("credentials-exchange"),
    _old("credentials-exchange"),
    _old("pre-user-registration"),
    _current("pre-user-registration"),
    _old("post-user-registration"),
    _current("post-user-registration"),
    _current("post-change-password"),
    _old("post-change-password"),
    _old("send-phone-message"),
    _current("send-phone-message"),
    KnownTrigger("password-reset-post-challenge", "v1", is_current=True),
    KnownTrigger("custom-token-exchange", "v1", is_current=True, is_bound_to_flow=False),
    KnownTrigger("event-stream", "v1", is_current=True, is_bound_to_flow=False),
    KnownTrigger("custom-email-provider", "v1", is_current=True, is_bound_to_flow=False),
    KnownTrigger("custom-phone-provider", "v1", is_current=True, is_bound_to_flow=False),
)
TRIGGER_IDS = tuple(dict.fromkeys(trigger.id for trigger in KNOWN_TRIGGERS))


def known_trigger(trigger_id: str, version: str | None) -> KnownTrigger | None:
    """The trigger of this version; without one its current version."""
    of_id = (trigger for trigger in KNOWN_TRIGGERS if trigger.id == trigger_id)
    return next((t for t in of_id if t.version == version or (version is None and t.is_current)), None)
