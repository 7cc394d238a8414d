"""Who may see what is for operators: one guard over `/api` and `/metrics`, which no route below them can forget."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Sequence

from flask import Flask, abort, request

from frontdesk.errors import OperatorRefused

GUARDED = ("/api", "/metrics")


def register_operator_guard(app: Flask, operator_tokens: Callable[[], Sequence[str]]) -> None:
    """Let `app` answer below `/api` and `/metrics` to bearers of a token alone; without one nothing is there.

    It goes by the path and before the routes, so a stranger learns neither which routes nor which methods exist.
    """

    @app.before_request
    def _guard() -> None:
        if not is_guarded(request.path):
            return
        tokens = operator_tokens()
        if not tokens:
            abort(404)
        given = request.headers.get("Authorization", "").encode()
        # Every token is compared, so that the time tells nothing of which one it was.
        matches = [hmac.compare_digest(given, f"Bearer {token}".encode()) for token in tokens]
        if not any(matches):
            raise OperatorRefused


def is_guarded(path: str) -> bool:
    """Tell whether a path, with its escapes undone, is one for operators."""
    return any(path == prefix or path.startswith(f"{prefix}/") for prefix in GUARDED)
