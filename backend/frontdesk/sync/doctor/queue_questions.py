"""Questions about what is acknowledged and not in Hasura: how long it waits, what was given up, and a silent stream."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial

from frontdesk.hasura.graphql import GraphqlClient
from frontdesk.hasura.newest_login import newest_login
from frontdesk.hasura.writes import ROLE
from frontdesk.settings import Settings, secret
from frontdesk.store.database import Database
from frontdesk.store.queue_look import QueueLook, queue_look
from frontdesk.store.stream_marks import StreamMarks
from frontdesk.sync.catching_up.place import WAY
from frontdesk.sync.doctor.checks import Finding, Question, failed, ok, skipped, warning
from frontdesk.sync.doctor.hasura_questions import WRITE
from frontdesk.sync.doctor.store_questions import DATABASE

QUEUE, DEAD_LETTERS, SILENCE = "queue", "dead letters", "stream records"
LONG_S = 600.0  # what waits longer than that waits for more than its turn
# A stream brings a login within seconds; Auth0 tries again for minutes.
SILENT_AFTER = timedelta(minutes=15)
STREAM_WAYS = ("log-stream", "webhook-extension")
HASURA_BUDGET_S = 3.0
_SILENCE_FIX = (
    "look at the stream's health (Dashboard, Monitoring, Streams) and start it again there, or with "
    "`frontdesk auth0 setup --only streams`; meanwhile `frontdesk worker` reads the log itself"
)


def queue_questions(settings: Settings) -> Iterator[Question]:
    """Give the questions about the inbox and the jobs, without a database none."""
    if settings.database.url is None:
        return
    url = secret(settings.database.url)
    yield Question(
        name=QUEUE,
        ask=lambda: _queue(_look(url)),
        fix="start more of `frontdesk worker`; `frontdesk jobs list` says why the jobs do not get through",
        grounds=(DATABASE,),
    )
    yield Question(
        name=DEAD_LETTERS,
        ask=lambda: _dead_letters(_look(url)),
        fix="`frontdesk jobs list --state failed` says why; `frontdesk jobs retry --all` tries them again",
        grounds=(DATABASE,),
    )


def silence_question(settings: Settings, tenant: str, clock: Callable[[], float]) -> Iterator[Question]:
    """Give the question whether a tenant's stream brings what happens there."""
    if settings.database.url is None:
        return
    yield Question(
        name=SILENCE,
        ask=partial(_silence, settings, tenant, clock),
        fix=_SILENCE_FIX,
        grounds=(DATABASE, WRITE),
        tenant=tenant,
        limit_s=HASURA_BUDGET_S + 2.0,
    )


def _look(url: str) -> QueueLook:
    with Database(url, max_connections=1) as database, database.transaction() as connection:
        return queue_look(connection)


def _queue(look: QueueLook) -> Finding:
    waiting = [each for each in look.deliveries if each.state != "failed"]
    if not waiting:
        return ok("nothing is acknowledged that is not in Hasura")
    number, oldest_s = sum(each.number for each in waiting), max(each.oldest_s for each in waiting)
    told = f"{number:,} deliveries wait for Hasura, the oldest for {oldest_s:,.0f} s"
    return failed(told) if oldest_s > LONG_S else ok(told)


def _dead_letters(look: QueueLook) -> Finding:
    jobs = sum(each.number for each in look.jobs if each.state == "failed")
    deliveries = sum(each.number for each in look.deliveries if each.state == "failed")
    if jobs or deliveries:
        return warning(f"{jobs:,} jobs and {deliveries:,} deliveries were given up, and wait for somebody")
    return ok("no job and no delivery was given up")


def _silence(settings: Settings, tenant: str, clock: Callable[[], float]) -> Finding:
    if not settings.tenants[tenant].stream_tokens:
        return skipped("no stream is wanted, since no stream token is set")
    if settings.database.url is None:
        return skipped("FRONTDESK_DATABASE_URL is not set, so nobody knows what came")
    with Database(secret(settings.database.url), max_connections=1) as database:
        states = {each.way: each for each in StreamMarks(database).states(tenant)}
    client = GraphqlClient(settings.hasura.url, admin_secret=secret(settings.hasura.admin_secret), role=ROLE)
    try:
        seen = newest_login(client, tenant, budget_s=HASURA_BUDGET_S)
    finally:
        client.close()
    came = max(
        (each.record_at for each in map(states.get, STREAM_WAYS) if each and each.record_at), default=None
    )
    reading = WAY in states and bool(states[WAY].position.get("gap"))
    return _judged(came, seen, now=datetime.fromtimestamp(clock(), UTC), reading=reading)


def _judged(came: datetime | None, seen: datetime | None, *, now: datetime, reading: bool) -> Finding:
    """Compare the newest record that a stream brought with the newest sign of a user."""
    if seen is None:
        return ok("nobody was seen yet, so there is nothing that a stream should have brought")
    if came is None and now - seen > SILENT_AFTER:
        return failed(f"the log stream never brought anything, and somebody was seen at {_at(seen)}")
    if came is not None and seen - came > SILENT_AFTER and now - seen > timedelta(minutes=2):
        return failed(
            f"the log stream is silent since {_at(came)}, while logins go on (the newest at {_at(seen)})"
        )
    if reading:
        return warning(
            "the log stream left a gap, which is being read from Auth0's log",
            "wait for `frontdesk worker`; `frontdesk jobs list --task catch_up` shows how it goes",
        )
    return ok(
        "the log stream brought nothing yet" if came is None else f"its newest record is of {_at(came)}"
    )


def _at(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
