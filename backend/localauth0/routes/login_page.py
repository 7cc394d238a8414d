"""`/u/login`: the login page. It works without JavaScript, and a plain HTTP client can fill it in."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from flask import Blueprint, Response, make_response, render_template, request

from localauth0 import users
from localauth0.errors import PageError
from localauth0.live import LiveTenant
from localauth0.logins import LoginRefused, begin_session, refuse_blocked
from localauth0.records import AuthorizeRequest, Transaction
from localauth0.routes import http
from localauth0.routes.http import live
from localauth0.routes.outcomes import answer_login, note_refusal, note_wrong_password, refusal_of
from localauth0.tenant import Connection
from localauth0.user_store import UserRecord

blueprint = Blueprint("login_page", __name__)

_MAX_CHOICES = 25  # per connection; the page says when there are more
_WRONG_PASSWORD = "Wrong email or password."  # noqa: S105 - what the page says, no password


@dataclass(frozen=True)
class ConnectionChoice:
    """The users of a connection whose own login page does not exist here."""

    connection: Connection
    users: tuple[UserRecord, ...]
    hidden: int


@blueprint.get("/u/login")
def login_page() -> Response:
    return _page(live(), transaction_under_way(live()), error=None, identifier=None)


@blueprint.post("/u/login")
def log_in() -> Response:
    transaction = transaction_under_way(live())
    found = _authenticated_user(live(), transaction.request)
    if found is None:
        _note_wrong_password(live(), transaction.request)
        # Only the password form can be wrong; its page is shown again with what was typed, less the password.
        return _page(
            live(), transaction, error=_WRONG_PASSWORD, identifier=request.form.get("username"), status=400
        )
    if live().store.transactions.take(transaction_handle()) is None:
        raise login_over()
    return complete_login(live(), transaction, *found)


def complete_login(
    tenant: LiveTenant, transaction: Transaction, user: UserRecord, connection: Connection
) -> Response:
    """The end of a login whose user has just authenticated: a session, and what the login was for."""
    by = http.doer(transaction.request.client_id)
    users.record_login(tenant.store, user, by, connection)
    try:
        refuse_blocked(user)
    except LoginRefused as err:
        note_refusal(tenant, transaction, user.user_id, connection.name, err)
        raise refusal_of(tenant, transaction, err) from err
    tenant.store.sessions.take(http.session_handle())
    session = begin_session(tenant, user, connection, secrets.token_urlsafe(24))
    response = answer_login(tenant, transaction, session)
    place = {"hostname": request.host, "session_id": session.id}
    tenant.store.happened("logged_in", user.profile, by=by, connection=connection.name, **place)
    http.remember_session(response, tenant.store.sessions.add(session))
    return response


def transaction_under_way(tenant: LiveTenant) -> Transaction:
    """The login under way that the page's state names, if this browser began it."""
    transaction = tenant.store.transactions.get(transaction_handle())
    if transaction is None or not secrets.compare_digest(
        transaction.device.encode(), (http.device() or "").encode()
    ):
        raise login_over()
    return transaction


def transaction_handle() -> str | None:
    """The handle of the login under way; the URL and the form both carry it."""
    return request.args.get("state") or request.form.get("state")


def login_over() -> PageError:
    """The error of a login page that comes too late, or in a browser that did not begin the login."""
    return PageError(
        400,
        "This login cannot go on",
        "It is over, or it was begun in another browser, or cookies are off. Start again from the application.",
    )


def _note_wrong_password(tenant: LiveTenant, asked: AuthorizeRequest) -> None:
    databases = [one for one in offered_connections(tenant, asked) if one.is_database]
    note_wrong_password(tenant, databases, request.form["username"], http.doer(asked.client_id))


def _authenticated_user(tenant: LiveTenant, asked: AuthorizeRequest) -> tuple[UserRecord, Connection] | None:
    offered = offered_connections(tenant, asked)
    if "username" in request.form:
        identifier, password = request.form["username"], request.form.get("password", "")
        return users.user_with_password(tenant.store, identifier, password, offered)
    chosen = tenant.store.config.connection(request.form.get("connection", ""))
    user = tenant.store.users.get(request.form.get("user_id", ""))
    if chosen is None or chosen.is_database or chosen not in offered or user is None:
        raise PageError(
            400, "Invalid request", "Neither a user name nor a user of an offered connection was sent."
        )
    if chosen not in users.connections_of(tenant.store, user):
        raise PageError(400, "Invalid request", f"The user has no identity in the connection {chosen.name}.")
    return user, chosen


def offered_connections(tenant: LiveTenant, asked: AuthorizeRequest) -> list[Connection]:
    """The connections that the login page shows: all of the tenant, or the one that was asked for."""
    if asked.connection is None:
        return list(tenant.store.config.connections)
    return [c for c in tenant.store.config.connections if c.name == asked.connection]


def _page(
    tenant: LiveTenant,
    transaction: Transaction,
    *,
    error: str | None,
    identifier: str | None,
    status: int = 200,
) -> Response:
    asked = transaction.request
    config = tenant.store.config
    client = config.client(asked.client_id)
    organization = config.organization(asked.organization_id) if asked.organization_id is not None else None
    offered = offered_connections(tenant, asked)
    page = render_template(
        "login.html",
        tenant=config.tenant,
        application=client.name if client is not None else asked.client_id,
        organization=organization.display_name or organization.name if organization is not None else None,
        state=transaction_handle(),
        error=error,
        identifier=identifier if identifier is not None else asked.login_hint or "",
        has_password_form=any(connection.is_database for connection in offered),
        choices=[_choice(tenant, connection) for connection in offered if not connection.is_database],
    )
    return make_response(page, status)


def _choice(tenant: LiveTenant, connection: Connection) -> ConnectionChoice:
    members = users.users_of_connection(tenant.store, connection)
    return ConnectionChoice(connection, tuple(members[:_MAX_CHOICES]), max(0, len(members) - _MAX_CHOICES))
