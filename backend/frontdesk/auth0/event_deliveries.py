"""Deliveries of our event stream that failed at Auth0, and their redelivery.

Source: the Management OpenAPI, `/event-streams/{id}/deliveries`; Auth0 docs, "Event Testing, Observability, and Failure
Recovery".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from frontdesk.auth0.checkpoints import pages
from frontdesk.auth0.listing import PAGE_SIZE, records_of_page, unreadable_is_told
from frontdesk.auth0.management import ManagementApi
from frontdesk.auth0.setup_streams import EVENT_STREAM
from frontdesk.errors import Auth0Rejected

# A round is four attempts at most; what fails through so many is not for us, or can never be right.
MAX_ATTEMPTS = 24
_NO_SUCH, _NOT_NOW = 404, 409


def failed_deliveries(api: ManagementApi) -> Iterator[tuple[str, dict[str, Any]]]:
    """Give the id of our event stream with each of its failed deliveries; nothing without a stream that runs.

    Raises Auth0Error.
    """
    stream = _own_stream(api)
    if stream is None:
        return
    for page in pages(api, "event-streams", stream, "deliveries", key="deliveries", statuses="failed"):
        for delivery in page:
            yield stream, delivery


def redeliver_failed(api: ManagementApi, *, at_most: int) -> int:
    """Ask Auth0 to send again what failed, the oldest first, and return for how many. Raises Auth0Error."""
    asked = 0
    for stream, delivery in failed_deliveries(api):
        if asked >= at_most:
            break
        if delivery.get("status") == "failed" and len(delivery.get("attempts") or ()) < MAX_ATTEMPTS:
            asked += _redelivered(api, stream, str(delivery["id"]))
    return asked


def _own_stream(api: ManagementApi) -> str | None:
    with unreadable_is_told():
        streams = records_of_page(lambda: api.sdk.event_streams.list(take=PAGE_SIZE), "eventStreams")
    own = next((each for each in streams if each.get("name") == EVENT_STREAM), None)
    return str(own["id"]) if own is not None and own.get("status") == "enabled" else None


def _redelivered(api: ManagementApi, stream: str, event: str) -> bool:
    try:
        api.sdk.event_streams.redeliveries.create_by_id(stream, event)
    except Auth0Rejected as error:
        if error.status_code in (_NO_SUCH, _NOT_NOW):
            return False  # it was sent in the meantime, or is on its way
        raise
    return True
