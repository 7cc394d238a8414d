"""`/event-streams`: where events of users and organizations are to be sent.

Source: Auth0 docs, "Event Streams"; the Management OpenAPI; recorded traffic of the Go SDK.
"""

from __future__ import annotations

import uuid
from copy import deepcopy
from typing import Any, Literal

from flask import Response, jsonify
from pydantic import Field

from localauth0.errors import ManagementError
from localauth0.event_ledger import Delivery
from localauth0.events import Event, EventType, new_event_id
from localauth0.management.http import (
    Body,
    Document,
    body_of,
    conflict,
    invalid_body,
    management_blueprint,
    not_found,
    page_of,
    scoped,
)
from localauth0.management.webhooks import check_address
from localauth0.routes.http import live
from localauth0.store import Store, iso_ms
from localauth0.tenant import WEBHOOK_AUTHORIZATIONS, EventStream

blueprint = management_blueprint("event_streams")

FEATURE = "event_streams"  # of the plan
_SECRETS = ("token", "password", "header_value")
_TEST_USER: Document = {
    "user_id": "auth0|507f1f77bcf86cd799439020",
    "email": "john.doe@gmail.com",
    "email_verified": True,
    "identities": [
        {
            "connection": "Username-Password-Authentication",
            "user_id": "507f1f77bcf86cd799439020",
            "provider": "auth0",
            "isSocial": False,
        }
    ],
}


class _Subscription(Body):
    event_type: EventType


class _Destination(Body):
    type: Literal["webhook", "eventbridge", "action"]
    configuration: dict[str, Any]


class _Change(Body):
    name: str | None = Field(default=None, min_length=1, max_length=128)
    status: Literal["enabled", "disabled"] | None = None
    subscriptions: list[_Subscription] | None = None
    destination: _Destination | None = None


class _Creation(_Change):
    destination: _Destination


class _Test(Body):
    event_type: EventType
    data: dict[str, Any] | None = None


@blueprint.get("/event-streams")
@scoped("read:event_streams", feature=FEATURE)
def list_event_streams() -> Response:
    """Always an object, never a bare array."""
    streams = [_document(stream) for stream in live().store.config.event_streams]
    return page_of(streams, "eventStreams", always_checkpoint=True)


@blueprint.post("/event-streams")
@scoped("create:event_streams", feature=FEATURE)
def create_event_stream() -> tuple[Response, int]:
    body = body_of(_Creation)
    tenant = live()
    destination = _checked_destination(body.destination)
    if destination["type"] == "eventbridge":
        source = f"aws.partner/auth0.com/{tenant.store.config.tenant}-{uuid.uuid4()}/auth0.events"
        destination["configuration"]["aws_partner_event_source"] = source
    now = iso_ms(tenant.now())
    given = {**body.set_values(), "destination": destination, "created_at": now, "updated_at": now}
    stream = EventStream(**given)
    with tenant.store.lock:
        _refuse_second(tenant.store, stream)
        tenant.store.put("event_streams", stream)
    return jsonify(_document(stream)), 201


@blueprint.get("/event-streams/<stream_id>")
@scoped("read:event_streams", feature=FEATURE)
def get_event_stream(stream_id: str) -> Response:
    return jsonify(_document(event_stream(stream_id)))


@blueprint.patch("/event-streams/<stream_id>")
@scoped("update:event_streams", feature=FEATURE)
def change_event_stream(stream_id: str) -> Response:
    body = body_of(_Change)
    changes = body.set_values()
    store = live().store
    with store.lock:
        stream = event_stream(stream_id)
        if body.destination is not None:
            if body.destination.type != stream.destination["type"]:
                raise invalid_body("The type of a destination cannot be changed.")
            changes["destination"] = _checked_destination(body.destination)
        changed = stream.model_copy(update={**changes, "updated_at": iso_ms(store.clock())})
        _refuse_second(store, changed)
        if changed.status == "enabled" and stream.status == "disabled":
            _refuse_full_of_failures(store, stream)
            store.event_ledger.forgive(stream.id)
        store.put("event_streams", changed, replacing=stream)
    return jsonify(_document(changed))


