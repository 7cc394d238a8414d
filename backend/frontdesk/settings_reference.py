"""The settings as documents: the reference page, `.env.example` and `frontdesk.example.toml`, from the model.

`python -m frontdesk.settings_reference` writes them; a test compares what is there with what it would write.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from enum import Enum
from pathlib import Path
from typing import Any

from pydantic_core import PydanticUndefined

from frontdesk.settings import Settings
from frontdesk.settings_sources import TENANTS, Key, keys_of, section_models

PROJECT = Path(__file__).resolve().parents[2]
REFERENCE_HEAD = """\
# Settings

<!-- Written by `python -m frontdesk.settings_reference` from settings_model.py; a test compares them. -->

frontdesk reads `frontdesk.toml` in the current directory, or the file that `FRONTDESK_CONFIG` names, and the
environment; the environment wins, key by key. An empty variable counts as not set. In a variable, a list is words
separated by comma or space, and a table is a JSON object. Keys without a default are required.

A file `.env` beside the settings file may hold variables too: `NAME=value`, one a line, of which only FRONTDESK_ ones
are read. The environment wins over it, with or without `_FILE`. Keep it to yourself (`chmod 600 .env`): frontdesk warns
when every user of the machine can read it.

Secrets come from variables only: from the variable itself, or from the file that the same variable with `_FILE`
names. A secret in `frontdesk.toml`, an unknown key and an unknown `FRONTDESK_` variable stop the start. All faults are
reported in one message.
"""
ENVIRONMENT_HEAD = """\
# Written by `python -m frontdesk.settings_reference`. Copy to .env and fill in; .env is not part of the repository.
# docker-compose.yml takes its secrets from here. Every other setting can be a variable too: docs/reference/settings.md.

# --- docker-compose.yml alone ---

# Password of the database that compose starts. It goes into a URL: use letters and digits.
POSTGRES_PASSWORD=
# What `frontdesk jwt-secret` prints, in single quotes.
HASURA_GRAPHQL_JWT_SECRET=

# --- frontdesk ---

# The settings file; ./frontdesk.toml when unset.
# FRONTDESK_CONFIG=
"""
FILE_HEAD = """\
# Written by `python -m frontdesk.settings_reference`. Copy to frontdesk.toml and fill in.
# Secrets do not belong here; .env.example lists them. A key that is commented out shows its default or an example.
"""


def reference_page() -> str:
    """Return docs/reference/settings.md."""
    parts = [REFERENCE_HEAD]
    models = section_models(Settings)
    for section, keys in keys_by_section().items():
        if section is None:
            parts.append("## Top level\n")
        else:
            title = f"[{TENANTS}.<tenant>]" if section == TENANTS else f"[{section}]"
            parts.append(f"## {title}\n\n{_first_line(models[section].__doc__)}\n")
        parts.append("| key and variable | default | expected | meaning |\n| --- | --- | --- | --- |")
        parts.append("\n".join(_row(key) for key in keys) + "\n")
    return "\n".join(parts)


def example_environment() -> str:
    """Return .env.example: what has to be set and must not be in a file, and the rest commented out."""
    parts = [ENVIRONMENT_HEAD]
    for key in keys_of(Settings):
        if not key.is_secret:
            continue
        line = f"{key.variable()}="
        parts.append(f"{comment(key)}\n{line if key.is_needed else '# ' + line}")
    return "\n".join(parts) + "\n"


def example_file() -> str:
    """Return frontdesk.example.toml, in which what has a default is commented out."""
    parts = [FILE_HEAD]
    for section, keys in keys_by_section().items():
        shown = [key for key in keys if not key.is_secret]
        if section is None:
            parts += [_table(key) for key in shown if key.is_table]
            continue
        if not shown:
            continue
        title = f"[{TENANTS}.default]" if section == TENANTS else f"[{section}]"
        lines = "\n".join(f"{comment(key)}\n{assignment(key)}" for key in shown)
        parts.append(f"{title}\n{lines}\n")
    return "\n".join(parts)


def documents() -> Mapping[Path, str]:
    """Return every document by its place in the project."""
    return {
        PROJECT / "docs" / "reference" / "settings.md": reference_page(),
        PROJECT / ".env.example": example_environment(),
        PROJECT / "frontdesk.example.toml": example_file(),
    }


def keys_by_section() -> dict[str | None, list[Key]]:
    """Return every key below its section, in the order of the model."""
    sections: dict[str | None, list[Key]] = {}
    for key in keys_of(Settings):
        sections.setdefault(key.section, []).append(key)
    return sections


def _table(key: Key) -> str:
    """Return a table whose keys are people's own, with an example of each kind."""
    example = (key.field.examples or [{}])[0]
    lines = "\n".join(f"# {name} = {literal(said)}" for name, said in example.items())
    return f"{key.place_in_file()}\n{comment(key)}\n{lines}\n"


def _row(key: Key) -> str:
    variable = key.variable("<tenant>")
    names = f"`{variable}`, `{variable}_FILE`" if key.is_secret else f"`{key.name}`<br>`{variable}`"
    expected = key.expected.replace("<", "&lt;").replace("|", "\\|")
    return f"| {names} | {_default(key)} | {expected} | {key.field.description} |"


def _default(key: Key) -> str:
    extra = key.field.json_schema_extra
    if isinstance(extra, dict) and "default" in extra:
        return f"`{extra['default']}`"
    if key.is_needed:
        return "required"
    return "unset" if key.field.default is None else f"`{literal(key.field.default)}`"


def assignment(key: Key) -> str:
    """Return the line of a key in the example file: commented out, unless there has to be a value."""
    examples = key.field.examples or []
    # The Action's URL has no default, and nothing but the Action needs it; whoever copies the file wants both.
    if key.is_needed or key.path() == ("action", "url"):
        return f"{key.name} = {literal(examples[0])}"
    extra = key.field.json_schema_extra
    if isinstance(extra, dict) and "default" in extra:
        value: Any = extra["default"]
    else:
        value = examples[0] if examples else key.field.default
    return f"# {key.name} = {literal(value if value is not None else '')}"


def literal(value: object) -> str:
    """Return a value as TOML writes it."""
    if value is PydanticUndefined:
        raise ValueError("the key has neither a default nor an example")
    if isinstance(value, Enum):
        return json.dumps(value.value)
    if isinstance(value, tuple | list):
        return "[" + ", ".join(literal(each) for each in value) + "]"
    if isinstance(value, dict):
        inner = ", ".join(f"{json.dumps(name)} = {literal(each)}" for name, each in value.items())
        return f"{{ {inner} }}" if inner else "{}"
    return json.dumps(value, ensure_ascii=False)


def comment(key: Key) -> str:
    """Return what the key means, as comment lines."""
    return "\n".join(f"# {line}" for line in _wrapped(key.field.description or ""))


def _wrapped(text: str, width: int = 110) -> Iterator[str]:
    line = ""
    for word in text.split():
        if line and len(line) + 1 + len(word) > width:
            yield line
            line = word
        else:
            line = f"{line} {word}".strip()
    yield line


def _first_line(text: str | None) -> str:
    return (text or "").strip().splitlines()[0]


def main() -> None:
    """Write every document."""
    for path, text in documents().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
