"""Rendering of Actions: the source that ships, with the operator's values filled into its named places.

A place is one line of the source: `const NAME = /* setting: name */ <value>;`. An Action is rendered from those values
only that its own places name, so the ones that call nobody need no URL.
"""

from __future__ import annotations

import hashlib
import ipaddress
import json
import re
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote, urlsplit

from frontdesk.auth0.action_sources import (
    ActionInvalid,
    ActionManifest,
    Module,
    Place,
    Secret,
    Trigger,
    action_dir,
    read_manifest,
)
from frontdesk.errors import SettingsInvalid
from frontdesk.identity import ClaimsPolicy
from frontdesk.identity.roles import is_role_name
from frontdesk.settings import Settings

__all__ = [
    "ActionInvalid",
    "ActionManifest",
    "ActionSettings",
    "Module",
    "Place",
    "RenderedAction",
    "Secret",
    "Trigger",
    "action_dir",
    "read_manifest",
    "render",
    "rendered_actions",
]

MAX_DEADLINE_MS = 5000  # a login waits for it; Auth0 allows 20 s for all Actions of the flow together
MAX_SOURCE_BYTES = 100_000  # source: Auth0 docs, "Actions Limitations"
NAME_PREFIX = "frontdesk-"
HASH_DIGITS = 12

_PLACE = re.compile(
    r"^(?P<head>const [A-Z_]+ = /\* setting: (?P<name>\w+) \*/ )(?P<value>.+);$", re.MULTILINE
)
# Characters that mean something to tools which handle the source as text: HTML, and auth0-deploy-cli, which replaces
# ##KEY## and @@KEY@@ in code files. Written as escapes they are the same string to JavaScript.
_ESCAPED = {ord(c): f"\\u{ord(c):04x}" for c in "<>&#@"}


@dataclass(frozen=True, kw_only=True)
class ActionSettings:
    """The operator's values for Actions; `url` is frontdesk's public base URL."""

    url: str
    tenant: str
    default_role: str
    claims_namespace: str
    deadline_ms: int
    on_failure: Literal["allow", "deny"]
    deny_reason: str
    max_body_bytes: int
    policy: ClaimsPolicy = field(default_factory=ClaimsPolicy)
    id_token_claims: bool = False
    id_token_namespace: str = ""
    metadata_limit_bytes: int = 16384
    audience: str = ""
    machine_roles: Mapping[str, str] = field(default_factory=dict)
    unknown_machines: Literal["no_claims", "deny"] = "no_claims"


@dataclass(frozen=True, kw_only=True)
class RenderedAction:
    """One Action as it goes to Auth0. `name` is its directory, `title` its name at Auth0.

    `code` begins with the marker line that says whose it is. `secrets` are names with values; a value is empty when
    the settings were read without secrets.
    """

    name: str
    trigger_id: str
    trigger_version: str
    runtime: str
    code: str
    dependencies: tuple[Module, ...] = ()
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def title(self) -> str:
        """The Action's name at Auth0."""
        return NAME_PREFIX + self.name


def rendered_actions(settings: Settings, tenant_key: str, names: Sequence[str]) -> tuple[RenderedAction, ...]:
    """Return the Actions `names` (directories of actions/) of a tenant, in this order, ready to be deployed.

    Raises SettingsInvalid naming every setting that one of them lacks, UsageError for an unknown tenant, and
    ActionInvalid for an unknown Action.
    """
    values = _values_of(settings, tenant_key)
    hook_secrets = settings.tenants[tenant_key].hook_secrets
    hook_secret = hook_secrets[0].get_secret_value() if hook_secrets else ""
    return tuple(_rendered(name, values, {"FRONTDESK_HOOK_SECRET": hook_secret}) for name in names)


def _rendered(name: str, values: ActionSettings, known_secrets: Mapping[str, str]) -> RenderedAction:
    directory = action_dir(name)
    manifest = read_manifest(directory)
    source = render(directory, values)
    return RenderedAction(
        name=name,
        trigger_id=manifest.trigger.id,
        trigger_version=manifest.trigger.version,
        runtime=manifest.runtime,
        code=f"{_marker(name, source)}\n{source}",
        dependencies=manifest.modules,
        secrets={secret.name: known_secrets[secret.name] for secret in manifest.secrets},
    )


def _marker(name: str, source: str) -> str:
    """Return the line by which an Action is known as ours, and as changed by hand or not."""
    return f"// frontdesk {name} {hashlib.sha256(source.encode()).hexdigest()[:HASH_DIGITS]}"


def _values_of(settings: Settings, tenant_key: str) -> ActionSettings:
    key, tenant = settings.tenant(tenant_key)
    return ActionSettings(
        url=settings.action.url or "",
        tenant=key,
        default_role=settings.claims.default_role,
        claims_namespace=tenant.claims_namespace,
        deadline_ms=settings.action.deadline_ms,
        on_failure=settings.action.on_failure,
        deny_reason=settings.action.deny_reason,
        max_body_bytes=settings.action.max_body_bytes,
        policy=settings.claims_policy(),
        id_token_claims=settings.login.id_token_claims,
        id_token_namespace=settings.login.id_token_namespace or "",
        metadata_limit_bytes=settings.login.id_token_metadata_limit_bytes,
        audience=tenant.audience,
        machine_roles=tenant.machine_roles,
        unknown_machines=settings.action.unknown_machines,
    )


