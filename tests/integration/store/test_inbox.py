"""The inbox: what is acknowledged is there once, in order, and nobody works on what another one works on."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from tests.faults.wires import Flow, Wires
from tests.integration.store.stalled_proxy import StalledProxy

from frontdesk.errors import FrontdeskError, QueueFull, StoreOutdated, StoreUnavailable
from frontdesk.store.database import Database
from frontdesk.store.inbox import Delivery, Inbox, NewDelivery
from frontdesk.store.inbox_load import QueueBound

ROOMY = QueueBound(deliveries=1000, size_bytes=100_000_000)
OPTIONS = "-c search_path=frontdesk"


@pytest.fixture
def inbox(store_url: str) -> Iterator[Inbox]:
    with Database(store_url) as database:
        yield Inbox(database, ROOMY)


@pytest.fixture
def rows(store_url: str) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    with psycopg.connect(store_url, autocommit=True, options=OPTIONS) as connection:
        yield connection


def a_delivery(
    body: bytes = b"[]", *, tenant: str = "acme", records: int = 1, way: str = "log-stream"
) -> NewDelivery:
    return NewDelivery(tenant=tenant, way=way, body=body, records=records, request_id="r1")


def taken(inbox: Inbox, tenant: str = "acme", *, records: int = 1000, size_bytes: int = 10**9) -> list[int]:
    with inbox.take(tenant, records=records, size_bytes=size_bytes) as deliveries:
        return [each.id for each in deliveries]


def states(rows: psycopg.Connection[tuple[object, ...]]) -> list[object]:
    return [row[0] for row in rows.execute("SELECT state FROM deliveries ORDER BY id").fetchall()]


def test_what_was_accepted_comes_out_as_it_came(inbox: Inbox) -> None:
    called_at = datetime(2026, 3, 2, 10, tzinfo=UTC)
    signed = NewDelivery(
        tenant="acme",
        way="post-login",
        body=b'{"name":"\xff\x00"}',
        records=1,
        request_id="r1",
        called_at=called_at,
        call_id="msg_1",
    )

    delivery_id = inbox.accept(signed)

    with inbox.take("acme", records=1, size_bytes=1) as (delivery,):
        assert isinstance(delivery, Delivery)
        assert (delivery.id, delivery.body, delivery.attempts) == (delivery_id, signed.body, 0)
        assert (delivery.way, delivery.called_at, delivery.call_id) == ("post-login", called_at, "msg_1")


def test_whoever_accepts_asks_for_one_drain_of_the_tenant(
    inbox: Inbox, rows: psycopg.Connection[tuple[object, ...]]
) -> None:
    for tenant in ("acme", "acme", "other"):
        inbox.accept(a_delivery(tenant=tenant))

    jobs = rows.execute(
        "SELECT task_name, args, queueing_lock FROM procrastinate_jobs ORDER BY id"
    ).fetchall()
    assert jobs == [
        ("drain_inbox", {"tenant": "acme"}, "drain:acme"),
        ("drain_inbox", {"tenant": "other"}, "drain:other"),
    ]


def test_a_delivery_is_acknowledged_although_nobody_can_be_asked_to_drain_it(
    inbox: Inbox, rows: psycopg.Connection[tuple[object, ...]]
) -> None:
    rows.execute("ALTER TABLE procrastinate_jobs RENAME TO elsewhere")

    inbox.accept(a_delivery())

    assert states(rows) == ["waiting"]


def test_the_oldest_come_first_within_both_bounds_and_one_at_least(inbox: Inbox) -> None:
    ids = [inbox.accept(a_delivery(b"x" * 100, records=10)) for _ in range(5)]

    assert taken(inbox) == ids
    assert taken(inbox, records=25) == ids[:2]
    assert taken(inbox, size_bytes=399) == ids[:3]
    assert taken(inbox, records=1, size_bytes=1) == ids[:1]
    assert taken(inbox, "nobody") == []


def test_two_who_take_share_no_delivery(inbox: Inbox) -> None:
    ids = [inbox.accept(a_delivery()) for _ in range(3)]

    with inbox.take("acme", records=2, size_bytes=10**6) as first:
        others: list[int] = []
        second = threading.Thread(target=lambda: others.extend(taken(inbox)))
        second.start()
        second.join(10)
        mine = [each.id for each in first]

    assert mine == ids[:2]
    # A row that was looked at and not taken is locked as long as the first works.
    assert set(others) <= set(ids[2:])
    assert taken(inbox) == ids


def test_what_a_block_marks_is_true_at_its_end_and_nothing_of_it_when_it_raises(
    inbox: Inbox, rows: psycopg.Connection[tuple[object, ...]]
) -> None:
    ids = [inbox.accept(a_delivery()) for _ in range(2)]

    def interrupted() -> None:
        with inbox.take("acme", records=9, size_bytes=9):
            inbox.done(ids)
            inbox.reject(ids[0], number=3, record_id="id", reason="no date", record="{}")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        interrupted()
    before = (states(rows), rows.execute("SELECT count(*) FROM stream_rejects").fetchone())
    with inbox.take("acme", records=9, size_bytes=9):
        inbox.done(ids[:1])
        inbox.set_apart(ids[1], "bad\0text")
        for _ in range(2):
            inbox.reject(ids[0], number=3, record_id=None, reason="no date", record='{"a":"\0"}')

    assert before == (["waiting", "waiting"], (0,))
    assert states(rows) == ["done", "apart"]
    assert rows.execute("SELECT tenant, number, reason FROM stream_rejects").fetchall() == [
        ("acme", 3, "no date")
    ]
    assert taken(inbox) == []


def test_one_that_was_set_apart_is_taken_alone_and_may_become_a_dead_letter_and_wait_again(
    inbox: Inbox, rows: psycopg.Connection[tuple[object, ...]]
) -> None:
    delivery_id = inbox.accept(a_delivery())
    inbox.set_apart(delivery_id, "first")

    with inbox.take_one(delivery_id) as delivery:
        assert delivery is not None
        assert delivery.attempts == 1
        inbox.failed(delivery_id, "second")
    with inbox.take_one(delivery_id) as nothing:
        assert nothing is None
    assert rows.execute("SELECT state, error FROM deliveries").fetchall() == [("failed", "second")]

    assert inbox.again([delivery_id, 999]) == 1
    assert taken(inbox) == [delivery_id]
    inbox.dropped(delivery_id)
    assert states(rows) == ["dropped"]


def test_what_waits_is_told_by_tenant(inbox: Inbox) -> None:
    inbox.accept(a_delivery(b"12345", records=3))
    apart = inbox.accept(a_delivery(b"123", records=2))
    inbox.set_apart(apart, "x")
    inbox.done([inbox.accept(a_delivery(tenant="other"))])

    waiting = inbox.waiting()

    assert list(waiting) == ["acme"]
    assert (waiting["acme"].deliveries, waiting["acme"].records, waiting["acme"].size_bytes) == (2, 5, 8)
    assert (datetime.now(UTC) - waiting["acme"].oldest_at).total_seconds() < 60


@pytest.mark.parametrize("bound", [QueueBound(2, 10**6), QueueBound(100, 20)], ids=["number", "size"])
def test_a_full_inbox_refuses_streams_first_and_logins_twice_as_late(
    store_url: str, bound: QueueBound
) -> None:
    with Database(store_url) as database:
        inbox = Inbox(database, bound)
        for _ in range(2):
            inbox.accept(a_delivery(b"0123456789"))

        with pytest.raises(QueueFull):
            inbox.accept(a_delivery(b"0123456789"))
        for _ in range(2):
            inbox.accept(a_delivery(b"0123456789"), login=True)
        with pytest.raises(QueueFull):
            inbox.accept(a_delivery(b"0123456789"), login=True)
        with pytest.raises(QueueFull):
            Inbox(database, bound).accept(a_delivery(b"0123456789"))


def test_there_is_room_again_when_some_were_done(store_url: str) -> None:
    with Database(store_url) as database:
        inbox = Inbox(database, QueueBound(1, 10**6))
        inbox.done([inbox.accept(a_delivery())])

        deadline = time.monotonic() + 10
        while True:
            try:
                inbox.accept(a_delivery())
                break
            except QueueFull:
                assert time.monotonic() < deadline


def test_old_ones_go_and_dead_letters_stay_longer(
    inbox: Inbox, rows: psycopg.Connection[tuple[object, ...]]
) -> None:
    old, young, dead, waiting = (inbox.accept(a_delivery()) for _ in range(4))
    inbox.done([old, young])
    inbox.failed(dead, "x")
    inbox.reject(old, number=1, record_id=None, reason="x", record="{}")
    rows.execute(
        "UPDATE deliveries SET finished_at = now() - interval '8 days' WHERE id = ANY(%s)", ([old, dead],)
    )

    assert inbox.drop_old(7) == 1
    left = {row[0] for row in rows.execute("SELECT id FROM deliveries").fetchall()}
    assert left == {young, dead, waiting}
    assert rows.execute("SELECT count(*) FROM stream_rejects").fetchone() == (0,)
    assert inbox.drop_old(0) == 1


def test_without_our_tables_the_command_is_named(database_url: str) -> None:
    with Database(database_url) as database, pytest.raises(StoreOutdated, match="frontdesk db apply"):
        Inbox(database, ROOMY).accept(a_delivery())


def test_a_server_that_only_reads_takes_nothing(store_url: str) -> None:
    """As a primary that became a replica."""
    url = f"{store_url}?options=-c%20default_transaction_read_only%3Don"
    with Database(url) as database, pytest.raises(StoreUnavailable):
        Inbox(database, ROOMY).accept(a_delivery())


def test_a_stalled_server_costs_the_budget_and_no_more(store_url: str) -> None:
    with StalledProxy(store_url) as proxy, Database(proxy.url) as database:
        inbox = Inbox(database, ROOMY)
        inbox.accept(a_delivery())

        proxy.stall()
        for _ in range(3):
            start = time.monotonic()
            with pytest.raises(StoreUnavailable):
                inbox.accept(a_delivery(), budget_s=0.3)
            assert time.monotonic() - start < 0.3 + 3

        proxy.resume()
        assert inbox.accept(a_delivery(), budget_s=5.0)


@pytest.mark.parametrize("statement", ["INSERT", "COMMIT"])
def test_an_answer_that_never_comes_is_no_acknowledgement(store_url: str, statement: str) -> None:
    with StalledProxy(store_url, after=statement.encode()) as proxy, Database(proxy.url) as database:
        start = time.monotonic()
        with pytest.raises(StoreUnavailable):
            Inbox(database, ROOMY).accept(a_delivery(), budget_s=0.5)
        assert time.monotonic() - start < 0.5 + 3
        assert proxy.stalled


def test_who_works_on_a_delivery_learns_that_the_database_went_away(store_url: str) -> None:
    """Taken for a fault of the deliveries, it would have each of them tried alone in a transaction that is gone."""
    with Wires() as wires:
        wire = wires.to(int(conninfo_to_dict(store_url)["port"] or 0))
        with Database(make_conninfo(store_url, port=wire.port)) as database:
            inbox = Inbox(database, ROOMY)
            kept = inbox.accept(a_delivery())

            learned: list[FrontdeskError] = []

            def work() -> None:
                with inbox.take("acme", records=1, size_bytes=1):
                    wire.set(Flow.CUT)
                    try:
                        inbox.done([kept])
                    except FrontdeskError as error:
                        learned.append(error)
                        raise

            with pytest.raises(StoreUnavailable):
                work()

        assert [type(error) for error in learned] == [StoreUnavailable]


def test_who_holds_deliveries_and_hangs_lets_go_of_them(
    store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("frontdesk.store.inbox.HELD_SILENTLY_S", 1)
    with Database(store_url) as database:
        inbox = Inbox(database, ROOMY)
        kept = inbox.accept(a_delivery())
        got: list[int] = []

        def hang() -> None:
            with inbox.take("acme", records=1, size_bytes=1):
                monkeypatch.setattr("frontdesk.store.inbox.HELD_SILENTLY_S", 600)
                others = threading.Thread(target=lambda: got.extend(_waited_for(inbox)))
                others.start()
                others.join(20)
                inbox.still_held()

        with pytest.raises(StoreUnavailable):
            hang()

        assert got == [kept]
        assert taken(inbox) == [kept]


def _waited_for(inbox: Inbox) -> list[int]:
    ends_at = time.monotonic() + 15
    while time.monotonic() < ends_at:
        if found := taken(inbox):
            return found
        threading.Event().wait(0.05)
    return []


def test_what_one_has_brought_is_no_dead_letter_of_another(
    inbox: Inbox, rows: psycopg.Connection[tuple[object, ...]]
) -> None:
    """A worker that was slow gives up what another one has taken over, and has done."""
    ended = inbox.accept(a_delivery())
    inbox.done([ended])

    inbox.failed(ended, "too late")

    assert states(rows) == ["done"]
