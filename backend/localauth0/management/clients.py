"""`/clients`: the tenant's applications. One that is made here can log in at once.

Source: the Management OpenAPI, `/clients`; recorded traffic of the Go SDK.
"""

from __future__ import annotations

import secrets
from copy import deepcopy

from flask import Response, jsonify, request
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

from localauth0.errors import NotImplementedHere
from localauth0.live import LiveTenant
from localauth0.management.client_body import MAX_METADATA_KEYS, ClientChange, ClientCreation
from localauth0.management.http import (
    Document,
    body_of,
    caller_scopes,
    invalid_body,
    management_blueprint,
    not_found,
    page_of,
    query_flag,
    scoped,
    selected,
)
from localauth0.routes.http import live
from localauth0.store import iso_ms
from localauth0.tenant import Client, random_id

blueprint = management_blueprint("clients")

_SECRET_BYTES = 48  # 64 characters, as Auth0 makes them
# What only a token with one of these scopes gets to see.
_KEY_SCOPES = frozenset({"read:client_keys", "read:client_credentials"})
_KEYS = ("client_secret", "signing_keys", "encryption_key")
_INTERACTIVE_GRANTS = ["authorization_code", "implicit", "refresh_token"]
_DEFAULTS: Document = {
    "is_first_party": True,
    "is_token_endpoint_ip_header_trusted": False,
    "oidc_conformant": False,
    "sso_disabled": False,
    "cross_origin_authentication": False,
    "custom_login_page_on": True,
}
_JWT_DEFAULTS: Document = {"secret_encoded": False}
_REFRESH_TOKEN_DEFAULTS: Document = {
    "rotation_type": "non-rotating",
    "expiration_type": "non-expiring",
    "leeway": 0,
    "token_lifetime": 2_592_000,
    "infinite_token_lifetime": True,
    "infinite_idle_token_lifetime": True,
    "idle_token_lifetime": 1_296_000,
}


@blueprint.get("/clients")
@scoped("read:clients", "read:client_keys", "read:client_credentials", "read:client_summary")
def list_clients() -> Response:
    if "q" in request.args:
        raise NotImplementedHere("the parameter q of GET /api/v2/clients")
    documents = [_shown(live(), client) for client in live().store.config.clients]
    return page_of(
        [one for one in documents if _is_asked_for(one)], "clients", id_key="client_id", checkpoint=True
    )


def _is_asked_for(document: Document) -> bool:
    kinds = request.args.get("app_type", "")
    first_party = query_flag("is_first_party", otherwise=document["is_first_party"])
    of_the_tenant = not query_flag("is_global", otherwise=False)
    return (
        of_the_tenant
        and document["is_first_party"] == first_party
        and (not kinds or document.get("app_type") in kinds.split(","))
    )


@blueprint.post("/clients")
@scoped("create:clients")
def create_client() -> tuple[Response, int]:
    body = body_of(ClientCreation)
    settings = {key: value for key, value in body.settings().items() if value is not None}
    members = {key: value for key, value in body.members().items() if value is not None}
    members["metadata"] = _merged_metadata({}, members.get("metadata", {}))
    _name_keys(settings, iso_ms(live().now()))
    client = Client(
        client_id=random_id("", 32),
        client_secret=secrets.token_urlsafe(_SECRET_BYTES),
        settings=settings,
        **{"grant_types": _default_grants(body), **members},
    )
    live().store.put("clients", client)
    document = _document(live(), client)
    return jsonify({key: value for key, value in document.items() if key not in ("tenant", "global")}), 201


@blueprint.get("/clients/<client_id>")
@scoped("read:clients", "read:client_keys", "read:client_credentials", "read:client_summary")
def get_client(client_id: str) -> Response:
    return jsonify(selected(_shown(live(), _client(client_id))))


