"""One engine with our project for each worker of the run, and for each test a tenant of its own in it."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from tests.conftest import new_database
from tests.integration.hasura.engine import ADMIN_SECRET
from tests.integration.reconcile.house import House, connect
from tests.integration.reconcile.scripted_tenant import ScriptedTenant

from frontdesk.hasura.deploy import apply
from frontdesk.settings_reference import PROJECT
from frontdesk.store.database import Database
from localhasura.server import LocalHasura

_numbers = itertools.count()
NewHouse = Callable[..., House]


@pytest.fixture(scope="session")
def rows_url(postgres_url: str, worker_id: str) -> Iterator[str]:
    """The database of Hasura, with our project."""
    with new_database(postgres_url, f"reconcile_{worker_id}_{os.getpid()}") as url:
        yield url


@pytest.fixture(scope="session")
def hasura_url(rows_url: str) -> Iterator[str]:
    """A running engine over that database."""
    with LocalHasura(database_url=rows_url, admin_secret=ADMIN_SECRET) as hasura:
        apply(hasura.url, ADMIN_SECRET, PROJECT / "hasura")
        yield hasura.url


@pytest.fixture
def new_house(rows_url: str, hasura_url: str, store_url: str) -> Iterator[NewHouse]:
    """Make a house of users, and of what else ScriptedTenant takes."""
    with ExitStack() as stack:
        store = stack.enter_context(Database(store_url))
        rows = stack.enter_context(connect(rows_url))

        def made(users: list[dict[str, Any]], **more: Any) -> House:
            auth0 = stack.enter_context(ScriptedTenant(users, **more))
            return House(
                tenant=f"t{next(_numbers)}",
                auth0=auth0,
                hasura_url=hasura_url,
                rows=rows,
                store=store,
            )

        yield made
