"""The Actions that ship: each a directory with `action.js`, which runs as it is, and `manifest.yaml`.

The manifest says which trigger the Action belongs to, what it needs and which places of its source rendering fills.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from frontdesk.errors import FrontdeskError
from frontdesk.shipped import PLACES, shipped


class ActionInvalid(FrontdeskError):
    """An Action's directory is not as it should be."""

    type = "urn:frontdesk:problem:action-invalid"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


Sentence = Annotated[str, StringConstraints(min_length=10, pattern=r"\.$")]


class Trigger(_Part):
    """The trigger that the Action is bound to."""

    id: Literal["post-login", "credentials-exchange", "post-user-registration", "post-change-password"]
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


def action_dir(name: str) -> Path:
    """Return the directory of the Action `name`: beside the package's source tree, or where a wheel puts it."""
    found = shipped(f"actions/{name}", "action.js")
    if found is None:
        raise ActionInvalid(
            f"no Action {name!r} in {' or '.join(str(place / 'actions') for place in PLACES)}"
        )
    return found


def read_manifest(directory: Path) -> ActionManifest:
    """Return the manifest of the Action in `directory`. Raises ActionInvalid when it breaks its schema."""
    path = directory / "manifest.yaml"
    try:
        return ActionManifest.model_validate(yaml.safe_load(path.read_text("utf-8")))
    except (OSError, yaml.YAMLError, ValidationError) as error:
        raise ActionInvalid(f"{path}: {error}") from error
