"""The post-login hook while Hasura is well, answers two seconds late, and is away: its times, and what it answered.

Everything is a process of its own. Logins come at a steady pace, each at its time whatever became of those before.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import platform
import socket
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.table import Table

from benchmarks.measure import at_a_pace, figures
from benchmarks.post_login import PEOPLE, login, signed
from benchmarks.streams import HOOK_SECRET, TENANT, House, running_house, slow_way
from frontdesk.demo.postgres import free_port
from frontdesk.demo.processes import Processes

WARM_UP = 60


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--per-second", type=float, default=20.0, help="logins a second")
    parser.add_argument("--seconds", type=float, default=30.0, help="of each series")
    options = parser.parse_args()
    count = round(options.per_second * options.seconds)
    table = Table("Hasura", "p50 ms", "p99 ms", "synced", "queued", "neither")
    table.title = f"{options.per_second:g} logins a second for {options.seconds:g} s"
    with running_house() as house, slow_way(house.hasura) as slow:
        for name, url in (("up", house.hasura), ("slow", slow), ("down", f"http://127.0.0.1:{free_port()}")):
            with _serving(house, url) as port:
                _series(port, WARM_UP, options.per_second)
                durations, answers = _series(port, count, options.per_second)
            times = figures(name, 1, durations, options.seconds)
            table.add_row(
                name,
                f"{times.p50:.1f}",
                f"{times.p99:.1f}",
                *(str(answers[what]) for what in ("synced", "queued", "neither")),
            )
    console = Console()
    console.print(table)
    console.print(f"{os.cpu_count()} cores, Python {platform.python_version()}, {platform.machine()}")


@contextmanager
def _serving(house: House, hasura: str) -> Iterator[int]:
    """Serve at this Hasura, on a port of its own."""
    port = free_port()
    with Processes(house.directory) as processes:
        processes.start(
            f"serve-{port}",
            ["frontdesk", "serve"],
            environment=house.environment(hasura=hasura, port=port),
            ready_url=f"http://127.0.0.1:{port}/healthz",
        )
        yield port


def _series(port: int, count: int, per_second: float) -> tuple[list[float], Counter[str]]:
    key = base64.b64decode(HOOK_SECRET.removeprefix("whsec_"))
    calls = [signed(key, TENANT, json.dumps(login(number % PEOPLE)).encode()) for number in range(count)]
    answers: Counter[str] = Counter()

    def send(call: bytes) -> None:
        answer = _answer(port, call)
        answers["synced" if answer["synced"] else "queued" if answer["queued"] else "neither"] += 1

    return at_a_pace(calls, per_second, send), answers


def _answer(port: int, call: bytes) -> dict[str, object]:
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(call.replace(b"\r\n", b"\r\nConnection: close\r\n", 1))
        received = b"".join(iter(lambda: connection.recv(65536), b""))
    head, _, body = received.partition(b"\r\n\r\n")
    if b" 200 " not in head.partition(b"\r\n")[0]:
        raise SystemExit(head.decode())
    answer: dict[str, object] = json.loads(body)
    return answer


if __name__ == "__main__":
    main()
