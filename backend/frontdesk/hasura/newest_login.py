"""When somebody of a tenant was seen last, as the rows say."""

from __future__ import annotations

from datetime import datetime

from frontdesk.errors import HasuraUnavailable
from frontdesk.hasura.graphql import Document, GraphqlClient
from frontdesk.hasura.transport import Deadline

NEWEST_LOGIN = Document("newest_login")


def newest_login(client: GraphqlClient, tenant: str, *, budget_s: float) -> datetime | None:
    """Return the newest `last_seen` of a tenant; None when nobody was ever seen.

    No index helps it, so it is for people who ask, and not for logins. Raises HasuraUnavailable, HasuraRejected.
    """
    answer = client.execute(NEWEST_LOGIN, {}, tenant=tenant, deadline=Deadline.after(budget_s))
    try:
        return max((datetime.fromisoformat(row["lastSeen"]) for row in answer["users"]), default=None)
    except (KeyError, TypeError, ValueError):
        raise HasuraUnavailable("Hasura answered a result of an unexpected shape") from None
