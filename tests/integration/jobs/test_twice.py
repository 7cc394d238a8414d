"""A job of each task, run twice: the second time changes nothing of anybody."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from tests.integration.jobs.queue_house import QueueHouse
from tests.integration.jobs.working import Work, a_log_record, working
from tests.integration.users.house import ANN, ORGANIZATIONS
from tests.integration.web.streaming import TOKEN

from frontdesk.jobs import worker_app

ORGANIZATION = str(ORGANIZATIONS[0]["id"])
# When something was read and written last: a later reading is that, and what was read is the same.
BOOKKEEPING = {"write_id", "synced_at", "clocks", "read_at"}
TABLES = ("users", "roles", "user_roles", "user_merges", "organizations", "organization_members")


@pytest.fixture
def work(house: QueueHouse) -> Iterator[Work]:
    key = f"TENANTS_{house.tenant.upper()}_STREAM_TOKENS"
    with working(house, **{key: TOKEN, "STREAMS_PULL_EVENTS": "true"}) as work:
        yield work


def jobs_of_each_task(work: Work, delivery: int, audit: int) -> dict[str, dict[str, Any]]:
    """Return the arguments of a job of each task that there is; a new task has to be named here."""
    tenant: dict[str, Any] = {"tenant": work.house.tenant}
    due: dict[str, Any] = {"timestamp": 0}
    jobs: dict[str, dict[str, Any]] = {
        "drain_inbox": tenant,
        "ingest_delivery": {**tenant, "delivery_id": delivery},
        "drain_all": due,
        "refresh_user": {**tenant, "user_id": ANN},
        "refresh_memberships": {**tenant, "user_id": ANN},
        "refresh_organization": {**tenant, "organization_id": ORGANIZATION},
        "import_tenant": {**tenant, "audit": audit},
        "reconcile_tenant": {**tenant, **due},
        "watch_streams": {**tenant, **due},
        "catch_up": tenant,
        "pull_events": {**tenant, **due},
        "drop_old_deliveries": due,
        "drop_old_activities": due,
        "drop_old_jobs": due,
    }
    app = worker_app(work.settings, work.house.inner.store_url, work.house.database, work.places)
    ours = {name for name in app.tasks if "builtin" not in name}
    assert jobs.keys() == ours
    return jobs


def done(work: Work, jobs: dict[str, dict[str, Any]]) -> None:
    """Run a job of each task over deliveries that wait again; those that keep out of each other's way one by one."""
    alone = ("drain_inbox", "ingest_delivery", "import_tenant", "reconcile_tenant", "catch_up")
    for tasks in (*([task] for task in alone), [task for task in jobs if task not in alone]):
        state = "apart" if tasks == ["ingest_delivery"] else "waiting"
        work.house.sql("UPDATE deliveries SET state = %s WHERE way <> 'logs'", state)
        for task in tasks:
            work.places.queue.defer(task, jobs[task])
        work.off()
    work.later()
    assert work.house.sql("SELECT task_name, status::text FROM procrastinate_jobs") == []


def stands(work: Work) -> dict[str, list[str]]:
    """Return the rows of this tenant."""
    found = {}
    for table in TABLES:
        rows = work.house.inner.rows.execute(
            f"SELECT * FROM public.{table} WHERE tenant = %s".encode(), (work.house.tenant,)
        ).fetchall()
        kept = [{name: value for name, value in row.items() if name not in BOOKKEEPING} for row in rows]
        found[table] = sorted(map(repr, kept))
    return found


def test_a_job_of_each_task_changes_nothing_the_second_time(work: Work, house: QueueHouse) -> None:
    delivery = work.deliver([a_log_record(1, user_id=ANN), a_log_record(2, "scp", user_id=ANN)])
    house.sql(
        "INSERT INTO audit (actor, tenant, action, outcome) VALUES ('operator', %s, 'import', 'intent')",
        house.tenant,
    )
    (audit,) = house.sql("SELECT id FROM audit")
    jobs = jobs_of_each_task(work, delivery, audit["id"])

    done(work, jobs)
    first, activities = stands(work), work.activities()
    done(work, jobs)

    assert stands(work) == first
    assert all(first[table] for table in ("users", "organizations", "organization_members"))
    # Our own calls leave records in Auth0's log, so that there may be more.
    again = work.activities()
    assert {key: again[key] for key in activities} == activities
    assert {a_log_record(number)["log_id"] for number in (1, 2)} <= activities.keys()
    assert house.sql("SELECT 1 FROM deliveries WHERE state <> 'done'") == []
