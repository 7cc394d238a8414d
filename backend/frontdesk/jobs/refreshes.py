"""Reading again what a record hinted at: a user, somebody's memberships, an organization.

Arguments: `tenant`, its key, and the id. Done twice they change nothing: what is written is what Auth0 has then.
"""

from __future__ import annotations

from collections.abc import Callable

import structlog
from procrastinate import App
from procrastinate.job_context import JobContext

from frontdesk.jobs.places import Places
from frontdesk.jobs.retrying import AGAIN, Attempts
from frontdesk.settings import Settings
from frontdesk.store.database import Database
from frontdesk.sync.refreshing import (
    RefreshDesk,
    Refreshed,
    refresh_memberships,
    refresh_organization,
    refresh_user,
)

_log = structlog.stdlib.get_logger(__name__)


def register(app: App, settings: Settings, database: Database, places: Places) -> None:
    """Add the tasks to `app`."""
    attempts = Attempts(database, settings.queue.give_up_after_h)

    @app.task(name="refresh_user", pass_context=True, retry=AGAIN, task_middleware=[attempts])
    def refresh_a_user(context: JobContext, tenant: str, user_id: str) -> None:
        """Read one user, roles included, and write the row."""
        _refresh(places, tenant, "user", lambda place: refresh_user(place.desk, user_id))

    @app.task(name="refresh_memberships", pass_context=True, retry=AGAIN, task_middleware=[attempts])
    def refresh_someones_memberships(context: JobContext, tenant: str, user_id: str) -> None:
        """Read the organizations of one user, with the roles there."""
        _refresh(places, tenant, "memberships", lambda place: refresh_memberships(place, user_id))

    @app.task(name="refresh_organization", pass_context=True, retry=AGAIN, task_middleware=[attempts])
    def refresh_an_organization(context: JobContext, tenant: str, organization_id: str) -> None:
        """Read one organization."""
        _refresh(places, tenant, "organization", lambda place: refresh_organization(place, organization_id))


def _refresh(places: Places, tenant: str, kind: str, refresh: Callable[[RefreshDesk], Refreshed]) -> None:
    """Read again, and count what came of it. Raises whatever it fails for."""
    if tenant not in places.settings.tenants or not places.reads_auth0(tenant):
        # The settings had one when the hint came; a reconcile finds what it was about.
        _log.warning("refresh.skipped", tenant=tenant, kind=kind, reason="no application in the settings")
        return
    outcome = "failed"
    try:
        outcome = refresh(places.refresh_desk(tenant)).value
    finally:
        places.numbers.add("refreshes", tenant=tenant, kind=kind, outcome=outcome)
    _log.info("refresh.done", tenant=tenant, kind=kind, outcome=outcome)