def render(directory: Path, values: ActionSettings) -> str:
    """Return the source of the Action in `directory` with `values` in its places.

    Every value is a JSON literal, so none can end its string or its line. A rendered source can be rendered again.
    Raises SettingsInvalid naming every wrong value, and ActionInvalid when source and manifest disagree.
    """
    source = (directory / "action.js").read_text("utf-8")
    manifest = read_manifest(directory)
    known = _place_values(values, manifest.trigger)
    places = _checked_places(directory, source, manifest, known.keys())
    if faults := [sentence for place, sentence in _faults(values) if place in places]:
        raise SettingsInvalid(faults)
    rendered = _PLACE.sub(lambda place: f"{place['head']}{_literal(known[place['name']])};", source)
    if len(rendered.encode()) > MAX_SOURCE_BYTES:
        raise ActionInvalid(
            f"{directory}: the source is larger than the {MAX_SOURCE_BYTES} bytes that Auth0 takes; shorten what the "
            "settings put into it, such as [claims] role_map"
        )
    return rendered


def _place_values(values: ActionSettings, trigger: Trigger) -> dict[str, Any]:
    """Return every value that a place may name. Tables are lists of pairs: `__proto__` is no key of an object."""
    policy = values.policy
    return {
        "hook_url": f"{values.url.rstrip('/')}/hooks/{quote(values.tenant, safe='')}/{trigger.id}",
        "tenant": values.tenant,
        "default_role": values.default_role,
        "claims_namespace": values.claims_namespace,
        "on_failure": values.on_failure,
        "deny_reason": values.deny_reason,
        "deadline_ms": values.deadline_ms,
        "max_body_bytes": values.max_body_bytes,
        "role_sources": sorted(policy.role_sources),
        "app_metadata_path": list(policy.app_metadata_path),
        "role_map": [list(pair) for pair in policy.role_map.items()],
        "pass_unmapped": policy.pass_unmapped,
        "extra_claims": [[claim.name, list(claim.path)] for claim in policy.extra],
        "id_token_claims": values.id_token_claims,
        "id_token_namespace": values.id_token_namespace.rstrip("/"),
        "metadata_limit_bytes": values.metadata_limit_bytes,
        "audience": values.audience,
        "machine_roles": [list(pair) for pair in values.machine_roles.items()],
        "unknown_machines": values.unknown_machines,
    }


def _literal(value: Any) -> str:
    """Return `value` as a JavaScript literal in ASCII; JSON is one, and U+2028 is escaped with all the rest."""
    return json.dumps(value, ensure_ascii=True).translate(_ESCAPED)


def _checked_places(directory: Path, source: str, manifest: ActionManifest, known: Set[str]) -> set[str]:
    found = sorted(place["name"] for place in _PLACE.finditer(source))
    declared = sorted(place.name for place in manifest.settings)
    if found != declared or len(set(found)) < len(found) or not set(found) <= known:
        raise ActionInvalid(
            f"{directory}: the source marks the places {found}, the manifest names {declared}; "
            f"both must have the same, each once and one of {sorted(known)}"
        )
    return set(found)


def _faults(values: ActionSettings) -> Iterator[tuple[str, str]]:
    """Give each wrong value: the place that it would stand in, and the sentence."""
    if not values.url:
        yield (
            "hook_url",
            "action.url: expected frontdesk's public https URL (FRONTDESK_ACTION_URL), it is not set",
        )
    elif not _is_public_url(values.url):
        yield (
            "hook_url",
            "action.url: expected an https URL (http on loopback only) without user, query and fragment",
        )
    if not values.tenant:
        yield "tenant", "tenant: expected the tenant's key"
    if not is_role_name(values.default_role):
        yield (
            "default_role",
            f"claims.default_role: expected a Hasura role other than admin and frontdesk, got {values.default_role!r}",
        )
    if not all(map(is_role_name, values.machine_roles.values())):
        yield (
            "machine_roles",
            f"tenants.{values.tenant}.machine_roles: expected Hasura roles other than admin and frontdesk",
        )
    if not values.claims_namespace:
        yield (
            "claims_namespace",
            "claims_namespace: expected the name of the claim that holds the Hasura claims",
        )
    if values.on_failure not in ("allow", "deny"):
        yield "on_failure", f"action.on_failure: expected allow or deny, got {values.on_failure!r}"
    if not values.deny_reason:
        yield "deny_reason", "action.deny_reason: expected a sentence"
    yield from _limit_faults(values)


def _limit_faults(values: ActionSettings) -> Iterator[tuple[str, str]]:
    if not 1 <= values.deadline_ms <= MAX_DEADLINE_MS:
        yield (
            "deadline_ms",
            f"action.deadline_ms: expected milliseconds from 1 to {MAX_DEADLINE_MS}, got {values.deadline_ms}",
        )
    if values.max_body_bytes < 1:
        yield (
            "max_body_bytes",
            f"action.max_body_bytes: expected a number of bytes, got {values.max_body_bytes}",
        )
    if not values.id_token_namespace:
        yield (
            "id_token_namespace",
            "login.id_token_namespace: expected the namespace of ID token metadata, it is not set",
        )


def _is_public_url(url: str) -> bool:
    # No message quotes the URL: it may hold a password, which is one of the faults.
    if not url.isascii() or not url.isprintable() or " " in url:
        return False
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return False
    if not host or parts.username is not None or parts.password is not None or {"?", "#"} & set(url):
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(host))


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
