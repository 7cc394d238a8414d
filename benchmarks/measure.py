"""What the benchmarks share: prepared HTTP requests, the load driver and its figures, and the wait for a server."""

from __future__ import annotations

import base64
import json
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import requests

from frontdesk.demo.processes import Processes

START_LIMIT_S = 30.0


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What one series gave, in milliseconds; `driver_cpu_ms` is the driver's own work per request."""

    target: str
    concurrency: int
    p50: float
    p99: float
    per_second: float
    driver_cpu_ms: float = 0.0


def measure(
    target: str, port: int, requests: list[bytes], concurrency: int, *, wanted: str = "200"
) -> Figures:
    """Send the requests from a process of its own; every answer must have the status `wanted`."""
    job = {
        "port": port,
        "concurrency": concurrency,
        "requests": [base64.b64encode(raw).decode() for raw in requests],
    }
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.driver"],
        input=json.dumps(job),
        capture_output=True,
        text=True,
        check=True,
    )
    result = json.loads(done.stdout)
    if set(result["statuses"]) != {wanted}:
        raise SystemExit(f"{target}: not every answer was {wanted}: {result['statuses']}")
    return figures(target, concurrency, result["durations"], result["wall_s"], result["cpu_s"])


def at_a_pace(calls: Sequence[bytes], per_second: float, send: Callable[[bytes], None]) -> list[float]:
    """Send each at its time, whatever became of those before, and return the milliseconds that each took.

    Raises SystemExit when `send` failed for one.
    """
    durations: list[float] = []

    def timed(call: bytes) -> None:
        began = time.perf_counter()
        send(call)
        durations.append((time.perf_counter() - began) * 1000)

    started, threads = time.perf_counter(), []
    for number, call in enumerate(calls):
        time.sleep(max(0.0, started + number / per_second - time.perf_counter()))
        threads.append(threading.Thread(target=timed, args=[call]))
        threads[-1].start()
    for thread in threads:
        thread.join()
    if len(durations) != len(calls):
        raise SystemExit(f"{len(calls) - len(durations)} of {len(calls)} calls were not answered as wanted")
    return durations


def figures(
    target: str, concurrency: int, durations: list[float], wall_s: float, cpu_s: float = 0.0
) -> Figures:
    """Return the figures of a series of durations."""
    cuts = statistics.quantiles(durations, n=100, method="inclusive")
    return Figures(
        target=target,
        concurrency=concurrency,
        p50=cuts[49],
        p99=cuts[98],
        per_second=len(durations) / wall_s,
        driver_cpu_ms=cpu_s * 1000 / len(durations),
    )


def get(path: str) -> bytes:
    """Return a GET request, whole."""
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()


def post(path: str, body: bytes, headers: dict[str, str]) -> bytes:
    """Return a POST request with a JSON body, whole."""
    lines = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", "Content-Type: application/json"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode() + body


def wait_until_healthy(port: int) -> None:
    """Return once the server on this port answers its health check. Raises SystemExit when it never does."""
    limit = time.monotonic() + START_LIMIT_S
    while time.monotonic() < limit:
        try:
            if requests.get(f"http://127.0.0.1:{port}/healthz", timeout=5).ok:
                return
        except (requests.ConnectionError, requests.Timeout):
            time.sleep(0.05)
    raise SystemExit(f"nothing answers on port {port}")


def start_engine(processes: Processes, url: str, *, database: str, admin_secret: str) -> None:
    """Start localhasura at `url`, over a database that holds its catalog and the rows, and wait until it answers."""
    processes.start(
        "localhasura",
        ["localhasura", f"--port={url.rpartition(':')[2]}"],
        environment={
            "HASURA_GRAPHQL_METADATA_DATABASE_URL": database,
            "PG_DATABASE_URL": database,
            "HASURA_GRAPHQL_ADMIN_SECRET": admin_secret,
        },
        ready_url=f"{url}/healthz",
    )
