"""`/log-streams`: where the tenant's log is to be sent.

Source: Auth0 docs, "Log Streams"; the Management OpenAPI; recorded traffic of the Go SDK.
"""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import Any, Literal

from flask import Response, jsonify

from localauth0.errors import ManagementError
from localauth0.log_categories import CATEGORIES, SECURITY
from localauth0.management.http import (
    Body,
    Document,
    body_of,
    conflict,
    invalid_body,
    management_blueprint,
    not_found,
    scoped,
)
from localauth0.management.webhooks import check_address
from localauth0.routes.http import live
from localauth0.tenant import LogStream

blueprint = management_blueprint("log_streams")

_FEATURE = "log_streams"  # of the plan
# Per type: the keys that a sink must have, and those that it may have.
_SINKS: dict[str, tuple[frozenset[str], frozenset[str]]] = {
    "http": (
        frozenset({"httpEndpoint"}),
        frozenset({"httpAuthorization", "httpContentFormat", "httpContentType", "httpCustomHeaders"}),
    ),
    "eventbridge": (frozenset({"awsAccountId", "awsRegion"}), frozenset()),
    "eventgrid": (frozenset({"azureSubscriptionId", "azureResourceGroup", "azureRegion"}), frozenset()),
    "datadog": (frozenset({"datadogRegion", "datadogApiKey"}), frozenset()),
    "splunk": (frozenset({"splunkDomain", "splunkPort", "splunkToken", "splunkSecure"}), frozenset()),
    "sumo": (frozenset({"sumoSourceAddress"}), frozenset()),
    "mixpanel": (
        frozenset(
            {
                "mixpanelRegion",
                "mixpanelProjectId",
                "mixpanelServiceAccountUsername",
                "mixpanelServiceAccountPassword",
            }
        ),
        frozenset(),
    ),
    "segment": (frozenset({"segmentWriteKey"}), frozenset()),
}
_CONTENT_FORMATS = ("JSONARRAY", "JSONLINES", "JSONOBJECT")
# What the other side's half of a stream is called; Auth0 makes the name once.
_PARTNER_NAMES = {"eventbridge": "awsPartnerEventSource", "eventgrid": "azurePartnerTopic"}
# What a change of the sink need not repeat.
_KEPT = frozenset({"mixpanelServiceAccountPassword"})


class _Filter(Body):
    type: Literal["category"]
    name: str


class _PiiConfig(Body):
    log_fields: list[Literal["first_name", "last_name", "username", "email", "phone", "address"]]
    method: Literal["mask", "hash"] | None = None
    algorithm: Literal["xxhash"] | None = None


class _Change(Body):
    name: str | None = None
    status: Literal["active", "paused"] | None = None
    isPriority: bool | None = None
    filters: list[_Filter] | None = None
    pii_config: _PiiConfig | None = None
    sink: dict[str, Any] | None = None


class _Creation(Body):
    name: str | None = None
    type: Literal["http", "eventbridge", "eventgrid", "datadog", "splunk", "sumo", "mixpanel", "segment"]
    isPriority: bool | None = None
    filters: list[_Filter] | None = None
    pii_config: _PiiConfig | None = None
    sink: dict[str, Any]
    startFrom: str | None = None


@blueprint.get("/log-streams")
@scoped("read:log_streams", feature=_FEATURE)
def list_log_streams() -> Response:
    return jsonify([_document(stream) for stream in live().store.config.log_streams])


@blueprint.post("/log-streams")
@scoped("create:log_streams", feature=_FEATURE)
def create_log_stream() -> Response:
    """200, not 201."""
    body = body_of(_Creation)
    _check_filters(body.filters)
    given = {key: value for key, value in body.set_values().items() if key not in ("sink", "startFrom")}
    given.setdefault("name", body.type)
    if body.isPriority and not body.filters:
        given["filters"] = [{"type": "category", "name": SECURITY}]
    sink = _checked_sink(body.type, body.sink) | _partner_name(body.type)
    stream = LogStream(**given, sink=sink, start_from=_checked_moment(body.startFrom))
    store = live().store
    with store.lock:
        if len(store.config.log_streams) >= store.config.plan.max_log_streams:
            raise conflict("The maximum number of log streams for this tenant has been reached")
        store.put("log_streams", stream)
    return jsonify(_document(stream))


