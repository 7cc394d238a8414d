"""Killing `frontdesk import` at moments that a seed chooses, and telling what it left from what it should leave."""

from __future__ import annotations

import random
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Any

import psycopg
from tests.acceptance.conftest import wait_for
from tests.integration.importing.house import House

LIMIT_S = 120.0
BATCH_ROWS = "20"  # so that a small tenant has many batches to be killed in


class Moment(StrEnum):
    """When the command is killed."""

    ANY = "at any moment"
    IN_BATCH = "during a batch"  # Hasura's statement is under way, and held
    AFTER_BATCH = "between batch and checkpoint"  # Hasura has it, and the checkpoint is held


_HELD = {Moment.IN_BATCH: "public.users", Moment.AFTER_BATCH: "frontdesk.pass_users"}


class Killer:
    """Runs the command and kills it; `log` tells of each kill."""

    def __init__(self, house: House, rows_url: str, place: Path, rng: random.Random) -> None:
        self._house, self._rows_url, self._place, self._rng = house, rows_url, place, rng
        self.log: list[str] = []

    def whole_run_s(self) -> float:
        """Run it to its end, and return how long it worked after its start."""
        with self._started() as process:
            began_at = time.monotonic()
            assert process.wait(LIMIT_S) == 0, self._told()
            return time.monotonic() - began_at

    def kill(self, moment: Moment, within_s: float) -> bool:
        """Start the command and kill it; False when it had ended before."""
        with self._started() as process:
            delay_s = self._rng.uniform(0, within_s)
            _wait(process, delay_s)
            if moment is Moment.ANY:
                _kill(process)
            else:
                self._kill_while_held(process, _HELD[moment])
            killed = process.returncode == -signal.SIGKILL
        if killed:
            self.log.append(f"kill {len(self.log) + 1}: {moment}, {delay_s:.2f} s on; kept: {self._kept()}")
        return killed

    def _kill_while_held(self, process: subprocess.Popen[bytes], table: str) -> None:
        """Hold all writes of a table until somebody waits for it, which is the moment."""
        url = self._rows_url if table.startswith("public.") else self._house.store_url
        with psycopg.connect(url) as holder, psycopg.connect(url, autocommit=True) as watcher:
            holder.execute(f"LOCK TABLE {table} IN SHARE MODE".encode())
            wait_for(lambda: process.poll() is not None or _somebody_waits(watcher), LIMIT_S)
            _kill(process)
            holder.rollback()

    @contextmanager
    def _started(self) -> Iterator[subprocess.Popen[bytes]]:
        """Give the running command, once it has told something of its work."""
        out = self._place / "out.ndjson"
        with out.open("wb") as file, (self._place / "err.txt").open("wb") as errors:
            process = subprocess.Popen(
                self._house.command("--json"),
                cwd=self._place,
                env=self._house.environment(
                    FRONTDESK_IMPORTS_BATCH_ROWS=BATCH_ROWS, FRONTDESK_IMPORTS_JOB_FROM_USERS="1001"
                ),
                stdout=file,
                stderr=errors,
            )
            try:
                wait_for(lambda: process.poll() is not None or out.stat().st_size > 0, LIMIT_S)
                yield process
            finally:
                _kill(process)

    def _told(self) -> str:
        return (self._place / "err.txt").read_text() + (self._place / "out.ndjson").read_text()

    def _kept(self) -> str:
        with psycopg.connect(self._house.store_url) as connection:
            found = connection.execute(
                "SELECT status, phase, coalesce(counts ->> 'records', '0') FROM frontdesk.passes"
                " WHERE tenant = %s ORDER BY started_at DESC LIMIT 1",
                (self._house.tenant,),
            ).fetchone()
        return "nothing" if found is None else "{} in phase {}, {} records".format(*found)


def what_is_there(house: House) -> dict[str, list[dict[str, Any]]]:
    """Return all that an import writes, without what differs by the time of a reading and by the tenant's key."""
    users = house.table("users", "tenant", "write_id", "synced_at")
    for user in users:
        for group in ("roles", "account"):
            user["clocks"].get(group, {}).pop("at", None)
    return {
        "users": users,
        "roles": house.table("roles", "tenant"),
        "user_roles": house.table("user_roles", "tenant"),
        "organizations": house.table("organizations", "tenant", "read_at"),
        "organization_members": house.table("organization_members", "tenant", "read_at"),
    }


def _wait(process: subprocess.Popen[bytes], delay_s: float) -> None:
    """Let the process work for so long, or to its end."""
    try:
        process.wait(delay_s)
    except subprocess.TimeoutExpired:
        return


def _kill(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait(LIMIT_S)


def _somebody_waits(watcher: psycopg.Connection[Any]) -> bool:
    found = watcher.execute(
        "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    return found.fetchone() is not None
