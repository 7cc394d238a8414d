"""Fixtures for whole processes."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

START_LIMIT_S = 90.0
STOP_LIMIT_S = 30.0


@pytest.fixture
def port_base() -> int:
    """The first of five consecutive ports that nobody listens on."""
    return free_port_base()


def free_port_base() -> int:
    """Return such a port, below the range from which the system takes ports for outgoing connections."""
    first, last = 12000, 30000
    start = first + (os.getpid() * 35) % (last - first)
    bases: list[int] = [*range(start, last, 5), *range(first, start, 5)]
    for base in bases:
        if all(_is_free(base + offset) for offset in range(5)):
            return base
    raise AssertionError("no five free ports in a row")


@dataclass
class RunningDemo:
    """A demo that stays up, as a user started it."""

    process: subprocess.Popen[bytes]
    data_dir: Path
    output: Path

    @property
    def announcement(self) -> dict[str, Any]:
        """What `demo.json` says."""
        facts: dict[str, Any] = json.loads((self.data_dir / "demo.json").read_text())
        return facts

    def family(self) -> list[psutil.Process]:
        """The demo's process and everything that it started, PostgreSQL included."""
        return [psutil.Process(self.process.pid), *psutil.Process(self.process.pid).children(recursive=True)]

    def stop(self, number: signal.Signals) -> int:
        """Send the signal and return the exit code."""
        self.process.send_signal(number)
        return self.process.wait(STOP_LIMIT_S)


StartDemo = Callable[[Path, int], RunningDemo]


@pytest.fixture
def start_demo(tmp_path: Path) -> Iterator[StartDemo]:
    """Start a demo that stays up; it is ended after the test if it still runs."""
    started: list[RunningDemo] = []

    def start(data_dir: Path, port_base: int) -> RunningDemo:
        output = tmp_path / f"demo-{len(started)}.out"
        with output.open("wb") as file:
            process = subprocess.Popen(
                [*demo_command(data_dir, port_base)],
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        demo = RunningDemo(process, data_dir, output)
        started.append(demo)
        wait_for(lambda: "Ctrl-C" in output.read_text() or process.poll() is not None, START_LIMIT_S)
        assert process.poll() is None, output.read_text()
        return demo

    yield start
    for demo in started:
        with contextlib.suppress(ProcessLookupError):
            demo.process.send_signal(signal.SIGINT)
            demo.process.wait(STOP_LIMIT_S)


def demo_command(data_dir: Path, port_base: int, *options: str) -> list[str]:
    """The command line of a demo."""
    return [
        sys.executable,
        *("-m", "frontdesk", "demo"),
        *(f"--data-dir={data_dir}", f"--port-base={port_base}"),
        *options,
    ]


def wait_for(condition: Callable[[], bool], limit_s: float) -> None:
    """Return when the condition holds; fail after the limit."""
    deadline = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < deadline, f"not within {limit_s} s"
        time.sleep(0.05)


def _is_free(port: int) -> bool:
    with contextlib.closing(socket.socket()) as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0
