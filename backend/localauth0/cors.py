"""Lets a single-page application call the tenant.

Auth0 allows the origins of its applications' callbacks, and those that an application names.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Response, request

from localauth0.routes.http import live

_OPEN_PATHS = ("/oauth/token", "/userinfo", "/.well-known/")


def allow_applications(response: Response) -> Response:
    """Add the headers when a known application's page asks; a stranger's page gets none."""
    origin = request.headers.get("Origin")
    if not request.path.startswith(_OPEN_PATHS):
        return response
    response.vary.add("Origin")
    if origin is not None and origin in _origins():
        response.headers["Access-Control-Allow-Origin"] = origin
        response.headers["Access-Control-Allow-Headers"] = "Authorization, Content-Type"
        response.headers["Access-Control-Allow-Methods"] = "GET, POST"
    return response


def _origins() -> set[str]:
    clients = live().store.config.clients
    callbacks = (urlsplit(url) for client in clients for url in client.callbacks)
    named = (url for client in clients for url in client.settings.get("web_origins") or [])
    return {f"{callback.scheme}://{callback.netloc}" for callback in callbacks} | set(named)
