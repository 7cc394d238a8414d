"""The inbox: what was acknowledged before it stands in Hasura, whatever way it came in.

A delivery is acknowledged when its row is committed. Whoever works on some holds their row locks, so that a killed
process leaves them as they were, for the next one.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime

import psycopg
import structlog
from psycopg.rows import class_row

from frontdesk.errors import StoreError, StoreOutdated, StoreUnavailable
from frontdesk.store.database import AWAY, REVISION, Connection, Database, store_budget
from frontdesk.store.inbox_load import InboxLoad, QueueBound
from frontdesk.store.queue import Queue

UNENDED, ENDED = ("waiting", "apart"), ("done", "failed", "dropped")
STATES = UNENDED + ENDED
DRAIN = "drain_inbox"  # the task that takes what waits
DRAIN_PRIORITY = 10  # thousands of hints may wait to be read; what was acknowledged goes before them
FETCHED_AT_ONCE = 20
MAX_REJECT_CHARS = 100_000  # the whole record stays in its delivery
MAX_ERROR_CHARS = 2_000
DROPPED_AT_ONCE = 500
HELD_SILENTLY_S = 600  # a few times the longest step of the ingest
FAILED_DAYS = 30  # so long people may still decide on a dead letter, as on a failed job

_log = structlog.stdlib.get_logger(__name__)

_INSERT = """
INSERT INTO frontdesk.deliveries (tenant, way, body, records, bytes, request_id, called_at, call_id)
VALUES (%(tenant)s, %(way)s, %(body)b, %(records)s, %(bytes)s, %(request_id)s, %(called_at)s, %(call_id)s)
RETURNING id
"""
# NO KEY: the rejects of a delivery refer to it while its row is locked.
_WAITING = """
SELECT id, records, bytes FROM frontdesk.deliveries WHERE tenant = %s AND state = 'waiting' ORDER BY id
FOR NO KEY UPDATE SKIP LOCKED
"""
_COLUMNS = "id, tenant, way, body, records, request_id, received_at, called_at, call_id, attempts"


@dataclass(frozen=True, kw_only=True)
class NewDelivery:
    """What came in, as it came. `called_at` and `call_id` are those of a signed call."""

    tenant: str
    way: str
    body: bytes = field(repr=False)
    records: int
    request_id: str
    called_at: datetime | None = None
    call_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class Delivery(NewDelivery):
    """A delivery of the inbox; `attempts` are those that failed for a reason of its own."""

    id: int
    received_at: datetime
    attempts: int


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """What of a tenant is acknowledged and does not stand in Hasura yet."""

    deliveries: int
    records: int
    size_bytes: int
    oldest_at: datetime


class Inbox:
    """The deliveries of all tenants. Threads share it. Every call raises StoreUnavailable."""

    def __init__(self, database: Database, bound: QueueBound) -> None:
        self._database, self._queue = database, Queue(database)
        self._load = InboxLoad(bound)
        self._held = threading.local()

    def accept(self, delivery: NewDelivery, *, login: bool = False, budget_s: float | None = None) -> int:
        """Keep a delivery and return its id: durable on return, and somebody is asked to drain it.

        `budget_s` bounds everything, also when PostgreSQL is stalled; what comes too late is not acknowledged, and may
        stand there nevertheless. Raises QueueFull, twice as late for a `login`, and StoreOutdated without our tables.
        """
        with nullcontext() if budget_s is None else store_budget(budget_s):
            with self._database.transaction() as connection, _tables_are_there():
                self._load.refuse_when_full(connection, len(delivery.body), login=login)
                delivery_id = _inserted(connection, delivery)
            self._load.add(len(delivery.body))
            self._ask_for_a_drain(delivery.tenant)
        return delivery_id

    @contextmanager
    def take(self, tenant: str, *, records: int, size_bytes: int) -> Iterator[Sequence[Delivery]]:
        """Give waiting deliveries of a tenant, oldest first, to nobody else as long as the block runs.

        One at least when any waits, and further ones while all together are within `records` and `size_bytes`. What the
        block marks becomes true at its end, all at once, and nothing of it when the block raises.
        """
        with self._holding() as connection:
            chosen: list[int] = []
            with connection.cursor(name="waiting") as cursor:
                cursor.execute(_WAITING, (tenant,))
                cursor.itersize = FETCHED_AT_ONCE
                for delivery_id, of_this, size in cursor:
                    records, size_bytes = records - of_this, size_bytes - size
                    if chosen and (records < 0 or size_bytes < 0):
                        break
                    chosen.append(delivery_id)
            yield _read(connection, chosen)

    @contextmanager
    def take_one(self, delivery_id: int) -> Iterator[Delivery | None]:
        """Give one delivery that waits or was set apart; None when it is neither any more, or somebody works on it."""
        with self._holding() as connection:
            found = connection.execute(
                "SELECT id FROM frontdesk.deliveries WHERE id = %s AND state IN ('waiting', 'apart')"
                " FOR NO KEY UPDATE SKIP LOCKED",
                (delivery_id,),
            ).fetchall()
            yield next(iter(_read(connection, [row[0] for row in found])), None)

    def still_held(self) -> None:
        """Tell PostgreSQL, between the steps of long work, that what this thread has taken is being worked on.

        Raises StoreUnavailable when it is lost: then somebody else does it.
        """
        with self._writing() as connection:
            connection.execute("SELECT 1")

    def done(self, ids: Sequence[int]) -> None:
        """Mark deliveries as done: everything of them stands in Hasura, or was rejected."""
        self._mark("state = 'done', error = NULL, finished_at = now()", ids)

    def set_apart(self, delivery_id: int, error: str) -> None:
        """Take one out of the row of those that wait: it failed for a reason of its own."""
        self._mark("state = 'apart', attempts = attempts + 1, error = %(error)s", [delivery_id], error)

    def failed(self, delivery_id: int, error: str) -> None:
        """Give one up, until somebody replays or drops it; what another one has ended meanwhile stays as it is."""
        self._mark(
            "state = 'failed', error = %(error)s, finished_at = now()", [delivery_id], error, of=UNENDED
        )

    def dropped(self, delivery_id: int) -> None:
        """Mark one as not wanted any more."""
        self._mark("state = 'dropped', finished_at = now()", [delivery_id])

    def again(self, ids: Sequence[int]) -> int:
        """Let finished deliveries, and those set apart, wait as new ones do; return how many do."""
        with self._writing() as connection:
            tenants = connection.execute(
                "UPDATE frontdesk.deliveries SET state = 'waiting', attempts = 0, error = NULL, finished_at = NULL"
                " WHERE id = ANY(%s) AND state <> 'waiting' RETURNING tenant",
                (list(ids),),
            ).fetchall()
        for tenant in {row[0] for row in tenants}:
            self._ask_for_a_drain(tenant)
        return len(tenants)

    def reject(
        self, delivery_id: int, *, number: int, record_id: str | None, reason: str, record: str
    ) -> None:
        """Keep a record that could not be taken, with its error; done twice it changes nothing."""
        values = {
            "id": delivery_id,
            "number": number,
            "record_id": None if record_id is None else _storable(record_id)[:MAX_ERROR_CHARS],
            "reason": _storable(reason)[:MAX_ERROR_CHARS],
            "record": _storable(record)[:MAX_REJECT_CHARS],
        }
        with self._writing() as connection:
            connection.execute(
                "INSERT INTO frontdesk.stream_rejects (delivery_id, number, tenant, record_id, reason, record)"
                " SELECT id, %(number)s, tenant, %(record_id)s, %(reason)s, %(record)s FROM frontdesk.deliveries"
                " WHERE id = %(id)s ON CONFLICT (delivery_id, number) DO UPDATE SET reason = excluded.reason",
                values,
            )

    def waiting(self) -> Mapping[str, Waiting]:
        """Return by tenant what waits or was set apart; a tenant of which nothing does is not there."""
        with self._database.transaction() as connection:
            rows = connection.execute(
                "SELECT tenant, count(*), sum(records), sum(bytes), min(received_at) FROM frontdesk.deliveries"
                " WHERE state IN ('waiting', 'apart') GROUP BY tenant"
            ).fetchall()
        return {
            tenant: Waiting(deliveries=count, records=int(records), size_bytes=int(size), oldest_at=oldest_at)
            for tenant, count, records, size, oldest_at in rows
        }

    def drop_old(self, keep_days: int) -> int:
        """Delete deliveries that ended longer ago, in steps of a transaction each, and return how many.

        Dead letters stay 30 days at least.
        """
        gone = 0
        while True:
            with self._database.transaction() as connection:
                step = connection.execute(
                    "DELETE FROM frontdesk.deliveries WHERE id IN (SELECT id FROM frontdesk.deliveries"
                    " WHERE finished_at < now() - make_interval(days => CASE state WHEN 'failed' THEN %s ELSE %s END)"
                    " AND finished_at < now() - make_interval(days => %s) LIMIT %s FOR UPDATE SKIP LOCKED)",
                    (max(keep_days, FAILED_DAYS), keep_days, keep_days, DROPPED_AT_ONCE),
                ).rowcount
            gone += step
            if step < DROPPED_AT_ONCE:
                return gone

    def _ask_for_a_drain(self, tenant: str) -> None:
        try:
            ask_for_a_drain(self._queue, tenant)
        except (StoreError, psycopg.Error) as error:
            # The delivery is durable, and every minute somebody looks for what nobody was asked to drain.
            _log.warning("inbox.drain_not_asked", tenant=tenant, reason=type(error).__name__)

    def _mark(self, change: str, ids: Sequence[int], error: str = "", *, of: Sequence[str] = STATES) -> None:
        with self._writing() as connection:
            connection.execute(
                f"UPDATE frontdesk.deliveries SET {change}"  # noqa: S608 - texts of ours
                " WHERE id = ANY(%(ids)s) AND state = ANY(%(of)s)",
                {"ids": list(ids), "error": _storable(error)[:MAX_ERROR_CHARS], "of": list(of)},
            )

    @contextmanager
    def _holding(self) -> Iterator[Connection]:
        """Give a transaction that this thread's marks join: from another one they would wait for its row locks."""
        with self._database.transaction() as connection:
            # Whoever hangs lets go at last; who works says so, see `still_held`.
            connection.execute(f"SET LOCAL idle_in_transaction_session_timeout = {HELD_SILENTLY_S * 1000}")
            self._held.connection = connection
            try:
                yield connection
            finally:
                self._held.connection = None

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        held = getattr(self._held, "connection", None)
        if held is not None:
            # A savepoint: what PostgreSQL refuses of one delivery must not undo the marks of the others.
            with _known_as_unavailable(), held.transaction():
                yield held
            return
        with self._database.transaction() as connection:
            yield connection


