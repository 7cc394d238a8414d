"""What happens at a tenant, by its own streams on which much goes wrong, through `serve` and `worker` into the rows."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import psycopg
import pytest
import requests
from psycopg.rows import dict_row
from tests.acceptance.serving import serving
from tests.integration.jobs.queue_house import QueueHouse
from tests.integration.jobs.test_worker_process import a_worker
from tests.integration.localauth0.acme import (
    ANA,
    DATABASE,
    GOOGLE_USER,
    SMS_USER,
    TIMEOUT_S,
    Browser,
    wait_until,
)
from tests.integration.localauth0.managed import OPERATOR, OPERATOR_SECRET, Operator, an_operated_tenant
from tests.integration.users.house import House
from tests.integration.web.streaming import TOKEN

from frontdesk.demo.postgres import free_port
from frontdesk.store.database import Database
from localauth0 import LocalAuth0
from localauth0.events import EventType

SECONDS = 40.0  # for a busy machine; it takes about two where nobody else works
TOLD = ("email", "email_verified", "name", "nickname", "picture", "logins_count")


def a_tenant_that_sends(url: str, key: str) -> dict[str, Any]:
    """A tenant with both streams, whose requests come twice, late, in another order and without an answer."""
    hooks = f"{url}/hooks/{key}"
    sink = {
        "httpEndpoint": f"{hooks}/log-stream",
        "httpAuthorization": f"Bearer {TOKEN}",
        "httpContentFormat": "JSONARRAY",
    }
    webhook = {
        "webhook_endpoint": f"{hooks}/event-stream",
        "webhook_authorization": {"method": "bearer", "token": TOKEN},
    }
    event_stream = {
        "name": "to-frontdesk",
        "subscriptions": [{"event_type": each} for each in get_args(EventType)],
        "destination": {"type": "webhook", "configuration": webhook},
    }
    return an_operated_tenant(
        log_streams=[{"name": "to-frontdesk", "type": "http", "sink": sink}],
        event_streams=[event_stream],
        deliveries={"duplicate": 0.3, "reorder": 0.4, "delay": 0.4, "drop_answer": 0.2, "seed": 7},
        log_delivery={"max_records": 3, "flush_s": 0.05, "retry_s": 0.1, "cycle_s": 0.1},
        event_delivery={"backoff_factor": 0.1},
    )


@dataclass
class Life:
    """A tenant, and the rows that are to follow it."""

    auth0: LocalAuth0
    house: QueueHouse

    def row(self, user_id: str) -> dict[str, Any]:
        return self.house.inner.row(user_id) or {}

    def follows(self, user_id: str) -> bool:
        """Tell whether the row says what the tenant says of somebody now."""
        account, row = self.auth0.store.users.get(user_id), self.row(user_id)
        if account is None:
            return row.get("deleted_at") is not None
        told = {name: account.profile[name] for name in TOLD if name in account.profile}
        found = {name: row.get(name) for name in told}
        is_blocked = bool(account.profile.get("blocked", False))
        return found == told and row.get("deleted_at") is None and row.get("blocked") is is_blocked

    def sources(self) -> dict[str, str]:
        """Return the ids of the activities, each with its way in."""
        found = self.house.inner.rows.execute(
            "SELECT id, source FROM public.auth_activities WHERE tenant = %s", (self.house.tenant,)
        ).fetchall()
        return {row["id"]: row["source"] for row in found}

    def sent(self) -> dict[str, str]:
        """Return what there is at the tenant: the ids of its records and its events, each with its stream."""
        records = {record["log_id"]: "log-stream" for record in self.auth0.store.log.records()}
        return records | {event.id: "event-stream" for event in self.auth0.store.event_log.behind(0, 10_000)}


@pytest.fixture
def life(
    rows_url: str, hasura_url: str, store_url: str, tenant_keys: Iterator[str], tmp_path: Path
) -> Iterator[Life]:
    key, port = next(tenant_keys), free_port()
    url = f"http://127.0.0.1:{port}"
    with ExitStack() as stack:
        auth0 = LocalAuth0(tenant=a_tenant_that_sends(url, key), data_dir=tmp_path / "auth0")
        inner = House(
            tenant=key,
            auth0=stack.enter_context(auth0),
            hasura_url=hasura_url,
            rows=stack.enter_context(psycopg.connect(rows_url, autocommit=True, row_factory=dict_row)),
            store=stack.enter_context(psycopg.connect(store_url, autocommit=True, row_factory=dict_row)),
            store_url=store_url,
            place=tmp_path,
            machine={"client_id": OPERATOR, "client_secret": OPERATOR_SECRET},
            changes={
                "SERVER_PORT": str(port),
                "SERVER_WORKERS": "1",
                "RECONCILE_SCHEDULE": "0 0 29 2 *",
                f"TENANTS_{key.upper()}_STREAM_TOKENS": TOKEN,
            },
        )
        inner.store.execute("SET search_path TO frontdesk")
        house = QueueHouse(inner, stack.enter_context(Database(store_url, max_connections=4)))
        stack.enter_context(a_worker(house, tmp_path / "worker.log"))
        environment = {"PATH": os.environ["PATH"], **inner.environment()}
        stack.enter_context(serving(tmp_path, environment, url))
        yield Life(auth0, house)


def signed_up(auth0: LocalAuth0, name: str) -> str:
    body = {
        "client_id": "spa",
        "email": f"{name}@example.com",
        "password": "a long password of 1",
        "connection": DATABASE,
    }
    answer = requests.post(f"{auth0.url}/dbconnections/signup", json=body, timeout=TIMEOUT_S)
    assert answer.ok, answer.text
    return f"auth0|{answer.json()['_id']}"


def test_what_happens_at_a_tenant_is_in_the_rows_within_seconds(life: Life) -> None:
    operator = Operator(life.auth0)
    with Browser(life.auth0.url) as browser:
        browser.tokens()
    stays, goes = signed_up(life.auth0, "stays"), signed_up(life.auth0, "goes")
    operator.answer("PATCH", f"/users/{ANA}", {"name": "Ana R.", "nickname": "anita"})
    operator.answer("PATCH", f"/users/{ANA}", {"email": "ana.r@example.com"})
    operator.answer("PATCH", f"/users/{GOOGLE_USER}", {"blocked": True})
    operator.answer("PATCH", f"/users/{stays}", {"blocked": True})
    operator.answer("PATCH", f"/users/{stays}", {"blocked": False})
    operator.answer("DELETE", f"/users/{goes}")
    operator.answer("DELETE", f"/users/{SMS_USER}")
    touched = (ANA, GOOGLE_USER, SMS_USER, stays, goes)

    wait_until(lambda: all(map(life.follows, touched)) and life.sent() == life.sources(), limit_s=SECONDS)

    assert (life.row(ANA)["email"], life.row(ANA)["name"]) == ("ana.r@example.com", "Ana R.")
    assert (life.row(GOOGLE_USER)["blocked"], life.row(stays)["blocked"]) == (True, False)
    assert life.house.sql("SELECT reason FROM stream_rejects") == []
    twice = life.house.sql("SELECT 1 FROM deliveries GROUP BY way, body HAVING count(*) > 1")
    assert twice, "nothing came twice, so this has shown nothing of it"
