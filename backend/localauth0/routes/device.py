"""The device flow: codes for a device, and the pages where a person enters the code and confirms it."""

from __future__ import annotations

import secrets

from flask import Blueprint, Response, jsonify, make_response, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from localauth0.device_flow import GRANT_TYPE, WaitingDevice
from localauth0.errors import OAuthError, PageError, invalid_request
from localauth0.live import LiveTenant
from localauth0.records import AuthorizeRequest, Transaction
from localauth0.routes import http
from localauth0.routes.http import live
from localauth0.routes.login_page import transaction_handle, transaction_under_way
from localauth0.routes.outcomes import answer_login, message_page

blueprint = Blueprint("device", __name__)


@blueprint.post("/oauth/device/code")
def device_code() -> Response:
    tenant, parameters = live(), http.body_parameters()
    client = tenant.store.config.client(parameters.get("client_id"))
    if client is None:
        raise OAuthError(401, "access_denied", "Unauthorized")
    if not client.allows_grant(GRANT_TYPE):
        raise OAuthError(403, "unauthorized_client", f"Grant type '{GRANT_TYPE}' not allowed for the client.")
    audience = parameters.get("audience") or None
    if audience is not None and tenant.store.config.resource_server(audience) is None:
        raise OAuthError(403, "access_denied", f"Service not found: {audience}")
    scopes = tuple(parameters.get("scope", "").split())
    if len(set(scopes)) != len(scopes):
        raise invalid_request("The parameter scope names a scope twice.")
    device = tenant.store.devices.begin(client.client_id, scopes, audience)
    settings = tenant.store.config.device_flow
    response = jsonify(
        device_code=device.device_code,
        user_code=device.user_code,
        verification_uri=f"{tenant.url}/activate",
        verification_uri_complete=f"{tenant.url}/activate?user_code={device.user_code}",
        expires_in=settings.expires_in,
        interval=settings.interval,
    )
    response.headers["Cache-Control"] = "no-store"
    return response


@blueprint.route("/activate", methods=["GET", "POST"])
def activate() -> Response:
    """Ask for the code on the device; once there is a right one, ask whether it is that of the device."""
    given = request.values.get("user_code")
    device = live().store.devices.with_user_code(given) if given else None
    if device is not None:
        return _confirmation(live(), device)
    error = "This code is wrong or has expired. Look at your device again." if given else None
    page = render_template("activate.html", tenant=live().store.config.tenant, error=error, given=given or "")
    return make_response(page, 400 if error else 200)


@blueprint.post("/u/device-confirmation")
def confirm() -> AnyResponse:
    tenant, transaction = live(), transaction_under_way(live())
    if transaction.device_code is None:
        raise PageError(400, "Invalid request", "This login is not that of a device.")
    if request.form.get("action") != "confirm":
        tenant.store.transactions.take(transaction_handle())
        tenant.store.devices.deny(transaction.device_code, "User cancelled the confirmation prompt.")
        return message_page(
            "The device was not connected", "You cancelled the login. This page can be closed."
        )
    session = tenant.store.sessions.get(http.session_handle())
    if session is not None and session.user_id in tenant.store.users:
        tenant.store.transactions.take(transaction_handle())
        return answer_login(tenant, transaction, session)
    return redirect(f"/u/login?state={transaction_handle()}", 303)


def _confirmation(tenant: LiveTenant, device: WaitingDevice) -> Response:
    browser = http.device() or secrets.token_urlsafe(32)
    asked = AuthorizeRequest(device.client_id, "", device.scopes, {}, audience=device.audience)
    transaction = Transaction(secrets.token_urlsafe(16), browser, asked, device.device_code)
    state = tenant.store.transactions.add(transaction)
    client = tenant.store.config.client(device.client_id)
    name = client.name if client is not None else device.client_id
    page = render_template("device.html", state=state, application=name, user_code=device.user_code)
    response = make_response(page)
    http.remember_device(response, browser)
    return response