@contextmanager
def _known_as_unavailable() -> Iterator[None]:
    """Raise StoreUnavailable: who works on deliveries must not take a lost transaction for a fault of theirs."""
    try:
        yield
    except AWAY as error:
        raise StoreUnavailable(f"frontdesk's database gives no answer ({type(error).__name__})") from error


def ask_for_a_drain(queue: Queue, tenant: str, *, lane: str = "") -> None:
    """Have a tenant's deliveries taken: in each lane one job runs and one waits. Raises StoreUnavailable."""
    arguments = {"tenant": tenant, **({"lane": lane} if lane else {})}
    name = f"drain:{tenant}{lane}"
    queue.defer(DRAIN, arguments, queueing_lock=name, lock=name, priority=DRAIN_PRIORITY)


def _inserted(connection: Connection, delivery: NewDelivery) -> int:
    values = {
        "tenant": delivery.tenant,
        "way": delivery.way,
        "body": delivery.body,
        "records": delivery.records,
        "bytes": len(delivery.body),
        "request_id": delivery.request_id,
        "called_at": delivery.called_at,
        "call_id": delivery.call_id,
    }
    ((delivery_id,),) = connection.execute(_INSERT, values).fetchall()
    return int(delivery_id)


@contextmanager
def _tables_are_there() -> Iterator[None]:
    try:
        yield
    except psycopg.errors.UndefinedTable:
        raise StoreOutdated(None, REVISION) from None
    except psycopg.ProgrammingError as error:
        # A right or a column is missing: nobody who logs in shall see a fault of the program for it.
        raise StoreUnavailable(
            f"frontdesk's database refuses a delivery ({type(error).__name__}); run `frontdesk db apply` as its owner"
        ) from None


def _read(connection: Connection, ids: list[int]) -> list[Delivery]:
    if not ids:
        return []
    with connection.cursor(row_factory=class_row(Delivery), binary=True) as cursor:
        return cursor.execute(
            f"SELECT {_COLUMNS} FROM frontdesk.deliveries WHERE id = ANY(%s) ORDER BY id",  # noqa: S608 - names of ours
            (ids,),
        ).fetchall()


def _storable(text: str) -> str:
    """Return the text as PostgreSQL can store it."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode()
