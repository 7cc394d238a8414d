"""`frontdesk worker`: due reconciles are done, once, tenant by tenant; a stop and a kill lose none of them."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from procrastinate import App
from procrastinate.exceptions import AlreadyEnqueued
from procrastinate.periodic import PeriodicDeferrer
from tests.integration.reconcile.conftest import NewHouse
from tests.integration.reconcile.house import House, kinds
from tests.integration.reconcile.operating import ended, environment, started, wait_until
from tests.integration.reconcile.scripted_tenant import a_user

from frontdesk.jobs import worker_app
from frontdesk.jobs.scheduled_reconcile import TASK, lock_of
from frontdesk.settings import Settings, load_settings
from frontdesk.store.passes import lock_name
from frontdesk.store.running_jobs import take_up_stalled_jobs

DUE = 1_800_000_000


@pytest.fixture
def house(new_house: NewHouse) -> House:
    return new_house([a_user(number) for number in range(3)])


@pytest.fixture
def settings(house: House, store_url: str, tmp_path: Path) -> Settings:
    return load_settings(environment(house, store_url, tmp_path), tmp_path)


@pytest.fixture
def jobs(store_url: str) -> Iterator[psycopg.Connection[Any]]:
    """The database of the jobs."""
    options = "-c search_path=frontdesk"
    with psycopg.connect(store_url, autocommit=True, options=options) as connection:
        yield connection


def due(app: App, timestamp: int = DUE) -> None:
    """Let the schedule of every tenant be due."""

    async def defer() -> None:
        async with app.open_async():
            registry = app.periodic_registry
            tasks = [each for each in registry.periodic_tasks.values() if each.task.name == TASK]
            await PeriodicDeferrer(registry).defer_jobs([(each, timestamp) for each in tasks])

    asyncio.run(defer())


def defer(app: App, tenant: str, timestamp: int = DUE) -> None:
    configured = app.configure_task(TASK, lock=lock_of(tenant), queueing_lock=lock_of(tenant))

    async def one() -> None:
        async with app.open_async():
            await configured.defer_async(timestamp=timestamp, tenant=tenant)

    asyncio.run(one())


def work_off(app: App) -> None:
    """Do what is there to do, and end."""
    app.run_worker(wait=False, install_signal_handlers=False, concurrency=4)


def ended_jobs(jobs: psycopg.Connection[Any]) -> dict[str, str]:
    rows = jobs.execute(
        "SELECT args ->> 'tenant', status FROM procrastinate_jobs WHERE task_name = %s", (TASK,)
    ).fetchall()
    return dict(rows)


def test_a_due_time_makes_one_job_a_tenant_however_many_workers_there_are(
    house: House, settings: Settings, store_url: str, jobs: psycopg.Connection[Any]
) -> None:
    first, second = (worker_app(settings, store_url, house.store) for _ in range(2))

    due(first)
    due(second)
    assert ended_jobs(jobs) == {house.tenant: "todo"}
    work_off(second)

    assert ended_jobs(jobs) == {house.tenant: "succeeded"}
    assert kinds(house.look()) == {}
    due(first, DUE + 14_400)
    due(first)
    assert ended_jobs(jobs) == {house.tenant: "todo"}
    assert jobs.execute(
        "SELECT count(*) FROM procrastinate_jobs WHERE task_name = %s", (TASK,)
    ).fetchone() == (2,)


def test_a_tenant_that_fails_stops_no_other(
    house: House, new_house: NewHouse, store_url: str, tmp_path: Path, jobs: psycopg.Connection[Any]
) -> None:
    other = new_house([a_user(7)])
    variables = environment(house, store_url, tmp_path, other)
    del variables[f"FRONTDESK_TENANTS_{house.tenant.upper()}_MANAGEMENT_CLIENT_SECRET"]
    app = worker_app(load_settings(variables, tmp_path), store_url, house.store)

    due(app)
    work_off(app)

    assert ended_jobs(jobs) == {house.tenant: "failed", other.tenant: "succeeded"}
    assert (house.row("auth0|0000"), other.there("auth0|0007")["name"]) == (None, "User 7")


def test_two_jobs_of_a_tenant_never_run_or_wait_at_once(
    house: House, settings: Settings, store_url: str, jobs: psycopg.Connection[Any]
) -> None:
    app = worker_app(settings, store_url, house.store)
    defer(app, house.tenant)
    with pytest.raises(AlreadyEnqueued):
        defer(app, house.tenant, DUE + 1)

    jobs.execute("UPDATE procrastinate_jobs SET status = 'doing'")  # by another worker
    defer(app, house.tenant, DUE + 2)
    work_off(app)

    assert ended_jobs(jobs) == {house.tenant: "todo"}
    assert house.auth0.asked == []


def test_a_tenant_that_is_being_imported_is_left_to_that(
    house: House, settings: Settings, store_url: str, jobs: psycopg.Connection[Any]
) -> None:
    app = worker_app(settings, store_url, house.store)
    due(app)

    with house.store.lock(lock_name(house.tenant)):
        work_off(app)

    assert ended_jobs(jobs) == {house.tenant: "succeeded"}
    assert house.row("auth0|0000") is None


def test_a_report_alone_changes_nothing(house: House, store_url: str, tmp_path: Path) -> None:
    variables = environment(house, store_url, tmp_path, FRONTDESK_RECONCILE_REPAIR="false")
    app = worker_app(load_settings(variables, tmp_path), store_url, house.store)

    due(app)
    work_off(app)

    assert house.row("auth0|0000") is None


def left_by_a_killed_worker(jobs: psycopg.Connection[Any]) -> None:
    """Let all jobs be those of a worker that shows no sign of life."""
    jobs.execute("INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - interval '1 hour')")
    jobs.execute(
        "UPDATE procrastinate_jobs SET status = 'doing', worker_id = (SELECT id FROM procrastinate_workers)"
    )


def test_the_job_of_a_killed_worker_is_taken_up(
    house: House, settings: Settings, store_url: str, jobs: psycopg.Connection[Any]
) -> None:
    app = worker_app(settings, store_url, house.store)
    defer(app, house.tenant)
    left_by_a_killed_worker(jobs)

    assert take_up_stalled_jobs(house.store) == 1
    work_off(app)

    assert ended_jobs(jobs) == {house.tenant: "succeeded"}
    assert house.there("auth0|0000")["name"] == "User 0"


def test_a_stalled_job_whose_work_waits_already_goes_and_stops_no_other(
    house: House, settings: Settings, store_url: str, jobs: psycopg.Connection[Any]
) -> None:
    app = worker_app(settings, store_url, house.store)
    defer(app, house.tenant)
    defer(app, "another")
    left_by_a_killed_worker(jobs)
    defer(app, house.tenant, DUE + 1)

    take_up_stalled_jobs(house.store)

    left = jobs.execute(
        "SELECT args ->> 'tenant', args ->> 'timestamp', status FROM procrastinate_jobs WHERE task_name = %s",
        (TASK,),
    ).fetchall()
    assert sorted(left) == [("another", str(DUE), "todo"), (house.tenant, str(DUE + 1), "todo")]


def test_it_ends_on_sigterm_and_tells_what_it_did_as_json(
    house: House, settings: Settings, store_url: str, tmp_path: Path, jobs: psycopg.Connection[Any]
) -> None:
    defer(worker_app(settings, store_url, house.store), house.tenant)
    process = started(environment(house, store_url, tmp_path), "worker")
    wait_until(lambda: ended_jobs(jobs) == {})  # what succeeded is deleted

    process.send_signal(signal.SIGTERM)
    code, _, err = ended(process)

    lines = [json.loads(line) for line in err.splitlines()]
    told = {line["event"]: line for line in lines}
    assert code == 0, err
    assert {"worker.started", "worker.stopped"} <= told.keys()
    assert (told["reconcile.done"]["tenant"], told["reconcile.done"]["repaired"]) == (house.tenant, 3)


def test_it_refuses_another_schema(house: House, store_url: str, tmp_path: Path) -> None:
    with psycopg.connect(store_url, autocommit=True) as connection:
        connection.execute("UPDATE frontdesk.schema_revision SET version_num = '0000'")

    code, _, err = ended(started(environment(house, store_url, tmp_path), "worker"))

    assert (code, "frontdesk db apply" in err) == (1, True), err
