"""`frontdesk serve` as a process of its own, as an operator starts it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import requests

from tests.acceptance.conftest import START_LIMIT_S, STOP_LIMIT_S, wait_for


@contextmanager
def serving(place: Path, environment: Mapping[str, str], url: str) -> Iterator[None]:
    """Serve with the settings in `place`; begins when `url` is ready, and logs to serve.log there."""
    log = place / "serve.log"
    with log.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "frontdesk", "serve"],
            cwd=place,
            env=dict(environment),
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    try:
        wait_for(lambda: process.poll() is not None or _is_ready(url), START_LIMIT_S)
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
