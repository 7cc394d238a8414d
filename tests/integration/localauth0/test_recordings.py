"""Recorded traffic about APIs, grants and streams, sent again: the same statuses, and answers of the same shape."""

from __future__ import annotations

from typing import Any

import pytest
from tests.integration.localauth0.managed import Operator, operator_token
from tests.integration.localauth0.recordings import Replay, shape_differences

from localauth0 import LocalAuth0

# What a tenant has before a recording begins.
_BEFORE: dict[str, list[tuple[str, Any]]] = {
    "TestEventStreamManager_List": [
        (
            "/event-streams",
            {
                "name": "webhook-test-live",
                "subscriptions": [
                    {"event_type": name} for name in ("user.created", "user.updated", "user.deleted")
                ],
                "destination": {
                    "type": "webhook",
                    "configuration": {
                        "webhook_endpoint": "https://hooks.example.com/in",
                        "webhook_authorization": {"method": "bearer", "token": "a-token"},
                    },
                },
            },
        )
    ]
}


@pytest.mark.parametrize(
    "name",
    [
        "TestClientGrantManager_Create",
        "TestResourceServer_Create",
        "TestLogStreamManager_Create_HTTP",
        "TestLogStreamManager_List",
        "TestEventStreamManager_CreateTypeWebhook",
        "TestEventStreamManager_List",
        "TestEventStreamManager_Update",
    ],
)
def test_a_recording_gets_its_recorded_answers(operated: LocalAuth0, name: str) -> None:
    operator = Operator(operated)
    for path, body in _BEFORE.get(name, []):
        operator.answer("POST", path, body)

    assert Replay(operated.url, operator_token(operated), name).differences() == []


@pytest.mark.parametrize(
    ("given", "difference"),
    [
        ({"id": "a", "n": 1}, ".on: missing"),
        ({"id": "a", "n": 1, "on": True, "more": 1}, ".more: not recorded"),
        ({"id": "a", "n": "1", "on": True}, ".n: str for int"),
        ({"id": "a", "n": 1, "on": None}, ".on: NoneType for bool"),
    ],
)
def test_another_shape_is_noticed(given: dict[str, Any], difference: str) -> None:
    assert shape_differences({"id": "x", "n": 2, "on": False}, given) == [difference]
