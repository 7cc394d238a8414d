"""A worker as a process: killed, stopped, and left by PostgreSQL, it loses nothing and does nothing twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from tests.integration.jobs.queue_house import QueueHouse
from tests.integration.jobs.working import Work, a_log_record, working
from tests.integration.reconcile.operating import wait_until

LIMIT_S = 60.0


@contextmanager
def a_worker(house: QueueHouse, log: Path, **changes: str) -> Iterator[subprocess.Popen[bytes]]:
    """Give a running `frontdesk worker`; its log goes to a file."""
    environment = {"PATH": os.environ["PATH"], **house.inner.environment(), **changes}
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "frontdesk", "worker"],
            cwd=house.inner.place,
            env=environment,
            stdout=output,
            stderr=output,
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait(LIMIT_S)


def delivered(work: Work, number: int, *, each: int = 50) -> list[str]:
    """Put deliveries into the inbox, and return the ids of their records."""
    records = [a_log_record(record, user_id=f"auth0|{record}") for record in range(number * each)]
    for first in range(0, len(records), each):
        work.deliver(records[first : first + each])
    return sorted(record["log_id"] for record in records)


def is_quiet(house: QueueHouse) -> bool:
    """Tell whether nothing waits and no job of ours is left."""
    waiting = house.sql("SELECT 1 FROM deliveries WHERE state <> 'done'")
    jobs = house.sql("SELECT 1 FROM procrastinate_jobs WHERE task_name = 'drain_inbox'")
    return not waiting and not jobs


def test_a_worker_that_is_killed_in_the_middle_of_a_drain_leaves_it_to_the_next_within_seconds(
    house: QueueHouse, tmp_path: Path
) -> None:
    with working(house) as work:
        ids = delivered(work, 8)
        with psycopg.connect(house.inner.store_url) as holder:
            # The rows stand in Hasura, and the mark that says so cannot be made: the worst moment.
            holder.execute("LOCK TABLE frontdesk.stream_state IN SHARE MODE")
            with a_worker(house, tmp_path / "first.log") as first:
                wait_until(lambda: len(work.activities()) > 0)
                first.send_signal(signal.SIGKILL)
                first.wait(LIMIT_S)
            holder.rollback()
        assert house.sql("SELECT status::text FROM procrastinate_jobs WHERE task_name = 'drain_inbox'")

        with a_worker(house, tmp_path / "second.log"):
            wait_until(lambda: is_quiet(house), limit_s=LIMIT_S)

        assert sorted(work.activities()) == ids
        assert house.sql("SELECT 1 FROM deliveries WHERE state <> 'done'") == []


@contextmanager
def no_database(house: QueueHouse) -> Iterator[None]:
    """Let PostgreSQL refuse frontdesk's database, and end what is connected to it but the tests themselves."""
    (row,) = house.sql("SELECT current_database() AS name, pg_backend_pid() AS pid")
    elsewhere = house.inner.rows
    elsewhere.execute(f"ALTER DATABASE {row['name']} ALLOW_CONNECTIONS false".encode())
    try:
        elsewhere.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND pid <> %s",
            (row["name"], row["pid"]),
        )
        yield
    finally:
        elsewhere.execute(f"ALTER DATABASE {row['name']} ALLOW_CONNECTIONS true".encode())


def test_a_worker_that_postgresql_has_left_goes_on_when_it_is_back_and_keeps_no_connection(
    house: QueueHouse, tmp_path: Path
) -> None:
    log = tmp_path / "worker.log"
    with working(house) as work, a_worker(house, log) as process:
        ids = delivered(work, 2)
        wait_until(lambda: is_quiet(house))
        with no_database(house):
            wait_until(lambda: b"worker.interrupted" in log.read_bytes() or process.poll() is not None)
        more = [a_log_record(1000 + number) for number in range(10)]
        work.deliver(more)

        wait_until(lambda: is_quiet(house))
        assert sorted(work.activities()) == sorted(ids + [record["log_id"] for record in more])
        process.send_signal(signal.SIGTERM)
        assert process.wait(LIMIT_S) == 0, log.read_text()


def test_a_stop_in_the_middle_of_much_work_ends_soon_and_loses_nothing(
    house: QueueHouse, tmp_path: Path
) -> None:
    with working(house) as work:
        ids = delivered(work, 10, each=400)
        with a_worker(house, tmp_path / "first.log") as first:
            wait_until(lambda: len(work.activities()) > 0)
            first.send_signal(signal.SIGTERM)
            assert first.wait(LIMIT_S) == 0
        assert house.sql("SELECT 1 FROM procrastinate_jobs WHERE status = 'doing'") == []

        work.off()
        assert sorted(work.activities()) == ids
