"""Where one demo lives: its directory, its ports, and the secrets it made for itself."""

from __future__ import annotations

import base64
import contextlib
import fcntl
import json
import os
import secrets
import socket
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from frontdesk.errors import FrontdeskError, UsageError

LOOPBACK = "127.0.0.1"
DEFAULT_PORT_BASE = 8500
TENANT = "default"
AUDIENCE = "https://api.demo.example"


class DemoFailed(FrontdeskError):
    """A step of the demo failed."""


@dataclass(frozen=True, kw_only=True)
class Ports:
    """Five consecutive ports of loopback."""

    frontdesk: int
    hasura: int
    auth0: int
    postgres: int
    app: int

    @classmethod
    def starting_at(cls, base: int) -> Ports:
        """Return the ports from `base` on. Raises UsageError when they would leave the valid range."""
        if not 1024 <= base <= 65535 - 4:
            raise UsageError(f"--port-base: expected a number from 1024 to 65531, got {base}")
        return cls(frontdesk=base, hasura=base + 1, auth0=base + 2, postgres=base + 3, app=base + 4)

    def refuse_taken(self) -> None:
        """Raise DemoFailed naming the first port on which somebody listens already."""
        for name, port in asdict(self).items():
            with contextlib.closing(socket.socket()) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind((LOOPBACK, port))
                except OSError:
                    raise DemoFailed(
                        f"port {port} (for {name}) is taken; choose other ports with "
                        f"`frontdesk demo --port-base {self.frontdesk + 1000}` or "
                        f"`make demo ARGS='--port-base {self.frontdesk + 1000}'`"
                    ) from None


@dataclass(frozen=True, kw_only=True)
class Secrets:
    """Made once per directory; they guard nothing but this demo."""

    hasura_admin_secret: str
    hook_secret: str
    operator_token: str
    client_secret: str
    stream_token: str
    password: str

    @classmethod
    def fresh(cls) -> Secrets:
        """Return new random secrets."""
        return cls(
            hasura_admin_secret=secrets.token_urlsafe(32),
            hook_secret="whsec_" + base64.b64encode(secrets.token_bytes(32)).decode(),
            operator_token=secrets.token_urlsafe(32),
            client_secret=secrets.token_urlsafe(32),
            stream_token=secrets.token_urlsafe(32),
            password="Correct-" + secrets.token_urlsafe(9),
        )


@dataclass(frozen=True, kw_only=True)
class Places:
    """The demo's directory, ports and secrets, and the URLs that follow from them."""

    data_dir: Path
    ports: Ports
    secrets: Secrets

    @property
    def frontdesk_url(self) -> str:
        """Base URL of frontdesk."""
        return f"http://{LOOPBACK}:{self.ports.frontdesk}"

    @property
    def hasura_url(self) -> str:
        """Base URL of the engine."""
        return f"http://{LOOPBACK}:{self.ports.hasura}"

    @property
    def auth0_url(self) -> str:
        """Base URL of the tenant."""
        return f"http://{LOOPBACK}:{self.ports.auth0}"

    @property
    def app_url(self) -> str:
        """Base URL of the sample application."""
        return f"http://{LOOPBACK}:{self.ports.app}"

    @property
    def postgres_password(self) -> str:
        """The password of the embedded PostgreSQL, once that has started."""
        return (self.data_dir / "postgres.password").read_text().strip()

    @property
    def callback_url(self) -> str:
        """Where the tenant sends the browser after a login."""
        return f"{self.app_url}/callback"


@contextlib.contextmanager
def occupied(data_dir: Path, ports: Ports) -> Iterator[Places]:
    """Hold `data_dir` for one demo; the lock goes with the process, however it ends.

    Raises DemoFailed when another demo holds it, or a port is taken.
    """
    data_dir = data_dir.resolve()
    data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (data_dir / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DemoFailed(
                f"another demo runs in {data_dir}; choose another directory with --data-dir "
                "(and other ports with --port-base)"
            ) from None
        ports.refuse_taken()
        yield Places(data_dir=data_dir, ports=ports, secrets=_kept_secrets(data_dir / "secrets.json"))


def write_private(path: Path, content: str) -> None:
    """Replace `path` in one step with a file that only its owner can read."""
    draft = path.with_name(path.name + ".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(content)
    draft.replace(path)


def write_private_json(path: Path, content: Mapping[str, object]) -> None:
    """As `write_private`, for a JSON document."""
    write_private(path, json.dumps(content, indent=2) + "\n")


def _kept_secrets(path: Path) -> Secrets:
    """Return the directory's secrets; one that a demo of before did not know is made now."""
    kept = json.loads(path.read_text()) if path.exists() else {}
    made = replace(Secrets.fresh(), **kept)
    if asdict(made) != kept:
        write_private_json(path, asdict(made))
    return made
