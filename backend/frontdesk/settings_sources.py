"""Where settings come from: the environment and one TOML file, read into two trees with every fault named.

Nothing here knows a key by name: the keys come from the model, so a new one needs no change here. No fault holds the
value of a secret, or any value of an unknown variable.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

PREFIX = "FRONTDESK_"
CONFIG_VARIABLE = "FRONTDESK_CONFIG"
DEFAULT_FILE = "frontdesk.toml"
FILE_SUFFIX = "_FILE"
TENANTS = "tenants"
TENANT_KEY = r"^[a-z][a-z0-9_]{0,63}$"  # the column `tenant` takes 64 bytes
MAX_FILE_BYTES = 1024 * 1024
MAX_SHOWN_CHARS = 80
# What Kubernetes and Docker set by themselves beside a service that is called frontdesk.
_SERVICE_LINK = re.compile(
    r"FRONTDESK_(\w+_)?(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_\d+_(TCP|UDP|SCTP)(_\w+)?)"
)
_SERVICE_ADDRESS = re.compile(r"(tcp|udp|sctp)://\S+:\d+")

Tree = dict[str, Any]
Path_ = tuple[str, ...]


@dataclass(frozen=True)
class Key:
    """One key of the model. `section` is None at the top level and `tenants` for a key of each tenant."""

    section: str | None
    name: str
    field: FieldInfo

    @property
    def is_secret(self) -> bool:
        """Whether the value must not be in the file, in a message or in a log."""
        return _mentions(self.field.annotation, SecretStr)

    @property
    def is_needed(self) -> bool:
        """Whether frontdesk cannot run without a value for it."""
        extra = self.field.json_schema_extra
        return self.field.is_required() or (isinstance(extra, dict) and extra.get("needed") is True)

    @property
    def is_table(self) -> bool:
        """Whether it is a table of the file by itself, whose keys are people's own."""
        return self.section is None and isinstance(self.field.default, dict)

    @property
    def expected(self) -> str:
        """What the value must be, in words."""
        extra = self.field.json_schema_extra
        return str(extra["expected"]) if isinstance(extra, dict) else ""

    def path(self, tenant: str = "default") -> Path_:
        """The place of the key in the tree."""
        if self.section is None:
            return (self.name,)
        return (TENANTS, tenant, self.name) if self.section == TENANTS else (self.section, self.name)

    def variable(self, tenant: str = "default") -> str:
        """The name of its environment variable."""
        return PREFIX + "_".join(self.path(tenant)).upper()

    def place_in_file(self, tenant: str = "default") -> str:
        """Its place in the TOML file."""
        *table, name = self.path(tenant)
        return f"[{'.'.join(table)}] {name}" if table else f"[{name}]" if self.is_table else name

    def title(self, tenant: str = "default") -> str:
        """How a message names the key."""
        variable = self.variable(tenant)
        return (
            f"{variable} (or {variable}_FILE)"
            if self.is_secret
            else f"{variable} ({self.place_in_file(tenant)})"
        )


@dataclass(frozen=True, kw_only=True)
class Sources:
    """The two trees, and what was wrong with reading them. `faulty` are the keys that have a fault already."""

    environment: Tree = field(default_factory=dict)
    file: Tree = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    faulty: set[Path_] = field(default_factory=set)


def keys_of(model: type[BaseModel]) -> tuple[Key, ...]:
    """Return every key of the settings model, in its order."""
    return tuple(_keys(model))


def section_models(model: type[BaseModel]) -> dict[str, type[BaseModel]]:
    """Return the model of each section by its name, `tenants` included."""
    found = {name: _model_in(info.annotation) for name, info in model.model_fields.items()}
    return {name: section for name, section in found.items() if section is not None}


def read_sources(model: type[BaseModel], environ: Mapping[str, str], directory: Path) -> Sources:
    """Read the variables of `environ` and the file that they name. Faults are collected, not raised."""
    sources = Sources()
    keys = keys_of(model)
    _read_file(keys, environ, directory, sources)
    _read_environment(keys, environ, sources)
    return sources


def faults_of(model: type[BaseModel], error: ValidationError, sources: Sources) -> list[str]:
    """Return one sentence for each fault of `error`, but for keys that have one already."""
    keys = keys_of(model)
    sentences: list[str] = []
    for details in error.errors(include_url=False):
        for sentence in _sentences(keys, details, sources):
            if sentence not in sentences:
                sentences.append(sentence)
    return sentences


