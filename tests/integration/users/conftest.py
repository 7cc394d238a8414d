"""One engine with our project for each worker of the run, and for each test a tenant of its own in it."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest
from psycopg.rows import DictRow, dict_row
from tests.conftest import new_database
from tests.integration.hasura.engine import ADMIN_SECRET
from tests.integration.users.house import ANN, ODD, House, a_tenant, a_user, serving

from frontdesk.hasura.deploy import apply
from frontdesk.settings_reference import PROJECT
from localauth0 import LocalAuth0
from localhasura.server import LocalHasura

_numbers = itertools.count()


@pytest.fixture(scope="session")
def rows_url(postgres_url: str, worker_id: str) -> Iterator[str]:
    """The database of Hasura, with our project."""
    with new_database(postgres_url, f"users_{worker_id}_{os.getpid()}") as url:
        yield url


@pytest.fixture(scope="session")
def hasura_url(rows_url: str) -> Iterator[str]:
    """A running engine over that database."""
    with LocalHasura(database_url=rows_url, admin_secret=ADMIN_SECRET) as hasura:
        apply(hasura.url, ADMIN_SECRET, PROJECT / "hasura")
        yield hasura.url


@pytest.fixture(scope="session")
def auth0() -> Iterator[LocalAuth0]:
    """A tenant with Ann, who has a role and is in an organization, and somebody with an odd id."""
    users = [
        a_user(ANN, email="ann@example.com", roles=["Editor"], app_metadata={"plan": "pro"}),
        a_user(ODD, email="odd@example.com"),
    ]
    with LocalAuth0(tenant=a_tenant(users)) as auth0:
        yield auth0


@pytest.fixture
def house(
    rows_url: str, hasura_url: str, store_url: str, auth0: LocalAuth0, tmp_path: Path
) -> Iterator[House]:
    """The tenant as its file has it, with no row yet, under a key of this test's own."""
    auth0.reset()
    with ExitStack() as stack:
        store = stack.enter_context(_connect(store_url))
        store.execute("SET search_path TO frontdesk")
        yield House(
            tenant=f"t{next(_numbers)}",
            auth0=auth0,
            hasura_url=hasura_url,
            rows=stack.enter_context(_connect(rows_url)),
            store=store,
            store_url=store_url,
            place=tmp_path,
        )


@pytest.fixture
def served(house: House) -> Iterator[House]:
    """The house with a frontdesk that serves."""
    with serving(house):
        yield house


def _connect(url: str) -> psycopg.Connection[DictRow]:
    return psycopg.connect(url, autocommit=True, row_factory=dict_row)
