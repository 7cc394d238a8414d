"""A small load driver: prepared requests over kept-alive connections, each timed by itself.

Run as a process of its own (`python -m benchmarks.driver`), it reads one JSON job from standard input and prints one
JSON line of timings, so that its work does not share an interpreter with what it measures.
"""

from __future__ import annotations

import base64
import json
import socket
import sys
import threading
import time
from dataclasses import dataclass

READ_SIZE = 65536
TIMEOUT_S = 30.0


@dataclass(frozen=True, kw_only=True)
class Request:
    """One prepared HTTP request, whole."""

    raw: bytes


def main() -> None:
    """Send the job's requests and print their durations (milliseconds), statuses and the wall time."""
    job = json.load(sys.stdin)
    requests = [Request(raw=base64.b64decode(raw)) for raw in job["requests"]]
    durations: list[float] = []
    statuses: dict[str, int] = {}
    lock = threading.Lock()
    pending = iter(requests)

    def work() -> None:
        connection = _connect(job["port"])
        while True:
            with lock:
                request = next(pending, None)
            if request is None:
                connection.close()
                return
            start = time.perf_counter()
            status, keep_alive = _exchange(connection, request.raw)
            elapsed = (time.perf_counter() - start) * 1000
            with lock:
                durations.append(elapsed)
                statuses[status] = statuses.get(status, 0) + 1
            if not keep_alive:
                connection.close()
                connection = _connect(job["port"])

    threads = [threading.Thread(target=work) for _ in range(job["concurrency"])]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wall = time.perf_counter() - start
    json.dump(
        {"durations": durations, "statuses": statuses, "wall_s": wall, "cpu_s": time.process_time()},
        sys.stdout,
    )


def _connect(port: int) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_S)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def _exchange(connection: socket.socket, raw: bytes) -> tuple[str, bool]:
    connection.sendall(raw)
    received = b""
    while b"\r\n\r\n" not in received:
        chunk = connection.recv(READ_SIZE)
        if not chunk:
            return "closed", False
        received += chunk
    head, _, body = received.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
    missing = int(headers.get("content-length", "0")) - len(body)
    while missing > 0:
        chunk = connection.recv(min(READ_SIZE, missing))
        if not chunk:
            return "cut", False
        missing -= len(chunk)
    return lines[0].split(" ")[1], headers.get("connection", "").lower() != "close"


if __name__ == "__main__":
    main()
