"""Child processes of the demo: started in order, awaited until they answer, ended together."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType

import requests

from frontdesk.demo.places import DemoFailed
from frontdesk.settings import environment_of_a_child

READY_LIMIT_S = 60.0
STOP_LIMIT_S = 10.0
_PR_SET_PDEATHSIG = 1


class Processes:
    """The running children; leaving the `with` block ends them all.

    Each child has a session of its own, so a Ctrl-C on the terminal reaches the demo alone, and a log file below
    `log_dir`. On Linux a child ends with the demo even when that is killed.
    """

    def __init__(self, log_dir: Path) -> None:
        self._log_dir = log_dir
        self._running: list[tuple[str, subprocess.Popen[bytes]]] = []

    def __enter__(self) -> Processes:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # All at once: frontdesk lingers for kept-alive connections, which end with the tenant that holds them.
        for _, process in self._running:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for _, process in self._running:
            _wait_or_kill(process)

    def log_file(self, name: str) -> Path:
        """The log of the child called `name`."""
        return self._log_dir / f"{name}.log"

    def start(
        self, name: str, arguments: Sequence[str], *, environment: Mapping[str, str], ready_url: str | None
    ) -> None:
        """Start `python -m …` and return when `ready_url` answers 200; at once for one that answers nobody.

        `environment` is all that the child gets beside PATH and the like: no FRONTDESK_ or HASURA_ variable of the
        caller's shell reaches it. Raises DemoFailed with the end of its log.
        """
        log = os.open(self.log_file(name), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            process = subprocess.Popen(
                [sys.executable, "-m", *arguments],
                env=environment_of_a_child() | dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=_end_with_parent(),
            )
        finally:
            os.close(log)
        self._running.append((name, process))
        if ready_url is not None:
            self._wait_until_ready(name, process, ready_url)

    def ensure_alive(self) -> None:
        """Raise DemoFailed when a child has ended by itself."""
        for name, process in self._running:
            if process.poll() is not None:
                raise DemoFailed(f"{name} ended by itself; {self._end_of_log(name)}")

    def _wait_until_ready(self, name: str, process: subprocess.Popen[bytes], url: str) -> None:
        deadline = time.monotonic() + READY_LIMIT_S
        with requests.Session() as session:
            session.trust_env = False
            while time.monotonic() < deadline:
                if process.poll() is not None:
                    raise DemoFailed(f"{name} did not start; {self._end_of_log(name)}")
                try:
                    if session.get(url, timeout=2).status_code == requests.codes.ok:
                        return
                except requests.RequestException:
                    pass  # not listening yet; the loop's limit decides
                time.sleep(0.03)
        raise DemoFailed(f"{name} did not answer at {url}; {self._end_of_log(name)}")

    def _end_of_log(self, name: str) -> str:
        path = self.log_file(name)
        tail = "\n".join(path.read_text(errors="replace").splitlines()[-8:])
        return f"its log {path} ends with:\n{tail}"


def _wait_or_kill(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(STOP_LIMIT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _end_with_parent() -> Callable[[], None] | None:
    if not sys.platform.startswith("linux"):
        return None
    libc = ctypes.CDLL(None, use_errno=True)

    def prepare() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)

    return prepare
