"""Fixtures that every tier may use: one PostgreSQL cluster for the whole run, one empty database per test."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from filelock import FileLock
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from frontdesk.demo.postgres import EmbeddedPostgres, free_port
from frontdesk.store import migrate
from tests.redaction import (
    keep_secret,
    nothing_secret_is_logged,
    pytest_configure,
    pytest_runtest_makereport,
)

__all__ = ["nothing_secret_is_logged", "pytest_configure", "pytest_runtest_makereport"]

_FAST_NOT_DURABLE = {"fsync": "off", "full_page_writes": "off"}
# Where there is memory to spare, the cluster lies in it: the run makes more than a thousand databases, each of which is
# written as a whole, and twice.
_MEMORY, _SPARE_BYTES = Path("/dev/shm"), 4 * 1024**3
_IN_MEMORY = "frontdesk-tests-"
_numbers = itertools.count()


@pytest.fixture(scope="session")
def postgres_url(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[str]:
    """The admin URL of a running cluster; xdist workers share it, the last one to leave stops it."""
    base = tmp_path_factory.getbasetemp()
    shared = base if worker_id == "master" else base.parent
    state, lock = shared / "postgres.json", FileLock(str(shared / "postgres.lock"))
    cluster: EmbeddedPostgres | None = None
    with lock:
        if not state.exists():
            place = _quick_place(otherwise=shared) / f"postgres-{worker_id}"
            cluster = EmbeddedPostgres(place, port=free_port(), options=_FAST_NOT_DURABLE)
            cluster.start()
            state.write_text(json.dumps({"url": cluster.url(), "users": 0}))
        known = json.loads(state.read_text())
        state.write_text(json.dumps({**known, "users": known["users"] + 1}))
    keep_secret(str(conninfo_to_dict(known["url"])["password"]))
    yield known["url"]
    with lock:
        known = json.loads(state.read_text())
        state.write_text(json.dumps({**known, "users": known["users"] - 1}))
    if cluster is not None:
        _forget_when_unused(state, lock)
        cluster.stop()
        shutil.rmtree(_MEMORY / f"{_IN_MEMORY}{os.getpid()}", ignore_errors=True)


@pytest.fixture
def database_url(postgres_url: str, worker_id: str) -> Iterator[str]:
    """The URL of an empty database of this test's own."""
    with new_database(postgres_url, f"test_{worker_id}_{os.getpid()}_{next(_numbers)}") as url:
        yield url


@pytest.fixture(scope="session")
def store_template(postgres_url: str, worker_id: str) -> Iterator[str]:
    """A database with frontdesk's own schema, to clone."""
    name = f"store_{worker_id}_{os.getpid()}"
    with new_database(postgres_url, name) as url:
        migrate.apply(url)
        yield name


@pytest.fixture
def store_url(postgres_url: str, store_template: str, worker_id: str) -> Iterator[str]:
    """The URL of a database of this test's own, with frontdesk's own schema at its newest."""
    name = f"store_{worker_id}_{os.getpid()}_{next(_numbers)}"
    with new_database(postgres_url, name, template=store_template) as url:
        yield url


class new_database:
    """A database that is there inside the `with` block; `template` clones an existing one."""

    def __init__(self, admin_url: str, name: str, *, template: str = "template1") -> None:
        self._admin_url, self._name, self._template = admin_url, name, template

    def __enter__(self) -> str:
        self._run("CREATE DATABASE {} TEMPLATE {}", self._name, self._template)
        return self._admin_url.rsplit("/", 1)[0] + f"/{self._name}"

    def __exit__(self, *_: object) -> None:
        self._run("DROP DATABASE IF EXISTS {} WITH (FORCE)", self._name)

    def _run(self, statement: str, *names: str) -> None:
        with psycopg.connect(self._admin_url, autocommit=True) as connection:
            connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))


def _quick_place(*, otherwise: Path) -> Path:
    """Return a directory in memory where there is room, after taking away what a killed run left there."""
    if not os.access(_MEMORY, os.W_OK):
        return otherwise
    for left in _MEMORY.glob(f"{_IN_MEMORY}*"):
        if not Path(f"/proc/{left.name.removeprefix(_IN_MEMORY)}").exists():
            shutil.rmtree(left, ignore_errors=True)
    if shutil.disk_usage(_MEMORY).free < _SPARE_BYTES:
        return otherwise
    place = _MEMORY / f"{_IN_MEMORY}{os.getpid()}"
    place.mkdir(mode=0o700)
    return place


def _forget_when_unused(state: Path, lock: FileLock) -> None:
    """Wait for the other workers; each ends by the test run's own limits. One that comes later starts its own."""
    while True:
        with lock:
            if json.loads(state.read_text())["users"] <= 0:
                state.unlink()
                return
        time.sleep(0.05)


def pytest_xdist_auto_num_workers() -> int:
    """Run three workers for two cores: tests wait for servers and processes a good part of their time."""
    return max(2, (os.cpu_count() or 1) * 3 // 2)
