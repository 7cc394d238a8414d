"""One run: load, faults in random order, and the table of what came of them."""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.rows import DictRow

from tests.acceptance.conftest import wait_for
from tests.faults.faults import Fault
from tests.faults.house import House
from tests.faults.ledger import Ledger, SentLogin, SentRecord
from tests.faults.proof import Proof, is_caught_up

SETTLED_LIMIT_S = 120.0
_HEAD = ("fault", "times", "acknowledged", "lost", "duplicated", "s to settle: median", "longest")


@dataclass(frozen=True, kw_only=True)
class Struck:
    """One fault that was made, on the monotonic clock: from its beginning until it was taken back, and made good."""

    name: str
    began: float
    ended: float
    settled: float


def strike_all(
    house: House, ledger: Ledger, faults: Sequence[Fault], *, times: int, seed: int
) -> list[Struck]:
    """Make each fault so many times, in an order of the seed; each begins when the one before is made good."""
    rng = random.Random(seed)
    order = [fault for fault in faults for _ in range(times)]
    rng.shuffle(order)
    return [_struck(house, ledger, fault, rng) for fault in order]


def table_of(struck: Sequence[Struck], ledger: Ledger, proof: Proof) -> str:
    """Return the table: each fault with what was acknowledged from its beginning to the beginning of the next."""
    ends = [each.began for each in struck[1:]] + [float("inf")]
    windows = list(zip(struck, ends, strict=True))
    acknowledged: list[SentLogin | SentRecord] = [*ledger.logins, *ledger.records]
    lines = []
    for name in sorted({each.name for each in struck}):
        mine = [(each.began, end) for each, end in windows if each.name == name]
        took = [each.settled - each.ended for each in struck if each.name == name]
        counts = (_within(mine, some) for some in (acknowledged, proof.lost, proof.duplicated))
        lines.append((name, len(mine), *counts, f"{statistics.median(took):.1f}", f"{max(took):.1f}"))
    return _aligned([_HEAD, *lines])


def _struck(house: House, ledger: Ledger, fault: Fault, rng: random.Random) -> Struck:
    began = time.monotonic()
    fault.strike(house, ledger, rng)
    ended = time.monotonic()
    _wait_until_made_good(house, ledger, ended)
    for child in house.children():
        child.ensure_alive()
    return Struck(name=fault.name, began=began, ended=ended, settled=time.monotonic())


def _wait_until_made_good(house: House, ledger: Ledger, ended: float) -> None:
    """Wait until a login goes straight through, and all that was accepted before stands in Hasura."""
    with house.store() as connection:
        until = _now(connection)
        wait_for(
            lambda: ledger.synced_at > ended and is_caught_up(connection, until),
            SETTLED_LIMIT_S,
        )


def _now(connection: psycopg.Connection[DictRow]) -> Any:
    row = connection.execute("SELECT now() AS now").fetchone()
    return None if row is None else row["now"]


def _within(windows: Sequence[tuple[float, float]], some: Sequence[SentLogin | SentRecord]) -> int:
    return sum(
        any(began <= each.acknowledged_at < end for began, end in windows)
        for each in some
        if each.acknowledged_at is not None
    )


def _aligned(lines: Sequence[Sequence[object]]) -> str:
    texts = [[str(cell) for cell in line] for line in lines]
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    return "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in texts)
