"""What a tenant holds of Actions: read through the Management API, parsed once.

The first line of its code, the marker, says whose an Action is: `// frontdesk <name> <digest of the rest>`, and then
`secrets <digest of their values>` when frontdesk sent those. Auth0 never shows a secret's value again, so that digest
is how a rotated secret is noticed. It is taken of hook secrets alone: those are at least 24 random bytes, which nobody
finds by trying; a value that a person thought up would be found, and is compared by its name only.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from frontdesk.auth0.actions import HASH_DIGITS, NAME_PREFIX, RenderedAction
from frontdesk.auth0.listing import unreadable_is_told
from frontdesk.auth0.management import ManagementApi
from frontdesk.errors import Auth0Unavailable

PAGE_SIZE = 50
MAX_PAGES = 20  # a tenant has at most 100 Actions, a trigger at most 20 of them
_RANDOM_SECRET = "whsec_"  # noqa: S105 - what such secrets begin with
_MARKER = re.compile(
    rf"// frontdesk (?P<name>\S+) (?P<digest>[0-9a-f]{{{HASH_DIGITS}}})"
    rf"(?: secrets (?P<secrets>[0-9a-f]{{{HASH_DIGITS}}}))?"
)


@dataclass(frozen=True, kw_only=True)
class Marker:
    """The first line of our Actions. `secrets` is None when the values were not sent by frontdesk."""

    name: str
    digest: str
    secrets: str | None
    edited: bool  # whether somebody changed the code below it


@dataclass(frozen=True, kw_only=True)
class HeldAction:
    """An Action as the tenant holds it. All but `deployed_…` is the draft, which logins do not run yet."""

    action_id: str
    title: str
    trigger_id: str
    trigger_version: str
    runtime: str
    code: str
    dependencies: Mapping[str, str]
    secret_names: frozenset[str]
    status: str
    all_deployed: bool
    deployed_id: str | None
    deployed_number: int | None
    deployed_code: str | None
    faults: tuple[str, ...] = field(default=())

    @property
    def marker(self) -> Marker | None:
        """The marker of the draft; None when the Action is somebody else's."""
        return marker_of(self.code)


@dataclass(frozen=True, kw_only=True)
class Binding:
    """One place in a trigger's flow, taken by an Action."""

    binding_id: str
    display_name: str | None
    action_id: str
    title: str


def marker_of(code: str) -> Marker | None:
    """Return what the first line of an Action's code says; None when it is not ours."""
    first, _, rest = code.partition("\n")
    found = _MARKER.fullmatch(first.rstrip("\r"))
    if found is None:
        return None
    return Marker(
        name=found["name"],
        digest=found["digest"],
        secrets=found["secrets"],
        edited=_digest(rest) != found["digest"],
    )


def code_to_send(action: RenderedAction) -> str:
    """Return the code with the digest of its secrets in the marker; as it is when no value of them is known."""
    digest = secrets_digest(action.secrets)
    first, newline, rest = action.code.partition("\n")
    return action.code if digest is None else f"{first} secrets {digest}{newline}{rest}"


def without_secrets_digest(code: str) -> str:
    """Return the code as it was rendered, whatever its marker says of secrets."""
    first, newline, rest = code.partition("\n")
    return f"{first.partition(' secrets ')[0]}{newline}{rest}" if _MARKER.fullmatch(first) else code


def secrets_digest(secrets: Mapping[str, str]) -> str | None:
    """Return what the marker says of the values; None when there is none that may be told of."""
    random = {name: value for name, value in secrets.items() if value.startswith(_RANDOM_SECRET)}
    if not random:
        return None
    return _digest("\n".join(f"{name}={random[name]}" for name in sorted(random)))


@unreadable_is_told()
def held_actions(api: ManagementApi) -> tuple[HeldAction, ...]:
    """Return all custom Actions of the tenant. Raises Auth0Error."""
    found = _all_pages(lambda page: api.sdk.actions.list(page=page, per_page=PAGE_SIZE))
    return tuple(_held(each) for each in found)


@unreadable_is_told()
def held_action(api: ManagementApi, action_id: str) -> HeldAction:
    """Return one Action as it is now. Raises Auth0Error."""
    return _held(api.sdk.actions.get(action_id))


@unreadable_is_told()
def bindings_of(api: ManagementApi, trigger_id: str) -> tuple[Binding, ...]:
    """Return the trigger's whole flow in its order, all pages. Raises Auth0Error."""
    found = _all_pages(
        lambda page: api.sdk.actions.triggers.bindings.list(trigger_id, page=page, per_page=PAGE_SIZE)
    )
    return tuple(
        Binding(
            binding_id=each.id,
            display_name=each.display_name,
            action_id=each.action.id or "",
            title=each.action.name or "",
        )
        for each in found
    )


def is_ours(action: HeldAction) -> bool:
    """Tell whether it carries the marker and one of our names."""
    return action.title.startswith(NAME_PREFIX) and action.marker is not None


def _all_pages(read: Callable[[int], Any]) -> list[Any]:
    """Return what all pages hold. A page that is not full may be followed by others; an empty one is the end."""
    found: list[Any] = []
    for page in range(MAX_PAGES):
        pager = read(page)
        items = pager.items or []
        found += items
        total = getattr(pager.response, "total", None)
        if not items or (total is not None and len(found) >= total):
            return found
    raise Auth0Unavailable(f"a list of the Management API did not end within {MAX_PAGES} pages")


def _held(action: Any) -> HeldAction:
    """Parse the SDK's record, in which every member may be missing."""
    triggers = action.supported_triggers or []
    deployed = action.deployed_version
    return HeldAction(
        action_id=action.id or "",
        title=action.name or "",
        trigger_id=triggers[0].id if triggers else "",
        trigger_version=(triggers[0].version or "") if triggers else "",
        runtime=action.runtime or "",
        code=action.code or "",
        dependencies={each.name or "": each.version or "" for each in action.dependencies or []},
        secret_names=frozenset(each.name or "" for each in action.secrets or []),
        status=str(action.status or "").lower(),
        all_deployed=bool(action.all_changes_deployed) and deployed is not None,
        deployed_id=deployed.id if deployed else None,
        deployed_number=int(deployed.number) if deployed and deployed.number is not None else None,
        deployed_code=deployed.code if deployed else None,
        faults=_messages(getattr(action, "errors", None)),
    )


def _messages(errors: Any) -> tuple[str, ...]:
    """Return the texts of build errors, which Auth0 gives as objects with `msg`."""
    if not isinstance(errors, list):
        return ()
    texts = (each.get("msg") if isinstance(each, dict) else getattr(each, "msg", None) for each in errors)
    return tuple(str(text) for text in texts if text)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:HASH_DIGITS]
