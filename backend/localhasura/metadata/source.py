"""A source's database: its URL from the metadata, and what is read from it to build the model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import psycopg
from psycopg import conninfo, sql

from localhasura.catalog import Catalog, CatalogTable, read_catalog
from localhasura.catalog.model import TEXTS
from localhasura.jsontext import is_graphql_name
from localhasura.metadata.rules import RuleError

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
        if len(key) != 1 or key[0].type.name not in TEXTS:
            raise RuleError(
                f'the table "{table.name}" cannot be used as an enum: it needs a text primary key'
            )
        others = [column for name, column in table.columns.items() if name != key[0].name]
        if len(others) > 1 or any(column.type.name not in TEXTS for column in others):
            raise RuleError(
                f'the table "{table.name}" cannot be used as an enum: one text comment column is allowed'
            )
        rows = self._rows(table, key[0].name, others[0].name if others else None)
        if not rows:
            raise RuleError(f'the table "{table.name}" cannot be used as an enum: it has no rows')
        for value in rows:
            if not is_graphql_name(value):
                raise RuleError(
                    f'the table "{table.name}" cannot be used as an enum: "{value}" is not a valid GraphQL enum value'
                )
        return rows

    def _rows(self, table: CatalogTable, value: str, comment: str | None) -> dict[str, str | None]:
        wanted = sql.SQL(", ").join([sql.Identifier(value), sql.Identifier(comment) if comment else sql.NULL])
        query = sql.SQL("SELECT {} FROM {} ORDER BY 1 LIMIT {}").format(
            wanted, sql.Identifier(table.name.schema, table.name.name), _MAX_ENUM_VALUES
        )
        return {str(row[0]): row[1] for row in self._connection.execute(query).fetchall()}
