"""The connection pool, and what PostgreSQL's errors are called in Hasura's answers."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import errors as pg
from psycopg_pool import ConnectionPool, PoolTimeout, TooManyRequests

from localhasura.errors import EngineError
from localhasura.sql.builder import Statement

POOL_TIMEOUT_S = 30.0
TRY_EVERY_S = 0.5
RECONNECT_S = 0.1
"""The pool waits twice as long after each try that fails; Hasura is there as soon as its database is."""
PREPARE_AFTER = 3
PREPARED_STATEMENTS = 300
MAX_PARAMETERS = 65_535
"""PostgreSQL's protocol counts them in 16 bits."""

Connection = psycopg.Connection[Any]

_CONSTRAINTS = {
    "23505": "Uniqueness violation. ",
    "23503": "Foreign key violation. ",
    "23502": "Not-NULL violation. ",
    "23001": "Can not delete or update due to data being referred. ",
    "23P01": "Exclusion violation. ",
    "23000": "",
}
_BAD_REQUESTS = {"22024", "22025", "22019", "2200B", "2200C", "2200D"}
"""Errors of LIKE and escape clauses."""


class Database:
    """A pool over one PostgreSQL database; connections commit each statement unless a transaction is open."""

    def __init__(self, url: str, *, max_connections: int, statement_timeout_s: float) -> None:
        options = f"-c statement_timeout={int(statement_timeout_s * 1000)} -c client_min_messages=warning"
        self._pool = ConnectionPool(
            url,
            min_size=1,
            max_size=max_connections,
            timeout=POOL_TIMEOUT_S,
            open=False,
            name="localhasura",
            kwargs={"autocommit": True, "options": options, "prepare_threshold": PREPARE_AFTER},
            configure=_configure,
            check=None,
        )

    def open(self) -> None:
        """Connect; raises psycopg_pool.PoolTimeout when the database does not answer."""
        self._pool.open(wait=True, timeout=POOL_TIMEOUT_S)
        # Only from now on: a database that is slower to start than its engine is waited for.
        self._pool.reconnect_timeout = RECONNECT_S

    def close(self) -> None:
        self._pool.close(timeout=5)

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """Lend a connection; raises `postgres-error` when none can be had."""
        try:
            connection = self._lent()
        except (PoolTimeout, TooManyRequests) as error:
            raise EngineError("postgres-error", "connection error", status=500) from error
        try:
            yield connection
        finally:
            broken = connection.broken
            self._pool.putconn(connection)
            if broken:  # as all others are that were idle when the database went away
                self._pool.drain()

    def _lent(self) -> Connection:
        """Return a connection; who waits for one has the pool try anew every moment."""
        ends_at = time.monotonic() + POOL_TIMEOUT_S
        while True:
            try:
                return self._pool.getconn(TRY_EVERY_S)
            except PoolTimeout:
                if time.monotonic() >= ends_at:
                    raise


def fetch_one(connection: Connection, statement: Statement) -> Sequence[Any]:
    """Run a statement that gives exactly one row; raises the EngineError that Hasura would answer."""
    if len(statement.parameters) > MAX_PARAMETERS:
        raise EngineError(
            "bad-request", f"the request needs more than {MAX_PARAMETERS} values in one statement"
        )
    try:
        cursor = psycopg.RawCursor(connection)
        row = cursor.execute(statement.text.encode(), statement.parameters).fetchone()
    except (psycopg.Error, UnicodeEncodeError) as error:
        raise mapped(error, statement) from error
    return row if row is not None else ()


def mapped(error: Exception, statement: Statement | None = None) -> EngineError:
    """Return the EngineError for an error of the driver."""
    if not isinstance(error, psycopg.Error) or (isinstance(error, pg.DataError) and error.sqlstate is None):
        return EngineError("data-exception", 'invalid byte sequence for encoding "UTF8": 0x00')
    state = error.sqlstate or ""
    internal = internal_of(error, statement)
    if not state:
        return EngineError("postgres-error", "connection error", status=500, internal=internal)
    code, message = _code_and_message(state, error.diag.message_primary or str(error))
    return EngineError(code, message, internal=internal)


def not_committed(error: psycopg.Error) -> EngineError:
    """Return the EngineError for a transaction that cannot begin or end, as when a deferred constraint fails."""
    if not error.sqlstate:
        return mapped(error)
    return EngineError("postgres-error", "postgres tx error", status=500, internal=internal_of(error, None))


def internal_of(error: psycopg.Error, statement: Statement | None) -> dict[str, Any]:
    """Return what Hasura puts into `internal` for a database error."""
    diagnosis = error.diag
    return {
        "statement": statement.text if statement else "",
        "prepared": statement is not None,
        "arguments": list(statement.parameters) if statement else [],
        "error": {
            "exec_status": "FatalError",
            "status_code": error.sqlstate,
            "message": diagnosis.message_primary,
            "description": diagnosis.message_detail,
            "hint": diagnosis.message_hint,
        },
    }


def _code_and_message(state: str, message: str) -> tuple[str, str]:
    if state in _CONSTRAINTS:
        return "constraint-violation", _CONSTRAINTS[state] + message
    if state == "23514":
        return "permission-error", f"Check constraint violation. {message}"
    if state in _BAD_REQUESTS:
        return "bad-request", message
    if state.startswith("22"):
        return "data-exception", message
    if state == "42704":
        return "constraint-error", message
    if state == "42P10":
        return "constraint-error", "there is no unique or exclusion constraint on target column(s)"
    return "unexpected", "database query error"


def _configure(connection: Connection) -> None:
    connection.prepared_max = PREPARED_STATEMENTS
