"""What tests of events share: a tenant that sends them quickly, a stream to a receiver, and Auth0's own schemas."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any, get_args

from jsonschema import Draft202012Validator
from tests.integration.localauth0.acme import wait_until
from tests.integration.localauth0.managed import Operator, an_operated_tenant
from tests.integration.localauth0.receiver import Delivery

from localauth0.events import EventType

TOKEN = "a-token-of-the-stream"
_SCHEMAS = Path(__file__).parents[2] / "data" / "auth0" / "events-schema.json"


def an_eventful_tenant(**delivery: Any) -> dict[str, Any]:
    """The operated tenant, with next to no pause between attempts; `delivery` has further numbers."""
    return an_operated_tenant(event_delivery={"backoff_factor": 0.01, "timeout_s": 2.0, **delivery})


def a_stream_to(operator: Operator, url: str, *types: str, **authorization: str) -> str:
    """The id of a new stream of those types of event (all, when there are none) to that address."""
    wanted = types or get_args(EventType)
    given = authorization or {"method": "bearer", "token": TOKEN}
    body = {
        "name": "to-us",
        "subscriptions": [{"event_type": one} for one in wanted],
        "destination": {
            "type": "webhook",
            "configuration": {"webhook_endpoint": f"{url}/events", "webhook_authorization": given},
        },
    }
    return str(operator.answer("POST", "/event-streams", body)["id"])


def a_new_user(operator: Operator, name: str = "new") -> str:
    """The id of a user who has just been made."""
    body = {
        "connection": "Username-Password-Authentication",
        "email": f"{name}@example.com",
        "password": "pw-1-pw",
    }
    return str(operator.answer("POST", "/users", body)["user_id"])


def events_in(deliveries: list[Delivery]) -> list[dict[str, Any]]:
    return [delivery.json() for delivery in deliveries]


def failed_ids(operator: Operator, stream_id: str, query: str = "") -> list[str]:
    found = operator.answer("GET", f"/event-streams/{stream_id}/deliveries{query}")["deliveries"]
    return [delivery["id"] for delivery in found]


def wait_for_failed(operator: Operator, stream_id: str, count: int) -> list[str]:
    wait_until(lambda: len(failed_ids(operator, stream_id)) == count)
    return failed_ids(operator, stream_id)


def refuse_what_no_schema_allows(event: dict[str, Any]) -> None:
    """Raise jsonschema's ValidationError for an event that is not what Auth0's catalogue says of its type."""
    Draft202012Validator(_schemas()[event["type"]]).validate(event)


@cache
def _schemas() -> dict[str, Any]:
    schemas: dict[str, Any] = json.loads(_SCHEMAS.read_text())["components"]["schemas"]
    return schemas
