"""`/v2/logout` and `/oidc/logout`: end the browser's session; tokens that were issued stay valid."""

from __future__ import annotations

from flask import Blueprint, Response, request

from localauth0.errors import PageError
from localauth0.journal import named_client, whose
from localauth0.live import LiveTenant
from localauth0.records import Session
from localauth0.routes import http
from localauth0.routes.http import live

blueprint = Blueprint("logout", __name__)


@blueprint.get("/v2/logout")
def logout() -> Response:
    query = http.single_values(request.args)
    return _log_out(live(), query.get("client_id"), query.get("returnTo"), parameter="returnTo")


@blueprint.route("/oidc/logout", methods=["GET", "POST"])
def oidc_logout() -> Response:
    values = http.single_values(request.args if request.method == "GET" else request.form)
    client_id = values.get("client_id")
    hint = values.get("id_token_hint")
    if hint:
        client_id = _client_of_hint(live(), hint, client_id)
    target = values.get("post_logout_redirect_uri")
    return _log_out(
        live(), client_id, target, parameter="post_logout_redirect_uri", state=values.get("state")
    )


def _client_of_hint(tenant: LiveTenant, hint: str, client_id: str | None) -> str:
    """The client that the ID token was issued to; an expired token will do, one of somebody else not."""
    payload = tenant.keys.verified_payload(hint)
    audience = payload.get("aud") if payload is not None else None
    if not isinstance(audience, str) or client_id not in (None, audience):
        raise PageError(400, "Invalid request", "The id_token_hint is not an ID token of this application.")
    return audience


def _log_out(
    tenant: LiveTenant, client_id: str | None, target: str | None, *, parameter: str, state: str | None = None
) -> Response:
    allowed = _allowed_urls(tenant, client_id)
    if target is not None and target not in allowed:
        raise PageError(
            400,
            "Logout URL mismatch",
            f"The {parameter} {target!r} is not in the list of allowed logout URLs.",
        )
    answer = Response("OK", mimetype="text/plain")
    response = http.redirect_with(target, {"state": state}) if target is not None else answer
    session = tenant.store.sessions.take(http.session_handle())
    if session is not None:
        _note_logout(tenant, session, client_id, target)
    http.forget_session(response)
    return response


def _note_logout(tenant: LiveTenant, session: Session, client_id: str | None, target: str | None) -> None:
    store = tenant.store
    store.log.write(
        "slo",
        description="User successfully logged out",
        ip=request.remote_addr,
        user_agent=request.headers.get("User-Agent"),
        hostname=request.host,
        details={"session_id": session.id, **({"return_to": target} if target is not None else {})},
        **named_client(store, client_id),
        **whose(store, store.users.look(session.user_id), session.connection),
    )


def _allowed_urls(tenant: LiveTenant, client_id: str | None) -> list[str]:
    """The client's own list when a client is named, else the tenant's."""
    if client_id is None:
        return tenant.store.config.allowed_logout_urls
    client = tenant.store.config.client(client_id)
    if client is None:
        raise PageError(400, "Unknown client", f"There is no application {client_id!r}.")
    return client.allowed_logout_urls
