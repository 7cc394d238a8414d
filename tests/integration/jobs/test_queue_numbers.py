"""`/metrics` tells of the queue and of workers; a database that is away or stalled costs a scrape a second."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from tests.builders import OPERATOR_TOKEN
from tests.integration.jobs.queue_house import QueueHouse
from tests.integration.jobs.working import a_log_record, working
from tests.integration.store.stalled_proxy import StalledProxy

from frontdesk.settings import load_settings
from frontdesk.web.app import create_app
from frontdesk.web.resources import close_resources


def scraped(client: FlaskClient) -> dict[str, float]:
    """Return all samples by their names with labels."""
    answer = client.get("/metrics", headers={"Authorization": f"Bearer {OPERATOR_TOKEN}"})
    assert answer.status_code == 200
    lines = [line.rpartition(" ") for line in answer.text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in lines}


def test_queue_dead_letters_and_workers_are_in_the_metrics(house: QueueHouse) -> None:
    with working(house) as work:
        work.deliver([a_log_record(1), a_log_record(2, "s", date="yesterday")])
        work.off()
        work.places.tell_numbers()
        work.deliver([a_log_record(3)])
        house.delivery("failed", way="event-stream")
        app = create_app(work.settings)
        try:
            found = scraped(app.test_client())
        finally:
            close_resources(app)

    tenant = house.tenant
    assert found[f'frontdesk_ingested_records_total{{outcome="added",tenant="{tenant}"}}'] == 1
    assert found[f'frontdesk_ingested_records_total{{outcome="rejected",tenant="{tenant}"}}'] == 1
    waiting = f'{{state="waiting",tenant="{tenant}",way="log-stream"}}'
    assert found[f"frontdesk_queue_deliveries{waiting}"] == 1
    assert found[f"frontdesk_queue_bytes{waiting}"] > 100
    assert 0 <= found[f"frontdesk_queue_oldest_seconds{waiting}"] < 60
    failed = f'{{state="failed",tenant="{tenant}",way="event-stream"}}'
    assert found[f"frontdesk_queue_deliveries{failed}"] == 1
    assert found['frontdesk_jobs{state="todo",task="drain_inbox"}'] == 1
    assert found["frontdesk_workers"] == 0


def test_a_worker_adds_to_what_others_have_counted_and_tells_the_newest_state(house: QueueHouse) -> None:
    with working(house) as one, working(house) as other:
        for work, room in ((one, 7), (other, 3)):
            work.places.numbers.add("refreshes", 2, tenant="t", kind="user", outcome="written")
            work.places.numbers.set("auth0_rate_limit_remaining", room, tenant="t", group="read users")
            work.places.tell_numbers()
            work.places.tell_numbers()
        rows = house.sql("SELECT name, value FROM worker_numbers ORDER BY name")

    assert [(row["name"], row["value"]) for row in rows] == [
        ("auth0_rate_limit_remaining", 3),
        ("refreshes", 4),
    ]


@pytest.mark.parametrize("stalled", [False, True], ids=["away", "stalled"])
def test_without_the_database_a_scrape_has_the_other_numbers_and_takes_a_second(
    house: QueueHouse, tmp_path: Path, stalled: bool
) -> None:
    with StalledProxy(house.inner.store_url) as proxy:
        house.inner.changes["DATABASE_URL"] = proxy.url if stalled else "postgresql://127.0.0.1:9/nothing"
        app = create_app(load_settings(house.inner.environment(), tmp_path))
        try:
            if stalled:
                assert "frontdesk_workers" in scraped(app.test_client())
                proxy.stall()
            began_at = time.monotonic()
            found = scraped(app.test_client())
            took_s = time.monotonic() - began_at
        finally:
            proxy.resume()
            close_resources(app)

    assert "frontdesk_workers" not in found
    assert took_s < 5  # a second, on a machine with nothing else to do
