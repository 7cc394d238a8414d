"""Nothing secret stands in a log: each record, log file and printed line is searched, and a find fails its test.

What is searched for are the marks of secrets, not secrets that somebody would have to list: all those of the tests
carry one, and the formats of the others tell them.
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

MARKS = {
    # Admin secrets, operator tokens and stream tokens of the tests.
    "a secret of the tests": re.compile(
        r"(secret|token)[a-z-]*-of-(the|this)-(fault-)?tests?|of-another-tenant-of-the-tests|secret-of-the-machine"
        r"|(doctor|blog|the)-admin-secret\b|(robot|operator|running-engine)-secret\b|key-that-is-long-enough"
    ),
    "a hook secret": re.compile(r"whsec_[A-Za-z0-9+/]{24,}"),
    "the key of a hook secret": re.compile(
        r"dGhlIHNlY3JldCBvZiB0aGUgdGVzdHMs|YW5vdGhlciBzZWNyZXQgb2YgdGhlIHRlc3|b3RoZXIgc2VjcmV0IG9mIHRoZSB0ZXN0"
    ),
    "a token": re.compile(r"eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{16,}"),
    "a bearer token": re.compile(r"[Bb]earer [A-Za-z0-9._-]{20,}"),
    "a write key": re.compile(r"writeKey=[^&\s\"'*…<]{8,}"),
    "a password of a database": re.compile(r"postgres(ql)?://[^\s:/@]+:[^\s:/@*]+@"),
    "the password of an example": re.compile(r"hunter2hunter2"),
}
MAX_FILE_BYTES = 20 * 1024 * 1024


class Watch:
    """Looks at every log record of the process, whatever becomes of it, and keeps what it found."""

    def __init__(self) -> None:
        self._found: list[str] = []
        self._lock = threading.Lock()
        self._made = logging.getLogRecordFactory()

    def install(self) -> None:
        """Begin to look."""
        logging.setLogRecordFactory(self)

    def __call__(self, *args: Any, **kwargs: Any) -> logging.LogRecord:
        """Make a record."""
        record = self._made(*args, **kwargs)
        finds = leaks_in(f"{record.msg} {record.args or ''}")
        if finds:
            with self._lock:
                self._found += [f"{find} in a line of {record.name} ({record.pathname})" for find in finds]
        return record

    def take(self) -> list[str]:
        """Return what was found since the last time."""
        with self._lock:
            found, self._found = self._found, []
        return found


watch = Watch()
_secrets: set[str] = set()


def keep_secret(secret: str) -> None:
    """Search for this as well, from now on: what is made up as the run goes has no mark."""
    _secrets.add(secret)


def leaks_in(text: str) -> list[str]:
    """Return the names of the marks that a text has; never the secret itself."""
    finds = [name for name, mark in MARKS.items() if mark.search(text)]
    return finds + ["a secret of this run" for secret in _secrets if secret in text]


def leaks_in_files(place: Path) -> list[str]:
    """Return what the log files below a folder have."""
    files = [
        path for path in place.rglob("*.log") if path.is_file() and path.stat().st_size <= MAX_FILE_BYTES
    ]
    return [f"{find} in {path.name}" for path in files for find in leaks_in(path.read_text(errors="replace"))]


@pytest.fixture(autouse=True)
def nothing_secret_is_logged(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test in whose time a secret was logged; set up first, it looks when all else has ended."""
    yield
    place = request.node.funcargs.get("tmp_path")
    found = watch.take() + (leaks_in_files(place) if place is not None else [])
    assert not found, f"secrets were logged: {found}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Look at what was printed too: lines of processes, and of loggers that nobody has set up."""
    report = yield
    found = [f"{find} in {title}" for title, text in report.sections for find in leaks_in(text)]
    if found and report.passed:
        report.outcome = "failed"
        report.longrepr = f"secrets were printed: {found}"
    return report


def pytest_configure(config: pytest.Config) -> None:
    """Look from the beginning."""
    watch.install()
