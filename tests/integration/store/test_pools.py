"""Connections after an outage of PostgreSQL: there as soon as it is."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from tests.faults.wires import Flow, Wires

from frontdesk.store.database import Database
from frontdesk.store.pools import RECONNECT_S, AsyncPromptPool

OUTAGE_S = 0.8
SOON_S = 2.0  # less than half of what a connection is waited for


def test_who_waits_for_a_connection_gets_one_as_soon_as_postgresql_is_back(store_url: str) -> None:
    with Wires() as wires, ThreadPoolExecutor(1) as pool:
        wire = wires.to(int(conninfo_to_dict(store_url)["port"] or 0))
        with Database(make_conninfo(store_url, port=wire.port)) as database:
            wire.set(Flow.CUT)
            waiting = pool.submit(database.revision)
            with pytest.raises(TimeoutError):
                waiting.result(OUTAGE_S)
            wire.set(Flow.OPEN)

            assert waiting.result(SOON_S) is not None


def test_a_pool_that_is_opened_during_an_outage_connects_as_soon_as_postgresql_is_back(
    store_url: str,
) -> None:
    async def connect(url: str) -> None:
        pool = AsyncPromptPool[psycopg.AsyncConnection](url, open=False, reconnect_timeout=RECONNECT_S)
        await pool.open(wait=True)
        async with pool, pool.connection(OUTAGE_S + SOON_S) as connection:
            await connection.execute("SELECT 1")

    with Wires() as wires, ThreadPoolExecutor(1) as threads:
        wire = wires.to(int(conninfo_to_dict(store_url)["port"] or 0))
        wire.set(Flow.CUT)
        waiting = threads.submit(asyncio.run, connect(make_conninfo(store_url, port=wire.port)))
        with pytest.raises(TimeoutError):
            waiting.result(OUTAGE_S)
        wire.set(Flow.OPEN)

        waiting.result(SOON_S * 2)
