"""`/.well-known/*`: where everything is, and the keys."""

from __future__ import annotations

from typing import Any

from flask import Blueprint

from localauth0.routes.http import live

blueprint = Blueprint("discovery", __name__)


@blueprint.get("/.well-known/openid-configuration")
def openid_configuration() -> dict[str, Any]:
    """Only what localauth0 does: a client that reads this document is not led to what is missing."""
    url = live().url
    return {
        "issuer": live().issuer,
        "authorization_endpoint": f"{url}/authorize",
        "token_endpoint": f"{url}/oauth/token",
        "device_authorization_endpoint": f"{url}/oauth/device/code",
        "userinfo_endpoint": f"{url}/userinfo",
        "jwks_uri": f"{url}/.well-known/jwks.json",
        "end_session_endpoint": f"{url}/oidc/logout",
        "scopes_supported": [
            "openid", "profile", "offline_access", "name", "given_name", "family_name", "nickname", "email",
            "email_verified", "picture", "created_at", "identities", "phone", "address",
        ],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "code_challenge_methods_supported": ["S256"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        "claims_supported": [
            "aud", "auth_time", "created_at", "email", "email_verified", "exp", "family_name", "given_name", "iat",
            "identities", "iss", "name", "nickname", "phone_number", "picture", "sub",
        ],
        "request_uri_parameter_supported": False,
        "request_parameter_supported": False,
    }  # fmt: skip


@blueprint.get("/.well-known/jwks.json")
def jwks() -> dict[str, Any]:
    return live().keys.jwks()
