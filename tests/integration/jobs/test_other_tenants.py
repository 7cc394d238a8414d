"""A job works for the tenant that it names, on nothing of another one."""

from __future__ import annotations

import json

from tests.integration.jobs.queue_house import QueueHouse
from tests.integration.jobs.working import a_log_record, working

from frontdesk.store.inbox import NewDelivery
from frontdesk.store.queue import Queue

# The database is that of other tests too, each with tenants of its own.
SEEN = "SELECT tenant FROM public.auth_activities WHERE tenant IN ('another', %s)"


def test_a_job_leaves_the_delivery_of_another_tenant_alone(house: QueueHouse) -> None:
    body = json.dumps([a_log_record(1, "sdu", user_id="auth0|ann")]).encode()
    delivery = NewDelivery(tenant="another", way="log-stream", body=body, records=1, request_id="r")
    with working(house) as work:
        number = work.places.inbox.accept(delivery)
        work.places.inbox.set_apart(number, "as a test wants it")
        house.sql("DELETE FROM procrastinate_jobs")
        Queue(house.database).defer("ingest_delivery", {"tenant": house.tenant, "delivery_id": number})
        work.off()

        assert work.activities() == {}
    assert house.delivery_state(number) == "apart"
    assert house.inner.rows.execute(SEEN, (house.tenant,)).fetchall() == []
