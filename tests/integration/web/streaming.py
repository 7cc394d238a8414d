"""Calls of Auth0's streams, and the inbox that they end in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import psycopg
import requests

TOKEN = "the-first-stream-token-of-the-tests-012345"
NEXT_TOKEN = "the-next-stream-token-of-the-tests-0123456"
OTHER_TENANTS_TOKEN = "the-token-of-another-tenant-of-the-tests-01"
WAYS = ("log-stream", "webhook-extension", "event-stream")
EVENT = b'{"id":"evt_1","type":"user.created","data":{"object":{"user_id":"auth0|1"}}}'
RECORDS = b'[{"log_id":"1","data":{"type":"s"}},{"log_id":"2","data":{"type":"f"}}]'


def stream_environment(store_url: str) -> dict[str, str]:
    """Return the variables of two tenants with tokens, and of frontdesk's own database."""
    return {
        "DATABASE_URL": store_url,
        "TENANTS_DEFAULT_STREAM_TOKENS": f"{TOKEN} {NEXT_TOKEN}",
        "TENANTS_OTHER_DOMAIN": "other.eu.auth0.com",
        "TENANTS_OTHER_AUDIENCE": "https://api.example.com",
        "TENANTS_OTHER_HOOK_SECRETS": "whsec_" + "b3RoZXIgc2VjcmV0IG9mIHRoZSB0ZXN0cyBvdGhlcg==",
        "TENANTS_OTHER_STREAM_TOKENS": OTHER_TENANTS_TOKEN,
    }


def good_body(way: str) -> bytes:
    """Return what is right for a way."""
    return EVENT if way == "event-stream" else RECORDS


def send(
    url: str,
    way: str,
    body: Any = None,
    *,
    tenant: str = "default",
    authorization: str | None = f"Bearer {TOKEN}",
    query: str = "",
    headers: Mapping[str, str] | None = None,
) -> requests.Response:
    """Send one delivery."""
    shown = {} if authorization is None else {"Authorization": authorization}
    return requests.post(
        f"{url}/hooks/{tenant}/{way}{query}",
        data=good_body(way) if body is None else body,
        headers=shown | dict(headers or {}),
        timeout=20,
    )


def kept(store_url: str) -> list[tuple[Any, ...]]:
    """Return tenant, way, records and body of what is in the inbox."""
    with psycopg.connect(store_url) as connection:
        return connection.execute(
            "SELECT tenant, way, records, body FROM frontdesk.deliveries ORDER BY id"
        ).fetchall()
