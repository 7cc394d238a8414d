"""The older extension that posts the log: raw records, five attempts, and then it goes on without them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from tests.integration.localauth0.acme import Clock, a_tenant, wait_until
from tests.integration.localauth0.conftest import StartTenant
from tests.integration.localauth0.receiver import Delivery, Receiver

from localauth0 import LocalAuth0
from localauth0.logbook import first_id_at


def extended(receiver: Receiver, **changes: Any) -> dict[str, Any]:
    extension = {"webhook_url": f"{receiver.url}/hook?writeKey=key", "every_s": 0.05, **changes}
    return a_tenant(webhook_extension=extension)


def write(tenant: LocalAuth0, *names: str, code: str = "s") -> list[str]:
    return [tenant.store.log.write(code, user_id=name)["log_id"] for name in names]


def user_ids(deliveries: list[Delivery]) -> list[str]:
    bodies = [one.json() for one in deliveries]
    return [one["user_id"] for body in bodies for one in (body if isinstance(body, list) else [body])]


def wait_for_users(receiver: Receiver, *names: str) -> None:
    wait_until(lambda: set(names) <= set(user_ids(receiver.deliveries)))


def test_the_extension_posts_raw_records_as_a_list(start_tenant: StartTenant) -> None:
    with Receiver() as receiver:
        tenant = start_tenant(extended(receiver, authorization="opaque-key"))
        write(tenant, "ana", "ben")
        wait_for_users(receiver, "ana", "ben")

        first = receiver.deliveries[0]
        assert first.json()[0] == tenant.store.log.records()[0]
        assert (first.path, first.headers["Authorization"]) == ("/hook?writeKey=key", "opaque-key")
        assert first.headers["User-Agent"] == "auth0-extensions auth webhook"


def test_without_batches_each_record_has_a_request_of_its_own(start_tenant: StartTenant) -> None:
    with Receiver() as receiver:
        tenant = start_tenant(extended(receiver, send_as_batch=False, log_types=["s"]))
        write(tenant, "nobody", code="ssa")
        write(tenant, "ana", "ben", "cem")
        wait_for_users(receiver, "ana", "ben", "cem")

    assert sorted(one.json()["user_id"] for one in receiver.deliveries) == ["ana", "ben", "cem"]
    assert {"Authorization"}.isdisjoint(receiver.deliveries[0].headers)


@pytest.mark.parametrize(("status", "tries"), [(500, 5), (400, 5), (302, 1)])
def test_a_batch_is_skipped_after_five_failures(start_tenant: StartTenant, status: int, tries: int) -> None:
    with Receiver(*[status] * tries, 200) as receiver:
        tenant = start_tenant(extended(receiver))
        write(tenant, "ana")
        receiver.wait_for(tries)
        write(tenant, "ben")
        wait_for_users(receiver, "ben")

    assert user_ids(receiver.deliveries) == ["ana"] * tries + ["ben"]


def test_the_extension_starts_after_the_record_that_it_is_told(start_tenant: StartTenant) -> None:
    clock = Clock()
    beginning = first_id_at(clock.now + timedelta(minutes=1))
    with Receiver() as receiver:
        tenant = start_tenant(extended(receiver, start_from=beginning), clock=clock)
        write(tenant, "ana")
        clock.advance(timedelta(hours=1))
        write(tenant, "ben")
        wait_for_users(receiver, "ben")

    assert user_ids(receiver.deliveries) == ["ben"]
