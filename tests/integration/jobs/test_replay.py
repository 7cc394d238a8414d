"""`frontdesk replay`: kept deliveries wait again, and whoever asks hears how far back they reach."""

from __future__ import annotations

import pytest
from tests.integration.jobs.queue_house import QueueHouse

LONG_AGO = "2020-01-01T00:00"


def received(house: QueueHouse, delivery: int, at: str) -> None:
    house.sql("UPDATE deliveries SET received_at = %s WHERE id = %s", at, delivery)


def test_what_ended_since_then_waits_again_and_somebody_is_asked_to_take_it(house: QueueHouse) -> None:
    old, done, failed, dropped, apart, other_way = (
        house.delivery("done"),
        house.delivery("done"),
        house.delivery("failed"),
        house.delivery("dropped"),
        house.delivery("apart"),
        house.delivery("done", way="event-stream"),
    )
    received(house, old, "2026-01-01T00:00Z")
    received(house, done, "2026-03-02T10:00Z")

    facts = house.facts("replay", "--since", "2026-03-01T00:00", "--way", "log-stream", "--as", "mia")

    assert facts == {
        "deliveries": 2,
        "records": 6,
        "kept_from": "2026-01-01T00:00:00+00:00",
        "reaches_back": True,
    }
    states = [house.delivery_state(each) for each in (old, done, failed, dropped, apart, other_way)]
    assert states == ["done", "waiting", "waiting", "dropped", "apart", "done"]
    assert house.sql("SELECT task_name, args FROM procrastinate_jobs") == [
        {"task_name": "drain_inbox", "args": {"tenant": house.tenant}}
    ]
    line = house.inner.audit()[-1]
    assert (line["actor"], line["action"], line["detail"]["deliveries"]) == ("mia", "replay", 2)


def test_the_end_and_the_tenant_bound_it(house: QueueHouse) -> None:
    early, late = house.delivery("done"), house.delivery("done")
    received(house, early, "2026-03-02T10:00Z")

    house.run("replay", "--since", LONG_AGO, "--until", "2026-04-01T00:00", "--tenant", house.tenant)

    assert (house.delivery_state(early), house.delivery_state(late)) == ("waiting", "done")


def test_times_may_be_given_by_how_long_ago_they_are(house: QueueHouse) -> None:
    older, younger, newest = house.delivery("done"), house.delivery("done"), house.delivery("done")
    for delivery, minutes in ((older, 130), (younger, 110), (newest, 20)):
        house.sql(
            "UPDATE deliveries SET received_at = now() - make_interval(mins => %s) WHERE id = %s",
            minutes,
            delivery,
        )

    house.run("replay", "--since", "2h", "--until", "30m")

    assert [house.delivery_state(each) for each in (older, younger, newest)] == ["done", "waiting", "done"]


def test_whoever_asks_for_more_than_is_kept_hears_it(house: QueueHouse) -> None:
    nothing = house.run("replay", "--since", LONG_AGO)
    received(house, house.delivery("done"), "2026-03-02T10:00Z")
    some = house.run("replay", "--since", LONG_AGO)

    assert (nothing.returncode, "Nothing is kept" in nothing.stderr) == (0, True)
    assert some.stdout == "Waiting again: deliveries: 1, records: 3.\n"
    assert "2026-03-02T10:00:00Z" in some.stderr


def test_more_than_may_wait_is_refused_and_nothing_waits(house: QueueHouse) -> None:
    house.sql(
        "INSERT INTO deliveries (tenant, way, request_id, records, bytes, body, state)"
        " SELECT %s, 'log-stream', 'r', 1, 2, '[]', 'done' FROM generate_series(1, 101)",
        house.tenant,
    )

    done = house.run("replay", "--since", LONG_AGO, FRONTDESK_QUEUE_MAX_WAITING="100")

    assert (done.returncode, "--until" in done.stderr) == (2, True)
    assert house.sql("SELECT count(*) FROM deliveries WHERE state = 'waiting'") == [{"count": 0}]


@pytest.mark.parametrize(
    "options",
    [
        ["--since", "yesterday"],
        ["--since", "2 h"],
        ["--since", "99999999999d"],
        ["--since", LONG_AGO, "--tenant", "nobody"],
        [],
    ],
)
def test_what_cannot_be_meant_is_wrong_usage(house: QueueHouse, options: list[str]) -> None:
    assert house.run("replay", *options).returncode == 2
