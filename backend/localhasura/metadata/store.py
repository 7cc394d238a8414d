"""Where metadata is kept: the tables of schema `hdb_catalog`, named and shaped as Hasura's own."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import psycopg

from localhasura.errors import EngineError
from localhasura.jsontext import compact
from localhasura.metadata.document import Document

CATALOG_VERSION = "48"

_TABLES = """
CREATE SCHEMA IF NOT EXISTS hdb_catalog;
CREATE TABLE IF NOT EXISTS hdb_catalog.hdb_version (
  hasura_uuid uuid PRIMARY KEY,
  version text NOT NULL,
  upgraded_on timestamptz NOT NULL,
  cli_state jsonb NOT NULL DEFAULT '{}'::jsonb,
  console_state jsonb NOT NULL DEFAULT '{}'::jsonb
);
CREATE UNIQUE INDEX IF NOT EXISTS hdb_version_one_row ON hdb_catalog.hdb_version ((version IS NOT NULL));
CREATE TABLE IF NOT EXISTS hdb_catalog.hdb_metadata (
  id integer PRIMARY KEY,
  metadata json NOT NULL,
  resource_version integer NOT NULL DEFAULT 1 UNIQUE
);
CREATE TABLE IF NOT EXISTS hdb_catalog.hdb_schema_notifications (
  id integer PRIMARY KEY DEFAULT 1 CHECK (id = 1),
  notification json NOT NULL,
  resource_version integer NOT NULL DEFAULT 1,
  instance_id uuid NOT NULL,
  updated_at timestamptz DEFAULT now()
);
"""
_NOTIFY = """
INSERT INTO hdb_catalog.hdb_schema_notifications AS known (id, notification, resource_version, instance_id)
  SELECT 1, json_build_object('changes', 1), m.resource_version, %s FROM hdb_catalog.hdb_metadata m WHERE m.id = 1
ON CONFLICT (id) DO UPDATE SET
  notification = json_build_object('changes', (known.notification ->> 'changes')::bigint + 1),
  resource_version = EXCLUDED.resource_version, instance_id = EXCLUDED.instance_id, updated_at = clock_timestamp()
RETURNING (notification ->> 'changes')::bigint
"""
_COUNT = "SELECT (notification ->> 'changes')::bigint FROM hdb_catalog.hdb_schema_notifications"
_INIT_LOCK = 5_263_301
"""Advisory lock under which the schema is made, so that two engines starting at once do not collide."""


@dataclass(frozen=True)
class Stored:
    """The document and its version."""

    document: Document
    resource_version: int


class MetadataStore:
    """Reads and writes the document; each call is a transaction of its own."""

    def __init__(self, url: str) -> None:
        self._url, self._instance = url, uuid.uuid4()

    def initialise(self, first: Document) -> None:
        """Create what is missing; `first` becomes the document of a new database."""
        with self.connection() as connection:
            connection.execute("SELECT pg_advisory_xact_lock(%s)", [_INIT_LOCK])
            connection.execute(_TABLES)
            connection.execute(
                "INSERT INTO hdb_catalog.hdb_version (hasura_uuid, version, upgraded_on) "
                "VALUES (%s, %s, now()) ON CONFLICT DO NOTHING",
                [uuid.uuid4(), CATALOG_VERSION],
            )
            connection.execute(
                "INSERT INTO hdb_catalog.hdb_metadata (id, metadata, resource_version) VALUES (1, %s, 1) "
                "ON CONFLICT (id) DO NOTHING",
                [compact(first)],
            )

    def read(self) -> Stored:
        """Return the document as it is kept now."""
        row = self._one("SELECT metadata::text, resource_version FROM hdb_catalog.hdb_metadata WHERE id = 1")
        return Stored(json.loads(row[0], parse_float=Decimal), row[1])

    def write(self, document: Document, expected_version: int) -> int:
        """Keep the document and return its version; raises `conflict` when somebody else was faster."""
        row = self._one_or_none(
            "UPDATE hdb_catalog.hdb_metadata SET metadata = %s, resource_version = resource_version + 1 "
            "WHERE id = 1 AND resource_version = %s RETURNING resource_version",
            [compact(document), expected_version],
        )
        if row is None:
            raise version_conflict(expected_version)
        return int(row[0])

    def notify(self) -> int:
        """Tell other engines that tables or metadata have changed; return the count of all such changes."""
        row = self._one_or_none(_NOTIFY, [self._instance])
        return int(row[0])

    def change_count(self, connection: psycopg.Connection[Any]) -> int:
        """Return how many changes engines have told of."""
        row = connection.execute(_COUNT).fetchone()
        return int(row[0]) if row else 0

    def catalog_state(self) -> dict[str, Any]:
        """Return what `get_catalog_state` answers."""
        row = self._one("SELECT hasura_uuid, cli_state, console_state FROM hdb_catalog.hdb_version")
        return {"id": str(row[0]), "cli_state": row[1], "console_state": row[2]}

    def set_catalog_state(self, kind: str, state: Any) -> None:
        """Replace the state of the CLI or of the console."""
        statement = (
            "UPDATE hdb_catalog.hdb_version SET cli_state = %s RETURNING version"
            if kind == "cli"
            else "UPDATE hdb_catalog.hdb_version SET console_state = %s RETURNING version"
        )
        self._one_or_none(statement, [compact(state)])

    def is_reachable(self) -> bool:
        """Whether the metadata database answers."""
        try:
            self._one("SELECT 1")
        except EngineError:
            return False
        return True

    def _one(self, query: str) -> Any:
        row = self._one_or_none(query, [])
        if row is None:
            raise EngineError("unexpected", "metadata is not there", status=500)
        return row

    def _one_or_none(self, query: str, parameters: list[Any]) -> Any:
        with self.connection() as connection:
            return connection.execute(query.encode(), parameters).fetchone()

    def connection(self) -> psycopg.Connection[Any]:
        """Open a connection to the metadata database; raises `postgres-error`."""
        try:
            return psycopg.connect(self._url, connect_timeout=10)
        except psycopg.Error as error:
            raise EngineError("postgres-error", "connection error", status=500) from error


def version_conflict(referenced: int) -> EngineError:
    """Return the error for a metadata version that is not the current one."""
    message = f"metadata resource version referenced ({referenced}) did not match current version"
    return EngineError("conflict", message, status=409)
