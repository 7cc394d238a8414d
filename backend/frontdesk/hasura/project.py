"""Reads a Hasura project directory (config v3, metadata v3) the way the `hasura` CLI does.

Source: Hasura docs, "Hasura Metadata Format Reference" and "Manage Postgres Migrations".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from frontdesk.errors import UsageError
from frontdesk.hasura.schema_move import PUBLIC, moved_metadata, moved_sql
from frontdesk.shipped import shipped

LOCAL_PROJECT = Path("hasura")

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
_NAME = r'(?:"?\w+"?\s*\.\s*)?"?(\w+)"?'
_CREATED_TABLE = re.compile(rf"^CREATE TABLE (?:IF NOT EXISTS )?{_NAME}", re.IGNORECASE | re.MULTILINE)
# A function that is replaced was there before, so its being there tells nothing.
_CREATED_FUNCTION = re.compile(rf"^CREATE FUNCTION {_NAME}", re.IGNORECASE | re.MULTILINE)
_ADDED_COLUMN = re.compile(rf'^ALTER TABLE {_NAME} ADD COLUMN "?(\w+)"?', re.IGNORECASE | re.MULTILINE)
_TAKES_THE_PLACE_OF = re.compile(r"^-- frontdesk: takes the place of ([0-9]+)_", re.MULTILINE)


@dataclass(frozen=True)
class Migration:
    """One directory below migrations/<source>/. Its SQL is told for `schema`, though it is written for `public`."""

    source: str
    version: int
    name: str
    directory: Path
    schema: str = PUBLIC

    @property
    def up(self) -> str:
        """The SQL that brings it in; empty when there is none."""
        return self._sql("up.sql")

    @property
    def down(self) -> str:
        """The SQL that takes it back; empty when there is none."""
        return self._sql("down.sql")

    @property
    def tables(self) -> tuple[str, ...]:
        """The tables that it creates, by name without schema."""
        return tuple(_CREATED_TABLE.findall(self.up))

    @property
    def functions(self) -> tuple[str, ...]:
        """The functions that it creates, by name without schema."""
        return tuple(_CREATED_FUNCTION.findall(self.up))

    @property
    def columns(self) -> tuple[tuple[str, str], ...]:
        """The columns that it adds to tables that were there, each by table and name, without schema."""
        return tuple(_ADDED_COLUMN.findall(self.up))

    @property
    def takes_the_place_of(self) -> int | None:
        """The version that is done with too once this one has run; None for an ordinary migration."""
        match = _TAKES_THE_PLACE_OF.search(self.up)
        return int(match[1]) if match else None

    def _sql(self, name: str) -> str:
        file = self.directory / name
        return moved_sql(_read(file), self.schema) if file.exists() else ""


@dataclass(frozen=True)
class Project:
    """A project directory's content. `metadata` is what `replace_metadata` takes; its one source is `source`."""

    metadata: dict[str, Any]
    migrations: tuple[Migration, ...]
    source: str
    schema: str = PUBLIC

    @property
    def tables(self) -> list[dict[str, Any]]:
        """The metadata of the project's tables."""
        found: list[dict[str, Any]] = self.metadata["sources"][0].get("tables") or []
        return found


def project_dir(directory: Path = LOCAL_PROJECT) -> Path:
    """Return the directory, or in place of a `hasura` that is not here the project that ships with frontdesk."""
    if directory != LOCAL_PROJECT or directory.exists():
        return directory
    return shipped("hasura", "config.yaml") or directory


def read_project(directory: Path, *, schema: str = PUBLIC, source: str | None = None) -> Project:
    """Return the project in `directory`, moved to a schema, for a target that calls the project's source `source`.

    Raises UsageError naming the file that cannot be used.
    """
    if not directory.is_dir():
        raise UsageError(
            f"{directory / 'config.yaml'}: there is no project; name its directory with --project"
        )
    config = _load(directory / "config.yaml")
    if not isinstance(config, dict) or config.get("version") != _SUPPORTED_VERSION:
        raise UsageError(f"{directory / 'config.yaml'}: expected a Hasura project with version: 3")
    metadata = moved_metadata(
        read_metadata(directory / str(config.get("metadata_directory", "metadata"))), schema
    )
    entry = _only_source(directory, metadata)
    named = str(entry.get("name"))
    migrations = directory / str(config.get("migrations_directory", "migrations")) / named
    if not migrations.is_dir():
        raise UsageError(f"{migrations}: there are no migrations for the source {named!r} of the metadata")
    target = source or named
    return Project(
        metadata={**metadata, "sources": [{**entry, "name": target}]},
        migrations=tuple(_migrations(migrations, target, schema)),
        source=target,
        schema=schema,
    )


def _only_source(directory: Path, metadata: Mapping[str, Any]) -> Mapping[str, Any]:
    sources = [source for source in metadata["sources"] if isinstance(source, dict)]
    if len(sources) != 1:
        raise UsageError(f"{directory}: expected a project with one source, got {len(sources)}")
    return sources[0]


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


def _migrations(directory: Path, source: str, schema: str) -> list[Migration]:
    found: dict[int, Migration] = {}
    for entry in directory.iterdir():
        match = _MIGRATION.match(entry.name)
        if match is None or not entry.is_dir():
            continue
        version = int(match["version"])
        if version in found:
            raise UsageError(f"{entry}: has the version of {found[version].directory.name}")
        if not any((entry / name).exists() for name in ("up.sql", "down.sql")):
            raise UsageError(f"{entry}: has neither up.sql nor down.sql")
        found[version] = Migration(source, version, match["name"], entry, schema)
    return sorted(found.values(), key=lambda migration: migration.version)


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
