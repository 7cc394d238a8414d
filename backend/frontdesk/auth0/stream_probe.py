"""Whether a stream would be taken where it points, asked as nobody's stream: with a batch of no records."""

from __future__ import annotations

from http import HTTPStatus

import httpx

from frontdesk.answers import json_object
from frontdesk.errors import StoreMissing

PROBE_LIMIT_S = 5.0


def why_refused(url: str, token: str) -> str | None:
    """Return why a stream with this token must not run to `url` yet, as the end of a sentence; None when it may.

    The token is shown to nobody who does not ask for one first: without it frontdesk answers 401.
    """
    stranger = _asked(url)
    if stranger is None or stranger.status_code != HTTPStatus.UNAUTHORIZED:
        return f"nothing of frontdesk answers at {url} yet"
    answer = _asked(url, {"authorization": f"Bearer {token}"})
    if answer is None:
        return f"frontdesk at {url} gives no answer"
    if answer.is_success:
        return None
    if answer.status_code == HTTPStatus.UNAUTHORIZED:
        return f"frontdesk at {url} does not know this token yet"
    if json_object(answer.content).get("type") == StoreMissing.type:
        return f"frontdesk at {url} has no database to keep it in: set FRONTDESK_DATABASE_URL there"
    return f"frontdesk at {url} answers with HTTP status {answer.status_code}"


def _asked(url: str, headers: dict[str, str] | None = None) -> httpx.Response | None:
    try:
        with httpx.Client(timeout=PROBE_LIMIT_S, trust_env=False, follow_redirects=False) as client:
            return client.post(url, json=[], headers=headers)
    except httpx.HTTPError:
        return None
