"""The tenant's log: by page and search, from a record on, and by user.

Source: the Management OpenAPI, `/logs`; Auth0 docs, "Retrieve Log Events Using the Management API"; recorded answers.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from flask import Response, jsonify, request

from localauth0.errors import ManagementError
from localauth0.live import LiveTenant
from localauth0.logbook import ID_DIGITS, Record
from localauth0.management.http import (
    PREFIX,
    asks_for_checkpoint,
    management_blueprint,
    not_found,
    page_of,
    query_take,
    scoped,
    selected,
)
from localauth0.routes.http import live
from localauth0.search_syntax import SearchFault, parse

blueprint = management_blueprint("logs")

_SCOPES = ("read:logs", "read:logs_users")


@blueprint.get("/logs")
@scoped(*_SCOPES)
def list_logs() -> Response:
    """By page the newest come first; from a record on, those after it in their order, whatever else was asked."""
    tenant = live()
    if asks_for_checkpoint():
        return _records_behind(tenant, request.args.get("from"))
    found = _found(tenant.store.log.records())
    return page_of(_sorted(found), "logs", with_length=True)


@blueprint.get("/logs/<log_id>")
@scoped(*_SCOPES)
def get_log(log_id: str) -> Response:
    record = live().store.log.record(log_id)
    if record is None:
        raise not_found("The log event does not exist.", "inexistent_log")
    return jsonify(record)


@blueprint.get("/users/<user_id>/logs")
@scoped(*_SCOPES)
def list_user_logs(user_id: str) -> Response:
    """What the log says of a user, a moment later than the log itself does."""
    store = live().store
    lag = timedelta(seconds=store.config.user_log_lag)
    settled = [one for one in store.log.of_user(user_id) if _moment(one) <= store.clock() - lag]
    return page_of(_sorted(settled), "logs", with_length=True)


def _records_behind(tenant: LiveTenant, log_id: str | None) -> Response:
    if log_id is not None:
        if len(log_id) != ID_DIGITS or not log_id.isdecimal():
            raise _bad_query("String does not match pattern", "from")
        if log_id < tenant.store.log.oldest_possible_id():
            raise _bad_query("The log event is older than the log retention period", "from")
    take = query_take()
    found = tenant.store.log.after(log_id, take)
    response = jsonify([selected(record) for record in found])
    if found:
        query = urlencode({"from": found[-1]["log_id"], "take": take})
        response.headers["Link"] = f'<{tenant.url}{PREFIX}/logs?{query}>; rel="next"'
    return response


def _found(records: Sequence[Record]) -> Sequence[Record]:
    """The records that the query asks for; `q` and `search` are the same thing."""
    query = request.args.get("q") or request.args.get("search")
    if not query:
        return records
    try:
        tree = parse(query)
    except SearchFault as err:
        raise ManagementError(400, f"Invalid query: {err}.", "invalid_query_string") from err
    return [record for record in records if tree.matches(record)]


def _sorted(records: Sequence[Record]) -> Sequence[Record]:
    """Newest first, unless the query says otherwise."""
    text = request.args.get("sort")
    if text is None:
        return records[::-1]
    name, _, direction = text.partition(":")
    if direction not in ("1", "-1"):
        raise _bad_query("String does not match pattern", "sort")
    in_order: Iterable[Record] = records
    if name != "date":
        in_order = sorted(records, key=lambda record: str(record.get(name) or ""))
    return list(in_order) if direction == "1" else list(in_order)[::-1]


def _moment(record: Record) -> datetime:
    return datetime.fromisoformat(record["date"]).astimezone(UTC)


def _bad_query(fault: str, name: str) -> ManagementError:
    return ManagementError(
        400, f"Query validation error: '{fault}' on property {name}.", "invalid_query_string"
    )
