"""A house for each test: a tenant of its own, in the engine that many tests use."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row
from tests.integration.auth0.reading_server import CREDENTIALS
from tests.integration.importing.house import GENERATED, House
from tests.integration.reconcile.scripted_tenant import ScriptedTenant

from frontdesk.store.database import Database
from localauth0 import LocalAuth0

KILLS, KILLED_USERS = 5, 240  # of the suite; `make kill-test` asks for more
NewHouse = Callable[[dict[str, Any] | ScriptedTenant], House]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add what the kill test can be asked for."""
    group = parser.getgroup("kill test")
    group.addoption("--kills", type=int, default=KILLS, help="how often the import is killed")
    group.addoption("--killed-users", type=int, default=KILLED_USERS, help="users of its tenant")
    group.addoption("--kill-seed", type=int, default=None, help="seed of the moments; printed by every run")


@pytest.fixture
def new_house(
    rows_url: str, hasura_url: str, store_url: str, tenant_keys: Iterator[str]
) -> Iterator[NewHouse]:
    """Make a house of a tenant file, or of a tenant that says what a test wants."""
    with ExitStack() as stack:
        store = stack.enter_context(Database(store_url))
        rows = stack.enter_context(psycopg.connect(rows_url, autocommit=True, row_factory=dict_row))

        def made(tenant: dict[str, Any] | ScriptedTenant) -> House:
            server: LocalAuth0 | ScriptedTenant = (
                LocalAuth0(tenant=tenant) if isinstance(tenant, dict) else tenant
            )
            stack.enter_context(server)
            return House(
                tenant=next(tenant_keys),
                auth0=server,
                credentials=GENERATED if isinstance(tenant, dict) else CREDENTIALS,
                hasura_url=hasura_url,
                rows=rows,
                store=store,
                store_url=store_url,
            )

        yield made