@blueprint.get("/log-streams/<stream_id>")
@scoped("read:log_streams", feature=_FEATURE)
def get_log_stream(stream_id: str) -> Response:
    return jsonify(_document(_stream(stream_id)))


@blueprint.patch("/log-streams/<stream_id>")
@scoped("update:log_streams", feature=_FEATURE)
def change_log_stream(stream_id: str) -> Response:
    body = body_of(_Change)
    _check_filters(body.filters)
    changes = body.set_values()
    store = live().store
    with store.lock:
        stream = _stream(stream_id)
        if body.sink is not None:
            kept = {key: value for key, value in stream.sink.items() if key in _KEPT}
            changes["sink"] = _checked_sink(stream.type, {**kept, **body.sink}) | _partner_of(stream)
        changed = stream.model_copy(update=changes)
        store.put("log_streams", changed, replacing=stream)
    return jsonify(_document(changed))


@blueprint.delete("/log-streams/<stream_id>")
@scoped("delete:log_streams", feature=_FEATURE)
def delete_log_stream(stream_id: str) -> tuple[str, int]:
    live().store.drop("log_streams", lambda one: one.id == stream_id)
    return "", 204


def _stream(stream_id: str) -> LogStream:
    found = next((one for one in live().store.config.log_streams if one.id == stream_id), None)
    if found is None:
        raise not_found("The log stream does not exist")
    return found


def _document(stream: LogStream) -> Document:
    """The stream as Auth0 shows it: with the sink's secrets, without what was not said."""
    return stream.model_dump(exclude_none=True)


def _check_filters(filters: list[_Filter] | None) -> None:
    for one in filters or []:
        if one.name not in CATEGORIES:
            raise invalid_body(
                f"Payload validation error: 'No enum match for: {one.name}' on property filters.name."
            )


def _checked_moment(text: str | None) -> str | None:
    """Where a stream is to begin. Raises ManagementError."""
    try:
        moment = datetime.fromisoformat(text) if text is not None else None
    except ValueError:
        fault = "'Object didn't pass validation for format date-time' on property startFrom"
        raise invalid_body(f"Payload validation error: {fault}.") from None
    # Without an offset it is UTC, as everywhere at Auth0.
    return moment.replace(tzinfo=moment.tzinfo or UTC).isoformat() if moment is not None else None


def _checked_sink(kind: str, sink: Document) -> Document:
    """The sink, without the name that Auth0 gives to the other side. Raises ManagementError."""
    required, optional = _SINKS[kind]
    given = {key: value for key, value in sink.items() if key != _PARTNER_NAMES.get(kind)}
    for name in sorted(required - given.keys()):
        raise invalid_body(f"Payload validation error: 'Missing required property: {name}' on property sink.")
    for name in sorted(given.keys() - required - optional):
        raise invalid_body(
            f"Payload validation error: 'Additional properties not allowed: {name}' on property sink."
        )
    if kind == "http":
        _check_http_sink(given)
    return given


def _check_http_sink(sink: Document) -> None:
    check_address(sink["httpEndpoint"], "sink.httpEndpoint")
    content_format = sink.get("httpContentFormat", _CONTENT_FORMATS[0])
    if content_format not in _CONTENT_FORMATS:
        text = f"'No enum match for: {content_format}' on property sink.httpContentFormat"
        raise ManagementError(400, f"Payload validation error: {text}.", "invalid_body")
    headers = sink.get("httpCustomHeaders") or []
    if not isinstance(headers, list) or not all(
        isinstance(one, dict) and one.keys() == {"header", "value"} for one in headers
    ):
        text = "'Expected header and value' on property sink.httpCustomHeaders"
        raise invalid_body(f"Payload validation error: {text}.")


def _partner_of(stream: LogStream) -> Document:
    name = _PARTNER_NAMES.get(stream.type)
    return {key: value for key, value in stream.sink.items() if key == name}


def _partner_name(kind: str) -> Document:
    name = _PARTNER_NAMES.get(kind)
    return {name: f"aws.partner/auth0.com/{secrets.token_hex(16)}/auth0.logs"} if name is not None else {}
