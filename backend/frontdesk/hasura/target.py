"""What a Hasura holds before anything is changed: version, metadata, record of migrations, tables of our names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from frontdesk.errors import HasuraBlocked, HasuraUnavailable
from frontdesk.hasura.admin_api import AdminApi
from frontdesk.hasura.metadata_merge import RELATIONSHIPS, find_source, roles_of, table_key
from frontdesk.hasura.migration_record import MigrationRecord
from frontdesk.hasura.project import Project
from frontdesk.hasura.schema_move import PUBLIC

_METADATA_VERSION = 3
_CATALOG = """
select 'table', relname::text from pg_class
 where relnamespace = to_regnamespace({schema}) and relkind in ('r', 'p', 'v', 'm', 'f') and relname = any({tables})
union all
select 'function', proname::text from pg_proc
 where pronamespace = to_regnamespace({schema}) and proname = any({functions})
union all
select 'schema', 'there' where to_regnamespace({schema}) is not null
union all
select 'right', 'create' where has_database_privilege(current_database(), 'CREATE')
"""


@dataclass(frozen=True)
class Inconsistency:
    """A metadata object that Hasura cannot use, in Hasura's words."""

    name: str
    reason: str

    def __str__(self) -> str:
        return f"{self.name}: {self.reason}"


@dataclass(frozen=True, kw_only=True)
class Catalog:
    """What the source's database holds of the project's names, and whether a missing schema could be created."""

    tables: frozenset[str] = frozenset()
    functions: frozenset[str] = frozenset()
    schema_exists: bool = False
    may_create_schema: bool = True


@dataclass(frozen=True, kw_only=True)
class Target:
    """A Hasura as it was found. `catalog` is None when the source is not there yet or cannot be reached."""

    metadata: dict[str, Any]
    resource_version: int | None
    inconsistent: tuple[Inconsistency, ...]
    record: MigrationRecord
    catalog: Catalog | None


def look_at(hasura: AdminApi, project: Project) -> Target:
    """Return what is there. Raises HasuraBlocked for a Hasura or metadata of another generation; changes nothing."""
    refuse_other_generations(hasura)
    metadata, resource_version = export(hasura)
    found = inconsistencies(hasura)
    usable = find_source(metadata, project.source) is not None and not _source_is_broken(
        found, project.source
    )
    return Target(
        metadata=metadata,
        resource_version=resource_version,
        inconsistent=found,
        record=MigrationRecord(hasura, project.source, source_is_there=usable),
        catalog=catalog(hasura, project) if usable else None,
    )


def refuse_other_generations(hasura: AdminApi) -> None:
    """Raise HasuraBlocked unless it is Hasura v2, HasuraUnavailable when it is no Hasura at all."""
    version = hasura.version()
    if version is None:
        # Hasura v3 (DDN) has neither this endpoint nor a metadata API; nor has anything that is not Hasura. What says
        # no to the secret or is a web page is told by the call itself.
        try:
            hasura.metadata("export_metadata", {}, version=2)
        except HasuraUnavailable as err:
            raise HasuraUnavailable(
                f"{err.detail} (frontdesk needs Hasura v2; a Hasura v3 has no such API)"
            ) from err
        return
    if re.match(r"v?[13]\.", version):
        raise HasuraBlocked(
            f"this Hasura is {version}, and frontdesk needs v2, such as v2.48: upgrade a v1 by running the image of v2 "
            f"on its database; a v3 (DDN) has no metadata API to apply this to. Nothing was changed"
        )


def export(hasura: AdminApi) -> tuple[dict[str, Any], int | None]:
    """Return the metadata and its resource version. Raises HasuraBlocked for a document of an older format."""
    answer = hasura.metadata("export_metadata", {}, version=2)
    metadata = answer.get("metadata") if isinstance(answer, Mapping) else None
    if not isinstance(metadata, dict):
        raise HasuraUnavailable("Hasura's export_metadata holds no metadata")
    if metadata.get("version") != _METADATA_VERSION:
        raise HasuraBlocked(
            f"Hasura's metadata is of format {metadata.get('version')}, and frontdesk knows {_METADATA_VERSION}: "
            f"bring it up with `hasura scripts update-project-v3` and `hasura metadata apply`. Nothing was changed"
        )
    version = answer.get("resource_version")
    return metadata, version if isinstance(version, int) else None


def inconsistencies(hasura: AdminApi) -> tuple[Inconsistency, ...]:
    """Return all that Hasura cannot use now."""
    answer = hasura.metadata("get_inconsistent_metadata", {})
    objects = answer.get("inconsistent_objects") if isinstance(answer, Mapping) else None
    return tuple(
        Inconsistency(str(entry.get("name") or entry.get("type")), str(entry.get("reason")))
        for entry in objects or ()
        if isinstance(entry, Mapping)
    )


def of_project(found: Iterable[Inconsistency], project: Project) -> tuple[Inconsistency, ...]:
    """Return those that are the project's own: its tables, and their relationships and permissions that it ships.

    Hasura names them `table users in source default`, `select_permission user in table users in source default`.
    """
    own = [_own_names(table, project) for table in project.tables]
    return tuple(
        each for each in found if any(pattern.search(f"{each.name} {each.reason}") for pattern in own)
    )


def catalog(hasura: AdminApi, project: Project) -> Catalog:
    """Look for the project's names in the database of its source."""
    schema = _literal(project.schema)
    tables = [name for migration in project.migrations for name in migration.tables]
    functions = [name for migration in project.migrations for name in migration.functions]
    sql = _CATALOG.format(schema=schema, tables=_array(tables), functions=_array(functions))
    rows = hasura.select(sql, source=project.source)
    found = {(kind, name) for kind, name in rows}
    return Catalog(
        tables=frozenset(name for kind, name in found if kind == "table"),
        functions=frozenset(name for kind, name in found if kind == "function"),
        schema_exists=("schema", "there") in found,
        may_create_schema=("right", "create") in found,
    )


def _own_names(table: Mapping[str, Any], project: Project) -> re.Pattern[str]:
    schema, name = table_key(table["table"])
    shown = re.escape(name if schema == PUBLIC else f"{schema}.{name}")
    parts = [
        *roles_of(project.tables),
        *(each["name"] for kind in RELATIONSHIPS for each in table.get(kind) or ()),
    ]
    inner = "|".join(re.escape(part) for part in sorted(parts))
    return re.compile(
        rf"(?:^|, )(?:\w+ (?:{inner}) in )?table {shown} in source {re.escape(project.source)}\b"
    )


def _source_is_broken(found: Iterable[Inconsistency], source: str) -> bool:
    return any(each.name == f"source {source}" for each in found)


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _array(names: Iterable[str]) -> str:
    return f"array[{', '.join(map(_literal, names))}]::text[]"
