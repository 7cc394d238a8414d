"""A database with the project's migrations: built once per worker, cloned for each test."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg.rows import DictRow, dict_row
from tests.conftest import new_database
from tests.integration.hasura.engine import ADMIN_SECRET, JWT_SECRET, Engine
from tests.integration.hasura.migrations import migrations, run

from frontdesk.demo.postgres import free_port
from frontdesk.hasura.writes import UserWriter
from localhasura.server import LocalHasura

_numbers = itertools.count()


@pytest.fixture(scope="session")
def migrated_template(postgres_url: str, worker_id: str) -> Iterator[str]:
    """The name of a migrated database that nobody is connected to."""
    name = f"migrated_{worker_id}_{os.getpid()}"
    with new_database(postgres_url, name) as url:
        with psycopg.connect(url, autocommit=True) as connection:
            for migration in migrations():
                run(connection, migration / "up.sql")
        yield name


@pytest.fixture
def migrated_url(postgres_url: str, migrated_template: str) -> Iterator[str]:
    """The URL of a migrated database of this test's own."""
    with new_database(
        postgres_url, f"{migrated_template}_{next(_numbers)}", template=migrated_template
    ) as url:
        yield url


@pytest.fixture
def database(migrated_url: str) -> Iterator[psycopg.Connection[DictRow]]:
    """A connection to that database; rows come as dicts."""
    with psycopg.connect(migrated_url, autocommit=True, row_factory=dict_row) as connection:
        yield connection


def only_row(database: psycopg.Connection[DictRow], user_id: str = "auth0|ann") -> dict[str, Any]:
    """Return the row of one user without what differs from write to write."""
    row = database.execute("select * from users where user_id = %s", [user_id]).fetchone()
    assert row is not None
    return {name: value for name, value in row.items() if name not in ("write_id", "synced_at")}


@pytest.fixture
def engine(deployed_url: str) -> Iterator[Engine]:
    """A running engine with our project, and who may ask it."""
    with LocalHasura(database_url=deployed_url, admin_secret=ADMIN_SECRET, jwt_secret=JWT_SECRET) as hasura:
        engine = Engine(hasura.url)
        yield engine
        engine.close()


@pytest.fixture
def rows(deployed_url: str, engine: Engine) -> Iterator[psycopg.Connection[DictRow]]:
    """A connection to the database below the engine."""
    with psycopg.connect(deployed_url, autocommit=True, row_factory=dict_row) as connection:
        yield connection


@pytest.fixture
def writer(engine: Engine) -> Iterator[UserWriter]:
    """The writer that the product uses, on the running engine."""
    writer = UserWriter(engine.url, ADMIN_SECRET)
    yield writer
    writer.close()


@pytest.fixture
def empty_engine(database_url: str) -> Iterator[str]:
    """The URL of an engine over an empty database."""
    with LocalHasura(database_url=database_url, admin_secret=ADMIN_SECRET) as hasura:
        yield hasura.url


@pytest.fixture
def unused_port() -> int:
    """A port of loopback that nobody listens on."""
    return free_port()
