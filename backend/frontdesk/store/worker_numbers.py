"""Numbers of processes that have no /metrics of their own, such as workers: gathered here, and kept in a table.

Counting costs nothing but memory; a thread beside the work writes what was gathered every few seconds. What a killed
worker had not written is not counted.
"""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from psycopg.types.json import Jsonb

from frontdesk.store.database import Database

KEPT_DAYS = 30  # of a number that nobody has told of any more

_Key = tuple[str, str]  # the name, and the labels as JSON


@dataclass(frozen=True)
class Number:
    """One number as it stands in the table, and when it was told last."""

    name: str
    labels: Mapping[str, str]
    value: float
    at: datetime


class WorkerNumbers:
    """What one process tells. Threads share it."""

    def __init__(self, database: Database) -> None:
        self._database, self._lock = database, threading.Lock()
        self._added: Counter[_Key] = Counter()
        self._set: dict[_Key, float] = {}

    def add(self, name: str, number: float = 1, **labels: str) -> None:
        """Count: the table has the sum of all processes."""
        with self._lock:
            self._added[_key(name, labels)] += number  # type: ignore[assignment]

    def set(self, name: str, value: float, **labels: str) -> None:
        """Tell how something stands: the table has what was told last."""
        with self._lock:
            self._set[_key(name, labels)] = value

    def write(self) -> None:
        """Bring what was gathered since the last time to the table. Raises StoreUnavailable: then it stays gathered."""
        with self._lock:
            added, told = self._added, self._set
            self._added, self._set = Counter(), {}
        try:
            self._upsert(added, "worker_numbers.value + EXCLUDED.value")
            added = Counter()
            self._upsert(told, "EXCLUDED.value")
        except Exception:
            with self._lock:
                self._added.update(added)
                self._set = {**told, **self._set}
            raise

    def _upsert(self, numbers: Mapping[_Key, float], value: str) -> None:
        if not numbers:
            return
        ordered = sorted(
            numbers.items()
        )  # one order, so that two workers do not wait for each other in a circle
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT INTO frontdesk.worker_numbers (name, labels, value)"  # noqa: S608 - a text of ours
                " SELECT * FROM unnest(%s::text[], %s::jsonb[], %s::float8[])"
                f" ON CONFLICT (name, labels) DO UPDATE SET value = {value}, at = now()",
                (
                    [key[0] for key, _ in ordered],
                    [Jsonb(json.loads(key[1])) for key, _ in ordered],
                    [float(number) for _, number in ordered],
                ),
            )


def numbers_told(database: Database) -> tuple[Number, ...]:
    """Return all numbers in order. Raises StoreUnavailable."""
    with database.transaction() as connection:
        rows = connection.execute(
            "SELECT name, labels, value, at FROM frontdesk.worker_numbers ORDER BY name, labels"
        ).fetchall()
    return tuple(Number(*row) for row in rows)


def drop_old_numbers(database: Database) -> None:
    """Delete the numbers that nobody has told of for long. Raises StoreUnavailable."""
    with database.transaction() as connection:
        connection.execute(
            "DELETE FROM frontdesk.worker_numbers WHERE at < now() - make_interval(days => %s)", (KEPT_DAYS,)
        )


def _key(name: str, labels: Mapping[str, str]) -> _Key:
    return name, json.dumps(labels, sort_keys=True)
