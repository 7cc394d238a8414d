"""`/event-streams/{id}/deliveries`, `/redeliver`, `/stats`: what could not be delivered, and sending it again.

Source: Auth0 docs, "Event Testing, Observability, and Failure Recovery"; the Management OpenAPI.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal, get_args

from flask import Response, jsonify, request
from pydantic import StringConstraints, TypeAdapter, ValidationError

from localauth0.errors import ManagementError
from localauth0.event_ledger import Delivery, DeliveryFilter, NotRedeliverable
from localauth0.events import EventType
from localauth0.management.event_streams import FEATURE, event_stream
from localauth0.management.http import (
    Body,
    body_of,
    conflict,
    management_blueprint,
    not_found,
    page_of,
    scoped,
)
from localauth0.routes.http import live

blueprint = management_blueprint("event_deliveries")

_SECONDS = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d"  # RFC 3339 without parts of a second
_Moment = Annotated[str, StringConstraints(pattern=_SECONDS + r"(Z|[+-]\d\d:\d\d)$")]
_QueriedMoment = TypeAdapter(Annotated[str, StringConstraints(pattern=_SECONDS + "Z$")])
_STATUSES = ("failed",)


class _Redelivery(Body):
    date_from: _Moment | None = None
    date_to: _Moment | None = None
    statuses: list[Literal["failed"]] | None = None
    event_types: list[EventType] | None = None


@blueprint.get("/event-streams/<stream_id>/deliveries")
@scoped("read:event_streams", "read:event_deliveries", feature=FEATURE)
def list_deliveries(stream_id: str) -> Response:
    """The failed deliveries, oldest first; the others are not listed."""
    stream = event_stream(stream_id)
    _queried_names("statuses", _STATUSES)
    wanted = DeliveryFilter(
        _queried_names("event_types", get_args(EventType)),
        _queried_moment("date_from"),
        _queried_moment("date_to"),
    )
    found = live().store.event_ledger.documents(stream.id, wanted)
    return page_of(found, "deliveries", always_checkpoint=True)


@blueprint.get("/event-streams/<stream_id>/deliveries/<event_id>")
@scoped("read:event_streams", "read:event_deliveries", feature=FEATURE)
def get_delivery(stream_id: str, event_id: str) -> Response:
    return jsonify(_delivery(stream_id, event_id).document())


@blueprint.post("/event-streams/<stream_id>/redeliver")
@scoped("update:event_deliveries", feature=FEATURE)
def redeliver_many(stream_id: str) -> tuple[Response, int]:
    """Begin all failed deliveries again that the body means; the answer is the body."""
    body, stream, store = body_of(_Redelivery), event_stream(stream_id), live().store
    wanted = DeliveryFilter(body.event_types or (), _moment(body.date_from), _moment(body.date_to))
    for delivery in store.event_ledger.failed(stream.id, wanted):
        _begin_again(delivery)
    return jsonify(body.set_values()), 202


@blueprint.post("/event-streams/<stream_id>/redeliver/<event_id>")
@scoped("update:event_deliveries", feature=FEATURE)
def redeliver_one(stream_id: str, event_id: str) -> tuple[Response, int]:
    _begin_again(_delivery(stream_id, event_id))
    return jsonify({}), 202


@blueprint.get("/event-streams/<stream_id>/stats")
@scoped("read:event_streams", "read:event_deliveries", feature=FEATURE)
def get_stats(stream_id: str) -> Response:
    stream = event_stream(stream_id)
    return jsonify({"id": stream.id, "name": stream.name or "", **live().store.event_ledger.stats(stream.id)})


def _delivery(stream_id: str, event_id: str) -> Delivery:
    found = live().store.event_ledger.delivery(event_stream(stream_id).id, event_id)
    if found is None:
        raise not_found("The event delivery does not exist")
    return found


def _begin_again(delivery: Delivery) -> None:
    try:
        live().store.event_sender.redeliver(delivery)
    except NotRedeliverable as err:
        raise conflict("The event is not in a state in which it can be redelivered.") from err


def _queried_names(parameter: str, known: Sequence[str]) -> list[str]:
    """The names of a list with commas. Raises ManagementError (400 `invalid_query_string`)."""
    names = [name for name in request.args.get(parameter, "").split(",") if name]
    if not set(names) <= set(known):
        raise _invalid_query("No enum match", parameter)
    return names


def _queried_moment(parameter: str) -> datetime | None:
    text = request.args.get(parameter)
    try:
        return _moment(_QueriedMoment.validate_python(text)) if text is not None else None
    except ValidationError as err:
        raise _invalid_query("Object didn't pass validation for format date-time", parameter) from err


def _moment(text: str | None) -> datetime | None:
    """The moment. Raises ManagementError for a day or an hour that there is not."""
    try:
        return datetime.fromisoformat(text) if text is not None else None
    except ValueError as err:
        raise _invalid_query("Object didn't pass validation for format date-time", "date") from err


def _invalid_query(fault: str, parameter: str) -> ManagementError:
    text = f"Query validation error: '{fault}' on property {parameter}."
    return ManagementError(400, text, "invalid_query_string")
