"""`frontdesk.toml` and `.env` as people keep them: written for the first time, and a value set later.

Setting a value changes the one line that it belongs to: comments, order and everything else stay as they are.
"""

from __future__ import annotations

import os
import re
import tempfile
import tomllib
from collections.abc import Mapping
from pathlib import Path

from frontdesk.errors import UsageError
from frontdesk.settings_reference import assignment, comment, keys_by_section, literal
from frontdesk.settings_sources import TENANTS, Path_

FILE_HEAD = """\
# The settings of frontdesk; docs/reference/settings.md says more. Secrets do not belong here: they are in .env.
# A key that is commented out shows its default or an example.
"""
ENVIRONMENT_HEAD = """\
# The secrets of frontdesk, read from here unless the environment has them. Keep this file to yourself.
"""
PRIVATE = 0o600
PUBLIC = 0o644
_PLAIN = re.compile(r"[\w./:+=@%-]*", re.ASCII)


def first_file(values: Mapping[Path_, str], tenant: str) -> str:
    """Return a commented `frontdesk.toml` with one tenant, in which the keys of `values` are set."""
    parts = [FILE_HEAD]
    for section, keys in keys_by_section().items():
        shown = [key for key in keys if not key.is_secret]
        if section is None or not shown:
            continue
        lines = [f"[{TENANTS}.{tenant}]" if section == TENANTS else f"[{section}]"]
        for key in shown:
            path = key.path(tenant)
            line = f"{key.name} = {literal(values[path])}" if path in values else assignment(key)
            lines += [comment(key), line]
        parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)


def first_environment(values: Mapping[Path_, str], tenants: tuple[str, ...]) -> str:
    """Return a commented `.env` with the secrets of `values`; the other secrets are there without a value."""
    lines = []
    for section, keys in keys_by_section().items():
        for key in (key for key in keys if key.is_secret):
            for tenant in tenants if section == TENANTS else ("",):
                value = values.get(key.path(tenant))
                line = f"{key.variable(tenant)}={value or ''}"
                lines += [comment(key), line if value else f"# {line}"]
    return ENVIRONMENT_HEAD + "\n" + "\n".join(lines) + "\n"


def with_value(text: str, path: Path_, value: str) -> str:
    """Return the text of a settings file in which the key at `path` has `value`.

    Raises UsageError when the key has another value, or when its table is written in a way that has no line for it.
    """
    *tables, name = path
    if (known := _value_in(tomllib.loads(text), path)) is not None:
        if known == value:
            return text
        raise UsageError(f"[{'.'.join(tables)}] {name} is {known!r} already; it stays")
    lines = text.splitlines()
    header = next((at for at, line in enumerate(lines) if _is_header(line, tables)), None)
    if header is None:
        lines += ["", f"[{'.'.join(tables)}]"]
        header = len(lines) - 1
    end = next((at for at in range(header + 1, len(lines)) if lines[at].startswith("[")), len(lines))
    pattern = re.compile(rf"#\s*{re.escape(name)}\s*=")
    place = next((at for at in range(header + 1, end) if pattern.match(lines[at])), None)
    entry = f"{name} = {literal(value)}"
    if place is None:
        lines.insert(header + 1, entry)
    else:
        lines[place] = entry
    changed = "\n".join(lines) + "\n"
    try:
        if _value_in(tomllib.loads(changed), path) == value:
            return changed
    except tomllib.TOMLDecodeError:
        pass
    raise UsageError(f"the file has no line for [{'.'.join(tables)}] {name}; add it by hand: {entry}")


def with_variable(text: str, name: str, value: str) -> str:
    """Return the text of a `.env` in which the variable `name` has `value`, in place of the value that it had."""
    lines = text.splitlines()
    pattern = re.compile(rf"(export\s+)?{re.escape(name)}\s*=")
    empty = re.compile(rf"#\s*{re.escape(name)}\s*=\s*$")
    places = [at for at, line in enumerate(lines) if pattern.match(line)]
    places = places or [at for at, line in enumerate(lines) if empty.match(line)]
    entry = f"{name}={value if _PLAIN.fullmatch(value) else _quoted(value)}"
    if places:
        lines[places[-1]] = entry
    else:
        lines.append(entry)
    return "\n".join(lines) + "\n"


def write_file(path: Path, text: str, mode: int) -> None:
    """Write a file at once, so that no reader meets half of it; one that exists keeps its mode and its owner.

    Raises UsageError when it cannot be written.
    """
    try:
        if path.exists():
            path = path.resolve()
            before = path.stat()
            _replace(path, text, before.st_mode & 0o777, owner=(before.st_uid, before.st_gid))
        else:
            _replace(path, text, mode)
    except OSError as error:
        raise UsageError(f"{path}: cannot be written: {error.strerror}") from error


def _replace(path: Path, text: str, mode: int, *, owner: tuple[int, int] | None = None) -> None:
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        made = Path(temporary).stat()
        if owner is not None and owner != (made.st_uid, made.st_gid):
            os.chown(temporary, *owner)
        Path(temporary).chmod(mode)
        Path(temporary).replace(path)
    except OSError:
        Path(temporary).unlink(missing_ok=True)
        raise


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _value_in(tree: object, path: Path_) -> object:
    for part in path:
        tree = tree.get(part) if isinstance(tree, dict) else None
    return tree


def _is_header(line: str, tables: list[str]) -> bool:
    match = re.match(r"\[\s*([^\[\]]+?)\s*\]\s*(#.*)?$", line)
    return match is not None and [part.strip().strip("\"'") for part in match[1].split(".")] == tables
