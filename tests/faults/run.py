"""One run: load, faults in random order, and the table of what came of them."""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Sequence

from tests.faults.faults import Fault
from tests.faults.house import House
from tests.faults.ledger import Ledger, SentLogin, SentRecord
from tests.faults.proof import Proof
from tests.faults.settling import SettleWatch, Struck

# The next fault comes when this one is made good, or after so long: then they meet.
PAUSE_LIMIT_S = 2.5
SETTLED_LIMIT_S = 300.0  # tries come ever later, and on a busy machine each may meet another fault
_HEAD = ("fault", "times", "acknowledged", "lost", "duplicated", "s to settle: median", "longest")


def strike_all(
    house: House, ledger: Ledger, faults: Sequence[Fault], *, times: int, seed: int
) -> list[Struck]:
    """Make each fault so many times, in an order of the seed, and return when each is made good."""
    rng = random.Random(seed)
    order = [fault for fault in faults for _ in range(times)]
    rng.shuffle(order)
    with SettleWatch(house, ledger) as watch:
        struck = []
        for fault in order:
            began = time.monotonic()
            fault.strike(house, ledger, rng)
            struck.append(watch.ended(fault.name, began))
            for child in house.children():
                child.supervise()
            struck[-1].is_settled.wait(PAUSE_LIMIT_S)
            print(f"{len(struck)}. {fault.name}: {struck[-1].ended - began:.1f} s")
        for each in struck:
            assert each.is_settled.wait(SETTLED_LIMIT_S), f"{each.name} was not made good; seed {seed}"
    return struck


def table_of(struck: Sequence[Struck], ledger: Ledger, proof: Proof) -> str:
    """Return the table: each fault with what was acknowledged from its beginning to the beginning of the next."""
    ends = [each.began for each in struck[1:]] + [float("inf")]
    windows = list(zip(struck, ends, strict=True))
    acknowledged: list[SentLogin | SentRecord] = [*ledger.logins, *ledger.records]
    lines = []
    for name in sorted({each.name for each in struck}):
        mine = [(each.began, end) for each, end in windows if each.name == name]
        took = [(each.settled or each.ended) - each.ended for each in struck if each.name == name]
        counts = (_within(mine, some) for some in (acknowledged, proof.lost, proof.duplicated))
        lines.append((name, len(mine), *counts, f"{statistics.median(took):.1f}", f"{max(took):.1f}"))
    return _aligned([_HEAD, *lines])


def _within(windows: Sequence[tuple[float, float]], some: Sequence[SentLogin | SentRecord]) -> int:
    moments = [each.acknowledged_at for each in some if each.acknowledged_at is not None]
    return sum(any(began <= moment < end for began, end in windows) for moment in moments)


def _aligned(lines: Sequence[Sequence[object]]) -> str:
    texts = [[str(cell) for cell in line] for line in lines]
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    return "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in texts)
