"""`frontdesk jobs`: what waits, what failed and why, and what is to become of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from frontdesk.cli import jobs_print as out
from frontdesk.cli.db import database_url
from frontdesk.cli.users_options import Actor, AsJson, Yes, actor_named, confirm
from frontdesk.errors import UsageError
from frontdesk.settings import load_settings
from frontdesk.store.database import Database
from frontdesk.store.job_changes import Dropped, Retried
from frontdesk.store.jobs import MAX_JOBS, Job, JobFilter, Jobs, JobState
from frontdesk.sync.job_desk import JobDesk

app = typer.Typer(
    help="The durable jobs: what waits, what failed and why, and what is to become of it.",
    no_args_is_help=True,
)

OfTenant = Annotated[str | None, typer.Option("--tenant", help="Only those of this tenant. Default: all.")]
OfTask = Annotated[
    str | None, typer.Option("--task", help="Only those of this task, such as ingest_delivery.")
]
WithRecords = Annotated[
    bool, typer.Option("--records", help="Show rejected records themselves; they are personal data.")
]
JobId = Annotated[int, typer.Argument(metavar="JOB", min=1, help="The job's number.", show_default=False)]


@app.command("list")
def list_command(
    state: Annotated[
        JobState | None, typer.Option(help="Only those in this state; `failed` are the dead letters.")
    ] = None,
    task: OfTask = None,
    tenant: OfTenant = None,
    limit: Annotated[int, typer.Option(min=1, max=MAX_JOBS, help="The most jobs to list.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List jobs, the newest first, below what waits in the inbox.

    Example: frontdesk jobs list --state failed
    """
    which, now = JobFilter(tenant=_known(tenant), task=task, state=state), datetime.now(UTC)
    with _database() as database:
        inbox = Jobs(database).inbox(which.tenant)
        found = Jobs(database).page(which, limit=limit)
    if as_json:
        lines = [line.as_json(now) for line in inbox]
        _echo_json({"inbox": lines, "items": [job.as_json(now) for job in found]})
        return
    out.inbox(inbox, now)
    out.jobs(found, now)
    if len(found) == limit:
        typer.echo(f"These are {limit}; --limit shows more.", err=True)


@app.command("show")
def show_command(
    job_id: JobId,
    records: WithRecords = False,
    as_json: AsJson = False,
) -> None:
    """Show one job: why it failed, and the records of its delivery that could not be taken.

    Example: frontdesk jobs show 4711
    """
    now = datetime.now(UTC)
    with _database() as database:
        job = _job(database, job_id)
        rejects = () if job.delivery is None else Jobs(database).rejects(job.delivery.id)
    if as_json:
        shown = [each.as_json(with_record=records) for each in rejects]
        _echo_json({**job.as_json(now), "rejects": shown})
        return
    out.job(job, rejects, now, with_records=records)


@app.command("rejects")
def rejects_command(
    tenant: OfTenant = None,
    limit: Annotated[int, typer.Option(min=1, max=MAX_JOBS, help="The most records to list.")] = 50,
    records: WithRecords = False,
    as_json: AsJson = False,
) -> None:
    """List records that could not be taken, the newest first, as long as their deliveries are kept.

    Example: frontdesk jobs rejects --limit 10
    """
    of_tenant = _known(tenant)
    with _database() as database:
        found = Jobs(database).newest_rejects(of_tenant, limit=limit)
    if as_json:
        _echo_json({"items": [each.as_json(with_record=records) for each in found]})
        return
    out.rejects(found, with_records=records)


@app.command("retry")
def retry_command(
    job_id: Annotated[
        int | None, typer.Argument(metavar="[JOB]", min=1, help="The job's number.", show_default=False)
    ] = None,
    every: Annotated[
        bool, typer.Option("--all", help="All failed ones, of every task and tenant unless one is named.")
    ] = False,
    task: OfTask = None,
    tenant: OfTenant = None,
    actor: Actor = None,
    as_json: AsJson = False,
) -> None:
    """Have a worker try a failed job again now, or all failed ones, and the deliveries that they are about.

    Example: frontdesk jobs retry --all --task ingest_delivery
    """
    if every == (job_id is not None):
        raise UsageError("name one job by its number, or all failed ones with --all")
    if job_id is not None and (task is not None or tenant is not None):
        raise UsageError("--task and --tenant choose among all failed jobs: they go with --all")
    who, tenant = actor_named(actor), _known(tenant)
    with _database() as database:
        desk = JobDesk(database=database, actor=who)
        if job_id is None:
            done = desk.retry_all(tenant=tenant, task=task)
            facts = {"jobs": done.jobs, "deliveries": done.deliveries}
            _told(
                facts,
                f"{done.jobs} failed jobs and {done.deliveries} deliveries are tried again.",
                as_json=as_json,
            )
            return
        outcome = desk.retry(_job(database, job_id))
    _told({"job": job_id, "outcome": outcome.value}, _RETRIED[outcome].format(job_id), as_json=as_json)
    if outcome in (Retried.RUNNING, Retried.GONE):
        raise typer.Exit(1)


@app.command("drop")
def drop_command(job_id: JobId, actor: Actor = None, yes: Yes = False, as_json: AsJson = False) -> None:
    """Let a job go for good, with the delivery that it is about; the audit keeps who did it.

    Example: frontdesk jobs drop 4711
    """
    who = actor_named(actor)
    with _database() as database:
        job = _job(database, job_id)
        confirm(out.question(job), yes=yes)
        outcome = JobDesk(database=database, actor=who).drop(job)
    _told({"job": job_id, "outcome": outcome.value}, _DROPPED[outcome].format(job_id), as_json=as_json)
    if outcome is not Dropped.DROPPED:
        raise typer.Exit(1)


_RETRIED = {
    Retried.AGAIN: "Job {} is tried again as soon as a worker is free.",
    Retried.COVERED: "The same work waits already, so job {} is gone.",
    Retried.RUNNING: "Job {} is running, and was left alone.",
    Retried.GONE: "Job {} has ended in the meantime.",
}
_DROPPED = {
    Dropped.DROPPED: "Job {} is gone.",
    Dropped.RUNNING: "Job {} is running, and was left alone: try again when it has ended.",
    Dropped.GONE: "Job {} has ended in the meantime.",
}


@contextmanager
def _database() -> Iterator[Database]:
    with Database(database_url(load_settings(without_secrets=True)), max_connections=2) as database:
        database.refuse_other_revision()
        yield database


def _known(tenant: str | None) -> str | None:
    """Return the tenant when it is one of the settings. Raises UsageError."""
    return None if tenant is None else load_settings(without_secrets=True).tenant(tenant)[0]


def _job(database: Database, job_id: int) -> Job:
    job = Jobs(database).one(job_id)
    if job is None:
        raise UsageError(
            f"there is no job {job_id}, or it is done; `frontdesk jobs list` shows those there are"
        )
    return job


def _told(facts: dict[str, Any], sentence: str, *, as_json: bool) -> None:
    if as_json:
        _echo_json(facts)
    else:
        typer.echo(sentence)


def _echo_json(facts: dict[str, Any]) -> None:
    typer.echo(json.dumps(facts, ensure_ascii=False))
