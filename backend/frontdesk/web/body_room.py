"""Bodies of requests, read within bounds: of one body, and of all that a process has in memory at the same time."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from flask import request

from frontdesk.errors import BodyTooLarge, FrontdeskError

READ_BYTES = 256 * 1024


class BusyReading(FrontdeskError):
    """So many deliveries are being read that there is no room for another one; send it again in a few seconds."""

    type = "urn:frontdesk:problem:busy-reading"
    status = 503
    retryable = True


class BodyRoom:
    """What bodies of requests may take together in this process: bytes, and threads. Threads share it."""

    def __init__(self, *, size_bytes: int, threads: int) -> None:
        self._left = size_bytes
        self._lock = threading.Lock()
        self._threads = threading.BoundedSemaphore(threads)

    @contextmanager
    def body(self, limit_bytes: int) -> Iterator[bytes]:
        """Give the body of the request, which takes its room as long as the block runs.

        Raises BodyTooLarge above the limit, before reading when the length is announced, and BusyReading without room.
        """
        # The framework cuts a chunked body at its own limit without a word: that limit is one byte above ours.
        request.max_content_length = limit_bytes + 1
        announced = request.content_length
        if announced is not None and announced > limit_bytes:
            raise BodyTooLarge
        if not self._threads.acquire(blocking=False):
            raise BusyReading
        taken = 0
        try:
            if announced is not None:
                taken = self._take(announced)
                yield request.get_data(cache=False)
                return
            parts: list[bytes] = []
            while part := request.stream.read(READ_BYTES):
                taken += self._take(len(part))
                parts.append(part)
                if taken > limit_bytes:
                    raise BodyTooLarge
            yield b"".join(parts)
        finally:
            self._give_back(taken)
            self._threads.release()

    def _take(self, size_bytes: int) -> int:
        with self._lock:
            if size_bytes > self._left:
                raise BusyReading
            self._left -= size_bytes
        return size_bytes

    def _give_back(self, size_bytes: int) -> None:
        with self._lock:
            self._left += size_bytes


def allow_arrival(seconds: float) -> None:
    """Let the rest of this request take so long to arrive, where the server bounds it at all."""
    connection = request.environ.get("gunicorn.socket")
    if connection is not None and hasattr(connection, "deadline"):
        connection.deadline = time.monotonic() + seconds
