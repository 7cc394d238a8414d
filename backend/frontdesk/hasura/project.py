"""Reads a Hasura project directory (config v3, metadata v3) the way the `hasura` CLI does.

Source: Hasura docs, "Hasura Metadata Format Reference" and "Manage Postgres Migrations".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from frontdesk.errors import UsageError

# What the JSON of `replace_metadata` calls the content of each file; actions.yaml holds two of its keys.
_FILES = {
    "databases/databases.yaml": "sources",
    "allow_list.yaml": "allowlist",
    **{
        f"{name}.yaml": name
        for name in (
            "api_limits",
            "backend_configs",
            "cron_triggers",
            "graphql_schema_introspection",
            "inherited_roles",
            "metrics_config",
            "network",
            "opentelemetry",
            "query_collections",
            "remote_schemas",
            "rest_endpoints",
        )
    },
}
_INCLUDE = re.compile(r"^\s*!include\s+(?P<path>\S.*?)\s*$")
_MIGRATION = re.compile(r"^(?P<version>[0-9]+)_(?P<name>.*)$")
_SUPPORTED_VERSION = 3


@dataclass(frozen=True)
class Migration:
    """One directory below migrations/<source>/."""

    source: str
    version: int
    name: str
    directory: Path

    @property
    def up(self) -> str:
        """The SQL that brings it in; empty when there is none."""
        file = self.directory / "up.sql"
        return _read(file) if file.exists() else ""


@dataclass(frozen=True)
class Project:
    """A project directory's content. `metadata` is what `replace_metadata` takes."""

    metadata: dict[str, Any]
    migrations: tuple[Migration, ...]


def read_project(directory: Path) -> Project:
    """Return the project in `directory`. Raises UsageError naming the file that cannot be used."""
    config = _load(directory / "config.yaml")
    if not isinstance(config, dict) or config.get("version") != _SUPPORTED_VERSION:
        raise UsageError(f"{directory / 'config.yaml'}: expected a Hasura project with version: 3")
    metadata_dir = directory / str(config.get("metadata_directory", "metadata"))
    migrations_dir = directory / str(config.get("migrations_directory", "migrations"))
    metadata = read_metadata(metadata_dir)
    sources = [str(source.get("name")) for source in metadata["sources"] if isinstance(source, dict)]
    found = [migration for source in sources for migration in _migrations(migrations_dir / source, source)]
    return Project(metadata=metadata, migrations=tuple(found))


def read_metadata(directory: Path) -> dict[str, Any]:
    """Return a metadata directory as one document. A missing file counts as empty, and empty keys are left out."""
    version = _load(directory / "version.yaml")
    if not isinstance(version, dict) or version.get("version") != _SUPPORTED_VERSION:
        raise UsageError(f"{directory / 'version.yaml'}: expected version: 3")
    _refuse_actions(directory)
    metadata: dict[str, Any] = {"version": _SUPPORTED_VERSION, "sources": []}
    for file, key in _FILES.items():
        content = _load(directory / file) if (directory / file).exists() else None
        if not _is_empty(content):
            metadata[key] = content
    return metadata


def _migrations(directory: Path, source: str) -> list[Migration]:
    found: list[Migration] = []
    for entry in directory.iterdir() if directory.is_dir() else ():
        match = _MIGRATION.match(entry.name)
        if match and entry.is_dir():
            found.append(Migration(source, int(match["version"]), match["name"], entry))
    return sorted(found, key=lambda migration: migration.version)


def _refuse_actions(directory: Path) -> None:
    """Refuse what would need the schema language translated: actions and their types."""
    file = directory / "actions.graphql"
    if file.exists() and _read(file).strip():
        raise UsageError(
            f"{file}: Hasura actions cannot be applied by frontdesk; use `hasura metadata apply`"
        )


def _is_empty(content: Any) -> bool:
    if isinstance(content, dict):
        return all(_is_empty(value) for value in content.values())
    return content is None or content == []


class _Loader(yaml.SafeLoader):
    """YAML as the CLI reads it: `!include` may be a tag too."""


_Loader.add_constructor("!include", lambda loader, node: f"!include {loader.construct_scalar(node)}")  # type: ignore[arg-type]


def _load(file: Path, root: Path | None = None, above: tuple[Path, ...] = ()) -> Any:
    """Return the content of a YAML file with its includes in place; they may not leave the directory `root`."""
    root = root or file.parent
    if file.resolve() in above:
        raise UsageError(f"{file}: includes itself")
    try:
        content = yaml.load(_read(file), Loader=_Loader)  # noqa: S506 - a SafeLoader with one more tag
    except yaml.YAMLError as err:
        raise UsageError(f"{file}: is no YAML: {err}") from err
    include = partial(_include, file.parent, root=root, above=(*above, file.resolve()))
    return _replace(content, include)


def _replace(content: Any, include: Any) -> Any:
    if isinstance(content, dict):
        return {key: _replace(value, include) for key, value in content.items()}
    if isinstance(content, list):
        return [_replace(value, include) for value in content]
    match = _INCLUDE.match(content) if isinstance(content, str) else None
    return content if match is None else include(match["path"])


def _include(directory: Path, path: str, *, root: Path, above: tuple[Path, ...]) -> Any:
    file = directory / path
    if not file.resolve().is_relative_to(root.resolve()):
        raise UsageError(f"{file}: is outside {root}")
    return _load(file, root, above)


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as err:
        raise UsageError(f"{file}: cannot be read: {err}") from err
