"""Commands about inherited roles."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from localhasura.errors import EngineError
from localhasura.metadata.inherited_roles import KEY, inherited_role, refuse_cycles
from localhasura.metadata.names import required_text
from localhasura.metadata.service import Draft


def add_inherited_role(draft: Draft, command: Mapping[str, Any]) -> None:
    """Add the role, or put it in the place of one with its name."""
    added = inherited_role(command["args"], "$.args")
    draft.about = f"inherited role {added['role_name']}"
    listed = draft.document.get(KEY, [])
    names = [each["role_name"] for each in listed]
    kept = [added if each["role_name"] == added["role_name"] else each for each in listed]
    draft.document[KEY] = kept if added["role_name"] in names else [*kept, added]
    refuse_cycles(draft.document[KEY], "$.args")


def drop_inherited_role(draft: Draft, command: Mapping[str, Any]) -> None:
    name = required_text(command["args"], "role_name")
    listed = draft.document.get(KEY, [])
    kept = [each for each in listed if each["role_name"] != name]
    if len(kept) == len(listed):
        raise EngineError("not-exists", f'"{name}" inherited role doesn\'t exist', path="$.args")
    draft.document[KEY] = kept


CHANGES: Mapping[str, Callable[[Draft, Any], Any]] = {
    "add_inherited_role": add_inherited_role,
    "drop_inherited_role": drop_inherited_role,
}
