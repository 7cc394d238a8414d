"""What the routes share: the tenant, the facts of a request, cookies, redirects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from flask import Response, current_app, redirect, request
from werkzeug.datastructures import MultiDict

from localauth0.errors import PageError, invalid_request
from localauth0.happenings import Doer
from localauth0.live import LiveTenant
from localauth0.records import RequestFacts

EXTENSION = "localauth0"


def live() -> LiveTenant:
    return cast(LiveTenant, current_app.extensions[EXTENSION])


def request_facts(
    *, method: str, query: Mapping[str, str] | None = None, body: Mapping[str, Any] | None = None
) -> RequestFacts:
    """What Actions learn of the current request."""
    language = request.accept_languages.best
    return RequestFacts(
        ip=request.remote_addr or "127.0.0.1",
        method=method,
        hostname=urlsplit(request.host_url).hostname or "",
        query=dict(query or {}),
        body=dict(body or {}),
        user_agent=request.headers.get("User-Agent"),
        language=language,
    )


def doer(client_id: str | None) -> Doer:
    """Who makes the current request, through which application."""
    return Doer(client_id, request.remote_addr, request.headers.get("User-Agent"))


def single_values(parameters: MultiDict[str, str]) -> dict[str, str]:
    """The parameters as a plain mapping; OAuth forbids a parameter that is there twice."""
    for name, values in parameters.lists():
        if len(values) > 1:
            raise PageError(400, "Invalid request", f"The parameter {name!r} is there more than once.")
    return parameters.to_dict()


def body_parameters() -> dict[str, str]:
    """The body's parameters, from a form or from JSON; Auth0 takes both."""
    if request.mimetype == "application/json":
        body = request.get_json(silent=True)
        if not isinstance(body, dict) or not all(isinstance(value, str) for value in body.values()):
            raise invalid_request("The body must be a JSON object of strings.")
        return body
    for name, values in request.form.lists():
        if len(values) > 1:
            raise invalid_request(f"The parameter {name} is there more than once.")
    return request.form.to_dict()


def redirect_with(url: str, parameters: Mapping[str, str | None]) -> Response:
    """A redirect to `url` with the parameters that are not None added to its query."""
    parts = urlsplit(url)
    added = [(name, value) for name, value in parameters.items() if value is not None]
    query = urlencode([*parse_qsl(parts.query, keep_blank_values=True), *added])
    response = cast(Response, redirect(urlunsplit(parts._replace(query=query)), 302))
    response.headers["Cache-Control"] = "no-store"
    return response


def session_handle() -> str | None:
    """The secret handle of the browser's single sign-on session."""
    return request.cookies.get(_cookie_name("session"))


def device() -> str | None:
    """The browser's own name, which ties a login page to the browser that began the login."""
    return request.cookies.get(_cookie_name("did"))


def remember_device(response: Response, name: str) -> None:
    _set_cookie(response, "did", name)


def remember_session(response: Response, handle: str) -> None:
    _set_cookie(response, "session", handle)


def forget_session(response: Response) -> None:
    response.delete_cookie(_cookie_name("session"), path="/", httponly=True, samesite="Lax")


def _set_cookie(response: Response, kind: str, value: str) -> None:
    # Not `Secure`: the tenant speaks plain HTTP on loopback, where some clients would never send the cookie back.
    response.set_cookie(_cookie_name(kind), value, path="/", httponly=True, samesite="Lax")


def _cookie_name(kind: str) -> str:
    # Browsers share the cookies of one host between its ports, so two tenants on one machine need two names.
    return f"localauth0_{kind}_{urlsplit(live().url).port}"