@blueprint.delete("/event-streams/<stream_id>")
@scoped("delete:event_streams", feature=FEATURE)
def delete_event_stream(stream_id: str) -> tuple[str, int]:
    """204 for a stream that is gone already, too, as recorded."""
    store = live().store
    store.drop("event_streams", lambda one: one.id == stream_id)
    store.event_ledger.forget(stream_id)
    return "", 204


@blueprint.post("/event-streams/<stream_id>/test")
@scoped("update:event_streams", feature=FEATURE)
def test_event_stream(stream_id: str) -> tuple[Response, int]:
    """Send a test event; the answer comes before its delivery."""
    body = body_of(_Test)
    stream, tenant = event_stream(stream_id), live()
    if stream.status == "disabled":
        raise ManagementError(400, "A disabled event stream cannot be tested.")
    data = body.data if body.data is not None else {"object": deepcopy(_TEST_USER)}
    config = tenant.store.config
    event = Event(new_event_id(), body.event_type, tenant.now(), config.tenant, data, is_test=True)
    answer = jsonify(Delivery(event, stream.id).document())
    tenant.store.event_sender.send(event, stream)
    return answer, 202


def event_stream(stream_id: str) -> EventStream:
    """The event stream. Raises ManagementError (404)."""
    found = next((one for one in live().store.config.event_streams if one.id == stream_id), None)
    if found is None:
        raise not_found("The event stream does not exist")
    return found


def _document(stream: EventStream) -> Document:
    """The stream without the secrets of its destination."""
    shown = deepcopy(stream.model_dump(exclude_none=True))
    authorization = shown["destination"]["configuration"].get("webhook_authorization", {})
    for secret in _SECRETS:
        authorization.pop(secret, None)
    return shown


def _refuse_second(store: Store, stream: EventStream) -> None:
    """Two streams of one name are a conflict."""
    for other in store.config.event_streams:
        if other.id != stream.id and other.name is not None and other.name == stream.name:
            raise conflict("An event stream with this name already exists")


def _refuse_full_of_failures(store: Store, stream: EventStream) -> None:
    """A stream that was disabled for all that failed stays so until enough of it is delivered."""
    if store.event_ledger.is_full_of_failures(stream.id):
        text = "The event stream has too many failed deliveries to be enabled. Redeliver them first."
        raise ManagementError(400, text)


def _checked_destination(destination: _Destination) -> Document:
    configuration = deepcopy(destination.configuration)
    if destination.type == "webhook":
        _require(configuration, {"webhook_endpoint", "webhook_authorization"})
        check_address(configuration["webhook_endpoint"], "destination.configuration.webhook_endpoint")
        _check_authorization(configuration["webhook_authorization"])
    elif destination.type == "eventbridge":
        configuration.pop("aws_partner_event_source", None)
        _require(configuration, {"aws_account_id", "aws_region"})
    else:
        _require(configuration, {"action_id"})
    return {"type": destination.type, "configuration": configuration}


def _check_authorization(authorization: object) -> None:
    method = authorization.get("method") if isinstance(authorization, dict) else None
    if not isinstance(authorization, dict) or str(method) not in WEBHOOK_AUTHORIZATIONS:
        text = "'No enum match' on property destination.configuration.webhook_authorization.method"
        raise invalid_body(f"Payload validation error: {text}.")
    _require(authorization, {"method", *WEBHOOK_AUTHORIZATIONS[str(method)]})


def _require(given: Document, names: set[str]) -> None:
    """Refuse an object that has not exactly these properties."""
    for name in sorted(names - given.keys()):
        raise invalid_body(f"Payload validation error: 'Missing required property: {name}'.")
    for name in sorted(given.keys() - names):
        raise invalid_body(f"Payload validation error: 'Additional properties not allowed: {name}'.")
