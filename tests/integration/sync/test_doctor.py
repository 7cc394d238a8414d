"""The doctor against everything that it looks at: all well first, then one fault after the other."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from tests.conftest import new_database
from tests.integration.sync.doctor_house import House, a_house

from frontdesk.sync.doctor import Verdict


@pytest.fixture(scope="module")
def house(postgres_url: str, worker_id: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Everything connected and well; a test that breaks something of it mends it again."""
    name = f"doctor_{worker_id}_{os.getpid()}"
    with new_database(postgres_url, name) as url, a_house(tmp_path_factory.mktemp("house"), url) as house:
        yield house


def test_all_is_well(house: House) -> None:
    checks = house.checks()
    for c in checks.values():
        print(c.name, c.verdict, c.sentence, "->", c.fix)
    assert {check.verdict for check in checks.values()} <= {Verdict.OK, Verdict.SKIPPED}
