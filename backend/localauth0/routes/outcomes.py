"""How a login ends: back at the application with a code, or with a word to the person beside a waiting device."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Response, make_response, render_template, request

from localauth0 import users
from localauth0.errors import CallbackError, LocalAuth0Error, PageError
from localauth0.happenings import Doer
from localauth0.live import LiveTenant
from localauth0.logins import LoginRefused, authorize_session, code_for_session
from localauth0.records import Session, Transaction
from localauth0.routes import http
from localauth0.tenant import Connection


def answer_login(tenant: LiveTenant, transaction: Transaction, session: Session) -> Response:
    """The end of a login, whether a form or a living session brought the user."""
    try:
        if transaction.device_code is not None:
            return _answer_device(tenant, transaction, session, transaction.device_code)
        return _answer_with_code(tenant, transaction, session)
    except LoginRefused as err:
        note_refusal(tenant, transaction, session.user_id, session.connection, err)
        raise refusal_of(tenant, transaction, err) from err


def note_refusal(
    tenant: LiveTenant, transaction: Transaction, user_id: str, connection: str, err: LoginRefused
) -> None:
    """Tell that a user who proved who they are is not let in."""
    tenant.store.happened(
        "login_failed",
        tenant.store.users.look(user_id),
        by=http.doer(transaction.request.client_id),
        connection=connection,
        hostname=request.host,
        reason=err.description,
        error=err.error,
    )


def note_wrong_password(tenant: LiveTenant, databases: Sequence[Connection], typed: str, by: Doer) -> None:
    """Tell that somebody did not prove who they are."""
    known = ((users.user_with_name(tenant.store, typed, one), one) for one in databases)
    user, connection = next((pair for pair in known if pair[0] is not None), (None, None))
    meant = connection or next(iter(databases), None)
    tenant.store.happened(
        "login_failed",
        user.profile if user is not None else None,
        by=by,
        connection=meant.name if meant is not None else None,
        hostname=request.host,
        identifier=typed,
    )


def refusal_of(tenant: LiveTenant, transaction: Transaction, err: LoginRefused) -> LocalAuth0Error:
    """The error for whoever waits for this login."""
    asked = transaction.request
    if transaction.device_code is None:
        return CallbackError(asked.redirect_uri, asked.state, err.error, err.description)
    tenant.store.devices.deny(transaction.device_code, err.description)
    return PageError(403, "Access denied", err.description)


def message_page(title: str, detail: str) -> Response:
    return make_response(render_template("message.html", title=title, detail=detail))


def _answer_with_code(tenant: LiveTenant, transaction: Transaction, session: Session) -> Response:
    asked = transaction.request
    # Auth0 shows Actions the call of /authorize, whatever request happens to complete the login.
    facts = http.request_facts(method="GET", query=asked.query)
    code = code_for_session(tenant, transaction, session, facts)
    return http.redirect_with(asked.redirect_uri, {"code": code, "state": asked.state})


def _answer_device(
    tenant: LiveTenant, transaction: Transaction, session: Session, device_code: str
) -> Response:
    authorized = authorize_session(tenant, transaction, session, http.request_facts(method="GET"))
    if not tenant.store.devices.authorize(device_code, authorized):
        raise PageError(400, "This login cannot go on", "The device no longer waits. Start again from it.")
    return message_page("Congratulations, you're all set!", "Your device is now connected.")
