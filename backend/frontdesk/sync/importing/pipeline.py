"""Users from a reading into Hasura: read here, written by a few threads at once, kept in the order of reading.

What is kept is the position after a batch together with all that the batch came to, and only once Hasura has it and
everything before it. So a kill costs one repetition of the batches in flight, which changes nothing in Hasura.
"""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from frontdesk.auth0.reading import Reading
from frontdesk.errors import FrontdeskError
from frontdesk.store.passes import RunningPass
from frontdesk.sync.importing.batch import BatchDone, BatchWriter
from frontdesk.sync.importing.records import STATE_NAMES, Judge, batches

IN_FLIGHT = 3  # batches: one that Hasura works on, one on the way, one being made


def write_everybody(
    run: RunningPass,
    reading: Reading,
    judge: Judge,
    writer: BatchWriter,
    *,
    rows: int,
    kept: Callable[[], None],
) -> None:
    """Write everybody whom the reading gives from the pass's position on; `kept` is called after every batch.

    When reading or writing fails, what Hasura has by then is kept first, up to the first batch that it has not.
    Raises Auth0Error, FileUnreadable, HasuraError, StoreError.
    """
    # Kept before the first record: an export job that is asked for is found again after a kill.
    resume = reading.begin(run.position.get("resume"))
    run.advance(position={**run.position, "resume": dict(resume), "way": reading.way})
    flight: deque[Future[BatchDone]] = deque()
    with ThreadPoolExecutor(IN_FLIGHT, thread_name_prefix="import") as threads:
        try:
            for batch in batches(map(judge.judged, reading.records(resume)), rows):
                while len(flight) >= IN_FLIGHT:
                    _keep_oldest(run, flight, kept)
                flight.append(threads.submit(writer.write, batch, reading.way))
            while flight:
                _keep_oldest(run, flight, kept)
        except BaseException:
            writer.patience.stop()
            _keep_what_came_through(run, flight, kept)
            raise


def _keep_oldest(run: RunningPass, flight: deque[Future[BatchDone]], kept: Callable[[], None]) -> None:
    done = flight[0].result()
    run.advance(
        position=done.position, seen=done.seen, rejects=done.rejects, states=STATE_NAMES, added=done.added
    )
    flight.popleft()  # only now: what cannot be kept stays first, and keeps what came later from being kept
    kept()


def _keep_what_came_through(
    run: RunningPass, flight: deque[Future[BatchDone]], kept: Callable[[], None]
) -> None:
    """Keep the batches before which nothing is missing; what ends it is not told, since a failure is on its way."""
    with contextlib.suppress(FrontdeskError):
        while flight:
            _keep_oldest(run, flight, kept)