def missing_secrets(model: type[BaseModel], settings: BaseModel, sources: Sources) -> list[str]:
    """Return one sentence for each needed secret that `settings` has not, but for keys that have a fault already."""
    tree = {name: getattr(settings, name) for name in model.model_fields}
    found = []
    for key in (key for key in keys_of(model) if key.is_secret and key.is_needed):
        for tenant in tree[TENANTS] if key.section == TENANTS else ("default",):
            section = (
                tree[TENANTS][tenant] if key.section == TENANTS else tree.get(key.section or "", settings)
            )
            if not getattr(section, key.name) and key.path(tenant) not in sources.faulty:
                found.append(f"{key.title(tenant)}: missing; expected {key.expected}")
    return found


def _keys(model: type[BaseModel]) -> Iterator[Key]:
    sections = section_models(model)
    for name, info in model.model_fields.items():
        if name not in sections:
            yield Key(None, info.alias or name, info)
        else:
            fields = sections[name].model_fields.items()
            yield from (Key(name, each.alias or inner, each) for inner, each in fields)


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in get_args(annotation) if (found := _model_in(part))), None)


def _mentions(annotation: Any, wanted: type) -> bool:
    return annotation is wanted or any(_mentions(part, wanted) for part in get_args(annotation))


def _read_file(keys: tuple[Key, ...], environ: Mapping[str, str], directory: Path, sources: Sources) -> None:
    named = environ.get(CONFIG_VARIABLE, "")
    path = directory / (named or DEFAULT_FILE)
    if not named and not path.exists():
        return
    try:
        text = read_text(path)
        sources.file.update(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        sources.faults.append(f"{path}: expected TOML: {error}")
    except (OSError, ValueError) as error:
        hint = f"; {CONFIG_VARIABLE} names it" if named else ""
        sources.faults.append(f"{path}: expected a readable file: {why_unreadable(error)}{hint}")
    _refuse_secrets(keys, sources)


def _refuse_secrets(keys: tuple[Key, ...], sources: Sources) -> None:
    tenants = sources.file.get(TENANTS)
    for key in (key for key in keys if key.is_secret):
        for tenant in list(tenants) if key.section == TENANTS and isinstance(tenants, dict) else ["default"]:
            *tables, name = key.path(tenant)
            table: Any = sources.file
            for part in tables:
                table = table.get(part) if isinstance(table, dict) else None
            if isinstance(table, dict) and name in table:
                del table[name]
                variable = key.variable(tenant)
                sources.faults.append(
                    f"{key.place_in_file(tenant)}: a secret does not belong in the file; "
                    f"set {variable}, or {variable}_FILE to the name of a file that holds it"
                )
                sources.faulty.add(key.path(tenant))


def _read_environment(keys: tuple[Key, ...], environ: Mapping[str, str], sources: Sources) -> None:
    for variable in sorted(name for name in environ if name.startswith(PREFIX) and name != CONFIG_VARIABLE):
        place = place_of(keys, variable)
        if place is None:
            _unknown_variable(keys, variable, environ[variable], sources)
            continue
        key, tenant = place
        if not environ[variable]:
            continue  # compose files and .env templates hand over what is not set as an empty string
        path = key.path(tenant)
        if variable == key.variable(tenant) + FILE_SUFFIX:
            if environ.get(key.variable(tenant)):
                sources.faults.append(f"{variable}: expected either it or {key.variable(tenant)}, not both")
                sources.faulty.add(path)
            else:
                _read_secret_file(variable, environ[variable], path, sources)
        else:
            _set(sources.environment, path, environ[variable])


def place_of(keys: tuple[Key, ...], variable: str) -> tuple[Key, str] | None:
    """Return the key that a variable sets, with its tenant (`default` for a key of no tenant); None for no key."""
    for key in keys:
        suffix = f"({FILE_SUFFIX})?" if key.is_secret else ""
        if key.section == TENANTS:
            match = re.fullmatch(rf"{PREFIX}TENANTS_([A-Z][A-Z0-9_]*)_{key.name.upper()}{suffix}", variable)
        else:
            match = re.fullmatch(rf"({key.variable()}){suffix}", variable)
        if match:
            return key, match[1].lower() if key.section == TENANTS else "default"
    return None


def _unknown_variable(keys: tuple[Key, ...], variable: str, value: str, sources: Sources) -> None:
    if _SERVICE_LINK.fullmatch(variable) or (
        variable.endswith("_PORT") and _SERVICE_ADDRESS.fullmatch(value)
    ):
        return
    tenants = {"default", *sources.file.get(TENANTS, {}), *sources.environment.get(TENANTS, {})}
    known = [key.variable(tenant) for key in keys for tenant in sorted(tenants)]
    known += [name + FILE_SUFFIX for name in known if name.endswith(("SECRET", "SECRETS", "TOKEN", "TOKENS"))]
    sources.faults.append(f"{variable}: unknown setting{_nearest(variable, [*known, CONFIG_VARIABLE])}")


def _nearest(name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.7)
    return f"; did you mean {close[0]}?" if close else "; docs/reference/settings.md lists the known ones"


def _read_secret_file(variable: str, name: str, path: Path_, sources: Sources) -> None:
    try:
        _set(sources.environment, path, read_text(Path(name)).strip())
    except (OSError, ValueError) as error:
        sources.faults.append(
            f"{variable}: expected the name of a readable text file: {why_unreadable(error)}"
        )
        sources.faulty.add(path)


def read_text(path: Path) -> str:
    """Return the text of a settings file. Raises OSError, or ValueError when it is too large or not UTF-8."""
    with path.open("rb") as file:
        content = file.read(MAX_FILE_BYTES + 1)
    if len(content) > MAX_FILE_BYTES:
        raise ValueError(f"larger than {MAX_FILE_BYTES} bytes")
    return content.decode()


def why_unreadable(error: Exception) -> str:
    """Say in a few words why `read_text` failed, without anything of the file."""
    # The text of a UnicodeDecodeError shows bytes of the file.
    if isinstance(error, UnicodeDecodeError):
        return "not UTF-8"
    return error.strerror or "not readable" if isinstance(error, OSError) else str(error)


def _set(tree: Tree, path: Path_, value: str) -> None:
    for part in path[:-1]:
        tree = tree.setdefault(part, {})
    tree[path[-1]] = value


def _sentences(keys: tuple[Key, ...], details: ErrorDetails, sources: Sources) -> Iterator[str]:
    location = tuple(str(part) for part in details["loc"])
    if not location:
        yield str(details["ctx"]["error"])
    elif details["type"] == "extra_forbidden":
        yield _unknown_key(keys, location)
    elif location[-1] == "[key]":
        yield (
            f"[{TENANTS}.{location[1]}]: expected a tenant key of at most 64 lower-case letters, digits and "
            "underscores"
        )
    elif (place := _key_at(keys, location)) is not None:
        key, tenant = place
        # A default that follows from another key has no fault of its own.
        if key.path(tenant) not in sources.faulty and details["type"] != "default_factory_not_called":
            yield _key_fault(key, tenant, details)
    else:
        yield from _section_faults(keys, location, details, sources)


def _key_at(keys: tuple[Key, ...], location: Path_) -> tuple[Key, str] | None:
    for key in keys:
        tenant = location[1] if key.section == TENANTS and len(location) > 1 else "default"
        path = key.path(tenant)
        if location[: len(path)] == path:
            return key, tenant
    return None


def _key_fault(key: Key, tenant: str, details: ErrorDetails) -> str:
    title = key.title(tenant)
    if details["type"] == "missing":
        return f"{title}: missing; expected {key.expected}"
    reason = str(details.get("ctx", {}).get("error", "")) if details["type"] == "value_error" else ""
    if reason:
        return f"{title}: {reason}"
    return f"{title}: expected {key.expected}{_shown(key, details['input'])}"


def _shown(key: Key, value: object) -> str:
    if key.is_secret or not isinstance(value, str | int | float):
        return ""
    text = repr(value)
    # A URL with a password in it is a likely mistake.
    if "@" in text or len(text) > MAX_SHOWN_CHARS:
        return ""
    return f", got {text}"


def _section_faults(
    keys: tuple[Key, ...], location: Path_, details: ErrorDetails, sources: Sources
) -> Iterator[str]:
    """Say what a whole section lacks, key by key, or that it is no table."""
    if details["type"] not in {"missing", "too_short"}:
        yield f"[{'.'.join(location)}]: expected a table"
        return
    for key in keys:
        if key.section == location[0] and key.is_needed and key.path() not in sources.faulty:
            yield _key_fault(key, "default", {**details, "type": "missing"})


def _unknown_key(keys: tuple[Key, ...], location: Path_) -> str:
    *table, name = location
    section = table[0] if table else None
    siblings = [key.name for key in keys if key.section == section]
    if not table:
        siblings += sorted({key.section for key in keys if key.section})
    place = f"[{'.'.join(table)}] {name}" if table else name
    return f"{place}: unknown setting{_nearest(name, siblings)}"
