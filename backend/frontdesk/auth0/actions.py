"""Rendering of Actions: the source that ships, with the operator's values filled into its named places.

An Action is a directory with `action.js`, which runs as it is, and `manifest.yaml`, which says where it belongs and
which places rendering fills. A place is one line of the source: `const NAME = /* setting: name */ <value>;`.
"""

from __future__ import annotations

import ipaddress
import json
import re
import sysconfig
from collections.abc import Iterator, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import quote, urlsplit

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from frontdesk.errors import FrontdeskError, SettingsInvalid
from frontdesk.identity.roles import is_role_name

MAX_DEADLINE_MS = 5000  # a login waits for it; Auth0 allows 20 s for all Actions of the flow together
MAX_SOURCE_BYTES = 100_000  # source: Auth0 docs, "Actions Limitations"

_PLACE = re.compile(
    r"^(?P<head>const [A-Z_]+ = /\* setting: (?P<name>\w+) \*/ )(?P<value>.+);$", re.MULTILINE
)
# Characters that mean something to tools which handle the source as text: HTML, and auth0-deploy-cli, which replaces
# ##KEY## and @@KEY@@ in code files. Written as escapes they are the same string to JavaScript.
_ESCAPED = {ord(c): f"\\u{ord(c):04x}" for c in "<>&#@"}


class ActionInvalid(FrontdeskError):
    """An Action's directory is not as it should be."""

    type = "urn:frontdesk:problem:action-invalid"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


Sentence = Annotated[str, StringConstraints(min_length=10, pattern=r"\.$")]


class Trigger(_Part):
    """The trigger that the Action is bound to."""

    id: Literal["post-login"]
    version: Annotated[str, StringConstraints(pattern=r"^v[0-9]+$")]


class Module(_Part):
    """A package that the Action requires, pinned to one version."""

    name: Annotated[str, StringConstraints(min_length=1)]
    version: Annotated[str, StringConstraints(pattern=r"^[0-9]+\.[0-9]+\.[0-9]+$")]


class Secret(_Part):
    """A secret that the operator sets on the Action in Auth0."""

    name: Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9_]*$", max_length=128)]
    description: Sentence


class Place(_Part):
    """A value in the source that rendering fills in."""

    name: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
    description: Sentence


class ActionManifest(_Part):
    """What `manifest.yaml` says about an Action."""

    description: Sentence
    trigger: Trigger
    runtime: Literal["node18", "node22"]
    modules: Annotated[tuple[Module, ...], Field(max_length=10)]
    secrets: Annotated[tuple[Secret, ...], Field(max_length=30)]
    settings: tuple[Place, ...]


@dataclass(frozen=True, kw_only=True)
class ActionSettings:
    """The operator's values for the post-login Action; `url` is frontdesk's public base URL."""

    url: str
    tenant: str
    default_role: str
    claims_namespace: str
    deadline_ms: int
    on_failure: Literal["allow", "deny"]
    deny_reason: str
    max_body_bytes: int


def action_dir(name: str) -> Path:
    """Return the directory of the Action `name`: beside the package's source tree, or where a wheel puts it."""
    places = (
        Path(__file__).resolve().parents[3] / "actions",
        Path(sysconfig.get_path("data")) / "share" / "frontdesk" / "actions",
    )
    for place in places:
        if (place / name / "action.js").is_file():
            return place / name
    raise ActionInvalid(f"no Action {name!r} in {' or '.join(map(str, places))}")


def read_manifest(directory: Path) -> ActionManifest:
    """Return the manifest of the Action in `directory`. Raises ActionInvalid when it breaks its schema."""
    path = directory / "manifest.yaml"
    try:
        return ActionManifest.model_validate(yaml.safe_load(path.read_text("utf-8")))
    except (OSError, yaml.YAMLError, ValidationError) as error:
        raise ActionInvalid(f"{path}: {error}") from error


def render(directory: Path, values: ActionSettings) -> str:
    """Return the source of the Action in `directory` with `values` in its places.

    Every value is a JSON literal, so none can end its string or its line. A rendered source can be rendered again.
    Raises SettingsInvalid naming every wrong value, and ActionInvalid when source and manifest disagree.
    """
    if faults := list(_faults(values)):
        raise SettingsInvalid(faults)
    source = (directory / "action.js").read_text("utf-8")
    literals = {name: _literal(value) for name, value in _place_values(values).items()}
    _check_places(directory, source, literals.keys())
    rendered = _PLACE.sub(lambda place: f"{place['head']}{literals[place['name']]};", source)
    if len(rendered.encode()) > MAX_SOURCE_BYTES:
        raise ActionInvalid(
            f"{directory}: the source is larger than the {MAX_SOURCE_BYTES} bytes that Auth0 takes"
        )
    return rendered


def _place_values(values: ActionSettings) -> dict[str, str | int]:
    return {
        "hook_url": f"{values.url.rstrip('/')}/hooks/{quote(values.tenant, safe='')}/post-login",
        "tenant": values.tenant,
        "default_role": values.default_role,
        "claims_namespace": values.claims_namespace,
        "on_failure": values.on_failure,
        "deny_reason": values.deny_reason,
        "deadline_ms": values.deadline_ms,
        "max_body_bytes": values.max_body_bytes,
    }


def _literal(value: str | int) -> str:
    """Return `value` as a JavaScript literal in ASCII; JSON is one, and U+2028 is escaped with all the rest."""
    return json.dumps(value, ensure_ascii=True).translate(_ESCAPED)


def _check_places(directory: Path, source: str, known: Set[str]) -> None:
    found = sorted(place["name"] for place in _PLACE.finditer(source))
    declared = sorted(place.name for place in read_manifest(directory).settings)
    if not found == declared == sorted(known):
        raise ActionInvalid(
            f"{directory}: the source marks the places {found}, the manifest names {declared}; "
            f"both must have each of {sorted(known)} once"
        )


def _faults(values: ActionSettings) -> Iterator[str]:
    if not _is_public_url(values.url):
        yield "action.url: expected an https URL (http on loopback only) without user, query and fragment"
    if not values.tenant:
        yield "tenant: expected the tenant's key"
    if not is_role_name(values.default_role):
        yield f"claims.default_role: expected a Hasura role other than admin and frontdesk, got {values.default_role!r}"
    if not values.claims_namespace:
        yield "claims_namespace: expected the name of the claim that holds the Hasura claims"
    if not 1 <= values.deadline_ms <= MAX_DEADLINE_MS:
        yield f"action.deadline_ms: expected milliseconds from 1 to {MAX_DEADLINE_MS}, got {values.deadline_ms}"
    if values.on_failure not in ("allow", "deny"):
        yield f"action.on_failure: expected allow or deny, got {values.on_failure!r}"
    if not values.deny_reason:
        yield "action.deny_reason: expected a sentence"
    if values.max_body_bytes < 1:
        yield f"action.max_body_bytes: expected a number of bytes, got {values.max_body_bytes}"


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
