"""The WSGI application: blueprints, and the one place where failures become answers."""

from __future__ import annotations

import secrets
from pathlib import Path

from flask import Flask, Response, g, jsonify, make_response, render_template, request
from werkzeug.exceptions import HTTPException, InternalServerError, MethodNotAllowed, NotFound

from localauth0.cors import allow_applications
from localauth0.encoded_paths import keep_encoded_slashes
from localauth0.errors import CallbackError, ManagementError, NotImplementedHere, OAuthError, PageError
from localauth0.live import LiveTenant
from localauth0.management import (
    action_flows,
    actions,
    client_grants,
    clients,
    connections,
    event_deliveries,
    event_streams,
    events,
    jobs,
    log_entries,
    log_streams,
    logs,
    organization_members,
    organizations,
    resource_servers,
    roles,
    stats,
    tenant_settings,
    user_blocks,
    user_identities,
    user_memberships,
    user_writes,
    users,
)
from localauth0.management import http as management
from localauth0.routes import (
    authorize,
    dbconnections,
    delivery_faults,
    device,
    discovery,
    downloads,
    login_page,
    logout,
    signup,
    token,
    userinfo,
)
from localauth0.routes.http import EXTENSION, redirect_with

MAX_BODY_BYTES = 1024 * 1024
_RESOURCES = (
    actions,
    action_flows,
    clients,
    client_grants,
    resource_servers,
    log_streams,
    event_streams,
    event_deliveries,
    events,
    connections,
    roles,
    users,
    user_writes,
    user_identities,
    user_blocks,
    user_memberships,
    organizations,
    organization_members,
    jobs,
    logs,
    stats,
    tenant_settings,
)
_PUBLIC = (
    discovery,
    authorize,
    login_page,
    signup,
    device,
    dbconnections,
    token,
    userinfo,
    logout,
    downloads,
    delivery_faults,
)
_PAGES = ("/authorize", "/activate", "/u/", "/v2/logout", "/oidc/logout")


def create_app(tenant: LiveTenant) -> Flask:
    """Return the application that answers for the tenant."""
    app = Flask(
        "localauth0", template_folder="templates", static_folder=None, root_path=str(Path(__file__).parent)
    )
    keep_encoded_slashes(app)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
    app.extensions[EXTENSION] = tenant
    app.before_request(_choose_nonce)
    app.before_request(management.limit_rate)
    app.after_request(_protect_pages)
    app.after_request(allow_applications)
    app.after_request(management.tell_rate)
    app.after_request(log_entries.note_call)
    app.register_error_handler(OAuthError, _oauth_error)
    app.register_error_handler(ManagementError, management.error_answer)
    app.register_error_handler(CallbackError, _callback_error)
    app.register_error_handler(PageError, _page_error)
    app.register_error_handler(NotImplementedHere, _not_implemented)
    app.register_error_handler(HTTPException, _http_error)
    for module in _PUBLIC:
        app.register_blueprint(module.blueprint)
    for resource in _RESOURCES:
        app.register_blueprint(resource.blueprint)
    return app


def _choose_nonce() -> None:
    g.style_nonce = secrets.token_urlsafe(16)


def _protect_pages(response: Response) -> Response:
    """Pages load nothing, run nothing and sit in no frame.

    There is no form-action: it would stop the redirect to the callback.
    """
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "no-referrer"
    if response.mimetype == "text/html":
        response.headers["Cache-Control"] = "no-store"
        response.headers["Content-Security-Policy"] = (
            f"default-src 'none'; style-src 'nonce-{g.style_nonce}'; base-uri 'none'; frame-ancestors 'none'"
        )
    return response


def _oauth_error(err: OAuthError) -> tuple[Response, int]:
    return jsonify(error=err.error, error_description=err.description), err.status


def _callback_error(err: CallbackError) -> Response:
    parameters = {"error": err.error, "error_description": err.description, "state": err.state}
    return redirect_with(err.redirect_uri, parameters)


def _page_error(err: PageError) -> Response:
    return make_response(render_template("error.html", title=err.title, detail=err.detail), err.status)


def _not_implemented(err: NotImplementedHere) -> Response:
    detail = f"localauth0 does not implement {err}."
    if management.is_management_path():
        return _management_answer(501, detail, "not_implemented")
    if request.path.startswith(_PAGES):
        return make_response(render_template("error.html", title="Not implemented", detail=detail), 501)
    return make_response(jsonify(error="not_implemented", error_description=detail), 501)


def _management_answer(status: int, message: str, error_code: str | None = None) -> Response:
    return make_response(*management.error_answer(ManagementError(status, message, error_code)))


def _http_error(err: HTTPException) -> Response:
    if isinstance(err, NotFound | MethodNotAllowed):
        return _not_implemented(NotImplementedHere(f"{request.method} {request.path}"))
    if management.is_management_path():
        return _management_answer(err.code or 500, err.name)
    code = "server_error" if isinstance(err, InternalServerError) else "invalid_request"
    return make_response(jsonify(error=code, error_description=err.name), err.code or 500)
