"""A source's database: its URL from the metadata, and what is read from it to build the model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import psycopg
from psycopg import conninfo, sql

from localhasura.catalog import Catalog, CatalogTable, Column, read_catalog
from localhasura.catalog.model import TEXTS
from localhasura.jsontext import is_graphql_name
from localhasura.metadata.rule_values import RuleError

_PARAMETERS = {
    "username": "user",
    "password": "password",
    "database": "dbname",
    "host": "host",
    "port": "port",
}
_MAX_ENUM_VALUES = 10_000


def database_url(configuration: Mapping[str, Any], environment: Mapping[str, str]) -> str:
    """Return the source's connection string; raises RuleError when it cannot be known."""
    url = (configuration.get("connection_info") or {}).get("database_url")
    if isinstance(url, str):
        return url
    if isinstance(url, dict) and isinstance(url.get("from_env"), str):
        name = url["from_env"]
        if not environment.get(name):
            raise RuleError(f'environment variable "{name}" not set')
        return environment[name]
    if isinstance(url, dict) and isinstance(url.get("connection_parameters"), dict):
        given = url["connection_parameters"]
        known = {ours: str(given[theirs]) for theirs, ours in _PARAMETERS.items() if given.get(theirs)}
        return conninfo.make_conninfo(**known)
    raise RuleError("connection_info: expected database_url as a string, from_env or connection_parameters")


class SourceReader:
    """Reads catalog and enum tables over one connection."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection

    def catalog(self) -> Catalog:
        return read_catalog(self._connection)

    def enum_values(self, table: CatalogTable) -> dict[str, str | None]:
        """Return the rows of an enum table; raises RuleError when it is not fit to be one."""
        key = table.primary_key
        if faults := _enum_faults(table):
            raise _not_an_enum(table, faults)
        others = [column for name, column in table.columns.items() if name != key[0].name]
        rows = self._rows(table, key[0].name, others[0].name if others else None)
        if not rows:
            raise _not_an_enum(table, ["the table must have at least one row"])
        if wrong := sorted(value for value in rows if not is_graphql_name(value)):
            raise _not_an_enum(table, [_wrong_names(wrong)])
        return rows

    def _rows(self, table: CatalogTable, value: str, comment: str | None) -> dict[str, str | None]:
        wanted = sql.SQL(", ").join([sql.Identifier(value), sql.Identifier(comment) if comment else sql.NULL])
        query = sql.SQL("SELECT {} FROM {} ORDER BY 1 LIMIT {}").format(
            wanted, sql.Identifier(table.name.schema, table.name.name), _MAX_ENUM_VALUES
        )
        return {str(row[0]): row[1] for row in self._connection.execute(query).fetchall()}


def _enum_faults(table: CatalogTable) -> list[str]:
    """Return why a table's columns do not make an enum, in Hasura's words."""
    key = table.primary_key
    if not key:
        return ["the table must have a primary key"]
    if len(key) > 1:
        listed = ", ".join(sorted(f'"{column.name}"' for column in key))
        return [f"the table’s primary key must not span multiple columns ({listed})"]
    faults = [_wrong_type("primary key", key[0])] if key[0].type.name not in TEXTS else []
    others = [column for name, column in table.columns.items() if name != key[0].name]
    if len(others) > 1:
        listed = ", ".join(sorted(f'"{name}"' for name in table.columns))
        wanted = "the table must have exactly one primary key and optionally one comment column"
        faults.append(f"{wanted}, not {len(table.columns)} columns ({listed})")
    elif others and others[0].type.name not in TEXTS:
        faults.append(_wrong_type("comment column", others[0]))
    return faults


def _wrong_type(what: str, column: Column) -> str:
    return f'the table’s {what} ("{column.name}") must have type "text", not type "{column.type.cast}"'


def _wrong_names(values: list[str]) -> str:
    named = [f'"{value}"' for value in values]
    if len(named) == 1:
        return f"value {named[0]} is not a valid GraphQL enum value name"
    listed = " and ".join(named) if len(named) == 2 else f"{', '.join(named[:-1])}, and {named[-1]}"
    return f"values {listed} are not valid GraphQL enum value names"


def _not_an_enum(table: CatalogTable, faults: list[str]) -> RuleError:
    reasons = "because " + faults[0] if len(faults) == 1 else _bulleted(faults)
    return RuleError(f'the table "{table.name}" cannot be used as an enum {reasons}')


def _bulleted(faults: list[str]) -> str:
    return "for the following reasons:\n" + "".join(f"  • {fault}\n" for fault in faults)
