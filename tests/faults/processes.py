"""The processes of a house: each can be killed and started again, and is ended with the house."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil
import requests

from frontdesk.settings import environment_of_a_child
from tests.acceptance.conftest import wait_for

START_LIMIT_S = 60.0
STOP_LIMIT_S = 30.0
COMMAND_LIMIT_S = 60.0
NO_DATABASE = "check FRONTDESK_DATABASE_URL"  # the last word of a worker that finds none when it starts


class Child:
    """`python -m …` that is started, killed and started again; its log goes on through all of them."""

    def __init__(
        self,
        place: Path,
        name: str,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        ready: str | None,
    ) -> None:
        self.name = name
        self.log = place / f"{name.replace(' ', '-')}.log"
        self._place, self._arguments, self._ready = place, list(arguments), ready
        self.environment = dict(environment)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The running process."""
        assert self._process is not None, f"{self.name} was not started"
        return self._process

    def start(self) -> None:
        """Start it, and return when it is ready."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", *self._arguments],
                cwd=self._place,
                env=environment_of_a_child() | self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        if self._ready is not None:
            wait_for(lambda: self.process.poll() is not None or self._answers(), START_LIMIT_S)
        self.ensure_alive()

    def kill(self) -> None:
        """kill -9."""
        self.process.kill()
        self.process.wait(STOP_LIMIT_S)

    def end(self) -> None:
        """End it and what it started: cleanly, by force if it does not."""
        if self._process is None or self._process.poll() is not None:
            return
        family = [psutil.Process(self._process.pid), *self.children()]
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(STOP_LIMIT_S)
        for left in psutil.wait_procs(family, timeout=STOP_LIMIT_S)[1]:
            left.kill()

    def children(self) -> list[psutil.Process]:
        """Return the processes that it has started, such as gunicorn's workers."""
        return psutil.Process(self.process.pid).children()

    def memory_mb(self) -> float:
        """Return what it and its children hold in memory."""
        found = [psutil.Process(self.process.pid), *self.children()]
        return float(sum(each.memory_info().rss for each in found)) / 1e6

    def supervise(self) -> None:
        """Start it again when it found no database to begin with, as a supervisor would; see `ensure_alive`."""
        if self.process.poll() and self.end_of_log().endswith(NO_DATABASE):
            self.start()
        self.ensure_alive()

    def ensure_alive(self) -> None:
        """Fail with the end of its log when it has ended by itself."""
        ended = self.process.poll()
        assert ended is None, f"{self.name} ended with {ended}; {self.log} ends with:\n{self.end_of_log()}"

    def end_of_log(self) -> str:
        """Return its last lines."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-12:])

    def _answers(self) -> bool:
        try:
            return requests.get(str(self._ready), timeout=5).ok
        except requests.RequestException:
            return False


def run_command(place: Path, arguments: Sequence[str], environment: Mapping[str, str]) -> None:
    """Run a frontdesk command to its end; fail with what it said."""
    done = subprocess.run(
        [sys.executable, "-m", "frontdesk", *arguments],
        cwd=place,
        env=environment_of_a_child() | dict(environment),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=COMMAND_LIMIT_S,
        check=False,
    )
    assert done.returncode == 0, f"frontdesk {' '.join(arguments)}: {done.stdout}{done.stderr}"
