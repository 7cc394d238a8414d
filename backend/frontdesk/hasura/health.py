"""Whether Hasura can be used: reachable, and its metadata consistent."""

from __future__ import annotations

import requests

from frontdesk.errors import HasuraRejected, HasuraUnavailable
from frontdesk.hasura.admin_api import AdminApi

HEALTH_BUDGET_S = 2.0


def check_health(url: str, admin_secret: str, *, budget_s: float = HEALTH_BUDGET_S) -> None:
    """Return when Hasura is reachable and consistent.

    Raises HasuraUnavailable when it does not answer in time or is not well, HasuraRejected when its metadata is
    inconsistent. The health check itself needs no secret and shows nothing.
    """
    with AdminApi(url, admin_secret) as hasura:
        status, text = hasura.health(budget_s)
    if status == requests.codes.ok and text.strip() == "OK":
        return
    if "inconsistent" in text[:200]:
        raise HasuraRejected("Hasura's metadata is inconsistent; `frontdesk hasura status` names the objects")
    raise HasuraUnavailable(f"Hasura's health check answered with HTTP status {status}")
