"""Services are replaced one after the other under load: no call is lost, cut off or refused."""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

import requests
from tests.builders import a_hook_body, a_signed_call
from tests.integration.web.balancer import Balancer
from tests.integration.web.fake_hasura import FakeHasura
from tests.integration.web.streaming import TOKEN, kept
from tests.integration.web.test_serve import Service, StartService, start_service, wait_until

__all__ = ["start_service"]

CALLERS = 4
PAUSE_S = 0.05  # of each between two calls: a steady load, and room for the services
RESTARTS = 2
STEADY_CALLS = 20  # before and after each
WAYS = ("post-login", "log-stream")


@dataclass
class Load:
    """Callers that never stop, and what they were told."""

    url: str
    synced: set[str] = field(default_factory=set)
    queued: set[str] = field(default_factory=set)
    delivered: set[str] = field(default_factory=set)
    faults: list[str] = field(default_factory=list)
    ending: threading.Event = field(default_factory=threading.Event)
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    @property
    def calls(self) -> int:
        """How many were answered as they should be."""
        return len(self.synced) + len(self.queued) + len(self.delivered)

    def run(self) -> None:
        """Log in and deliver in turn until the end."""
        while not self.ending.is_set():
            number = next(self._numbers)
            try:
                self._log_in(f"auth0|{number}") if number % 2 else self._deliver(f"record-{number}")
            except (requests.RequestException, ValueError) as error:
                self.faults.append(f"{number}: {error}")
            self.ending.wait(PAUSE_S)

    def wait_for(self, calls: int) -> None:
        """Wait until so many more were answered."""
        until = self.calls + calls
        wait_until(lambda: self.calls >= until)

    def _log_in(self, user_id: str) -> None:
        raw, headers = a_signed_call(a_hook_body(changes={"user.user_id": user_id}), id_=f"msg_{user_id}")
        answer = requests.post(f"{self.url}/hooks/default/post-login", data=raw, headers=headers, timeout=30)
        said = answer.json()
        if (answer.status_code, said.get("decision")) != (200, "allow") or said["synced"] == said["queued"]:
            self.faults.append(f"{user_id}: {answer.status_code} {said}")
        (self.synced if said.get("synced") else self.queued).add(user_id)

    def _deliver(self, log_id: str) -> None:
        body = json.dumps([{"log_id": log_id, "data": {"type": "s"}}])
        answer = requests.post(
            f"{self.url}/hooks/default/log-stream",
            data=body,
            headers={"Authorization": f"Bearer {TOKEN}"},
            timeout=30,
        )
        if (answer.status_code, answer.json()) != (202, {"queued": True, "records": 1}):
            self.faults.append(f"{log_id}: {answer.status_code} {answer.text}")
        self.delivered.add(log_id)


@contextmanager
def calling(url: str) -> Iterator[Load]:
    load = Load(url)
    with ThreadPoolExecutor(CALLERS) as pool:
        runs = [pool.submit(load.run) for _ in range(CALLERS)]
        try:
            yield load
        finally:
            load.ending.set()
    for run in runs:
        run.result()


def test_a_rolling_restart_under_load_loses_nothing_and_refuses_nothing(
    start_service: StartService, hasura: FakeHasura, store_url: str
) -> None:
    def started() -> Service:
        return start_service(
            DATABASE_URL=store_url,
            TENANTS_DEFAULT_STREAM_TOKENS=TOKEN,
            SERVER_WORKERS="1",
            SERVER_THREADS="8",
            LOGIN_BUDGET_S="4.5",
            ACTION_DEADLINE_MS="5000",
            LOGIN_BREAKER_RETRY_S="0.1",
        )

    with Balancer() as balancer:
        old, other = started(), started()
        balancer.ports = [old.port, other.port]
        with calling(balancer.url) as load:
            for restart in range(RESTARTS):
                # Half of the time Hasura is away, so that logins are kept as well.
                hasura.status = "200 OK" if restart % 2 else "503 Service Unavailable"
                load.wait_for(STEADY_CALLS)
                new = started()
                balancer.ports = [other.port, new.port, old.port]  # the old one is called as it stops, too
                assert old.stop() == 0
                balancer.ports = [other.port, new.port]
                load.wait_for(STEADY_CALLS)
                old, other = other, new

    assert load.faults == []
    assert balancer.refused == 0
    assert min(len(load.synced), len(load.queued), len(load.delivered)) >= STEADY_CALLS / 4
    inbox = {way: [json.loads(body) for _, of, _, body in kept(store_url) if of == way] for way in WAYS}
    assert load.queued <= {login["user"]["user_id"] for login in inbox["post-login"]}
    assert load.delivered <= {record["log_id"] for delivery in inbox["log-stream"] for record in delivery}
    assert load.synced <= {row["userId"] for row in hasura.writes}
