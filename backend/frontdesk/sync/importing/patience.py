"""Waiting for Hasura to come back: how long, how often it is asked, and who is told."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from frontdesk.errors import HasuraUnavailable

FIRST_WAIT_S = 0.2
LONGEST_WAIT_S = 10.0

T = TypeVar("T")


class Patience:
    """How long an outage of Hasura may last, for several threads; `stop` ends all waiting."""

    def __init__(self, limit_s: float, tell: Callable[[str], None]) -> None:
        self._limit_s, self._tell = limit_s, tell
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._told = False

    def stop(self) -> None:
        """Let nobody wait any longer."""
        self._stopped.set()

    def with_hasura(self, act: Callable[[], T]) -> T:
        """Return what `act` gives, tried again while Hasura is out of reach; it must not matter that it is done twice.

        Raises HasuraUnavailable when the outage lasts longer than the patience, and whatever else `act` raises.
        """
        give_up_at: float | None = None
        wait_s = FIRST_WAIT_S
        while True:
            try:
                done = act()
            except HasuraUnavailable as unavailable:
                now = time.monotonic()
                give_up_at = now + self._limit_s if give_up_at is None else give_up_at
                self._say_once(unavailable)
                if self._stopped.is_set() or now + wait_s > give_up_at:
                    raise
                self._stopped.wait(wait_s * random.uniform(0.5, 1.0))  # noqa: S311 - not for secrecy
                wait_s = min(wait_s * 2, LONGEST_WAIT_S)
            else:
                self._is_back()
                return done

    def _say_once(self, unavailable: HasuraUnavailable) -> None:
        with self._lock:
            if self._told:
                return
            self._told = True
        self._tell(
            f"Hasura gives no answer ({unavailable.detail}); waiting up to {self._limit_s:.0f} seconds for it"
        )

    def _is_back(self) -> None:
        with self._lock:
            was_told, self._told = self._told, False
        if was_told:
            self._tell("Hasura answers again")
