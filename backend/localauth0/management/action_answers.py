"""How the Management API writes Actions, versions and bindings.

Source: recorded traffic of the official Go SDK; the Management OpenAPI. Values of secrets are never written.
What is nested in a version or a binding says `all_changes_deployed: false` and bears the Action's first `updated_at`
whatever the truth is, as in the recordings; only the Action itself tells.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from localauth0.actions.library import ActionRecord, Binding, Content, Version

Document = dict[str, Any]


def action_answer(action: ActionRecord) -> Document:
    """An Action: its draft, and the deployed version once there is one."""
    return {
        **_head(action),
        "updated_at": _nanoseconds(action.updated_at),
        **_content(action.draft),
        "status": action.status,
        **_deployed_parts(action),
        "all_changes_deployed": action.all_changes_deployed,
    }


def version_answer(action: ActionRecord, version: Version) -> Document:
    """A version as lists and look-ups of versions show it."""
    return {**_version(action, version), "action": _nested(action)}


def deploy_answer(action: ActionRecord, version: Version) -> Document:
    """A version as the call that makes it shows it: not yet deployed, its build not yet over."""
    answer = version_answer(action, version)
    del answer["built_at"]
    return {**answer, "deployed": False}


def binding_answer(trigger: str, binding: Binding, action: ActionRecord) -> Document:
    nested = _nested(action)
    is_changed = nested.pop("all_changes_deployed")
    return {
        "id": binding.id,
        "trigger_id": trigger,
        "action": {**nested, **_deployed_parts(action), "all_changes_deployed": is_changed},
        "created_at": _nanoseconds(binding.created_at),
        "updated_at": _nanoseconds(binding.updated_at),
        "display_name": binding.display_name,
    }


def _head(action: ActionRecord) -> Document:
    trigger_id, version = action.trigger
    return {
        "id": action.id,
        "name": action.name,
        "supported_triggers": [{"id": trigger_id, "version": version}],
        "created_at": _nanoseconds(action.created_at),
    }


def _nested(action: ActionRecord) -> Document:
    return {**_head(action), "updated_at": _nanoseconds(action.created_at), "all_changes_deployed": False}


def _content(content: Content) -> Document:
    dependencies = [
        {"name": d.name, "version": d.version, **({"registry_url": d.registry_url} if d.registry_url else {})}
        for d in content.dependencies
    ]
    return {
        "code": content.code,
        "dependencies": dependencies,
        "runtime": content.runtime,
        "secrets": [{"name": s.name, "updated_at": _nanoseconds(s.updated_at)} for s in content.secrets],
    }


def _version(action: ActionRecord, version: Version) -> Document:
    trigger_id, trigger_version = version.trigger
    created_at = _nanoseconds(version.created_at)
    return {
        **_content(version.content),
        "id": version.id,
        "deployed": version.id == action.deployed_id,
        "number": version.number,
        "built_at": created_at,
        "status": "built",
        "created_at": created_at,
        "updated_at": created_at,
        "supported_triggers": [{"id": trigger_id, "version": trigger_version}],
    }


def _deployed_parts(action: ActionRecord) -> Document:
    version = action.deployed
    if version is None:
        return {}
    created_at = _nanoseconds(version.created_at)
    return {
        "current_version": {
            "id": version.id,
            "code": version.content.code,
            "runtime": version.content.runtime,
            "status": "BUILT",
            "number": version.number,
            "build_time": created_at,
            "created_at": created_at,
            "updated_at": created_at,
        },
        "deployed_version": _version(action, version),
    }


def _nanoseconds(moment: datetime) -> str:
    """The moment as this part of the API writes it; a clock here has microseconds, so the last three digits are 0."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f") + "000Z"
