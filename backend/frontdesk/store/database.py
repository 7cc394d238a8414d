"""Connections to frontdesk's own schema, `frontdesk`, and the locks that keep two of the same work apart."""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from typing import Any, TypeVar

import psycopg
from psycopg.abc import PQGen
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import TupleRow
from psycopg_pool import ConnectionPool, PoolTimeout

from frontdesk.errors import StoreOutdated, StoreUnavailable
from frontdesk.store.pools import RECONNECT_S, PromptPool

SCHEMA = "frontdesk"
REVISION = "0003"  # the newest of migrations/versions; a test compares
CONNECT_BUDGET_S = 5.0
WHY_BUDGET_S = 2
MAX_CONNECTIONS = 8
# So that a host which vanished without a word is found out in half a minute and not in two hours: by us, whose threads
# wait for it, and by PostgreSQL, which keeps the locks of whoever is connected. What the URL says of these counts.
_KEEPALIVE = {"tcp_keepalives_idle": 10, "tcp_keepalives_interval": 5, "tcp_keepalives_count": 4}
_SILENCE_MS = 30_000  # of what was sent and is not acknowledged

# What PostgreSQL says when it is a wrong moment, or has ended the session.
AWAY = (
    psycopg.OperationalError,
    psycopg.errors.ReadOnlySqlTransaction,
    psycopg.errors.IdleInTransactionSessionTimeout,
)

Connection = psycopg.Connection[TupleRow]
_Result = TypeVar("_Result")
_ends_at: ContextVar[float | None] = ContextVar("frontdesk_store_ends_at", default=None)

# Where nobody has set logging up, in a command, the pool's own lines would stand before our sentence.
logging.getLogger("psycopg.pool").addHandler(logging.NullHandler())


@contextmanager
def store_budget(seconds: float) -> Iterator[None]:
    """Bound all that the block asks of any Database, together: what comes too late raises StoreUnavailable.

    It holds for a PostgreSQL that is stalled too, and answers nothing on an open connection.
    """
    before = _ends_at.get()
    ends_at = time.monotonic() + seconds
    token = _ends_at.set(ends_at if before is None else min(before, ends_at))
    try:
        yield
    finally:
        _ends_at.reset(token)


def _left_s() -> float | None:
    ends_at = _ends_at.get()
    return None if ends_at is None else ends_at - time.monotonic()


class _BoundedConnection(psycopg.Connection[TupleRow]):
    """Waits for the server no longer than the budget of the moment, and is of no use afterwards."""

    def wait(
        self, gen: PQGen[_Result], interval: float = 0.1, timeout: float | None = None
    ) -> _Result:  # the one place where the library waits
        """Wait for an answer. Raises OperationalError when it does not come in time."""
        left_s = _left_s()
        if left_s is None:
            return super().wait(gen, interval, timeout)
        try:
            if left_s <= 0:
                gen.close()  # not even sent: above all no COMMIT whose answer nobody waits for
                raise psycopg.OperationalError("the time is over")
            return super().wait(gen, interval, left_s)
        except psycopg.OperationalError:
            self.close()
            raise


class Database:
    """The database that FRONTDESK_DATABASE_URL names. Threads share it; a forked process needs its own.

    `budget_s` bounds each transaction, for who must not wait for a PostgreSQL that is stalled.
    """

    def __init__(
        self, url: str, *, max_connections: int = MAX_CONNECTIONS, budget_s: float | None = None
    ) -> None:
        self._url, self._budget_s = url, budget_s
        self._pool: ConnectionPool[Connection] = PromptPool(
            url,
            min_size=0,
            max_size=max_connections,
            timeout=CONNECT_BUDGET_S,
            reconnect_timeout=RECONNECT_S,
            open=False,
            check=ConnectionPool.check_connection,
            connection_class=_BoundedConnection,
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
            with nullcontext() if self._budget_s is None else store_budget(self._budget_s):
                left_s = _left_s()
                timeout_s = None if left_s is None else min(max(left_s, 0.0), CONNECT_BUDGET_S)
                with self._pool.connection(timeout_s) as connection:
                    yield connection
        except (PoolTimeout, *AWAY) as error:
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

    def _why(self, error: psycopg.Error) -> str:
        """Return what keeps us out in a few words; the pool says only that it took too long."""
        if isinstance(error, PoolTimeout) and _ends_at.get() is None:
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
    given = conninfo_to_dict(url)
    told = {**_KEEPALIVE, "tcp_user_timeout": _SILENCE_MS}
    options = [*(f"-c {name}={value}" for name, value in told.items()), f"-c search_path={SCHEMA}"]
    if "options" in given:
        options.insert(-1, str(given["options"]))
    # The client's own parameters have shorter names than the server's settings.
    ours = {name.removeprefix("tcp_") if name in _KEEPALIVE else name: value for name, value in told.items()}
    return {
        **{name: value for name, value in ours.items() if name not in given},
        "connect_timeout": int(CONNECT_BUDGET_S),
        "options": " ".join(options),
    }


def _only(row: TupleRow | None) -> Any:
    return None if row is None else row[0]
