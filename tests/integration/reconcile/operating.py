"""frontdesk's own settings around a house, for commands and workers."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path

from tests.builders import HOOK_SECRET
from tests.integration.auth0.reading_server import Asked, Reply
from tests.integration.hasura.engine import ADMIN_SECRET
from tests.integration.reconcile.house import House

LIMIT_S = 60.0


def environment(house: House, store_url: str, directory: Path, *others: House, **more: str) -> dict[str, str]:
    """Return the variables of a frontdesk of one or several houses; the file of settings is in `directory`."""
    file = directory / "frontdesk.toml"
    file.write_text(
        f'[hasura]\nurl = "{house.hasura_url}"\n'
        + "".join(
            f'[tenants.{each.tenant}]\ndomain = "{each.tenant}.eu.auth0.com"\naudience = "https://api.example.com"\n'
            f'management_url = "{each.auth0.url}"\nmanagement_client_id = "m2m"\n'
            for each in (house, *others)
        )
    )
    secrets = {
        f"FRONTDESK_TENANTS_{each.tenant.upper()}_{name}": value
        for number, each in enumerate((house, *others))
        for name, value in (
            ("HOOK_SECRETS", HOOK_SECRET if not number else _another_secret(number)),
            ("MANAGEMENT_CLIENT_SECRET", "s3cret-of-the-application"),
        )
    }
    return {
        "FRONTDESK_CONFIG": str(file),
        "FRONTDESK_HASURA_ADMIN_SECRET": ADMIN_SECRET,
        "FRONTDESK_DATABASE_URL": store_url,
        # Due at no moment at which tests run: the jobs are those that a test makes.
        "FRONTDESK_RECONCILE_SCHEDULE": "0 0 29 2 *",
        **secrets,
        **more,
    }


def _another_secret(number: int) -> str:
    return "whsec_" + "QUJD" * 10 + f"{number:03}" + "A"


def started(variables: Mapping[str, str], *arguments: str) -> subprocess.Popen[str]:
    """Start a command of frontdesk as a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "frontdesk", *arguments],
        env={"PATH": os.environ["PATH"], **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    """Return exit code and output of a process that ends by itself."""
    out, err = process.communicate(timeout=LIMIT_S)
    return process.returncode, out, err


class Killer:
    """Holds the answer to the call that `is_it` recognises, and kills a process with SIGKILL meanwhile; once."""

    def __init__(self, number: int, part_of_path: str) -> None:
        self._left, self._part = number, part_of_path
        self.process: subprocess.Popen[str] | None = None
        self._started = threading.Event()
        self.has_killed = False

    def watch(self, process: subprocess.Popen[str]) -> None:
        """Name the process that is to be killed."""
        self.process = process
        self._started.set()

    def __call__(self, asked: Asked) -> Reply | None:
        if self._part not in asked.path or self.has_killed:
            return None
        self._left -= 1
        if self._left > 0:
            return None
        self._started.wait(LIMIT_S)
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(LIMIT_S)
        self.has_killed = True
        return None


def wait_until(is_so: object, *, limit_s: float = LIMIT_S) -> None:
    """Wait until a condition holds. Raises AssertionError after the limit."""
    assert callable(is_so)
    give_up_at = time.monotonic() + limit_s
    while not is_so():
        assert time.monotonic() < give_up_at, "it did not come about in time"
        time.sleep(0.02)
