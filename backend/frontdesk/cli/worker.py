"""`frontdesk worker`: what frontdesk does at its times."""

from __future__ import annotations

from frontdesk.cli.db import database_url
from frontdesk.settings import load_settings


def command() -> None:
    """Do what is due, such as the scheduled reconcile of each tenant, until it is stopped.

    Any number of workers share the work. SIGTERM lets a job come to its next batch, from which the next run goes on.

    Example: frontdesk worker
    """
    # Imported here: no other command needs procrastinate.
    from frontdesk.jobs import run_worker

    settings = load_settings()
    run_worker(settings, database_url(settings))
