"""What waits in the inbox becomes rows, once; a bad record or delivery stops nobody, and an outage loses nothing."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from tests.builders import a_hook_body
from tests.integration.hasura.faulty_server import FaultyServer
from tests.integration.jobs.queue_house import QueueHouse
from tests.integration.jobs.working import Work, a_log_record, hasura_that_hangs_up, now, working

from frontdesk.store.stream_marks import StreamMarks

EVENT = {
    "specversion": "1.0",
    "type": "user.updated",
    "source": "urn:auth0:acme.eu.auth0.com",
    "id": "evt_aB3dE6fG9hJ2kL5mN8pQ1r",
    "time": "2026-03-02T10:00:00.456Z",
    "data": {
        "object": {
            "user_id": "auth0|eve",
            "email": "eve@example.com",
            "created_at": "2026-03-01T09:00:00.000Z",
            "updated_at": "2026-03-02T09:59:59.000Z",
            "identities": [{"connection": "Users", "user_id": "eve", "provider": "auth0", "isSocial": False}],
        }
    },
}


@pytest.fixture
def work(house: QueueHouse) -> Iterator[Work]:
    with working(house) as work:
        yield work


def test_records_events_and_kept_logins_become_rows(work: Work, house: QueueHouse) -> None:
    called_at = datetime(2026, 3, 2, 10, 0, 1, tzinfo=UTC)
    deliveries = [
        work.deliver([a_log_record(1), a_log_record(2, "f", user_id="auth0|ann")]),
        work.deliver(EVENT, way="event-stream"),
        work.deliver(
            a_hook_body(changes={"user.user_id": "auth0|kim"}),
            way="post-login",
            called_at=called_at,
            call_id="msg_1",
        ),
    ]

    work.off()

    assert {row["type"] for row in work.activities().values()} == {"s", "f", "user.updated"}
    assert house.inner.there("auth0|eve")["email"] == "eve@example.com"
    assert house.inner.there("auth0|kim")["last_seen"] == called_at
    assert [house.delivery_state(each) for each in deliveries] == ["done"] * 3
    assert work.jobs("drain_inbox") == []
    marks = StreamMarks(house.database)
    assert marks.newest(house.tenant) == a_log_record(2)["log_id"]
    assert marks.state(house.tenant, "event-stream").record_at is not None


def test_the_same_delivery_again_changes_nothing(work: Work, house: QueueHouse) -> None:
    records = [a_log_record(number, user_id="auth0|ann") for number in range(5)]
    first = work.deliver(records)
    work.deliver(list(reversed(records)))
    work.off()
    before = work.activities()

    work.places.inbox.again([first])
    work.deliver(EVENT, way="event-stream")
    work.deliver(EVENT, way="event-stream")
    work.off()

    after = work.activities()
    assert {key: after[key] for key in before} == before
    assert (len(before), len(after)) == (5, 6)


def test_a_bad_record_is_kept_with_its_error_and_the_others_are_taken(work: Work, house: QueueHouse) -> None:
    lines = [
        json.dumps(a_log_record(1)).encode(),
        b'{"log_id": ',
        json.dumps({"log_id": "9", "data": {"type": "s", "date": "yesterday"}}).encode(),
        b"7",
        json.dumps(a_log_record(2, user_name="half \ud800 a pair")).encode(),
    ]
    delivery = work.deliver(b"\n".join(lines))

    work.off()

    assert len(work.activities()) == 2
    rejects = dict(work.rejects())
    assert rejects.keys() == {2, 3, 4}
    assert "date" in rejects[3]
    assert house.delivery_state(delivery) == "done"


def test_a_row_that_hasura_refuses_is_kept_and_the_others_are_written(work: Work, house: QueueHouse) -> None:
    other = {**EVENT, "id": "evt_2", "data": {"object": {**EVENT["data"]["object"], "user_id": "auth0|fay"}}}  # type: ignore[index]
    house.inner.rows.execute(
        f"ALTER TABLE public.users ADD CONSTRAINT no_eve_{house.tenant}"
        f" CHECK (tenant <> '{house.tenant}' OR user_id <> 'auth0|eve')".encode()
    )
    try:
        work.deliver([EVENT, other], way="events")
        work.off()
    finally:
        house.inner.rows.execute(f"ALTER TABLE public.users DROP CONSTRAINT no_eve_{house.tenant}".encode())

    assert house.inner.row("auth0|eve") is None
    assert house.inner.there("auth0|fay")["email"] == "eve@example.com"
    assert [number for number, _ in work.rejects()] == [1]


def test_a_delivery_that_nobody_can_read_stops_nobody_and_ends_as_a_dead_letter(
    work: Work, house: QueueHouse
) -> None:
    bad = work.deliver(b"this is no JSON at all")
    good = work.deliver([a_log_record(1)])

    work.off()

    assert (house.delivery_state(bad), house.delivery_state(good)) == ("apart", "done")
    work.later()
    assert house.delivery_state(bad) == "failed"
    (job,) = work.jobs("ingest_delivery")
    assert job["status"] == "failed"
    (error,) = house.sql("SELECT reason FROM job_errors WHERE job_id = %s", job["id"])
    assert "JSON" in error["reason"]


def test_a_delivery_that_frontdesks_own_database_refuses_stops_nobody(work: Work, house: QueueHouse) -> None:
    house.sql("ALTER TABLE stream_rejects ADD CHECK (record_id <> 'poison')")
    bad = work.deliver([{"log_id": "poison", "data": {"type": "s", "date": "yesterday"}}])
    good = work.deliver([a_log_record(1)])

    work.off()

    assert (house.delivery_state(bad), house.delivery_state(good)) == ("apart", "done")


def test_what_was_set_apart_without_a_job_and_what_waits_without_one_is_found(
    work: Work, house: QueueHouse
) -> None:
    """A crash came between the commit and the job."""
    apart, waiting = work.deliver([a_log_record(1)]), work.deliver([a_log_record(2)])
    house.sql("UPDATE deliveries SET state = 'apart' WHERE id = %s", apart)
    house.sql("DELETE FROM procrastinate_jobs")

    house.sql(
        "INSERT INTO procrastinate_jobs (queue_name, task_name, args)"
        " VALUES ('default', 'drain_all', '{\"timestamp\": 0}')"
    )
    work.off()
    work.later()

    assert [house.delivery_state(each) for each in (apart, waiting)] == ["done", "done"]
    assert len(work.activities()) == 2


def test_while_hasura_is_away_everything_waits_in_one_job_and_comes_later(house: QueueHouse) -> None:
    with hasura_that_hangs_up() as url, working(house, HASURA_URL=url) as away:
        deliveries = [away.deliver([a_log_record(number)]) for number in range(3)]
        away.off()
        away.deliver([a_log_record(3)])
        away.later()

        assert [house.delivery_state(each) for each in deliveries] == ["waiting"] * 3
        (job,) = away.jobs("drain_inbox")
        assert (job["status"], job["attempts"]) == ("todo", 2)
        assert house.sql("SELECT scheduled_at > now() AS later FROM procrastinate_jobs") == [{"later": True}]

    with working(house, HASURA_URL=house.inner.hasura_url) as back:
        back.later()
        assert len(back.activities()) == 4
        assert [house.delivery_state(each) for each in deliveries] == ["done"] * 3


def test_what_comes_in_while_a_drain_fails_waits_as_long_as_that_drain(house: QueueHouse) -> None:
    """Otherwise every delivery of an outage would be a try at once, and none would ever wait longer."""
    arrived: list[int] = []
    works: list[Work] = []

    def another_arrives(connection: socket.socket, _over: threading.Event) -> None:
        arrived.append(works[0].deliver([a_log_record(100 + len(arrived))]))
        connection.close()

    with FaultyServer(another_arrives) as hasura, working(house, HASURA_URL=hasura.url) as work:
        works.append(work)
        work.deliver([a_log_record(1)])
        work.off()

    assert arrived
    jobs = house.sql("SELECT status::text, attempts, scheduled_at > now() AS later FROM procrastinate_jobs")
    assert jobs == [{"status": "todo", "attempts": 1, "later": True}]


def test_a_job_is_given_up_after_the_time_of_the_settings_(
    house: QueueHouse,
) -> None:
    with hasura_that_hangs_up() as url, working(house, HASURA_URL=url, QUEUE_GIVE_UP_AFTER_H="1") as work:
        delivery = work.deliver([a_log_record(1)])
        house.sql("UPDATE deliveries SET state = 'apart'")
        house.sql("DELETE FROM procrastinate_jobs")
        work.places.queue.defer("ingest_delivery", {"tenant": house.tenant, "delivery_id": delivery})
        work.off()
        (job,) = work.jobs("ingest_delivery")
        assert (job["status"], house.delivery_state(delivery)) == ("todo", "apart")

        house.sql("UPDATE procrastinate_events SET at = at - interval '2 hours'")
        work.later()
        (job,) = work.jobs("ingest_delivery")
        assert (job["status"], house.delivery_state(delivery)) == ("failed", "failed")


def test_when_hasura_refuses_everything_one_delivery_at_a_time_goes_out_of_the_way(house: QueueHouse) -> None:
    """A wrong admin secret, or a metadata that was not applied: no storm of jobs, and no delivery is lost."""
    with working(house, HASURA_ADMIN_SECRET="not-the-secret-of-this-hasura") as work:
        deliveries = [work.deliver([a_log_record(number)]) for number in range(4)]
        work.off()

        states = [house.delivery_state(each) for each in deliveries]
        assert states == ["apart", "waiting", "waiting", "waiting"]
        assert [job["status"] for job in work.jobs("drain_inbox")] == ["todo"]
        house.sql("UPDATE deliveries SET state = 'waiting'")


def test_who_is_left_out_by_the_filter_is_not_written_from_the_inbox_either(house: QueueHouse) -> None:
    with working(house, FILTER_VERIFIED_ONLY="true") as work:
        body = a_hook_body(changes={"user.user_id": "auth0|kim", "user.email_verified": False})
        work.deliver(body, way="post-login", called_at=datetime(2026, 3, 2, tzinfo=UTC), call_id="msg_1")
        work.deliver(EVENT, way="event-stream")
        work.off()

        assert (house.inner.row("auth0|kim"), house.inner.row("auth0|eve")) == (None, None)
        assert {row["type"] for row in work.activities().values()} == {"user.updated"}


def test_much_that_waits_is_taken_in_a_few_turns_and_leaves_no_job(work: Work, house: QueueHouse) -> None:
    for first in range(0, 2400, 300):
        work.deliver([a_log_record(first + number) for number in range(300)])

    work.off()

    assert len(work.activities()) == 2400
    assert house.sql("SELECT 1 FROM deliveries WHERE state <> 'done'") == []
    assert work.jobs("drain_inbox") == []


def test_every_night_what_is_older_than_the_settings_keep_goes(work: Work, house: QueueHouse) -> None:
    old, new = a_log_record(1, date="2020-01-01T00:00:00.000Z"), a_log_record(2, date=now().isoformat())
    delivery, younger = work.deliver([old, new]), work.deliver([new])
    work.off()
    house.sql("UPDATE deliveries SET finished_at = now() - interval '8 days' WHERE id = %s", delivery)
    for task in ("drop_old_deliveries", "drop_old_activities"):
        work.places.queue.defer(task, {"timestamp": 0})

    work.off()

    assert [row["id"] for row in house.sql("SELECT id FROM deliveries")] == [younger]
    assert list(work.activities()) == [new["log_id"]]
