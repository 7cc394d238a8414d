"""The bodies of the calls about Actions, and what they make of an Action.

Limits: Auth0 docs, "Entity Limit Policy" and "Actions Limitations".
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator

from localauth0.actions.catalogue import DEFAULT_RUNTIME, TRIGGER_IDS, known_trigger
from localauth0.actions.library import ActionRecord, BindingRequest, Content, Dependency, Secret
from localauth0.errors import NotImplementedHere
from localauth0.management.http import Body, invalid_body

MAX_CODE_BYTES = 100 * 1000
MAX_SECRETS = 30
MAX_SECRET_NAME_CHARS = 128
MAX_SECRET_VALUE_CHARS = 4096
MAX_DEPENDENCIES = 10
DEFAULT_CODE = "module.exports = () => {}"

_Name = Annotated[str, StringConstraints(min_length=1, pattern=r"^\S(.*\S)?$")]
_Runtime = Literal["node12", "node16", "node18", "node22"]


class _Lenient(BaseModel):
    """An entry that clients send back as they got it, with properties that only answers have."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)


class TriggerEntry(_Lenient):
    id: str
    version: str | None = None

    @field_validator("id")
    @classmethod
    def _is_known(cls, value: str) -> str:
        if value not in TRIGGER_IDS:
            raise ValueError(f"No enum match for: {value}")
        return value


class DependencyEntry(_Lenient):
    name: str
    version: str
    registry_url: str | None = None


class SecretEntry(_Lenient):
    name: Annotated[str, StringConstraints(min_length=1, max_length=MAX_SECRET_NAME_CHARS)]
    value: Annotated[str, StringConstraints(min_length=1, max_length=MAX_SECRET_VALUE_CHARS)] | None = Field(
        default=None, repr=False
    )


class _Content(Body):
    code: str | None = None
    dependencies: Annotated[list[DependencyEntry], Field(max_length=MAX_DEPENDENCIES)] | None = None
    runtime: _Runtime | None = None
    secrets: Annotated[list[SecretEntry], Field(max_length=MAX_SECRETS)] | None = None
    modules: list[dict[str, Any]] | None = None

    @field_validator("code")
    @classmethod
    def _is_not_too_long(cls, value: str | None) -> str | None:
        if value is not None and len(value.encode()) > MAX_CODE_BYTES:
            raise ValueError(f"Code exceeds the limit of {MAX_CODE_BYTES // 1000} kB")
        return value


class CreateAction(_Content):
    name: _Name
    supported_triggers: Annotated[list[TriggerEntry], Field(min_length=1, max_length=1)]
    deploy: bool = False


class UpdateAction(_Content):
    name: _Name | None = None
    supported_triggers: Annotated[list[TriggerEntry], Field(min_length=1, max_length=1)] | None = None


class DeployVersion(Body):
    update_draft: bool | None = None


class Reference(Body):
    type: Literal["action_name", "action_id", "binding_id"]
    value: str


class BindingEntry(_Lenient):
    ref: Reference
    display_name: str | None = None
    secrets: list[SecretEntry] | None = None


class UpdateBindings(Body):
    bindings: list[BindingEntry]

    def requests(self) -> list[BindingRequest]:
        if any(entry.secrets for entry in self.bindings):
            raise NotImplementedHere("secrets of a binding")
        return [BindingRequest(e.ref.type, e.ref.value, e.display_name) for e in self.bindings]


class TestPayload(Body):
    event: dict[str, Any]
    api: dict[str, Any] | None = None


class TestAction(Body):
    payload: TestPayload


def trigger_of(entries: Sequence[TriggerEntry]) -> tuple[str, str]:
    """Id and version of the one trigger. Raises ManagementError when there is no such version."""
    entry = entries[0]
    known = known_trigger(entry.id, entry.version)
    if known is None:
        raise invalid_body(f"The trigger {entry.id} has no version {entry.version}.")
    return known.id, known.version


def first_content(body: CreateAction, now: datetime) -> Content:
    """The draft of a new Action."""
    empty = Content(DEFAULT_CODE, DEFAULT_RUNTIME)
    return changed_content(empty, body, now, merge_secrets=False)


def changed_content(before: Content, body: _Content, now: datetime, *, merge_secrets: bool) -> Content:
    """The draft after the change: what was not sent stays."""
    if body.modules:
        raise NotImplementedHere("modules of Actions")
    dependencies = before.dependencies
    if body.dependencies is not None:
        dependencies = tuple(Dependency(d.name, d.version, d.registry_url) for d in body.dependencies)
    secrets = before.secrets
    if body.secrets is not None:
        secrets = _secrets(before.secrets, body.secrets, now, merge=merge_secrets)
    return Content(
        code=body.code if body.code is not None else before.code,
        runtime=body.runtime or before.runtime,
        dependencies=dependencies,
        secrets=secrets,
    )


def changed_action(
    action: ActionRecord, body: UpdateAction, now: datetime, *, merge_secrets: bool
) -> tuple[str, tuple[str, str], Content]:
    """Name, trigger and draft after the change."""
    trigger = trigger_of(body.supported_triggers) if body.supported_triggers is not None else action.trigger
    draft = changed_content(action.draft, body, now, merge_secrets=merge_secrets)
    return body.name or action.name, trigger, draft


def _secrets(
    before: Sequence[Secret], sent: Sequence[SecretEntry], now: datetime, *, merge: bool
) -> tuple[Secret, ...]:
    """The secrets after a list was sent. An entry without a value keeps the value that was there.

    Whether Auth0 merges or replaces is nowhere said; the tenant file decides.
    """
    known = {secret.name: secret for secret in before}
    after = dict(known) if merge else {}
    for entry in sent:
        if entry.value is not None:
            after[entry.name] = Secret(entry.name, entry.value, now)
        elif entry.name in known:
            after[entry.name] = known[entry.name]
        else:
            raise invalid_body(
                f"Payload validation error: 'Missing required property: value' of {entry.name}."
            )
    if len(after) > MAX_SECRETS:
        raise invalid_body(f"An action can have at most {MAX_SECRETS} secrets.")
    return tuple(after.values())
