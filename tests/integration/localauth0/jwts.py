"""Verifies a token twice, by PyJWT and by python-jose, with nothing but the tenant's published keys."""

from __future__ import annotations

from typing import Any

import jwt
import requests
from jose import jwt as jose_jwt

from localauth0 import LocalAuth0

TIMEOUT_S = 30.0


def key_set(tenant: LocalAuth0) -> dict[str, Any]:
    keys: dict[str, Any] = requests.get(f"{tenant.url}/.well-known/jwks.json", timeout=TIMEOUT_S).json()
    return keys


def verified(tenant: LocalAuth0, token: str, *, audience: str) -> dict[str, Any]:
    """The claims, on which both libraries agree."""
    keys = key_set(tenant)
    kid = jwt.get_unverified_header(token)["kid"]
    key = next(key for key in jwt.PyJWKSet.from_dict(keys).keys if key.key_id == kid)
    by_pyjwt: dict[str, Any] = jwt.decode(
        token, key.key, algorithms=["RS256"], audience=audience, issuer=tenant.issuer
    )
    by_jose: dict[str, Any] = jose_jwt.decode(
        token, keys, algorithms=["RS256"], audience=audience, issuer=tenant.issuer
    )
    assert by_pyjwt == by_jose
    return by_pyjwt
