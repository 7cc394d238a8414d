"""The first settings of a project: `frontdesk.toml`, `.env` with generated secrets, and `.env` in `.gitignore`.

Nothing that exists is overwritten. What is not known yet gets a placeholder below `change-me.invalid`, a domain that no
name server knows, so no call goes to a stranger.
"""

from __future__ import annotations

import base64
import re
import secrets
import tempfile
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from frontdesk.errors import SettingsInvalid, UsageError
from frontdesk.settings import Settings, load_settings
from frontdesk.settings_dotenv import DOTENV, with_dotenv
from frontdesk.settings_files import (
    PRIVATE,
    PUBLIC,
    first_environment,
    first_file,
    write_file,
)
from frontdesk.settings_sources import (
    DEFAULT_FILE,
    FILE_SUFFIX,
    PREFIX,
    TENANT_KEY,
    TENANTS,
    Path_,
    read_text,
    why_unreadable,
)

PLACEHOLDER = "change-me.invalid"
DEFAULT_TENANT = "default"
DEFAULT_HASURA_URL = "http://127.0.0.1:8080"
SECRET_BYTES = 32


@dataclass(frozen=True, kw_only=True)
class Answers:
    """What the person knows already; None becomes a placeholder, or the default where there is one."""

    domain: str | None = None
    audience: str | None = None
    hasura_url: str | None = None
    url: str | None = None
    tenant: str = DEFAULT_TENANT


@dataclass(frozen=True, kw_only=True)
class Started:
    """What was written, what was there already, which keys still hold a placeholder, which secrets are missing."""

    written: tuple[Path, ...]
    kept: tuple[Path, ...]
    ignored: Path | None
    placeholders: tuple[str, ...]
    missing: tuple[str, ...]


def start_project(
    directory: Path, answers: Answers, *, new_secret: Callable[[], str] = lambda: _token()
) -> Started:
    """Write the two files into `directory` as far as they are missing, and keep `.env` out of git.

    Raises SettingsInvalid when an answer is not what its key expects, UsageError when a file cannot be written; then
    nothing was written.
    """
    file, environment = directory / DEFAULT_FILE, directory / DOTENV
    if not re.fullmatch(TENANT_KEY, answers.tenant):
        raise SettingsInvalid(
            [f"--tenant {answers.tenant}: expected a tenant key: a letter, then a-z, 0-9 and _"]
        )
    values = _values(answers)
    text = _known(file) if file.exists() else first_file(values, answers.tenant)
    tenants = _tenants_of(file, text)
    secrets_text = first_environment(_secrets(tenants, new_secret), tenants)
    if not file.exists():
        _check(text, secrets_text)
    if not directory.is_dir():
        raise UsageError(f"--dir {directory}: is not a directory; make it first")
    written = []
    for path, content, mode in ((file, text, PUBLIC), (environment, secrets_text, PRIVATE)):
        if not path.exists():
            write_file(path, content, mode)
            written.append(path)
    return Started(
        written=tuple(written),
        kept=tuple(path for path in (file, environment) if path not in written),
        ignored=_ignore(directory),
        placeholders=placeholders_in(tomllib.loads(text)),
        missing=_missing(directory, secrets_text),
    )


def placeholders_in(tree: object, above: str = "") -> tuple[str, ...]:
    """Return the keys of a settings tree that still hold the placeholder, such as `tenants.default.domain`."""
    if isinstance(tree, Mapping):
        parts = ((f"{above}.{name}" if above else str(name), inner) for name, inner in tree.items())
        return tuple(found for name, inner in parts for found in placeholders_in(inner, name))
    return (above,) if isinstance(tree, str) and PLACEHOLDER in tree else ()


def placeholders_of(settings: Settings) -> tuple[str, ...]:
    """Return the keys of loaded settings that still hold the placeholder."""
    return placeholders_in(settings.model_dump(mode="json", include={"hasura", "tenants", "action"}))


def _values(answers: Answers) -> dict[Path_, str]:
    return {
        ("hasura", "url"): answers.hasura_url or DEFAULT_HASURA_URL,
        (TENANTS, answers.tenant, "domain"): answers.domain or f"tenant.{PLACEHOLDER}",
        (TENANTS, answers.tenant, "audience"): answers.audience or f"https://api.{PLACEHOLDER}",
        ("action", "url"): answers.url or f"https://frontdesk.{PLACEHOLDER}",
    }


def _secrets(tenants: tuple[str, ...], new_secret: Callable[[], str]) -> dict[Path_, str]:
    found: dict[Path_, str] = {
        ("operator_token",): new_secret(),
        ("hasura", "admin_secret"): new_secret(),
    }
    for tenant in tenants:
        found[(TENANTS, tenant, "hook_secrets")] = hook_secret()
        found[(TENANTS, tenant, "stream_tokens")] = new_secret()
    return found


def hook_secret() -> str:
    """Return a new secret for signatures of hook calls."""
    return f"whsec_{base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()}"


def _token() -> str:
    return secrets.token_urlsafe(SECRET_BYTES)


def _known(file: Path) -> str:
    try:
        return read_text(file)
    except (OSError, ValueError) as error:
        raise SettingsInvalid([f"{file}: expected a readable file: {why_unreadable(error)}"]) from error


def _tenants_of(file: Path, text: str) -> tuple[str, ...]:
    try:
        tenants = tomllib.loads(text).get(TENANTS, {})
    except tomllib.TOMLDecodeError as error:
        raise SettingsInvalid([f"{file}: expected TOML: {error}"]) from error
    return tuple(tenants) or (DEFAULT_TENANT,)


def _check(text: str, environment: str) -> None:
    """Read both texts as frontdesk will, before anything is written."""
    with tempfile.TemporaryDirectory() as place:
        write_file(Path(place) / DEFAULT_FILE, text, PRIVATE)
        write_file(Path(place) / DOTENV, environment, PRIVATE)
        load_settings({}, Path(place))


def _missing(directory: Path, environment: str) -> tuple[str, ...]:
    """Return the variables of `environment` that the `.env` of the directory has not: it was somebody else's before."""
    known = with_dotenv({}, directory).environ
    wanted = (line.partition("=")[0] for line in environment.splitlines() if line.startswith(PREFIX))
    return tuple(name for name in wanted if not known.get(name) and not known.get(name + FILE_SUFFIX))


def _ignore(directory: Path) -> Path | None:
    """Add `.env` to the .gitignore of `directory` inside a git checkout; return the file when it was changed."""
    above = (directory.resolve(), *directory.resolve().parents)
    root = next((each for each in above if (each / ".git").exists()), None)
    if root is None:
        return None
    inside = above[: above.index(root) + 1]
    if any(_ignores(each / ".gitignore") for each in inside):
        return None
    path = directory / ".gitignore"
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    write_file(path, text + ("" if not text or text.endswith("\n") else "\n") + f"{DOTENV}\n", PUBLIC)
    return path


def _ignores(path: Path) -> bool:
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    return any(
        line.strip() in {DOTENV, f"/{DOTENV}", f"{DOTENV}*", "*.env", f"**/{DOTENV}"} for line in lines
    )
