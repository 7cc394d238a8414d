"""Working the inbox off: `drain_inbox` for a tenant, `ingest_delivery` for what was set apart, `drain_all` each minute.

Arguments: `tenant`, its key; `delivery_id`. Done twice they change nothing, since a delivery that is done is not taken
again and everything of one may be written again.
"""

from __future__ import annotations

import time
from typing import Any

import structlog
from procrastinate import App
from procrastinate.job_context import JobContext

from frontdesk.errors import FrontdeskError
from frontdesk.jobs.places import Places
from frontdesk.jobs.retrying import AGAIN, Attempts
from frontdesk.settings import Settings
from frontdesk.store.database import Database
from frontdesk.store.inbox import DRAIN, ask_for_a_drain
from frontdesk.store.leftovers import apart_without_job, tenants_waiting
from frontdesk.sync.ingest import Ingested, settle
from frontdesk.sync.ingest.settle import settle_one

INGEST_ONE, DRAIN_ALL = "ingest_delivery", "drain_all"
EVERY_MINUTE = "* * * * *"
# Then it makes room for others, another tenant's drain among them, and a stop need not wait for it.
TURN_S = 3.0
SECOND_LANE = ":2"
# One job of a tenant asks for all that waits, so that it may ask often: what waits is to be there soon after an outage.
DRAIN_WAIT_S = 10.0
# Tries without an answer, within half a minute: most outages are over by then.
CAREFUL_AFTER = 4

_log = structlog.stdlib.get_logger(__name__)


def register(app: App, settings: Settings, database: Database, places: Places) -> None:
    """Add the tasks to `app`."""
    attempts = Attempts(database, settings.queue.give_up_after_h, longest_wait_s=DRAIN_WAIT_S)

    def gives_up(arguments: dict[str, Any], reason: str) -> None:
        places.inbox.failed(arguments["delivery_id"], reason)

    attempts_of_one = Attempts(database, settings.queue.give_up_after_h, gives_up=gives_up)

    @app.task(name=DRAIN, pass_context=True, retry=AGAIN, task_middleware=[attempts])
    def drain_inbox(context: JobContext, tenant: str, lane: str = "") -> None:
        """Bring what waits of a tenant to Hasura, oldest first, for a few seconds; then another job goes on."""
        if _is_known(settings, tenant):
            _Drain(places, tenant, lane).run(context)

    @app.task(name=INGEST_ONE, pass_context=True, retry=AGAIN, task_middleware=[attempts_of_one])
    def ingest_delivery(context: JobContext, tenant: str, delivery_id: int) -> None:
        """Bring one delivery to Hasura that failed for a reason of its own."""
        if _is_known(settings, tenant):
            careful = context.job.attempts >= CAREFUL_AFTER
            ingested = settle_one(places.ingest_place(tenant), delivery_id, careful=careful)
            if ingested is not None:
                _told(places, tenant, ingested)

    @app.periodic(cron=EVERY_MINUTE)
    @app.task(name=DRAIN_ALL, queueing_lock=DRAIN_ALL)
    def drain_all(timestamp: int) -> None:
        """Ask for what nobody was asked to do, since a crash came between the inbox and the job."""
        for tenant in tenants_waiting(database):
            ask_for_a_drain(places.queue, tenant)
        for tenant, delivery_id in apart_without_job(database):
            _ask_for_one(places, tenant, delivery_id)


class _Drain:
    """One turn of working a tenant's inbox off; `lane` is the second one's while much waits."""

    def __init__(self, places: Places, tenant: str, lane: str) -> None:
        self._places, self._tenant, self._lane = places, tenant, lane
        self._place = places.ingest_place(tenant)

    def run(self, context: JobContext) -> None:
        """Take what waits until none is left, or the turn ends. Raises what keeps everything from Hasura."""
        ends_at, is_helped = time.monotonic() + TURN_S, bool(self._lane)
        careful = context.job.attempts >= CAREFUL_AFTER
        while True:
            settled = settle(self._place, careful=careful)
            careful = False
            for ingested in settled.done:
                _told(self._places, self._tenant, ingested)
            for delivery_id in settled.apart:
                _ask_for_one(self._places, self._tenant, delivery_id)
            if settled.refused is not None:
                raise _Refused(settled.refused.detail)
            if not settled.taken:
                return
            if settled.is_full and not is_helped:
                ask_for_a_drain(self._places.queue, self._tenant, lane=SECOND_LANE)
                is_helped = True
            if context.should_abort() or time.monotonic() >= ends_at:
                ask_for_a_drain(self._places.queue, self._tenant, lane=self._lane)
                return


class _Refused(FrontdeskError):
    """Hasura refuses whatever the rows are; `frontdesk doctor` tells what it lacks."""

    type = "urn:frontdesk:problem:hasura-refuses-everything"
    status = 503
    retryable = True


def _ask_for_one(places: Places, tenant: str, delivery_id: int) -> None:
    arguments = {"tenant": tenant, "delivery_id": delivery_id}
    places.queue.defer(INGEST_ONE, arguments, queueing_lock=f"delivery:{delivery_id}", delay_s=1.0)


def _is_known(settings: Settings, tenant: str) -> bool:
    if tenant not in settings.tenants:
        # Its deliveries stay, for the day on which the settings name it again.
        _log.warning("drain.skipped", tenant=tenant, reason="no such tenant in the settings")
    return tenant in settings.tenants


def _told(places: Places, tenant: str, ingested: Ingested) -> None:
    """Count what came of deliveries, and log it."""
    facts = {name: number for name, number in vars(ingested).items() if number}
    _log.info("ingest.done", tenant=tenant, **facts)
    for outcome in ("added", "unchanged", "rejected", "filtered"):
        if number := getattr(ingested, outcome):
            places.numbers.add("ingested_records", number, tenant=tenant, outcome=outcome)
    if ingested.users:
        places.numbers.add("ingested_users", ingested.users, tenant=tenant)
    if ingested.unread:
        places.numbers.add("refreshes", ingested.unread, tenant=tenant, kind="any", outcome="unread")
