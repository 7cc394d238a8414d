"""What goes wrong on the way from the tenant's streams to their receivers: switches for tests, decided by a seeded die.

Auth0's own promise is delivery at least once and in no order; these switches make that visible on demand.
"""

from __future__ import annotations

import random
import threading
from collections.abc import MutableSequence
from dataclasses import dataclass
from typing import Any

from localauth0.tenant import DeliveryFaults


@dataclass(frozen=True)
class Fate:
    """What is to happen to one request: it waits, is sent `copies` times, finds nobody, or its answer gets lost."""

    delay_s: float = 0.0
    copies: int = 1
    cannot_connect: bool = False
    drops_answer: bool = False


class FaultDice:
    """Throws the dice for each request. The same seed and the same order of requests give the same fates."""

    def __init__(self, faults: DeliveryFaults) -> None:
        self._lock = threading.Lock()
        self.set(faults)

    def set(self, faults: DeliveryFaults) -> None:
        """Let these faults happen from now on; the die begins anew at their seed."""
        with self._lock:
            self._faults, self._random = faults, random.Random(faults.seed)  # noqa: S311 - repeatable on purpose

    @property
    def faults(self) -> DeliveryFaults:
        with self._lock:
            return self._faults

    def fate(self) -> Fate:
        """What is to happen to the next request."""
        with self._lock:
            faults = self._faults
            late, twice, unreachable, lost = (self._random.random() for _ in range(4))
            return Fate(
                delay_s=faults.delay_s * self._random.random() if late < faults.delay else 0.0,
                copies=2 if twice < faults.duplicate else 1,
                cannot_connect=unreachable < faults.fail_connection,
                drops_answer=lost < faults.drop_answer,
            )

    def disorder(self, things: MutableSequence[Any]) -> bool:
        """Shuffle what is about to be sent, when the die says so; return whether it did."""
        with self._lock:
            is_shuffled = self._random.random() < self._faults.reorder
            if is_shuffled:
                self._random.shuffle(things)
            return is_shuffled
