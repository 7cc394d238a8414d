"""Catching up with streams: `watch_streams` looks every five minutes, `catch_up` fills the gap that it finds.

`pull_events` reads the Events API every minute where the settings ask for it.

Arguments: `tenant`, its key. Both keep how far they are in the database, so that a killed one goes on, and done twice
they change nothing. One of a tenant runs at a time.
"""

from __future__ import annotations

from collections.abc import Callable

import structlog
from procrastinate import App
from procrastinate.exceptions import JobAborted
from procrastinate.job_context import JobContext

from frontdesk.auth0.event_deliveries import redeliver_failed
from frontdesk.errors import Auth0Rejected, Auth0ScopeMissing, FrontdeskError
from frontdesk.jobs.places import Places
from frontdesk.jobs.retrying import AGAIN, Attempts
from frontdesk.settings import Settings
from frontdesk.store.database import Database
from frontdesk.store.jobs import Jobs
from frontdesk.sync.catching_up import CatchUpPlace, Look, fill, look_for_gap, pull_events

CATCH_UP, WATCH, PULL = "catch_up", "watch_streams", "pull_events"
EVERY_MINUTE, EVERY_FIVE_MINUTES = "* * * * *", "*/5 * * * *"
NEXT_TURN_S = 2.0
REDELIVERED_AT_ONCE = 100

_log = structlog.stdlib.get_logger(__name__)


def register(app: App, settings: Settings, database: Database, places: Places) -> None:
    """Add the tasks to `app`."""
    _register_watching(app, settings, database, places)
    _register_pulling(app, settings, places)


def _register_watching(app: App, settings: Settings, database: Database, places: Places) -> None:
    """Have each tenant with an application and a stream watched, if any is to be."""
    attempts = Attempts(database, settings.queue.give_up_after_h)

    @app.task(name=CATCH_UP, pass_context=True, retry=AGAIN, task_middleware=[attempts])
    def catch_up(context: JobContext, tenant: str) -> None:
        """Read what the stream did not bring, for one turn; then another job goes on."""
        if tenant in settings.tenants:
            _catch_up(context, places, tenant)

    @app.task(name=WATCH)
    def watch_streams(timestamp: int, tenant: str) -> None:
        """Look whether streams bring what they should; what cannot be asked now is asked in five minutes."""
        if tenant in settings.tenants:
            _watch(places, tenant)

    for tenant in settings.tenants if settings.streams.watch else ():
        if places.reads_auth0(tenant) and settings.tenants[tenant].stream_tokens:
            app.periodic(
                cron=EVERY_FIVE_MINUTES,
                periodic_id=tenant,
                lock=lock_of(tenant),
                queueing_lock=f"watch:{tenant}",
                task_kwargs={"tenant": tenant},
            )(watch_streams)


def _register_pulling(app: App, settings: Settings, places: Places) -> None:
    @app.task(name=PULL, pass_context=True)
    def pull_events_of(context: JobContext, timestamp: int, tenant: str) -> None:
        """Read what is new of the tenant's events; what cannot be read now is read in a minute."""
        if tenant in settings.tenants:
            _pull(context, places, tenant)

    for tenant in settings.tenants if settings.streams.pull_events else ():
        if places.reads_auth0(tenant):
            app.periodic(
                cron=EVERY_MINUTE,
                periodic_id=tenant,
                lock=f"{PULL}:{tenant}",
                queueing_lock=f"{PULL}:{tenant}",
                task_kwargs={"tenant": tenant},
            )(pull_events_of)


def lock_of(tenant: str) -> str:
    """Return the lock of the jobs that move what is kept of a tenant's log."""
    return f"{CATCH_UP}:{tenant}"


def ask_to_catch_up(places: Places, tenant: str, *, delay_s: float = 0.0) -> None:
    """Have a worker fill the gap that is kept; one that waits already is enough."""
    places.queue.defer(
        CATCH_UP, {"tenant": tenant}, queueing_lock=lock_of(tenant), lock=lock_of(tenant), delay_s=delay_s
    )


def _place(places: Places, tenant: str) -> CatchUpPlace:
    return CatchUpPlace(
        tenant=tenant,
        api=places.api(tenant),
        marks=places.marks,
        inbox=places.inbox,
        jobs=Jobs(places.database),
        expects_stream=bool(places.settings.tenants[tenant].stream_tokens),
    )


def _stops_when_asked(context: JobContext) -> Callable[[], None]:
    def stop_when_asked() -> None:
        if context.should_abort():
            raise JobAborted

    return stop_when_asked


def _catch_up(context: JobContext, places: Places, tenant: str) -> None:
    turn = fill(
        _place(places, tenant),
        request_id=f"catch-up-{context.job.id}",
        stop_when_asked=_stops_when_asked(context),
    )
    _log.info("catch_up.turn", tenant=tenant, pages=turn.pages, records=turn.records, is_over=turn.is_over)
    if turn.records:
        places.numbers.add("caught_up_records", turn.records, tenant=tenant)
    if not turn.is_over:
        ask_to_catch_up(places, tenant, delay_s=NEXT_TURN_S)


def _pull(context: JobContext, places: Places, tenant: str) -> None:
    try:
        pulled = pull_events(
            _place(places, tenant),
            request_id=f"pull-events-{context.job.id}",
            stop_when_asked=_stops_when_asked(context),
        )
    except FrontdeskError as error:
        _log.warning("pull_events.failed", tenant=tenant, reason=error.detail)
        return
    if pulled:
        _log.info("pull_events.done", tenant=tenant, events=pulled)


def _watch(places: Places, tenant: str) -> None:
    try:
        found = look_for_gap(_place(places, tenant))
    except FrontdeskError as error:
        _log.warning("watch.failed", tenant=tenant, reason=error.detail)
    else:
        places.numbers.set("stream_gap", float(found is Look.GAP), tenant=tenant)
        if found is Look.GAP:
            _log.warning("watch.gap", tenant=tenant)
            ask_to_catch_up(places, tenant)
    _redeliver(places, tenant)


def _redeliver(places: Places, tenant: str) -> None:
    try:
        asked = redeliver_failed(places.api(tenant), at_most=REDELIVERED_AT_ONCE)
    except Auth0Rejected as error:
        if isinstance(error, Auth0ScopeMissing):
            _log.warning("watch.events_failed", tenant=tenant, reason=error.detail)
        return  # a plan without event streams refuses too
    except FrontdeskError as error:
        _log.warning("watch.events_failed", tenant=tenant, reason=error.detail)
        return
    if asked:
        _log.warning("watch.events_asked_for_again", tenant=tenant, events=asked)
        places.numbers.add("redelivered_events", asked, tenant=tenant)
