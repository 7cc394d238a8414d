"""`/hasura/auth-hook`: Hasura asks who a request comes from, for several tenants (HASURA_GRAPHQL_AUTH_HOOK).

GET brings the client's headers as they are, POST brings them as JSON. 200 with session variables, 401 to deny;
everything else fails the request at Hasura.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Flask, Response, jsonify, request
from flask.typing import ResponseReturnValue

from frontdesk.errors import (
    BodyTooLarge,
    FieldFault,
    FrontdeskError,
    PayloadInvalid,
    SessionKeysUnavailable,
    SessionRefused,
)
from frontdesk.hasura.issuer_keys import IssuerKeys
from frontdesk.hasura.sessions import Session, Sessions, TokenTenant
from frontdesk.settings import Settings
from frontdesk.web.metrics import Metrics

EXTENSION = "frontdesk.sessions"
# With HASURA_GRAPHQL_AUTH_HOOK_SEND_REQUEST_BODY the GraphQL request comes along, variables included.
MAX_QUESTION_BYTES = 2 * 1024 * 1024
_OUTCOMES: Mapping[type[FrontdeskError], str] = {SessionRefused: "refused", SessionKeysUnavailable: "no_keys"}


def register_auth_hook(app: Flask, settings: Settings, metrics: Metrics) -> None:
    """Serve the auth hook for the tenants of the settings."""
    sessions = app.extensions[EXTENSION] = sessions_of(settings)
    blueprint = Blueprint("auth_hook", __name__)

    @blueprint.route("/hasura/auth-hook", methods=["GET", "POST"])
    def auth_hook() -> ResponseReturnValue:
        try:
            session = sessions.session(_client_headers())
        except FrontdeskError as error:
            metrics.session_answered(_OUTCOMES.get(type(error), "malformed"))
            raise
        metrics.session_answered("granted" if "x-hasura-tenant" in session.variables else "unauthorized_role")
        return _granted(session)

    app.register_blueprint(blueprint)


def sessions_of(settings: Settings) -> Sessions:
    """Return the sessions of these settings; tenants of one issuer share its keys."""
    keys = {
        issuer: IssuerKeys(f"{issuer}.well-known/jwks.json")
        for issuer in {tenant.issuer for tenant in settings.tenants.values()}
    }
    tenants = [
        TokenTenant(
            key=key,
            issuer=tenant.issuer,
            audience=tenant.audience,
            claims_namespace=tenant.claims_namespace,
            keys=keys[tenant.issuer],
        )
        for key, tenant in settings.tenants.items()
    ]
    return Sessions(tenants, unauthorized_role=settings.auth_hook.unauthorized_role)


def _granted(session: Session) -> Response:
    # Hasura reads this one in the body, by this very name, and ends a websocket when it is over.
    lasts = {} if session.seconds is None else {"Cache-Control": f"max-age={session.seconds}"}
    return jsonify({**session.variables, **lasts})


def _client_headers() -> Mapping[str, str]:
    """Return the headers of Hasura's client by lower-case name. Raises PayloadInvalid for a body of another shape."""
    if request.method == "GET":
        return {name.lower(): value for name, value in request.headers}
    request.max_content_length = MAX_QUESTION_BYTES + 1
    body = request.get_data(cache=False)
    if len(body) > MAX_QUESTION_BYTES:
        raise BodyTooLarge
    headers = _parsed(body).get("headers")
    if not isinstance(headers, dict) or not all(isinstance(value, str) for value in headers.values()):
        raise PayloadInvalid([FieldFault("headers", "an object of strings")])
    found: dict[str, str] = {}
    for name, value in headers.items():
        if found.setdefault(name.lower(), value) != value:
            raise SessionRefused("a header is there twice")
    return found


def _parsed(body: bytes) -> dict[str, Any]:
    """Return the question; the GraphQL request in it is for Hasura to judge."""
    try:
        question = json.loads(body)
    except (ValueError, RecursionError):
        raise PayloadInvalid([FieldFault("body", "JSON")]) from None
    if not isinstance(question, dict):
        raise PayloadInvalid([FieldFault("body", "a JSON object")])
    return question
