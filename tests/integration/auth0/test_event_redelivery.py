"""Events that a tenant could not deliver are asked for again, and come."""

from __future__ import annotations

from pathlib import Path

from tests.integration.localauth0.event_calls import (
    a_new_user,
    a_stream_to,
    an_eventful_tenant,
    failed_ids,
    wait_for_failed,
)
from tests.integration.localauth0.managed import OPERATOR, OPERATOR_SECRET, Operator
from tests.integration.localauth0.receiver import Receiver

from frontdesk.auth0.event_deliveries import redeliver_failed
from frontdesk.auth0.management import Credentials, ManagementApi
from frontdesk.auth0.setup_streams import EVENT_STREAM
from localauth0 import LocalAuth0


def test_what_failed_while_we_were_wrong_comes_once_we_are_right(tmp_path: Path) -> None:
    access = Credentials(client_id=OPERATOR, client_secret=OPERATOR_SECRET)
    with (
        Receiver(400) as receiver,
        LocalAuth0(tenant=an_eventful_tenant(), data_dir=tmp_path) as tenant,
        ManagementApi(tenant.url, access) as api,
    ):
        operator = Operator(tenant)
        stream = a_stream_to(operator, receiver.url, "user.created")
        operator.answer("PATCH", f"/event-streams/{stream}", {"name": EVENT_STREAM})
        made = [a_new_user(operator, name) for name in ("ann", "bea", "cleo")]
        wait_for_failed(operator, stream, 3)
        receiver.answers(204)

        asked = redeliver_failed(api, at_most=2), redeliver_failed(api, at_most=10)

        wait_for_failed(operator, stream, 0)
        assert failed_ids(operator, stream) == []
        came = receiver.wait_for(6)
    assert (asked[0], sum(asked) >= 3) == (2, True)
    taken = [delivery.json()["data"]["object"]["user_id"] for delivery in came if delivery.status == 204]
    assert set(taken) == set(made)
