"""Two engines on one metadata database: what one changes, the other serves soon after."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import psycopg
import pytest
from tests.integration.localhasura.client import ADMIN_SECRET, Client

from localhasura import LocalHasura
from localhasura.config import Options

LIMIT_S = 10
POLL_S = 0.05


@pytest.fixture
def pair(database_url: str) -> Iterator[tuple[Client, Client]]:
    options = Options(
        database_url=database_url, admin_secret=ADMIN_SECRET, port=0, schema_sync_poll_interval_s=POLL_S
    )
    with LocalHasura.from_options(options) as one, LocalHasura.from_options(options) as other:
        clients = Client(one), Client(other)
        yield clients
        for client in clients:
            client.close()


def _eventually(holds: Callable[[], bool]) -> bool:
    pause, end = threading.Event(), time.monotonic() + LIMIT_S
    while time.monotonic() < end:
        if holds():
            return True
        pause.wait(POLL_S)
    return False


def test_each_engine_follows_the_other(pair: tuple[Client, Client]) -> None:
    one, other = pair
    one.sql("CREATE TABLE t (id int PRIMARY KEY)")
    one.metadata("pg_track_table", {"table": "t"})
    assert _eventually(lambda: other.graphql("{t {id}}") == {"data": {"t": []}})

    other.sql("ALTER TABLE t ADD COLUMN name text")
    assert _eventually(lambda: one.graphql("{t {name}}") == {"data": {"t": []}})

    other.metadata("pg_untrack_table", {"table": "t"})
    assert _eventually(lambda: "errors" in one.graphql("{t {id}}"))


def test_a_reload_reaches_the_other_engine(pair: tuple[Client, Client], database_url: str) -> None:
    one, other = pair
    one.sql("CREATE TABLE t (id int PRIMARY KEY)")
    one.metadata("pg_track_table", {"table": "t"})
    with psycopg.connect(database_url) as connection:
        connection.execute("ALTER TABLE t ADD COLUMN outside int")

    one.metadata("reload_metadata", {})

    assert _eventually(lambda: other.graphql("{t {outside}}") == {"data": {"t": []}})


def test_changes_on_both_sides_at_once_are_kept_apart_by_the_version(pair: tuple[Client, Client]) -> None:
    one, other = pair
    one.sql("CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE b (id int PRIMARY KEY)")
    one.metadata("pg_track_table", {"table": "a"})
    body = {"type": "pg_track_table", "args": {"table": "b"}}

    assert _eventually(lambda: other.post("/v1/metadata", body).status_code == 200)

    assert _eventually(lambda: one.graphql("{a {id} b {id}}") == {"data": {"a": [], "b": []}})
    assert other.data("{a {id} b {id}}") == {"a": [], "b": []}
