"""Recorded traffic about Actions, sent again in its order: the same statuses, and answers of the same shape."""

from __future__ import annotations

import json

import pytest
from tests.integration.localauth0.action_calls import Manager
from tests.integration.localauth0.conftest import StartTenant
from tests.integration.localauth0.managed import an_operated_tenant, operator_token
from tests.integration.localauth0.recordings import Replay, shape_differences

from localauth0 import LocalAuth0


@pytest.mark.parametrize("name", ["Bindings", "Create", "Deploy", "Test", "Versions"])
def test_a_recording_about_actions_gets_its_recorded_answers(operated: LocalAuth0, name: str) -> None:
    replay = Replay(operated.url, operator_token(operated), f"TestActionManager_{name}")

    assert replay.differences() == []


def test_the_recorded_triggers_are_there_in_their_shape(operated: LocalAuth0) -> None:
    """Not one by one: Auth0 has more triggers and runtimes than at the time of the recording."""
    recording = Replay(operated.url, "", "TestActionManager_Triggers").interactions[0]
    recorded = json.loads(recording["response"]["body"])["triggers"]

    given = Manager(operated).answer("GET", "/triggers")["triggers"]

    by_version = {(trigger["id"], trigger["version"]): trigger for trigger in given}
    for trigger in recorded:
        same = by_version[trigger["id"], trigger["version"]]
        assert set(trigger["runtimes"]) <= set(same["runtimes"])
        assert shape_differences({**trigger, "runtimes": []}, {**same, "runtimes": []}) == []
        assert same["status"] == trigger["status"]


def test_the_build_states_are_the_recorded_ones(start_tenant: StartTenant) -> None:
    """Without any wait, since the third look at a build finds it done."""
    tenant = start_tenant(an_operated_tenant(action_builds={"seconds": 600}))
    recording = Replay(tenant.url, "", "TestActionManager_Deploy").interactions
    recorded = [json.loads(interaction["response"]["body"])["status"] for interaction in recording[:4]]
    manager = Manager(tenant)

    created = manager.answer("POST", "/actions", json.loads(recording[0]["request"]["body"]))

    assert [created["status"], *(manager.status(created["id"]) for _ in range(3))] == recorded
