"""Linking accounts, and taking them apart.

Source: the Management OpenAPI, `/users/{id}/identities`; Auth0 docs, "User Account Linking".
"""

from __future__ import annotations

from typing import Annotated

from flask import Response, jsonify
from pydantic import StringConstraints

from localauth0.errors import ManagementError
from localauth0.linking import link, unlink
from localauth0.live import LiveTenant
from localauth0.management.http import (
    Body,
    body_of,
    caller,
    caller_scopes,
    invalid_body,
    management_blueprint,
    scoped,
)
from localauth0.management.users import api_doer, existing_user
from localauth0.routes.http import live
from localauth0.user_store import UserRecord

blueprint = management_blueprint("user_identities")

_Text = Annotated[str, StringConstraints(min_length=1)]


class LinkBody(Body):
    provider: _Text | None = None
    user_id: _Text | int | None = None
    connection_id: _Text | None = None
    link_with: _Text | None = None

    def secondary_id(self) -> str:
        """The id of the user who is to be linked. Raises ManagementError."""
        if self.provider is None or self.user_id is None:
            missing = "provider" if self.provider is None else "user_id"
            raise invalid_body(f"Payload validation error: 'Missing required property: {missing}'.")
        given = str(self.user_id)
        return given if given.startswith(f"{self.provider}|") else f"{self.provider}|{given}"


@blueprint.post("/users/<user_id>/identities")
@scoped("update:users", "update:current_user_identities")
def link_account(user_id: str) -> tuple[Response, int]:
    _refuse_others(user_id)
    body, tenant = body_of(LinkBody), live()
    with tenant.store.lock:
        primary = existing_user(tenant.store, user_id)
        secondary = _secondary(tenant, body)
        return jsonify(link(tenant.store, primary, secondary, api_doer())), 201


@blueprint.delete("/users/<user_id>/identities/<provider>/<secondary_id>")
@scoped("update:users", "update:current_user_identities")
def unlink_account(user_id: str, provider: str, secondary_id: str) -> Response:
    _refuse_others(user_id)
    store = live().store
    with store.lock:
        primary = existing_user(store, user_id)
        return jsonify(unlink(store, primary, (provider, secondary_id), api_doer()))


def _refuse_others(user_id: str) -> None:
    if "update:users" not in caller_scopes() and caller().get("sub") != user_id:
        raise ManagementError(403, "Insufficient scope, expected any of: update:users", "insufficient_scope")


def _secondary(tenant: LiveTenant, body: LinkBody) -> UserRecord:
    """The user whom the body names, by id or by an ID token of the tenant."""
    if body.link_with is not None:
        claims = tenant.keys.verified_payload(body.link_with)
        if claims is None or claims.get("iss") != tenant.issuer:
            raise ManagementError(400, "The link_with token is invalid.", "invalid_token")
        return existing_user(tenant.store, str(claims["sub"]))
    connections = tenant.store.config.connections
    if body.connection_id is not None and body.connection_id not in {one.id for one in connections}:
        raise ManagementError(400, "Connection does not exist.", "inexistent_connection")
    return existing_user(tenant.store, body.secondary_id())
