"""`/u/signup`: the sign-up page of a login under way, for `screen_hint=signup` and from the login page."""

from __future__ import annotations

from flask import Blueprint, Response, make_response, render_template, request

from localauth0 import users
from localauth0.accounts import AccountRefused, NewAccount, sign_up
from localauth0.errors import PageError
from localauth0.live import LiveTenant
from localauth0.records import Transaction
from localauth0.routes import http
from localauth0.routes.http import live
from localauth0.routes.login_page import (
    complete_login,
    login_over,
    offered_connections,
    transaction_handle,
    transaction_under_way,
)
from localauth0.routes.notes import note_refused_sign_up
from localauth0.tenant import Connection

blueprint = Blueprint("signup", __name__)


@blueprint.get("/u/signup")
def signup_page() -> Response:
    transaction = transaction_under_way(live())
    _directory(live(), transaction)
    return _page(live(), transaction, error=None)


@blueprint.post("/u/signup")
def submit() -> Response:
    """Sign up and, with the same step, log in."""
    tenant, transaction = live(), transaction_under_way(live())
    connection = _directory(tenant, transaction)
    account = NewAccount(connection, request.form.get("email", ""), request.form.get("password", ""))
    facts = http.request_facts(method="GET", query=transaction.request.query)
    try:
        user = sign_up(tenant, account, facts, transaction)
    except AccountRefused as err:
        client_id = transaction.request.client_id
        note_refused_sign_up(tenant, connection, account.email, client_id, err.description)
        return _page(tenant, transaction, error=_words(tenant, account, err))
    if tenant.store.transactions.take(transaction_handle()) is None:
        raise login_over()
    return complete_login(tenant, transaction, user, connection)


def _words(tenant: LiveTenant, account: NewAccount, err: AccountRefused) -> str:
    is_taken = users.user_with_name(tenant.store, account.email, account.connection) is not None
    return "The user already exists." if is_taken else err.description


def _directory(tenant: LiveTenant, transaction: Transaction) -> Connection:
    """The database that new users go to: the first one that this login offers."""
    offered = offered_connections(tenant, transaction.request)
    database = next((connection for connection in offered if connection.is_database), None)
    if database is None:
        raise PageError(400, "Invalid request", "This login offers no database connection to sign up with.")
    return database


def _page(tenant: LiveTenant, transaction: Transaction, *, error: str | None) -> Response:
    asked = transaction.request
    client = tenant.store.config.client(asked.client_id)
    page = render_template(
        "signup.html",
        tenant=tenant.store.config.tenant,
        application=client.name if client is not None else asked.client_id,
        state=transaction_handle(),
        error=error,
        email=request.form.get("email") or asked.login_hint or "",
    )
    return make_response(page, 400 if error else 200)
