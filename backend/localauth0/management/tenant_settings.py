"""The tenant itself: its settings, to read, and its signing keys, to read and to rotate.

Source: the Management OpenAPI, `/tenants/settings`, `/keys/signing`.
"""

from __future__ import annotations

from flask import Response, jsonify

from localauth0.keys import PublishedKey
from localauth0.management.http import Document, management_blueprint, not_found, scoped, selected
from localauth0.routes.http import live

blueprint = management_blueprint("tenant_settings")

_ACTIONS_RUNTIME = "22"


@blueprint.get("/tenants/settings")
@scoped("read:tenant_settings")
def get_settings() -> Response:
    """Only the settings that have an effect here."""
    store = live().store
    databases = [connection.name for connection in store.config.connections if connection.is_database]
    settings: Document = {
        "allowed_logout_urls": store.config.allowed_logout_urls,
        "enabled_locales": ["en"],
        "flags": {},
        "sandbox_version": _ACTIONS_RUNTIME,
        "sandbox_versions_available": [_ACTIONS_RUNTIME],
        "session_lifetime": store.lifetimes.session.total_seconds() / 3600,
    }
    if databases:
        settings["default_directory"] = databases[0]
    return jsonify(selected(settings))


@blueprint.get("/keys/signing")
@scoped("read:signing_keys")
def list_signing_keys() -> Response:
    return jsonify([_document(key) for key in live().keys.published()])


@blueprint.get("/keys/signing/<kid>")
@scoped("read:signing_keys")
def get_signing_key(kid: str) -> Response:
    found = next((key for key in live().keys.published() if key.kid == kid), None)
    if found is None:
        raise not_found("The signing key does not exist")
    return jsonify(_document(found))


@blueprint.post("/keys/signing/rotate")
@scoped("create:signing_keys", "update:signing_keys")
def rotate_signing_keys() -> tuple[Response, int]:
    """Let the next key sign; the answer tells of the key that is next now."""
    live().keys.rotate()
    following = next(key for key in live().keys.published() if key.is_next)
    return jsonify(cert=following.certificate_pem, kid=following.kid), 201


def _document(key: PublishedKey) -> Document:
    document: Document = {
        "kid": key.kid,
        "cert": key.certificate_pem,
        "fingerprint": ":".join(key.thumbprint[at : at + 2] for at in range(0, len(key.thumbprint), 2)),
        "thumbprint": key.thumbprint,
        "revoked": False,
    }
    state = "current" if key.is_current else "next" if key.is_next else "previous"
    return {**document, state: True}
