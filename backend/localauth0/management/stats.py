"""The tenant's figures.

Source: the Management OpenAPI, `/stats`; a recorded answer.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from flask import Response, jsonify, request

from localauth0.activity import Day
from localauth0.errors import ManagementError
from localauth0.management.http import Document, management_blueprint, scoped
from localauth0.routes.http import live
from localauth0.store import iso_ms

blueprint = management_blueprint("stats")

_DEFAULT_SPAN = timedelta(days=30)


@blueprint.get("/stats/active-users")
@scoped("read:stats")
def count_active_users() -> Response:
    """A bare number: who logged in within the last 30 days."""
    return jsonify(live().store.activity.active_users())


@blueprint.get("/stats/daily")
@scoped("read:stats")
def list_days() -> Response:
    """The days on which something happened; the others are missing, as recorded."""
    store = live().store
    today = store.clock().astimezone(UTC).date()
    last = _day("to", otherwise=today)
    return jsonify(
        [_shown(day) for day in store.activity.days(_day("from", otherwise=last - _DEFAULT_SPAN), last)]
    )


def _shown(day: Day) -> Document:
    return {
        "date": iso_ms(datetime(day.date.year, day.date.month, day.date.day, tzinfo=UTC)),
        "logins": day.logins,
        "signups": day.signups,
        "leaked_passwords": 0,
        "created_at": iso_ms(day.began_at),
        "updated_at": iso_ms(day.updated_at),
    }


def _day(name: str, *, otherwise: date) -> date:
    text = request.args.get(name)
    if text is None:
        return otherwise
    try:
        return datetime.strptime(text, "%Y%m%d").replace(tzinfo=UTC).date()
    except ValueError as err:
        fault = f"Query validation error: 'String does not match pattern YYYYMMDD' on property {name}."
        raise ManagementError(400, fault, "invalid_query_string") from err
