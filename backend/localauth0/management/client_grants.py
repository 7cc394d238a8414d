"""`/client-grants`: which application may have which scopes of which API.

Source: the Management OpenAPI, `/client-grants`; recorded traffic of the Go SDK.
"""

from __future__ import annotations

from typing import Any, Literal

from flask import Response, jsonify, request

from localauth0.errors import ManagementError
from localauth0.management.http import (
    Body,
    Document,
    body_of,
    conflict,
    invalid_body,
    management_blueprint,
    not_found,
    page_of,
    scoped,
)
from localauth0.routes.http import live
from localauth0.tenant import ClientGrant

blueprint = management_blueprint("client_grants")

_MEMBERS = frozenset({"client_id", "audience", "scope", "allow_all_scopes", "subject_type"})


class _Change(Body):
    scope: list[str] | None = None
    allow_all_scopes: bool | None = None
    organization_usage: Literal["deny", "allow", "require"] | None = None
    allow_any_organization: bool | None = None
    authorization_details_types: list[str] | None = None

    def record_values(self) -> Document:
        given = self.set_values()
        settings = {key: value for key, value in given.items() if key not in _MEMBERS}
        return {**{key: value for key, value in given.items() if key in _MEMBERS}, "settings": settings}


class _Creation(_Change):
    client_id: str
    audience: str
    subject_type: Literal["client", "user"] | None = None


@blueprint.get("/client-grants")
@scoped("read:client_grants")
def list_client_grants() -> Response:
    filters = [name for name in ("audience", "client_id", "subject_type") if name in request.args]
    found = [
        grant
        for grant in live().store.config.client_grants
        if all(getattr(grant, name) == request.args[name] for name in filters)
    ]
    return page_of([_document(grant) for grant in found], "client_grants", checkpoint=True)


@blueprint.post("/client-grants")
@scoped("create:client_grants")
def create_client_grant() -> tuple[Response, int]:
    body = body_of(_Creation)
    if body.scope is None and not body.allow_all_scopes:
        raise invalid_body("Payload validation error: 'Missing required property: scope'.")
    store = live().store
    with store.lock:
        if store.config.client(body.client_id) is None:
            raise not_found("The client does not exist", "inexistent_client")
        grant = ClientGrant(**body.record_values())
        _check_scopes(grant)
        wanted = (grant.client_id, grant.audience, grant.subject_type)
        for other in store.config.client_grants:
            if (other.client_id, other.audience, other.subject_type) == wanted:
                raise conflict("A client grant for this client and audience already exists.")
        store.put("client_grants", grant)
    return jsonify(_document(grant)), 201


@blueprint.get("/client-grants/<grant_id>")
@scoped("read:client_grants")
def get_client_grant(grant_id: str) -> Response:
    return jsonify(_document(_grant(grant_id)))


@blueprint.patch("/client-grants/<grant_id>")
@scoped("update:client_grants")
def change_client_grant(grant_id: str) -> Response:
    """A sent `scope` replaces the list."""
    changes = body_of(_Change).record_values()
    store = live().store
    with store.lock:
        grant = _grant(grant_id)
        settings: dict[str, Any] = {**grant.settings, **changes["settings"]}
        changed = grant.model_copy(update={**changes, "settings": settings})
        _check_scopes(changed)
        store.put("client_grants", changed, replacing=grant)
    return jsonify(_document(changed))


@blueprint.delete("/client-grants/<grant_id>")
@scoped("delete:client_grants")
def delete_client_grant(grant_id: str) -> tuple[str, int]:
    live().store.drop("client_grants", lambda one: one.id == grant_id)
    return "", 204


def _grant(grant_id: str) -> ClientGrant:
    found = next((one for one in live().store.config.client_grants if one.id == grant_id), None)
    if found is None:
        raise not_found("The client grant does not exist")
    return found


def _check_scopes(grant: ClientGrant) -> None:
    """A grant is for an API that is there, and for scopes that it has."""
    api = live().store.config.resource_server(grant.audience)
    if api is None:
        raise not_found(f"No resource server with the identifier {grant.audience} exists")
    unknown = [scope for scope in grant.scope if scope not in api.scopes]
    if unknown:
        names = ", ".join(unknown)
        raise ManagementError(400, f"Scopes that the API does not have: {names}", "invalid_body")


def _document(grant: ClientGrant) -> Document:
    """The grant as Auth0 shows it; what nobody told is absent."""
    told = grant.model_dump(exclude_unset=True)
    return {"id": grant.id, **told.pop("settings", {}), **told, "scope": live().store.config.scopes_of(grant)}
