"""Recorded traffic about Actions, sent again in its order: the same statuses, and answers of the same shape."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
import yaml
from tests.integration.localauth0.acme import TIMEOUT_S
from tests.integration.localauth0.action_calls import a_managed_tenant, management_token
from tests.integration.localauth0.conftest import StartTenant

RECORDINGS = Path(__file__).parents[2] / "data" / "auth0" / "recordings"


@pytest.mark.parametrize(
    "path", sorted(RECORDINGS.glob("TestActionManager_*.yaml")), ids=lambda path: path.stem
)
def test_recorded_traffic_finds_the_recorded_answers(start_tenant: StartTenant, path: Path) -> None:
    tenant = start_tenant(a_managed_tenant())
    headers = {"Authorization": f"Bearer {management_token(tenant)}"}
    ids: dict[str, str] = {}

    for interaction in yaml.safe_load(path.read_text())["interactions"]:
        asked, recorded = interaction["request"], interaction["response"]
        answer = requests.request(
            asked["method"],
            tenant.url + _with_new_ids(_path_and_query(asked["url"]), ids),
            data=_with_new_ids(asked["body"], ids).encode(),
            headers={**headers, "Content-Type": "application/json"},
            timeout=TIMEOUT_S,
        )

        assert answer.status_code == recorded["code"], (interaction["id"], answer.text)
        if recorded["body"]:
            expected, given = json.loads(recorded["body"]), answer.json()
            ids.update(_new_ids(expected, given))
            assert _shape(given) == _shape(expected), interaction["id"]


def test_the_build_states_are_the_recorded_ones(start_tenant: StartTenant) -> None:
    """Without any wait, since the third look at a build finds it done."""
    tenant = start_tenant(a_managed_tenant(action_builds={"seconds": 600}))
    headers = {"Authorization": f"Bearer {management_token(tenant)}"}
    recording = yaml.safe_load((RECORDINGS / "TestActionManager_Deploy.yaml").read_text())["interactions"]
    states = [json.loads(i["response"]["body"])["status"] for i in recording[:4]]

    url = f"{tenant.url}/api/v2/actions/actions"
    body = json.loads(recording[0]["request"]["body"])
    first = requests.post(url, json=body, headers=headers, timeout=TIMEOUT_S).json()
    looks = [
        requests.get(f"{url}/{first['id']}", headers=headers, timeout=TIMEOUT_S).json() for _ in range(3)
    ]

    assert [action["status"] for action in (first, *looks)] == states


def _path_and_query(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def _with_new_ids(text: str, ids: dict[str, str]) -> str:
    for recorded, new in ids.items():
        text = text.replace(recorded, new)
    return text


def _new_ids(recorded: Any, given: Any) -> dict[str, str]:
    """Recorded id to the id that stands in the same place of the answer."""
    if isinstance(recorded, dict) and isinstance(given, dict):
        found: dict[str, str] = {}
        for key in recorded.keys() & given.keys():
            found.update(_new_ids(recorded[key], given[key]))
            if key == "id" and "-" in str(recorded[key]) and len(str(recorded[key])) == len(str(given[key])):
                found[recorded[key]] = given[key]
        return found
    if isinstance(recorded, list) and isinstance(given, list):
        pairs = (_new_ids(one, other) for one, other in zip(recorded, given, strict=False))
        return {old: new for pair in pairs for old, new in pair.items()}
    return {}


def _shape(value: Any) -> Any:
    """The keys of every object and the types of every value; a list is the shapes of its kinds of items."""
    if isinstance(value, dict):
        return {key: _shape(member) for key, member in value.items()}
    if isinstance(value, list):
        shapes: list[Any] = []
        for item in value:
            if _shape(item) not in shapes:
                shapes.append(_shape(item))
        return shapes
    return type(value).__name__
