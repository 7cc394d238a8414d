"""Who may see what is for operators: one guard over `/api` and `/metrics`, which no route below them can forget."""

from __future__ import annotations

import hmac

from flask import Flask, abort, request

from frontdesk.errors import OperatorRefused

GUARDED = ("/api", "/metrics")


def register_operator_guard(app: Flask, operator_token: str | None) -> None:
    """Let `app` answer below `/api` and `/metrics` to bearers of the token alone; without one nothing is there.

    It goes by the path and before the routes, so a stranger learns neither which routes nor which methods exist.
    """
    expected = None if operator_token is None else f"Bearer {operator_token}".encode()

    @app.before_request
    def _guard() -> None:
        if not is_guarded(request.path):
            return
        if expected is None:
            abort(404)
        given = request.headers.get("Authorization", "")
        if not hmac.compare_digest(given.encode(), expected):
            raise OperatorRefused


def is_guarded(path: str) -> bool:
    """Tell whether a path, with its escapes undone, is one for operators."""
    return any(path == prefix or path.startswith(f"{prefix}/") for prefix in GUARDED)
