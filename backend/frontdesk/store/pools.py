"""Pools of connections that are there again as soon as PostgreSQL is.

The library's own wait twice as long after each try that fails, and whoever waits for a connection waits for that:
after an outage of three seconds for up to four more. Here whoever waits asks anew every moment, and each time somebody
tries. It costs the place in the line, which matters only to those who have waited long already.
"""

from __future__ import annotations

import time
from typing import TypeVar

import psycopg
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool, ConnectionPool, PoolTimeout

TRY_EVERY_S = 0.3
# Shorter than that: a try that fails is given up, and the next one is made for whoever asks next.
RECONNECT_S = 0.1

_Connection = TypeVar("_Connection", bound=psycopg.Connection[TupleRow])
_AsyncConnection = TypeVar("_AsyncConnection", bound=psycopg.AsyncConnection[TupleRow])


class PromptPool(ConnectionPool[_Connection]):
    """A pool for threads. Make it with `reconnect_timeout=RECONNECT_S`."""

    def getconn(self, timeout: float | None = None) -> _Connection:
        """Return a connection. Raises PoolTimeout when there is none in time."""
        ends_at = time.monotonic() + (self.timeout if timeout is None else timeout)
        while True:
            left_s = ends_at - time.monotonic()
            try:
                return super().getconn(min(left_s, TRY_EVERY_S))
            except PoolTimeout:
                if left_s <= TRY_EVERY_S:
                    raise


class AsyncPromptPool(AsyncConnectionPool[_AsyncConnection]):
    """A pool for coroutines. Make it with `reconnect_timeout=RECONNECT_S`."""

    async def open(self, wait: bool = False, timeout: float = 0.0) -> None:
        """Make ready to connect. It never waits: a first try that fails is given up, and nobody would end the wait."""
        await super().open(wait=False)

    async def getconn(self, timeout: float | None = None) -> _AsyncConnection:
        """Return a connection. Raises PoolTimeout when there is none in time."""
        ends_at = time.monotonic() + (self.timeout if timeout is None else timeout)
        while True:
            left_s = ends_at - time.monotonic()
            try:
                return await super().getconn(min(left_s, TRY_EVERY_S))
            except PoolTimeout:
                if left_s <= TRY_EVERY_S:
                    raise
