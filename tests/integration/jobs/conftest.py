"""A house with jobs: frontdesk's own database, a tenant of localauth0, and an engine that many tests use."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from tests.integration.jobs.queue_house import QueueHouse
from tests.integration.users.house import ANN, a_house, a_tenant, a_user, serving

from frontdesk.store.database import Database
from localauth0 import LocalAuth0

settings.register_profile("many", max_examples=2000)


@pytest.fixture(scope="session")
def auth0() -> Iterator[LocalAuth0]:
    """A tenant with Ann and Bob."""
    users = [a_user(ANN, email="ann@example.com"), a_user("auth0|bob", email="bob@example.com")]
    with LocalAuth0(tenant=a_tenant(users)) as auth0:
        yield auth0


@pytest.fixture
def house(
    rows_url: str,
    hasura_url: str,
    store_url: str,
    auth0: LocalAuth0,
    tenant_keys: Iterator[str],
    tmp_path: Path,
) -> Iterator[QueueHouse]:
    """The house, with nothing in its queue."""
    with (
        a_house(
            tenant=next(tenant_keys),
            auth0=auth0,
            hasura_url=hasura_url,
            rows_url=rows_url,
            store_url=store_url,
            place=tmp_path,
        ) as inner,
        Database(store_url, max_connections=4) as database,
    ):
        yield QueueHouse(inner, database)


@pytest.fixture
def served(house: QueueHouse) -> Iterator[QueueHouse]:
    """The house with a frontdesk that serves."""
    with serving(house.inner):
        yield house
