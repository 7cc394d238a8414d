"""`/resource-servers`: the tenant's APIs, and its own Management API among them.

Source: the Management OpenAPI, `/resource-servers`; recorded traffic of the Go SDK.
"""

from __future__ import annotations

from copy import deepcopy
from typing import Annotated, Any, Literal

from flask import Response, jsonify, request
from pydantic import Field, StringConstraints

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
    selected,
)
from localauth0.routes.http import live
from localauth0.tenant import ResourceServer, TokenDialect

blueprint = management_blueprint("resource_servers")

_MEMBERS = frozenset(
    {
        "identifier", "name", "token_lifetime", "allow_offline_access", "enforce_policies", "token_dialect",
    }
)  # fmt: skip
_DEFAULTS: Document = {
    "signing_alg": "RS256",
    "token_lifetime_for_web": 7200,
    "skip_consent_for_verifiable_first_party_clients": False,
}


class _Scope(Body):
    value: Annotated[str, StringConstraints(min_length=1, max_length=280)]
    description: Annotated[str, StringConstraints(max_length=500)] | None = None


class _Change(Body):
    name: Annotated[str, StringConstraints(max_length=200, pattern=r"^[^<>]*$")] | None = None
    scopes: list[_Scope] | None = None
    token_lifetime: Annotated[int, Field(ge=0, le=2_592_000)] | None = None
    allow_offline_access: bool | None = None
    enforce_policies: bool | None = None
    token_dialect: TokenDialect | None = None
    signing_alg: Literal["HS256", "RS256", "RS512", "PS256"] | None = None
    signing_secret: Annotated[str, StringConstraints(min_length=16)] | None = None
    token_lifetime_for_web: int | None = None
    token_lifetime_for_anonymous_access_tokens: int | None = None
    skip_consent_for_verifiable_first_party_clients: bool | None = None
    allow_online_access: bool | None = None
    allow_online_access_with_ephemeral_sessions: bool | None = None
    access_token: Any = None
    token_encryption: dict[str, Any] | None = None
    consent_policy: str | None = None
    require_consent_non_repudiation: bool | None = None
    authorization_details: list[Any] | None = None
    authorization_policy: Any = None
    proof_of_possession: dict[str, Any] | None = None
    subject_type_authorization: dict[str, Any] | None = None

    def record_values(self, settings: Document) -> Document:
        """The values of the record, over the settings that it had; null removes a setting."""
        given = self.sent()
        told = {key: value for key, value in given.items() if key not in _MEMBERS | {"scopes"}}
        merged = {key: value for key, value in {**settings, **told}.items() if value is not None}
        values = {key: value for key, value in given.items() if key in _MEMBERS and value is not None}
        if self.scopes is not None:
            values["scopes"] = [scope.value for scope in self.scopes]
            described = {
                scope.value: scope.description for scope in self.scopes if scope.description is not None
            }
            values["scope_descriptions"] = described
        return {**values, "settings": merged}


class _Creation(_Change):
    identifier: Annotated[str, StringConstraints(min_length=1, max_length=600)]


@blueprint.get("/resource-servers")
@scoped("read:resource_servers")
def list_resource_servers() -> Response:
    wanted = request.args.getlist("identifiers")
    apis = [api for api in live().store.config.resource_servers if not wanted or api.identifier in wanted]
    return page_of([_document(api) for api in apis], "resource_servers", checkpoint=True)


@blueprint.post("/resource-servers")
@scoped("create:resource_servers")
def create_resource_server() -> tuple[Response, int]:
    body = body_of(_Creation)
    store = live().store
    with store.lock:
        if store.config.resource_server(body.identifier) is not None:
            raise conflict(f"A resource server with the identifier {body.identifier} already exists.")
        api = _checked(ResourceServer(**body.record_values({})))
        store.put("resource_servers", api)
    return jsonify(_document(api)), 201


# An API goes by its id or by its identifier, which may hold slashes.
@blueprint.get("/resource-servers/<path:name>")
@scoped("read:resource_servers")
def get_resource_server(name: str) -> Response:
    return jsonify(selected(_document(_api(name))))


@blueprint.patch("/resource-servers/<path:name>")
@scoped("update:resource_servers")
def change_resource_server(name: str) -> Response:
    """Everything but the identifier; a sent list of scopes replaces the one before."""
    body = body_of(_Change)
    store = live().store
    with store.lock:
        api = _own_api(name)
        changed = _checked(api.model_copy(update=body.record_values(api.settings)))
        store.put("resource_servers", changed, replacing=api)
    return jsonify(_document(changed))


@blueprint.delete("/resource-servers/<path:name>")
@scoped("delete:resource_servers")
def delete_resource_server(name: str) -> tuple[str, int]:
    """The grants for it go with it."""
    store = live().store
    with store.lock:
        known = {one.identifier for one in store.config.resource_servers if name in (one.id, one.identifier)}
        for identifier in known:
            _own_api(identifier)
        store.drop("client_grants", lambda one: one.audience in known)
        store.drop("resource_servers", lambda one: one.identifier in known)
    return "", 204


def _api(name: str) -> ResourceServer:
    apis = live().store.config.resource_servers
    found = next((one for one in apis if name in (one.id, one.identifier)), None)
    if found is None:
        raise not_found("The resource server does not exist")
    return found


def _own_api(name: str) -> ResourceServer:
    """An API that the tenant made itself, and may change."""
    api = _api(name)
    if api.is_system:
        raise ManagementError(400, "The system API cannot be changed or deleted.", "operation_not_supported")
    return api


def _checked(api: ResourceServer) -> ResourceServer:
    if len(set(api.scopes)) != len(api.scopes):
        raise invalid_body("Payload validation error: 'Array items are not unique' on property scopes.")
    return api


def _document(api: ResourceServer) -> Document:
    """The API as Auth0 shows it; what nobody told and has no default is absent."""
    told = api.model_dump(exclude_unset=True)
    document = {
        "id": api.id,
        "allow_offline_access": api.allow_offline_access,
        "token_lifetime": api.token_lifetime,
        **_DEFAULTS,
        **_without_key(deepcopy(api.settings)),
        **{key: value for key, value in told.items() if key in _MEMBERS},
    }
    if "scopes" in told:
        document["scopes"] = [_scope(api, value) for value in api.scopes]
    return {**document, "is_system": True} if api.is_system else document


def _scope(api: ResourceServer, value: str) -> Document:
    description = api.scope_descriptions.get(value)
    return {"value": value} if description is None else {"value": value, "description": description}


def _without_key(settings: Document) -> Document:
    """The key that tokens are encrypted with is known by its name only."""
    key = settings.get("token_encryption", {}).get("encryption_key")
    if isinstance(key, dict):
        key.pop("pem", None)
    return settings
