"""Jobs for operators: `/api/jobs/<tenant>…`, `/api/imports/<tenant>` and `/api/reconcile/<tenant>`.

What a worker is to do is answered with 202 and the job's number: it is durable then, and not done yet.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from flask import Blueprint, Flask, abort
from flask.typing import ResponseReturnValue
from pydantic import Field

from frontdesk.errors import FrontdeskError
from frontdesk.settings import Settings
from frontdesk.store.database import Database
from frontdesk.store.job_changes import Dropped, Retried
from frontdesk.store.jobs import MAX_JOBS, Job, JobFilter, Jobs, JobState
from frontdesk.store.pass_history import PassHistory
from frontdesk.sync.job_desk import JobDesk, Started
from frontdesk.web.users import QueryModel, actor_named, query_of

MAX_ID = 2**62


class JobRunning(FrontdeskError):
    """The job is running; try again when it has ended."""

    type = "urn:frontdesk:problem:job-running"
    status = 409
    retryable = True


class JobsQuery(QueryModel):
    """Which jobs to list."""

    state: JobState | None = None
    task: str | None = Field(None, max_length=128, pattern=r"^[a-z_]+$")
    before: int | None = Field(None, ge=1, le=MAX_ID)
    limit: int = Field(100, ge=1, le=MAX_JOBS)


class TaskQuery(QueryModel):
    """Of which task."""

    task: str | None = Field(None, max_length=128, pattern=r"^[a-z_]+$")


def register_jobs(app: Flask, settings: Settings, database: Callable[[], Database]) -> None:
    """Give `app` the routes about jobs; `database` is asked for in each request, and raises StoreError."""
    app.register_blueprint(_reading(settings.tenants.keys(), database))
    app.register_blueprint(_deciding(settings.tenants.keys(), database))
    app.register_blueprint(_starting(settings.tenants.keys(), database))


def _reading(tenants: Collection[str], database: Callable[[], Database]) -> Blueprint:
    blueprint = Blueprint("jobs_read", __name__, url_prefix="/api/jobs")

    @blueprint.get("/<tenant>")
    def jobs(tenant: str) -> ResponseReturnValue:
        _refuse_unknown(tenant, tenants)
        asked, now, known = query_of(JobsQuery), datetime.now(UTC), Jobs(database())
        which = JobFilter(tenant=tenant, task=asked.task, state=asked.state)
        found = known.page(which, before=asked.before, limit=asked.limit)
        return {
            "inbox": [line.as_json(now) for line in known.inbox(tenant)],
            "items": [job.as_json(now) for job in found],
            "next": found[-1].id if len(found) == asked.limit else None,
        }

    @blueprint.get("/<tenant>/<int:job_id>")
    def job(tenant: str, job_id: int) -> ResponseReturnValue:
        _refuse_unknown(tenant, tenants)
        found, known = _job(database(), tenant, job_id), Jobs(database())
        rejects = () if found.delivery is None else known.rejects(found.delivery.id)
        shown = [each.as_json(with_record=False) for each in rejects]
        return {**found.as_json(datetime.now(UTC)), "rejects": shown}

    return blueprint


def _deciding(tenants: Collection[str], database: Callable[[], Database]) -> Blueprint:
    blueprint = Blueprint("jobs_decide", __name__, url_prefix="/api/jobs")

    @blueprint.post("/<tenant>/retry")
    def retry_all(tenant: str) -> ResponseReturnValue:
        _refuse_unknown(tenant, tenants)
        done = _desk(database()).retry_all(tenant=tenant, task=query_of(TaskQuery).task)
        return {"jobs": done.jobs, "deliveries": done.deliveries}

    @blueprint.post("/<tenant>/<int:job_id>/retry")
    def retry(tenant: str, job_id: int) -> ResponseReturnValue:
        _refuse_unknown(tenant, tenants)
        outcome = _desk(database()).retry(_job(database(), tenant, job_id))
        return _decided(job_id, outcome)

    @blueprint.delete("/<tenant>/<int:job_id>")
    def drop(tenant: str, job_id: int) -> ResponseReturnValue:
        _refuse_unknown(tenant, tenants)
        outcome = _desk(database()).drop(_job(database(), tenant, job_id))
        return _decided(job_id, outcome)

    return blueprint


def _starting(tenants: Collection[str], database: Callable[[], Database]) -> Blueprint:
    blueprint = Blueprint("jobs_start", __name__, url_prefix="/api")

    @blueprint.post("/imports/<tenant>")
    def start_import(tenant: str) -> ResponseReturnValue:
        _refuse_unknown(tenant, tenants)
        return _accepted(_desk(database()).start_import(tenant))

    @blueprint.get("/imports/<tenant>")
    def imports(tenant: str) -> ResponseReturnValue:
        _refuse_unknown(tenant, tenants)
        passes = PassHistory(database()).imports(tenant)
        return {"items": [each.as_json() for each in passes], "next": None}

    @blueprint.post("/reconcile/<tenant>")
    def start_reconcile(tenant: str) -> ResponseReturnValue:
        _refuse_unknown(tenant, tenants)
        return _accepted(_desk(database()).start_reconcile(tenant, now_s=int(time.time())))

    return blueprint


def _refuse_unknown(tenant: str, tenants: Collection[str]) -> None:
    if tenant not in tenants:
        abort(404)


def _desk(database: Database) -> JobDesk:
    return JobDesk(database=database, actor=actor_named())


def _job(database: Database, tenant: str, job_id: int) -> Job:
    """Return a job of the tenant; 404 for another one's, and for one that is done."""
    job = Jobs(database).one(job_id) if job_id <= MAX_ID else None
    if job is None or job.tenant != tenant:
        abort(404)
    return job


def _decided(job_id: int, outcome: Retried | Dropped) -> dict[str, Any]:
    if outcome.value == "gone":
        abort(404)
    if outcome.value == "running":
        raise JobRunning
    return {"job": job_id, "outcome": outcome.value}


def _accepted(started: Started) -> ResponseReturnValue:
    facts = {"job": started.job, "waits_already": started.job is None, "audit": started.audit}
    return facts, HTTPStatus.ACCEPTED
