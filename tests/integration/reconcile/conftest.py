"""A house for each test: a tenant of its own, in the engine that many tests use."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from tests.integration.reconcile.house import House, connect
from tests.integration.reconcile.scripted_tenant import ScriptedTenant

from frontdesk.store.database import Database

NewHouse = Callable[..., House]


@pytest.fixture
def new_house(
    rows_url: str, hasura_url: str, store_url: str, tenant_keys: Iterator[str]
) -> Iterator[NewHouse]:
    """Make a house of users, and of what else ScriptedTenant takes."""
    with ExitStack() as stack:
        store = stack.enter_context(Database(store_url))
        rows = stack.enter_context(connect(rows_url))

        def made(users: list[dict[str, Any]], **more: Any) -> House:
            auth0 = stack.enter_context(ScriptedTenant(users, **more))
            return House(
                tenant=next(tenant_keys),
                auth0=auth0,
                hasura_url=hasura_url,
                rows=rows,
                store=store,
            )

        yield made
