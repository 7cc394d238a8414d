"""`/authorize`: checks the request; a living session gets its code at once, everybody else the login page."""

from __future__ import annotations

import secrets
from datetime import timedelta

from flask import Blueprint, Response, request

from localauth0.errors import CallbackError, NotImplementedHere, PageError
from localauth0.live import LiveTenant
from localauth0.records import AuthorizeRequest, Session, Transaction
from localauth0.routes import http
from localauth0.routes.http import live
from localauth0.routes.notes import note_silent_login
from localauth0.routes.outcomes import answer_login
from localauth0.tenant import Client

blueprint = Blueprint("authorize", __name__)

_PROMPTS = frozenset({"none", "login"})
_NOT_IMPLEMENTED = ("invitation", "request", "request_uri", "web_message_uri", "authorization_details")


@blueprint.get("/authorize")
def authorize() -> Response:
    asked = read_authorize_request(live(), http.single_values(request.args))
    session = _usable_session(live(), asked)
    if session is not None:
        transaction = Transaction(secrets.token_urlsafe(16), http.device() or "", asked)
        response = answer_login(live(), transaction, session)
        note_silent_login(live(), asked, session)
        return response
    if "none" in asked.prompt:
        note_silent_login(live(), asked, None)
        raise CallbackError(asked.redirect_uri, asked.state, "login_required", "Login required")
    return _to_page(live(), asked)


def read_authorize_request(tenant: LiveTenant, query: dict[str, str]) -> AuthorizeRequest:
    """Return the checked request.

    Raises PageError while there is no callback that may be trusted, afterwards CallbackError; NotImplementedHere for
    what Auth0 has and localauth0 has not.
    """
    client = tenant.store.config.client(query.get("client_id"))
    if client is None:
        raise PageError(403, "Unknown client", f"There is no application {query.get('client_id')!r}.")
    redirect_uri = query.get("redirect_uri")
    if redirect_uri is None or redirect_uri not in client.callbacks:
        raise PageError(
            403,
            "Callback URL mismatch",
            f"The redirect_uri {redirect_uri!r} is not in the list of allowed callback URLs of {client.name}.",
        )
    _refuse_unimplemented(query)
    asked = AuthorizeRequest(
        client_id=client.client_id,
        redirect_uri=redirect_uri,
        scopes=tuple(query.get("scope", "").split()),
        query=query,
        state=query.get("state"),
        nonce=query.get("nonce"),
        audience=query.get("audience") or None,
        code_challenge=query.get("code_challenge"),
        prompt=tuple(query.get("prompt", "").split()),
        login_hint=query.get("login_hint"),
        connection=query.get("connection") or None,
        organization_id=_organization_id(tenant, query.get("organization")),
        max_age_s=_max_age(query.get("max_age")),
    )
    fault = _fault(tenant, client, asked)
    if fault is not None:
        raise CallbackError(redirect_uri, asked.state, *fault)
    return asked


def _refuse_unimplemented(query: dict[str, str]) -> None:
    for name in _NOT_IMPLEMENTED:
        if name in query:
            raise NotImplementedHere(f"the parameter {name!r} of /authorize")
    if query.get("response_mode", "query") != "query":
        raise NotImplementedHere(f"response_mode={query['response_mode']}")
    if set(query.get("response_type", "code").split()) - {"code"}:
        raise NotImplementedHere(f"response_type={query['response_type']}")
    for prompt in query.get("prompt", "").split():
        if prompt not in _PROMPTS:
            raise NotImplementedHere(f"prompt={prompt}")


def _fault(tenant: LiveTenant, client: Client, asked: AuthorizeRequest) -> tuple[str, str] | None:
    """Error and description of what is wrong with the request; None when nothing is."""
    query, config = asked.query, tenant.store.config
    checks = (
        ("response_type" not in query, "invalid_request", "Missing required parameter: response_type"),
        (
            not client.allows_grant("authorization_code"),
            "unauthorized_client",
            "Grant type 'authorization_code' not allowed for the client.",
        ),
        (
            client.is_public and asked.code_challenge is None,
            "invalid_request",
            "Parameter 'code_challenge' is required for this client.",
        ),
        (
            asked.code_challenge is not None and query.get("code_challenge_method") != "S256",
            "invalid_request",
            "Parameter 'code_challenge_method' must be S256.",
        ),
        (
            asked.audience is not None and config.resource_server(asked.audience) is None,
            "access_denied",
            f"Service not found: {asked.audience}",
        ),
        (
            asked.connection is not None and config.connection(asked.connection) is None,
            "invalid_request",
            "the connection was not found",
        ),
        (asked.organization_id == "", "invalid_request", "parameter organization is invalid"),
        (
            asked.max_age_s is not None and asked.max_age_s < 0,
            "invalid_request",
            "parameter max_age must be a number of seconds",
        ),
    )
    return next(((error, description) for is_wrong, error, description in checks if is_wrong), None)


def _organization_id(tenant: LiveTenant, id_or_name: str | None) -> str | None:
    """The organization's id; empty when there is no such organization."""
    if not id_or_name:
        return None
    organization = tenant.store.config.organization(id_or_name)
    return organization.id if organization is not None else ""


def _max_age(text: str | None) -> int | None:
    """The seconds; negative when the text is no number."""
    if text is None:
        return None
    return int(text) if text.isascii() and text.isdigit() else -1


def _usable_session(tenant: LiveTenant, asked: AuthorizeRequest) -> Session | None:
    """The browser's session, when this request may be answered with it."""
    session = tenant.store.sessions.get(http.session_handle())
    if session is None or session.user_id not in tenant.store.users or "login" in asked.prompt:
        return None
    if asked.connection not in (None, session.connection):
        return None
    if asked.max_age_s is not None:
        age = tenant.now() - session.authenticated_at
        return session if age <= timedelta(seconds=asked.max_age_s) else None
    return session


def _to_page(tenant: LiveTenant, asked: AuthorizeRequest) -> Response:
    device = http.device() or secrets.token_urlsafe(32)
    state = tenant.store.transactions.add(Transaction(secrets.token_urlsafe(16), device, asked))
    page = "/u/signup" if asked.query.get("screen_hint") == "signup" else "/u/login"
    response = http.redirect_with(page, {"state": state})
    http.remember_device(response, device)
    return response