@blueprint.patch("/clients/<client_id>")
@scoped("update:clients", "update:client_keys", "update:client_credentials")
def change_client(client_id: str) -> Response:
    """Metadata is merged key by key; anything else that is sent is replaced, and null removes it."""
    body = body_of(ClientChange)
    store = live().store
    with store.lock:
        client = _client(client_id)
        members = body.members()
        if "metadata" in members:
            members["metadata"] = _merged_metadata(client.metadata, members["metadata"] or {})
        settings = {**client.settings, **body.settings()}
        settings = {key: value for key, value in settings.items() if value is not None}
        if "client_authentication_methods" in body.settings():
            _name_keys(settings, iso_ms(live().now()))
        told = client.model_dump(exclude_unset=True) | members | {"settings": settings}
        changed = Client(**{key: value for key, value in told.items() if value is not None})
        store.put("clients", changed, replacing=client)
    return jsonify(_document(live(), changed))


@blueprint.post("/clients/<client_id>/rotate-secret")
@scoped("update:client_keys", "update:client_credentials")
def rotate_secret(client_id: str) -> Response:
    """From now on only the new secret counts."""
    store = live().store
    with store.lock:
        client = _client(client_id)
        changed = client.model_copy(update={"client_secret": secrets.token_urlsafe(_SECRET_BYTES)})
        store.put("clients", changed, replacing=client)
    return jsonify(_document(live(), changed))


@blueprint.delete("/clients/<client_id>")
@scoped("delete:clients")
def delete_client(client_id: str) -> tuple[str, int]:
    """Its grants go with it."""
    store = live().store
    with store.lock:
        store.drop("clients", lambda one: one.client_id == client_id)
        store.drop("client_grants", lambda one: one.client_id == client_id)
    return "", 204


def _client(client_id: str) -> Client:
    found = live().store.config.client(client_id)
    if found is None:
        raise not_found("The client does not exist", "inexistent_client")
    return found


def _default_grants(body: ClientCreation) -> list[str]:
    """The grants of an application that names none: a public one has no client credentials."""
    is_public = body.app_type in ("spa", "native") or body.token_endpoint_auth_method == "none"  # noqa: S105
    return _INTERACTIVE_GRANTS if is_public else [*_INTERACTIVE_GRANTS, "client_credentials"]


def _merged_metadata(before: dict[str, str], changes: dict[str, str | None]) -> dict[str, str]:
    merged = {key: value for key, value in {**before, **changes}.items() if value is not None}
    if len(merged) > MAX_METADATA_KEYS:
        raise invalid_body(f"client_metadata has more than {MAX_METADATA_KEYS} properties.")
    return merged


def _name_keys(settings: Document, now: str) -> None:
    """Put in the place of each public key what Auth0 shows of it. Raises ManagementError."""
    method = settings.get("client_authentication_methods", {}).get("private_key_jwt")
    if method is None:
        return
    credentials = [dict(credential) for credential in method["credentials"]]
    for credential in credentials:
        pem = credential.pop("pem", None)
        if pem is None:
            continue
        try:
            kid = RSAKey.import_key(str(pem)).thumbprint()
        except (ValueError, JoseError) as err:
            raise invalid_body("The public key of a credential cannot be read.") from err
        named = {"id": random_id("cred_", 22), "kid": kid, "created_at": now, "updated_at": now}
        credential.update({"alg": "RS256", **credential, **named})
    settings["client_authentication_methods"] = {"private_key_jwt": {"credentials": credentials}}


def _shown(tenant: LiveTenant, client: Client) -> Document:
    """The application as the caller may see it."""
    document = _document(tenant, client)
    if caller_scopes() & _KEY_SCOPES:
        return document
    return {key: value for key, value in document.items() if key not in _KEYS}


def _document(tenant: LiveTenant, client: Client) -> Document:
    """The application as Auth0 shows it: what was told, over the defaults; what nobody told is absent."""
    told = client.model_dump(exclude_unset=True, exclude_none=True)
    settings = deepcopy(told.pop("settings", {}))
    metadata = told.pop("metadata", {})
    document: Document = {
        "tenant": tenant.store.config.tenant,
        "global": False,
        **_DEFAULTS,
        **settings,
        **told,
        "grant_types": client.grants,
        "jwt_configuration": {**_JWT_DEFAULTS, **settings.get("jwt_configuration", {})},
        "refresh_token": {**_REFRESH_TOKEN_DEFAULTS, **settings.get("refresh_token", {})},
        "signing_keys": [{"cert": tenant.keys.certificate_pem}],
    }
    return {**document, "client_metadata": metadata} if metadata else document
