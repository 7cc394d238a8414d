"""Looks at rows while everything is going on: no clock of a row may ever go back."""

from __future__ import annotations

import threading
from types import TracebackType
from typing import Any, Self

import psycopg

from tests.faults.house import TENANT, House

EVERY_S = 0.3
JOIN_LIMIT_S = 30.0
# Rows that are written again and again; one that is written once has nothing to go back to.
_CLOCKS = """
SELECT user_id, last_seen, logins_count, clocks FROM users
WHERE tenant = %s AND (user_id LIKE 'auth0|regular%%' OR user_id LIKE 'auth0|evented%%')
"""


class ClockWatch:
    """Compares each look at the rows with the look before, inside its `with` block."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="clock-watch")
        self._seen: dict[str, dict[str, Any]] = {}
        self.went_back: list[str] = []
        self.looks = 0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join(JOIN_LIMIT_S)

    def _watch(self) -> None:
        while not self._over.wait(EVERY_S):
            try:
                with self._house.rows() as connection:
                    while not self._over.wait(EVERY_S):
                        self._look(connection)
            except psycopg.OperationalError:
                continue  # PostgreSQL is being stopped or started; the next look compares with the last one

    def _look(self, connection: psycopg.Connection[dict[str, Any]]) -> None:
        for row in connection.execute(_CLOCKS, (TENANT,)).fetchall():
            moments = _moments(row)
            before = self._seen.get(row["user_id"], {})
            self.went_back += [
                f"{row['user_id']}: {name} went from {before[name]} to {moments.get(name)}"
                for name in before
                if name not in moments or moments[name] < before[name]
            ]
            self._seen[row["user_id"]] = moments
        self.looks += 1


def _moments(row: dict[str, Any]) -> dict[str, Any]:
    """Return the clocks of a row; as text they are in order, since one writer gives them one form."""
    clocks = {
        f"clock of {group}": clock["at"]
        for group, clock in row["clocks"].items()
        if isinstance(clock, dict) and clock.get("at") is not None
    }
    own = {name: row[name] for name in ("last_seen", "logins_count") if row[name] is not None}
    return clocks | own
