"""A house for each test: a tenant of its own, in the engine that many tests use."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.integration.users.house import ANN, ODD, House, a_house, a_tenant, a_user, serving

from localauth0 import LocalAuth0


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
    rows_url: str,
    hasura_url: str,
    store_url: str,
    auth0: LocalAuth0,
    tenant_keys: Iterator[str],
    tmp_path: Path,
) -> Iterator[House]:
    """The tenant as its file has it, with no row yet, under a key of this test's own."""
    with a_house(
        tenant=next(tenant_keys),
        auth0=auth0,
        hasura_url=hasura_url,
        rows_url=rows_url,
        store_url=store_url,
        place=tmp_path,
    ) as house:
        yield house


@pytest.fixture
def served(house: House) -> Iterator[House]:
    """The house with a frontdesk that serves."""
    with serving(house):
        yield house
