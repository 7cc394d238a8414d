"""Where each secret comes from: a variable, a file that a variable names, or a line of `.env`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from pydantic import BaseModel

from frontdesk.settings_dotenv import dotenv_path, with_dotenv
from frontdesk.settings_sources import FILE_SUFFIX, PREFIX, Path_, keys_of, place_of


class Origin(StrEnum):
    """What holds a secret. A process cannot see its environment change; the two others are files."""

    ENVIRONMENT = "environment"
    FILE = "file"
    DOTENV = "dotenv"


@dataclass(frozen=True, kw_only=True)
class SecretPlace:
    """The place of one secret. `variable` is without `_FILE`; `path` is None for the environment alone."""

    variable: str
    origin: Origin
    path: Path | None = None


def places_of(
    model: type[BaseModel], environ: Mapping[str, str], directory: Path
) -> Mapping[Path_, SecretPlace]:
    """Return the place of every secret that is set, by the path of its key in the settings tree."""
    keys = keys_of(model)
    variables = with_dotenv(environ, directory).environ
    found = {}
    for name in sorted(each for each in variables if each.startswith(PREFIX) and variables[each]):
        place = place_of(keys, name)
        if place is not None and place[0].is_secret:
            key, tenant = place
            found[key.path(tenant)] = _place(name, key.variable(tenant), variables, environ, directory)
    return found


def _place(
    name: str, variable: str, variables: Mapping[str, str], environ: Mapping[str, str], directory: Path
) -> SecretPlace:
    if name == variable + FILE_SUFFIX:
        return SecretPlace(variable=variable, origin=Origin.FILE, path=Path(variables[name]).absolute())
    if not environ.get(name):
        path = dotenv_path(environ, directory).absolute()
        return SecretPlace(variable=variable, origin=Origin.DOTENV, path=path)
    return SecretPlace(variable=variable, origin=Origin.ENVIRONMENT)
