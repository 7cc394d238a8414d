"""A tenant's own streams and extension, sent to a running frontdesk: what happens there is kept here, and is read."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from tests.integration.localauth0.acme import Browser, wait_until
from tests.integration.localauth0.managed import Operator, an_operated_tenant
from tests.integration.web.conftest import StartDesk
from tests.integration.web.streaming import TOKEN, kept, stream_environment

from frontdesk.auth0.log_record import incoming_from_log
from frontdesk.auth0.stream_body import split
from localauth0 import LocalAuth0


def sending_to(url: str) -> dict[str, Any]:
    """A tenant with a log stream on which much goes wrong, and the older extension."""
    hooks = f"{url}/hooks/default"
    sink = {
        "httpEndpoint": f"{hooks}/log-stream",
        "httpAuthorization": f"Bearer {TOKEN}",
        "httpContentFormat": "JSONLINES",
    }
    return an_operated_tenant(
        log_streams=[{"name": "to-frontdesk", "type": "http", "sink": sink}],
        webhook_extension={"webhook_url": f"{hooks}/webhook-extension?writeKey={TOKEN}", "every_s": 0.05},
        deliveries={"duplicate": 0.2, "reorder": 0.3, "drop_answer": 0.2, "seed": 1},
        log_delivery={"max_records": 2, "flush_s": 0.05, "retry_s": 0.05, "cycle_s": 0.1},
    )


def ids_by_way(store_url: str) -> dict[str, set[str]]:
    """The ids of the records in the inbox, as frontdesk reads them; all are of types that it knows."""
    ids: dict[str, set[str]] = {"log-stream": set(), "webhook-extension": set()}
    for tenant, way, _, body in kept(store_url):
        for record in split(body):
            read = msgspec.json.decode(record.content)
            told = incoming_from_log(read, tenant=tenant, way=way, received_at=datetime.now(UTC)).activity
            assert told is not None
            assert told.activity is not None, told.type
            ids[way].add(told.id)
    return ids


def test_every_record_of_a_tenant_arrives_by_each_of_its_ways(
    start_desk: StartDesk, store_url: str, tmp_path: Path
) -> None:
    desk = start_desk(**stream_environment(store_url))
    with LocalAuth0(tenant=sending_to(desk.url), data_dir=tmp_path) as tenant:
        with Browser(tenant.url) as browser:
            browser.tokens()
        operator = Operator(tenant)
        operator.answer("PATCH", "/users/auth0%7Cana", {"blocked": True})
        operator.answer("DELETE", "/users/auth0%7Cana")
        written = {record["log_id"] for record in tenant.store.log.records()}

        wait_until(lambda: all(written <= ids for ids in ids_by_way(store_url).values()))

    assert all(ids == written for ids in ids_by_way(store_url).values())
