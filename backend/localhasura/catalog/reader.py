"""Reads the catalog in one query; the query's text stands beside it in tables.sql."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

import psycopg

from localhasura.catalog.model import Catalog, CatalogTable, Column, ForeignKey, PgType, TableName, UniqueKey

# Bits of pg_relation_is_updatable: 1 << CmdType.
_UPDATABLE, _INSERTABLE, _DELETABLE = 1 << 2, 1 << 3, 1 << 4

_QUERY = files(__package__).joinpath("tables.sql").read_bytes()


def read_catalog(connection: psycopg.Connection[Any]) -> Catalog:
    """Return all tables of the connection's database."""
    row = connection.execute(_QUERY).fetchone()
    if row is None:
        return Catalog()
    found = [_table(entry) for entry in json.loads(row[0])]
    return Catalog({table.name: table for table in found}, checks_at_commit=row[1])


def _table(entry: dict[str, Any]) -> CatalogTable:
    events = entry["events"]
    return CatalogTable(
        name=TableName(entry["schema"], entry["name"]),
        kind=entry["kind"],
        columns={column["name"]: _column(column) for column in entry["columns"]},
        unique_keys=tuple(
            UniqueKey(key["name"], tuple(key["columns"]), key["is_primary"]) for key in entry["unique_keys"]
        ),
        foreign_keys=tuple(
            ForeignKey(
                key["name"],
                tuple(key["columns"]),
                TableName(*key["target"]),
                tuple(key["target_columns"]),
            )
            for key in entry["foreign_keys"]
        ),
        insertable=bool(events & _INSERTABLE),
        updatable=bool(events & _UPDATABLE),
        deletable=bool(events & _DELETABLE),
        comment=entry["comment"],
    )


def _column(entry: dict[str, Any]) -> Column:
    return Column(
        name=entry["name"],
        type=_type(entry["type"], _type(entry["element"]) if entry["element"] else None),
        nullable=entry["nullable"],
        comment=entry["comment"],
        has_default=entry["has_default"],
        generated=entry["generated"],
        identity_always=entry["identity_always"],
    )


def _type(entry: dict[str, Any], element: PgType | None = None) -> PgType:
    if entry["name"] == "char":
        # The one-byte type of PostgreSQL's own catalog: Hasura takes it for character(n).
        return PgType("bpchar", "bpchar")
    return PgType(**entry, element=element)
