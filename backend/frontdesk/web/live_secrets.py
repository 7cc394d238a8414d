"""The secrets of a running process, read again when the files that hold them change.

A process looks at its files at most once a second, before it uses a secret: so a request that arrives a second after a
change is judged by the new secrets, in every process, and nothing is restarted. Kubernetes swaps a symbolic link and
people write a new file in place of the old one; both are seen, since what is looked at is where the name leads.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from frontdesk.errors import SettingsInvalid
from frontdesk.hasura.writes import UserWriter
from frontdesk.identity.activity import Activity
from frontdesk.identity.fields import NO_RULES, FieldRules
from frontdesk.identity.user import StoredUser, User
from frontdesk.settings import Settings, load_settings, secret, secret_places
from frontdesk.sync import Recorder

_log = structlog.stdlib.get_logger(__name__)

LOOK_EVERY_S = 1.0
EXTENSION = "frontdesk.secrets"  # where an application keeps its LiveSecrets

_Seen = Mapping[Path, tuple[int, ...] | None]


@dataclass(frozen=True, kw_only=True)
class Secrets:
    """All secrets that requests are judged by, or that frontdesk shows to others."""

    admin_secret: str = field(repr=False)
    operator_tokens: tuple[str, ...] = field(repr=False)
    hook_secrets: Mapping[str, tuple[str, ...]] = field(repr=False)
    stream_tokens: Mapping[str, tuple[str, ...]] = field(repr=False)

    @classmethod
    def of(cls, settings: Settings) -> Secrets:
        """Return the secrets of these settings."""
        tenants = settings.tenants.items()
        return cls(
            admin_secret=secret(settings.hasura.admin_secret),
            operator_tokens=tuple(map(secret, settings.operator_tokens)),
            hook_secrets={key: tuple(map(secret, tenant.hook_secrets)) for key, tenant in tenants},
            stream_tokens={key: tuple(map(secret, tenant.stream_tokens)) for key, tenant in tenants},
        )


class LiveSecrets:
    """The secrets as they are now. Threads share it; each process has its own.

    Without `files` the secrets stay as they were given.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        files: Callable[[], Iterable[Path]] | None = None,
        read: Callable[[], Settings] = load_settings,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._secrets = Secrets.of(settings)
        self._files, self._read, self._clock = files, read, clock
        self._lock = threading.Lock()
        self._look_at = float("-inf")
        self._seen: _Seen | None = None
        self._refused: _Seen | None = None

    def current(self) -> Secrets:
        """Return the secrets, of which none is older than a second and the time that it takes to read them."""
        if self._files is not None and self._clock() >= self._look_at:
            with self._lock:
                if (now := self._clock()) >= self._look_at:
                    self._look(self._files)
                    self._look_at = now + LOOK_EVERY_S
        return self._secrets

    def read_again(self) -> None:
        """Have the files read before the next secret is used, whatever they look like. A signal handler may call it."""
        self._seen = None
        self._look_at = float("-inf")

    def _look(self, files: Callable[[], Iterable[Path]]) -> None:
        # Before the reading: what is written meanwhile is found by the next look.
        seen = {path: _identity(path) for path in files()}
        if seen == self._seen:
            return
        try:
            secrets = Secrets.of(self._read())
        except SettingsInvalid as error:
            if seen != self._refused:
                _log.error("secrets.unreadable", kept="the secrets as they were", faults=list(error.faults))
            self._refused = seen
            return
        if secrets != self._secrets:
            _log.info("secrets.changed", names=_changed(self._secrets, secrets))
        self._secrets, self._seen, self._refused = secrets, seen, None


class LiveWriter:
    """Writes as the UserWriter with the admin secret of the moment."""

    def __init__(self, url: str, admin_secret: Callable[[], str], rules: FieldRules = NO_RULES) -> None:
        self._url, self._admin_secret, self._rules = url, admin_secret, rules
        self._lock = threading.Lock()
        self._known = admin_secret()
        self._writer: Recorder = UserWriter(url, self._known, rules=rules)

    def write(self, user: User, *, budget_s: float) -> StoredUser:
        """Write one user; see UserWriter."""
        return self._current().write(user, budget_s=budget_s)

    def record(self, activity: Activity, *, budget_s: float) -> None:
        """Add an activity; see UserWriter."""
        self._current().record(activity, budget_s=budget_s)

    def _current(self) -> Recorder:
        known = self._admin_secret()
        with self._lock:
            if known != self._known:
                # The one before is not closed: it has writes in flight. It goes with the last of them.
                self._known, self._writer = known, UserWriter(self._url, known, rules=self._rules)
            return self._writer


def secret_files() -> frozenset[Path]:
    """Return the files that hold secrets of this process's settings."""
    return frozenset(place.path for place in secret_places().values() if place.path is not None)


def _identity(path: Path) -> tuple[int, ...] | None:
    """Return what differs when a file was changed or another one took its name; None when there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


def _changed(before: Secrets, after: Secrets) -> list[str]:
    names = ["hasura.admin_secret"] if before.admin_secret != after.admin_secret else []
    names += ["operator_token"] if before.operator_tokens != after.operator_tokens else []
    for name in ("hook_secrets", "stream_tokens"):
        old, new = getattr(before, name), getattr(after, name)
        names += [f"tenants.{key}.{name}" for key in sorted(new) if old.get(key) != new[key]]
    return names
