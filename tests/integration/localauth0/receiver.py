"""A receiver of what the tenant sends: real HTTP, with statuses from a list; it can keep silent, too."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.integration.localauth0.acme import wait_until
from tests.loopback import LoopbackServer, QuietHandler

_STALL_LIMIT_S = 20.0


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """One request as it came."""

    path: str
    headers: Mapping[str, str]
    body: bytes
    status: int

    def json(self) -> Any:
        return json.loads(self.body)


class Receiver(LoopbackServer):
    """Answers with the statuses given, one each, and then with the last of them for ever."""

    def __init__(self, *statuses: int) -> None:
        self.deliveries: list[Delivery] = []
        self._statuses = list(statuses) or [200]
        self._lock = threading.Lock()
        self._goes_on = threading.Event()
        self._goes_on.set()
        owner = self

        class Handler(QuietHandler):
            def do_POST(self) -> None:
                delivery = owner._taken(self.path, dict(self.headers), self.body())
                owner._goes_on.wait(_STALL_LIMIT_S)
                # Who has given up waiting is no fault of this server.
                try:
                    self.answer(delivery.status, {}, b"")
                except ConnectionError:
                    self.close_connection = True

        super().__init__(Handler)

    def answers(self, status: int) -> None:
        """Let every later request get this status."""
        with self._lock:
            self._statuses = [status]

    def stall(self) -> None:
        """Take requests and answer none, until `go_on`."""
        self._goes_on.clear()

    def go_on(self) -> None:
        self._goes_on.set()

    def stop(self) -> None:
        self.go_on()
        super().stop()

    def wait_for(self, count: int) -> list[Delivery]:
        """The deliveries, once there are so many."""
        wait_until(lambda: len(self.deliveries) >= count)
        return list(self.deliveries)

    def _taken(self, path: str, headers: Mapping[str, str], body: bytes) -> Delivery:
        with self._lock:
            status = self._statuses.pop(0) if len(self._statuses) > 1 else self._statuses[0]
            delivery = Delivery(path=path, headers=headers, body=body, status=status)
            self.deliveries.append(delivery)
            return delivery
