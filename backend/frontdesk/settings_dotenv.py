"""`.env`: variables from a file, for whoever has not set them in the environment.

The file stands beside the settings file. A variable of the environment wins over it, with or without `_FILE`.
"""

from __future__ import annotations

import io
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from dotenv.parser import parse_stream

from frontdesk.settings_sources import (
    CONFIG_VARIABLE,
    DEFAULT_FILE,
    FILE_SUFFIX,
    PREFIX,
    read_text,
    why_unreadable,
)

DOTENV = ".env"


@dataclass(frozen=True, kw_only=True)
class Variables:
    """The environment with what `.env` adds to it, what was wrong with reading it, and what somebody should mend."""

    environ: Mapping[str, str]
    faults: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Found:
    values: dict[str, str] = field(default_factory=dict, repr=False)
    faults: list[str] = field(default_factory=list)


def with_dotenv(environ: Mapping[str, str], directory: Path) -> Variables:
    """Return `environ` with the FRONTDESK_ variables of the `.env` beside the settings file that it names."""
    path = dotenv_path(environ, directory)
    if not path.is_file():
        return Variables(environ=environ)
    found = _read(path)
    added = {name: value for name, value in found.values.items() if not _is_set(environ, name)}
    return Variables(
        environ={**environ, **added},
        faults=tuple(found.faults),
        warnings=_warnings(path) if found.values else (),
    )


def dotenv_path(environ: Mapping[str, str], directory: Path) -> Path:
    """Return where `.env` is, or would be: beside the settings file that `environ` names."""
    return (directory / (environ.get(CONFIG_VARIABLE) or DEFAULT_FILE)).parent / DOTENV


def _read(path: Path) -> _Found:
    found = _Found()
    try:
        text = read_text(path)
    except (OSError, ValueError) as error:
        found.faults.append(f"{path}: expected a readable file: {why_unreadable(error)}")
        return found
    for binding in parse_stream(io.StringIO(text)):
        # Other programs read the file too: docker compose, for one.
        is_ours = (binding.key or "").startswith(PREFIX)
        if binding.error or (is_ours and binding.value is None):
            found.faults.append(f"{path}: line {binding.original.line}: expected NAME=value")
        elif is_ours and binding.key is not None and binding.value is not None:
            found.values[binding.key] = binding.value
    return found


def _is_set(environ: Mapping[str, str], name: str) -> bool:
    """Say whether the environment has the variable, or the same secret in the other of its two forms."""
    plain = name.removesuffix(FILE_SUFFIX)
    return bool(environ.get(plain) or environ.get(plain + FILE_SUFFIX))


def _warnings(path: Path) -> tuple[str, ...]:
    if path.stat().st_mode & stat.S_IROTH:
        return (f"{path} holds secrets and every user of this machine can read it; run chmod 600 {path}",)
    return ()
