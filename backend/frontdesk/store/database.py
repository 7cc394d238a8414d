"""Connections to frontdesk's own schema, `frontdesk`, and the locks that keep two of the same work apart."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import TupleRow
from psycopg_pool import ConnectionPool, PoolTimeout

from frontdesk.errors import StoreOutdated, StoreUnavailable

SCHEMA = "frontdesk"
REVISION = "0003"  # the newest of migrations/versions; a test compares
CONNECT_BUDGET_S = 5.0
WHY_BUDGET_S = 2
MAX_CONNECTIONS = 8

Connection = psycopg.Connection[TupleRow]

# Where nobody has set logging up, in a command, the pool's own lines would stand before our sentence.
logging.getLogger("psycopg.pool").addHandler(logging.NullHandler())


class Database:
    """The database that FRONTDESK_DATABASE_URL names. Threads share it; a forked process needs its own."""

    def __init__(self, url: str, *, max_connections: int = MAX_CONNECTIONS) -> None:
        self._url = url
        self._pool: ConnectionPool[Connection] = ConnectionPool(
            url,
            min_size=0,
            max_size=max_connections,
            timeout=CONNECT_BUDGET_S,
            open=False,
            check=ConnectionPool.check_connection,
            kwargs=connection_arguments(url),
        )

    def __enter__(self) -> Database:
        self.open()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def open(self) -> None:
        """Make ready to connect; nothing is connected before it is used."""
        self._pool.open()

    def close(self) -> None:
        """Close all connections."""
        self._pool.close()

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Give a connection in a transaction of its own, committed at the end and undone by an exception.

        Names without a schema are those of `frontdesk`. Raises StoreUnavailable when PostgreSQL is out of reach.
        """
        try:
            with self._pool.connection() as connection:
                yield connection
        except (PoolTimeout, psycopg.OperationalError) as error:
            raise StoreUnavailable(
                f"frontdesk's database gives no answer ({self._why(error)}); check FRONTDESK_DATABASE_URL"
            ) from None

    @contextmanager
    def lock(self, name: str) -> Iterator[bool]:
        """Hold the lock `name` as long as the block runs; False at once when somebody else has it.

        It is PostgreSQL's own, of the session: whoever is killed lets go of it.
        """
        key = int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "big", signed=True)
        with self.transaction() as connection:
            connection.autocommit = False
            got = _only(connection.execute("SELECT pg_try_advisory_lock(%s)", (key,)).fetchone())
            connection.commit()
            try:
                yield bool(got)
            finally:
                if got and not connection.closed:
                    connection.execute("SELECT pg_advisory_unlock(%s)", (key,))

    def _why(self, error: psycopg.OperationalError) -> str:
        """Return what keeps us out in a few words; the pool says only that it took too long."""
        if isinstance(error, PoolTimeout):
            try:
                psycopg.connect(self._url, connect_timeout=WHY_BUDGET_S).close()
            except psycopg.OperationalError as refused:
                # The text may hold the connection string's host and user, and no password.
                return str(refused).strip().partition("\n")[0].rpartition("failed: ")[2]
        return type(error).__name__

    def refuse_other_revision(self) -> None:
        """Raise StoreOutdated unless the schema is the one of this frontdesk."""
        found = self.revision()
        if found != REVISION:
            raise StoreOutdated(found, REVISION)

    def refuse_older_revision(self) -> None:
        """Raise StoreOutdated when there is no schema, or an older one; a newer one is left to who needs its tables."""
        found = self.revision()
        if found is None or found < REVISION:
            raise StoreOutdated(found, REVISION)

    def revision(self) -> str | None:
        """Return the revision of the schema; None when there is none."""
        with self.transaction() as connection:
            there = connection.execute("SELECT to_regclass('frontdesk.schema_revision')").fetchone()
            if _only(there) is None:
                return None
            row = connection.execute("SELECT version_num FROM frontdesk.schema_revision").fetchone()
            return None if row is None else str(row[0])


def connection_arguments(url: str) -> dict[str, Any]:
    """Return what a connection has beside its URL; options that the URL has already stay before ours."""
    own = conninfo_to_dict(url).get("options")
    ours = f"-c search_path={SCHEMA}"
    return {
        "connect_timeout": int(CONNECT_BUDGET_S),
        "options": ours if own is None else f"{own} {ours}",
    }


def _only(row: TupleRow | None) -> Any:
    return None if row is None else row[0]
