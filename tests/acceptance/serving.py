"""`frontdesk serve` and `frontdesk worker` as processes of their own, as an operator starts them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import requests

from tests.acceptance.conftest import START_LIMIT_S, STOP_LIMIT_S, wait_for


@contextmanager
def serving(place: Path, environment: Mapping[str, str], url: str) -> Iterator[None]:
    """Serve with the settings in `place`; begins when `url` is ready, and logs to serve.log there."""
    with _running("serve", place, environment, lambda: _is_ready(url)):
        yield


@contextmanager
def working(place: Path, environment: Mapping[str, str]) -> Iterator[None]:
    """Work with the settings in `place`; begins when the worker has started, and logs to worker.log there."""
    log = place / "worker.log"
    with _running("worker", place, environment, lambda: "worker.started" in log.read_text()):
        yield


@contextmanager
def _running(
    command: str, place: Path, environment: Mapping[str, str], is_ready: Callable[[], bool]
) -> Iterator[None]:
    log = place / f"{command}.log"
    with log.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "frontdesk", command],
            cwd=place,
            env=dict(environment),
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    try:
        wait_for(lambda: process.poll() is not None or is_ready(), START_LIMIT_S)
        assert process.poll() is None, log.read_text()
        yield
    finally:
        process.terminate()
        process.wait(STOP_LIMIT_S)


def _is_ready(url: str) -> bool:
    try:
        return requests.get(f"{url}/readyz", timeout=5).ok
    except requests.ConnectionError:
        return False
