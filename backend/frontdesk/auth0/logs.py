"""The tenant's log as `GET /logs` gives it: on from a record, or from a time.

Records stand in the order of their ids, which is the order in which Auth0 took them in; a record's own date may be
seconds earlier. Source: Auth0 docs, "Retrieve Log Events Using the Management API"; the Management OpenAPI, `/logs`.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from frontdesk.auth0.checkpoints import TAKE, records_in
from frontdesk.auth0.management import ManagementApi
from frontdesk.errors import Auth0Rejected


class LogPositionGone(Auth0Rejected):
    """The tenant's log does not reach back to this record any more."""

    type = "urn:frontdesk:problem:auth0-log-position-gone"


def records_after(api: ManagementApi, log_id: str) -> list[dict[str, Any]]:
    """Return up to a hundred records after the one of this id, as Auth0 wrote them; none when there is no newer one.

    Raises LogPositionGone, and any other Auth0Error.
    """
    try:
        return records_in(api.read("logs", take=str(TAKE), **{"from": log_id}), "logs")
    except Auth0Rejected as error:
        if error.status_code == 400:
            raise LogPositionGone(error.detail, status_code=400, error_code=error.error_code) from error
        raise


def oldest_since(api: ManagementApi, at: datetime) -> dict[str, Any] | None:
    """Return the oldest record from a time on; None when there is none. Raises Auth0Error."""
    query = f"date:[{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.000Z} TO *]"
    found = records_in(api.read("logs", q=query, sort="date:1", page="0", per_page="1"), "logs")
    return found[0] if found else None


def id_of(record: dict[str, Any]) -> str | None:
    """Return the record's id, which both forms of a record have under a name of their own."""
    found = record.get("log_id") or record.get("_id")
    return found if isinstance(found, str) else None


def date_of(record: dict[str, Any]) -> datetime | None:
    """Return the record's own time; None when it has none that can be read."""
    try:
        at = datetime.fromisoformat(record["date"])
    except (KeyError, TypeError, ValueError):
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)
