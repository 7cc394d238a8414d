"""The documented events of `tests/data/events/`, with the Action's secret and what a test adds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

HOOK_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo="
DIRECTORY = Path(__file__).resolve().parents[2] / "data" / "events"
KINDS = sorted(path.stem for path in DIRECTORY.glob("*.json"))

Event = dict[str, Any]


def documented(kind: str) -> Event:
    """The documented event of this kind."""
    event: Event = json.loads((DIRECTORY / f"{kind}.json").read_text("utf-8"))
    return event | {"secrets": {"FRONTDESK_HOOK_SECRET": HOOK_SECRET}}


def a_login(**user: Any) -> Event:
    """A database login in a browser; `user` changes or adds fields of the user."""
    event = documented("database")
    event["user"] |= {"user_id": "auth0|64b0f1e2d3c4b5a697887766", "app_metadata": {"plan": "pro"}, **user}
    return event


def a_social_login() -> Event:
    """A login whose identity carries the upstream provider's tokens, as Auth0 hands them to Actions."""
    event = documented("social")
    event["user"]["identities"][0] |= {
        "access_token": "ya29.upstream-access-token",
        "refresh_token": "1//upstream-refresh-token",
        "expires_in": 3599,
    }
    return event


def the_least_event() -> Event:
    """Nothing but what is guaranteed."""
    return {"user": {"user_id": "auth0|1"}, "secrets": {"FRONTDESK_HOOK_SECRET": HOOK_SECRET}}
