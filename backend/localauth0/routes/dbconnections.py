"""`/dbconnections/*`: sign-up and change of password for database connections; and the page of the mailed link.

Source: Auth0 docs, Authentication API, "Signup" and "Change Password".
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify, make_response, render_template, request

from localauth0.accounts import AccountRefused, NewAccount, change_password, send_password_mail, sign_up
from localauth0.errors import PageError
from localauth0.live import LiveTenant
from localauth0.routes import http
from localauth0.routes.http import live
from localauth0.routes.notes import note_password_request, note_refused_sign_up
from localauth0.routes.outcomes import message_page
from localauth0.tenant import Connection
from localauth0.user_store import UserRecord

blueprint = Blueprint("dbconnections", __name__)

MAIL_SENT = "We've just sent you an email to reset your password."
_ATTRIBUTES = ("username", "given_name", "family_name", "name", "nickname", "picture")
_MAX_METADATA_FIELDS = 10
_MAX_METADATA_CHARS = 500


@blueprint.post("/dbconnections/signup")
def signup() -> Response:
    tenant, body = live(), _body()
    try:
        account = _account(tenant, body)
    except AccountRefused as err:
        return _refusal(err)
    try:
        facts = http.request_facts(method="POST", body=_without_password(body))
        return jsonify(_signed_up(sign_up(tenant, account, facts)))
    except AccountRefused as err:
        note_refused_sign_up(
            tenant, account.connection, account.email, _text(body, "client_id"), err.description
        )
        return _refusal(err)


@blueprint.post("/dbconnections/change_password")
def ask_for_new_password() -> Response:
    tenant, body = live(), _body()
    try:
        connection, email = _database(tenant, body), _text(body, "email")
    except AccountRefused as err:
        return _refusal(err)
    send_password_mail(tenant, connection, email)
    note_password_request(tenant, connection, email, _text(body, "client_id"))
    return Response(MAIL_SENT, mimetype="text/html")


@blueprint.get("/u/reset-password")
def new_password_page() -> Response:
    if live().store.password_tickets.get(request.args.get("ticket")) is None:
        raise _used_ticket()
    return _password_page(None)


@blueprint.post("/u/reset-password")
def set_new_password() -> Response:
    tenant, ticket = live(), request.args.get("ticket")
    wanted = tenant.store.password_tickets.get(ticket)
    if wanted is None:
        raise _used_ticket()
    password = request.form.get("password", "")
    if password != request.form.get("confirmation", password):
        return _password_page("The two passwords are not the same.")
    try:
        change_password(tenant, wanted, password, http.request_facts(method="POST"))
    except AccountRefused as err:
        return _password_page(err.description)
    tenant.store.password_tickets.take(ticket)
    return message_page("Password changed", "Your password has been changed. You can log in with it now.")


def _password_page(error: str | None) -> Response:
    page = render_template("reset_password.html", ticket=request.args.get("ticket", ""), error=error)
    return make_response(page, 400 if error else 200)


def _used_ticket() -> PageError:
    return PageError(
        400, "This link is no longer valid", "It has been used, or it has expired. Ask for a new one."
    )


def _account(tenant: LiveTenant, body: dict[str, Any]) -> NewAccount:
    metadata = body.get("user_metadata", {})
    return NewAccount(
        connection=_database(tenant, body),
        email=_text(body, "email"),
        password=_text(body, "password"),
        attributes={name: _text(body, name) for name in _ATTRIBUTES if name in body},
        user_metadata=_metadata(metadata),
    )


def _metadata(given: Any) -> dict[str, str]:
    is_fitting = (
        isinstance(given, dict)
        and len(given) <= _MAX_METADATA_FIELDS
        and all(isinstance(value, str) and len(value) <= _MAX_METADATA_CHARS for value in given.values())
    )
    if not is_fitting:
        text = f"user_metadata must have at most {_MAX_METADATA_FIELDS} strings of {_MAX_METADATA_CHARS} characters"
        raise _bad_request("invalid_signup", text)
    return dict(given)


def _database(tenant: LiveTenant, body: dict[str, Any]) -> Connection:
    if tenant.store.config.client(_text(body, "client_id")) is None:
        raise _bad_request("unauthorized_client", "The client was not found.")
    connection = tenant.store.config.connection(_text(body, "connection"))
    if connection is None or not connection.is_database:
        raise _bad_request("invalid_connection", "The connection is no database connection of the tenant.")
    return connection


def _text(body: dict[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise _bad_request("invalid_request", f"Missing required parameter: {name}")
    return value


def _body() -> dict[str, Any]:
    if request.mimetype != "application/json":
        return request.form.to_dict()
    body = request.get_json(silent=True)
    return body if isinstance(body, dict) else {}


def _without_password(body: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name != "password"}


def _signed_up(user: UserRecord) -> dict[str, Any]:
    shown = ("email", "email_verified", *_ATTRIBUTES, "user_metadata")
    profile = {name: user.profile[name] for name in shown if name in user.profile}
    return {"_id": user.user_id.removeprefix("auth0|"), **profile}


def _bad_request(code: str, description: str) -> AccountRefused:
    return AccountRefused("BadRequestError", code, description)


def _refusal(err: AccountRefused) -> Response:
    body = {"name": err.name, "code": err.code, "description": err.description, "statusCode": 400}
    return make_response(jsonify(body), 400)
