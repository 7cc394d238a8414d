"""`/hasura/auth-hook`: Hasura asks who a request comes from, for several tenants (HASURA_GRAPHQL_AUTH_HOOK).

GET brings the client's headers as they are, POST brings them as JSON. 200 with session variables, 401 to deny;
everything else fails the request at Hasura.
"""

from __future__ import annotations

from collections.abc import Mapping

from flask import Blueprint, Response, jsonify, request
from flask.typing import ResponseReturnValue

from frontdesk.auth0.json_body import parse_object
from frontdesk.errors import BodyTooLarge, FieldFault, KeysUnavailable, PayloadInvalid, SessionRefused
from frontdesk.hasura.issuer_keys import IssuerKeys
from frontdesk.hasura.sessions import Session, Sessions, TokenTenant
from frontdesk.settings import Settings
from frontdesk.web.metrics import Metrics

# With HASURA_GRAPHQL_AUTH_HOOK_SEND_REQUEST_BODY the GraphQL request comes along, variables included.
MAX_QUESTION_BYTES = 2 * 1024 * 1024


def auth_hook_blueprint(settings: Settings, metrics: Metrics) -> Blueprint:
    """Return the auth hook for the tenants of the settings."""
    blueprint = Blueprint("auth_hook", __name__)
    sessions = sessions_of(settings)

    @blueprint.route("/hasura/auth-hook", methods=["GET", "POST"])
    def auth_hook() -> ResponseReturnValue:
        try:
            session = sessions.session(_client_headers())
        except SessionRefused:
            metrics.session_answered("refused")
            raise
        except KeysUnavailable:
            metrics.session_answered("no_keys")
            raise
        metrics.session_answered("granted" if "x-hasura-tenant" in session.variables else "unauthorized_role")
        return _granted(session)

    return blueprint


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
    answer = jsonify(dict(session.variables))
    # Hasura ends a websocket when what the hook said is over.
    answer.headers["Cache-Control"] = "no-store" if session.seconds is None else f"max-age={session.seconds}"
    return answer


def _client_headers() -> Mapping[str, str]:
    """Return the headers of Hasura's client by lower-case name. Raises PayloadInvalid for a body of another shape."""
    if request.method == "GET":
        return {name.lower(): value for name, value in request.headers}
    request.max_content_length = MAX_QUESTION_BYTES + 1
    body = request.get_data(cache=False)
    if len(body) > MAX_QUESTION_BYTES:
        raise BodyTooLarge
    headers = parse_object(body).get("headers")
    if not isinstance(headers, dict) or not all(isinstance(value, str) for value in headers.values()):
        raise PayloadInvalid([FieldFault("headers", "an object of strings")])
    found: dict[str, str] = {}
    for name, value in headers.items():
        if found.setdefault(name.lower(), value) != value:
            raise SessionRefused("a header is there twice")
    return found
