"""Databases with our project deployed, made once for each worker of the run and cloned; and a shell."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.conftest import new_database
from tests.integration.hasura.commands import Terminal
from tests.integration.hasura.engine import ADMIN_SECRET

from frontdesk.hasura.deploy import apply
from frontdesk.settings_reference import PROJECT
from localhasura.server import LocalHasura

_numbers = itertools.count()


@pytest.fixture(scope="session")
def deployed_template(postgres_url: str, worker_id: str) -> Iterator[str]:
    """The name of a database that holds the engine's catalog, our migrations and our metadata."""
    name = f"deployed_{worker_id}_{os.getpid()}"
    with new_database(postgres_url, name) as url:
        with LocalHasura(database_url=url, admin_secret=ADMIN_SECRET) as hasura:
            apply(hasura.url, ADMIN_SECRET, PROJECT / "hasura")
        yield name


@pytest.fixture
def deployed_url(postgres_url: str, deployed_template: str) -> Iterator[str]:
    """The URL of a deployed database of this test's own."""
    with new_database(
        postgres_url, f"{deployed_template}_{next(_numbers)}", template=deployed_template
    ) as url:
        yield url


@pytest.fixture(scope="session")
def rows_url(postgres_url: str, deployed_template: str) -> Iterator[str]:
    """The URL of the deployed database that many tests use, each with a tenant of its own."""
    with new_database(postgres_url, f"{deployed_template}_shared", template=deployed_template) as url:
        yield url


@pytest.fixture(scope="session")
def hasura_url(rows_url: str) -> Iterator[str]:
    """A running engine over that database."""
    with LocalHasura(database_url=rows_url, admin_secret=ADMIN_SECRET) as hasura:
        yield hasura.url


@pytest.fixture(scope="session")
def tenant_keys() -> Iterator[str]:
    """Keys of tenants; nobody else has rows of the next one."""
    return (f"t{number}" for number in itertools.count())


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Terminal:
    """A shell in an empty directory."""
    monkeypatch.chdir(tmp_path)
    return Terminal(monkeypatch, capsys)
