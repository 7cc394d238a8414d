"""Recorded traffic about users, sent again: the same statuses, and answers of the same shape."""

from __future__ import annotations

import pytest
from tests.integration.localauth0.managed import Operator, operator_token
from tests.integration.localauth0.recordings import Replay

from localauth0 import LocalAuth0


@pytest.mark.parametrize("name", ["Blocks", "Create", "List", "Read", "Search"])
def test_a_recording_about_users_gets_its_recorded_answers(operated: LocalAuth0, name: str) -> None:
    replay = Replay(operated.url, operator_token(operated), f"TestUserManager_{name}")

    assert replay.differences() == []


def test_the_recording_of_a_link_gets_its_recorded_answers(operated: LocalAuth0, operator: Operator) -> None:
    # The recorded tenant had nine applications, and a connection names them all.
    while len(operated.store.config.clients) < 9:
        operator.answer("POST", "/clients", {"name": "another application"})
    replay = Replay(operated.url, operator_token(operated), "TestUserManager_Link")

    assert replay.differences() == []
