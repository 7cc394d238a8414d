"""What a worker does of this: imports that the API asks for, and gaps that are filled, also when it is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.integration.jobs.past import Clock, Past, log_id_of
from tests.integration.jobs.queue_house import QueueHouse
from tests.integration.reconcile.operating import wait_until
from tests.integration.users.house import ANN, MACHINE, House, a_tenant, a_user

from frontdesk.jobs import worker_app
from frontdesk.jobs.catch_up import lock_of
from frontdesk.store.passes import lock_name
from frontdesk.store.queue import Queue
from frontdesk.sync.catching_up import Look, look_for_gap
from localauth0 import LocalAuth0

LIMIT_S = 60.0
NEVER = "0 0 29 2 *"
STREAM_TOKEN = "a-token-of-the-stream-of-at-least-32-characters"


def work_off(house: QueueHouse) -> None:
    """Do what is there to do, and end."""
    app = worker_app(house.inner.settings(), house.inner.store_url, house.database)
    app.run_worker(wait=False, install_signal_handlers=False, concurrency=1)


def test_an_import_that_the_api_asks_for_is_done_once_and_shown(served: QueueHouse) -> None:
    path = f"/imports/{served.tenant}"

    first, second = served.call("POST", path), served.call("POST", path)
    work_off(served)
    shown = served.call("GET", path).json()["items"]

    assert (first.status_code, second.status_code) == (202, 202)
    assert (first.json()["waits_already"], second.json()["waits_already"]) == (False, True)
    assert served.inner.there(ANN)["email"] == "ann@example.com"
    assert [(each["status"], each["phase"], each["rejects"]) for each in shown] == [("done", "proof", 0)]
    assert shown[0]["counts"]["records"] == 2
    line = served.sql("SELECT * FROM audit WHERE id = %s", first.json()["audit"])[0]
    assert (line["action"], line["outcome"], line["detail"]["proven"]) == ("import", "done", True)
    assert list(served.inner.place.glob("frontdesk-rejects*")) == []


def test_an_import_beside_another_one_is_tried_again_and_no_dead_letter(house: QueueHouse) -> None:
    job = house.job("import_tenant", status="todo", audit=1)

    with house.database.lock(lock_name(house.tenant)):
        work_off(house)

    (row,) = house.sql("SELECT status::text, scheduled_at FROM procrastinate_jobs WHERE id = %s", job)
    assert (row["status"], row["scheduled_at"] is None) == ("todo", False)
    assert "is running already" in house.facts("jobs", "show", str(job))["error"]


def test_a_reconcile_that_the_api_asks_for_repairs(served: QueueHouse) -> None:
    started = served.call("POST", f"/reconcile/{served.tenant}")
    work_off(served)

    assert (started.status_code, served.inner.there(ANN)["email"]) == (202, "ann@example.com")


@pytest.fixture
def past_house(
    rows_url: str, hasura_url: str, house: QueueHouse, tmp_path: Path
) -> Iterator[tuple[Past, QueueHouse]]:
    """A tenant whose clock a test sets, with a stream token and a slow Management API."""
    clock = Clock()
    inner = house.inner
    with LocalAuth0(tenant=a_tenant([a_user(ANN)]), clock=clock) as auth0:
        key = f"FRONTDESK_TENANTS_{inner.tenant.upper()}"
        changes = {
            f"{key.removeprefix('FRONTDESK_')}_STREAM_TOKENS": STREAM_TOKEN,
            f"{key.removeprefix('FRONTDESK_')}_MAX_RPS": "4",
            "RECONCILE_SCHEDULE": NEVER,
        }
        own = House(
            tenant=inner.tenant,
            auth0=auth0,
            hasura_url=inner.hasura_url,
            rows=inner.rows,
            store=inner.store,
            store_url=inner.store_url,
            place=tmp_path,
            changes=changes,
        )
        yield Past(auth0, clock, inner.tenant, house.database), QueueHouse(own, house.database)


@contextmanager
def worker(house: QueueHouse) -> Iterator[subprocess.Popen[bytes]]:
    """A worker as a process of its own."""
    process = subprocess.Popen(
        [sys.executable, "-m", "frontdesk", "worker"],
        env={"PATH": os.environ["PATH"], **house.inner.environment()},
        cwd=house.inner.place,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
        process.wait(LIMIT_S)


def test_a_gap_is_filled_by_the_next_worker_when_one_is_killed_in_the_middle(
    past_house: tuple[Past, QueueHouse],
) -> None:
    past, house = past_house
    past.came(*past.happened(100))
    missing = past.happened(*(99 - number / 10 for number in range(900)))
    past.clock.at = datetime.now(UTC) + timedelta(minutes=1)
    with past.api(MACHINE) as api:
        assert look_for_gap(past.place(api)) is Look.GAP
    lock = lock_of(house.tenant)
    Queue(house.database).defer("catch_up", {"tenant": house.tenant}, queueing_lock=lock, lock=lock)

    def read() -> int:
        (row,) = house.sql("SELECT count(*) FROM deliveries WHERE way = 'logs'")
        return int(row["count"])

    def stands() -> list[str]:
        rows = house.inner.rows.execute(
            "SELECT id FROM auth_activities WHERE tenant = %s AND type = 's'", (house.tenant,)
        ).fetchall()
        return sorted(row["id"] for row in rows)

    with worker(house) as first:
        wait_until(lambda: read() >= 3, limit_s=LIMIT_S)
        first.send_signal(signal.SIGKILL)
        first.wait(LIMIT_S)
    assert read() < 9
    with worker(house):
        wait_until(lambda: len(stands()) == len(missing), limit_s=LIMIT_S)

    assert stands() == sorted(map(log_id_of, missing))
    assert read() in (9, 10)  # the page that was cut off may have come twice
