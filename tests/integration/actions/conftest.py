"""Runs the Actions that ship, rendered, in Node of each version that is there."""

from __future__ import annotations

import dataclasses
import json
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.node_versions import VERSIONS, node_binary

from frontdesk.auth0.actions import ActionSettings, action_dir, render

RUNNER = Path(__file__).with_name("run_action.cjs")
RUN_LIMIT_S = 30
ANSWERS_IN_TIME_MS = 5000

SETTINGS = ActionSettings(
    url="http://127.0.0.1:1",
    tenant="default",
    default_role="user",
    claims_namespace="https://hasura.io/jwt/claims",
    deadline_ms=ANSWERS_IN_TIME_MS,
    on_failure="allow",
    deny_reason="Please try again later.",
    max_body_bytes=245760,
)


@dataclass(frozen=True)
class Run:
    """What one execution of the Action did."""

    calls: list[list[Any]]
    logs: list[str]
    thrown: str | None
    fetches: int
    elapsed_ms: float
    timers_left: int


RunAction = Callable[..., Run]
RunActions = Callable[..., list[Run]]


@pytest.fixture(
    params=[major for major in VERSIONS if node_binary(major).exists()], ids=lambda major: f"node{major}"
)
def node(request: pytest.FixtureRequest) -> Path:
    """The Node binary, of each version that is there; `test_node_versions.py` says which are not."""
    return node_binary(request.param)


@pytest.fixture
def run_actions(node: Path, tmp_path: Path) -> RunActions:
    """Run the Action `name`, rendered for `url` with these settings, for several events in one instance."""

    def run(
        events: Sequence[dict[str, Any]], url: str = "", *, name: str = "post-login", **settings: Any
    ) -> list[Run]:
        action = tmp_path / "action.js"
        action.write_text(render(action_dir(name), dataclasses.replace(SETTINGS, url=url, **settings)))
        return execute(node, action, events)

    return run


@pytest.fixture
def run_action(run_actions: RunActions) -> RunAction:
    """As `run_actions`, for one event."""

    def run(event: dict[str, Any], url: str = "", **settings: Any) -> Run:
        (only,) = run_actions([event], url, **settings)
        return only

    return run


def execute(node: Path, action: Path, events: Sequence[dict[str, Any]]) -> list[Run]:
    """Run the file `action` in a Node process of its own, which must end by itself and print nothing else."""
    done = subprocess.run(
        [node, RUNNER],
        input=json.dumps({"action": str(action), "events": list(events)}),
        capture_output=True,
        text=True,
        timeout=RUN_LIMIT_S,
        env={"LANG": "C.UTF-8", "NODE_NO_WARNINGS": "1"},  # Node 18 warns that its fetch is experimental
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return [Run(**run) for run in json.loads(done.stdout)]
