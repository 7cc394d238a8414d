"""The wires do what the fault tests believe that they do, as a client of PostgreSQL sees it."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from tests.acceptance.conftest import wait_for
from tests.faults.quota import Quota
from tests.faults.wires import Flow, Wire, Wires

LIMIT_S = 10.0
INSERT = "INSERT INTO deliveries (body) VALUES (%s)"


@pytest.fixture
def quota() -> Quota:
    return Quota()


@pytest.fixture
def wire(database_url: str, quota: Quota) -> Iterator[Wire]:
    with psycopg.connect(database_url) as connection:
        connection.execute("CREATE TABLE deliveries (body text)")
    with Wires() as wires:
        yield wires.to(int(conninfo_to_dict(database_url)["port"] or 0), quota.connection)


@pytest.fixture
def connection(wire: Wire, database_url: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(make_conninfo(database_url, port=wire.port)) as connection:
        yield connection


@pytest.mark.parametrize("prepare", [False, True])
def test_a_full_quota_refuses_writes_to_the_queue_and_nothing_else(
    connection: psycopg.Connection, quota: Quota, prepare: bool
) -> None:
    connection.execute(INSERT, ("before",), prepare=prepare)
    connection.commit()
    quota.used_up = True

    with pytest.raises(psycopg.errors.DiskFull):
        connection.execute(INSERT, ("refused",), prepare=prepare)
    connection.rollback()
    found = connection.execute("SELECT body FROM deliveries", prepare=prepare).fetchall()
    quota.used_up = False
    connection.execute(INSERT, ("after",), prepare=prepare)

    assert found == [("before",)]
    assert connection.execute("SELECT body FROM deliveries").fetchall() == [("before",), ("after",)]
    assert quota.refused == 1


def test_a_cut_wire_ends_connections_and_refuses_new_ones(
    connection: psycopg.Connection, wire: Wire, database_url: str
) -> None:
    wire.set(Flow.CUT)

    with pytest.raises(psycopg.OperationalError):
        connection.execute("SELECT 1")
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(make_conninfo(database_url, port=wire.port))
    wait_for(lambda: wire.connections == 0, LIMIT_S)


def test_a_stalled_wire_goes_on_where_it_was(connection: psycopg.Connection, wire: Wire) -> None:
    wire.set(Flow.STALLED)
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(connection.execute, "SELECT 1")
        with pytest.raises(TimeoutError):
            asked.result(timeout=0.3)
        wire.set(Flow.OPEN)

        assert asked.result(LIMIT_S).fetchall() == [(1,)]


def test_what_is_said_through_a_deaf_wire_arrives_and_its_answer_does_not(
    connection: psycopg.Connection, wire: Wire, database_url: str
) -> None:
    connection.autocommit = True
    wire.set(Flow.DEAF)

    with pytest.raises(psycopg.OperationalError):
        connection.execute("INSERT INTO deliveries (body) VALUES ('arrived')")

    with psycopg.connect(database_url) as direct:
        assert direct.execute("SELECT body FROM deliveries").fetchall() == [("arrived",)]
