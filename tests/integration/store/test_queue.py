"""Jobs that any process puts into procrastinate's table."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import psycopg
import pytest

from frontdesk.store.database import Database
from frontdesk.store.queue import Queue

OPTIONS = "-c search_path=frontdesk"  # the triggers of the library name its tables without a schema


@pytest.fixture
def database(store_url: str) -> Iterator[Database]:
    with Database(store_url) as database:
        yield database


def jobs(store_url: str) -> list[tuple[object, ...]]:
    with psycopg.connect(store_url, options=OPTIONS) as connection:
        return connection.execute(
            "SELECT task_name, args, queueing_lock, status, scheduled_at > now() FROM frontdesk.procrastinate_jobs"
            " ORDER BY id"
        ).fetchall()


def test_a_job_is_in_the_table_of_the_library(database: Database, store_url: str) -> None:
    assert Queue(database).defer("a_task", {"tenant": "acme"}, delay_s=60) is not None
    assert jobs(store_url) == [("a_task", {"tenant": "acme"}, None, "todo", True)]


def test_of_one_queueing_lock_one_job_waits(database: Database, store_url: str) -> None:
    queue = Queue(database)
    first = queue.defer("a_task", {}, queueing_lock="one")
    assert (first is not None, queue.defer("a_task", {}, queueing_lock="one")) == (True, None)
    with psycopg.connect(store_url, autocommit=True, options=OPTIONS) as connection:
        connection.execute("UPDATE frontdesk.procrastinate_jobs SET status = 'doing'")
    assert queue.defer("a_task", {}, queueing_lock="one") is not None
    assert [status for *_, status, _ in jobs(store_url)] == ["doing", "todo"]


def test_who_comes_second_at_the_same_moment_is_told_that_one_waits(
    database: Database, store_url: str
) -> None:
    """Between the look and the insert another process has put the same job in."""
    with psycopg.connect(store_url, options=OPTIONS) as other:
        other.execute(
            "INSERT INTO frontdesk.procrastinate_jobs (queue_name, task_name, queueing_lock)"
            " VALUES ('default', 'a_task', 'one')"
        )
        # Not committed: nobody sees it, and its key is taken.
        with psycopg.connect(store_url, autocommit=True, options=OPTIONS) as watcher:
            found: list[int | None] = []
            second = threading.Thread(
                target=lambda: found.append(Queue(database).defer("a_task", {}, queueing_lock="one"))
            )
            second.start()
            while not watcher.execute(
                "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
            ).fetchall():
                pass
            other.commit()
            second.join(10)
    assert found == [None]


def test_a_taken_lock_fails_its_own_job_and_not_the_others_of_a_batch(database: Database) -> None:
    queue = Queue(database)
    queue.defer("a_task", {}, queueing_lock="two")

    assert queue.defer_many("a_task", {"one": {}, "two": {}, "three": {}}) == 2


def test_a_job_that_waits_already_is_done_as_soon_as_the_most_urgent_one_asks(
    database: Database, store_url: str
) -> None:
    queue = Queue(database)
    queue.defer_many("a_task", {"one": {}, "two": {}, "three": {}}, priority=-10)
    assert queue.defer_many("a_task", {"one": {}, "two": {}}) == 0
    assert queue.defer_many("a_task", {"two": {}, "three": {}}, priority=-20) == 0
    with psycopg.connect(store_url, options=OPTIONS) as connection:
        found = connection.execute(
            "SELECT queueing_lock, priority FROM frontdesk.procrastinate_jobs ORDER BY id"
        ).fetchall()
    assert sorted(found) == [("one", 0), ("three", -10), ("two", 0)]
