"""The value of HASURA_GRAPHQL_JWT_SECRET for an Auth0 tenant.

Source: Hasura docs, "Authentication using JWT"; Auth0 publishes its keys at /.well-known/jwks.json.
"""

from __future__ import annotations

import json
from urllib.parse import urlsplit

from frontdesk.errors import UsageError

DEFAULT_CLAIMS_NAMESPACE = "https://hasura.io/jwt/claims"


def jwt_secret(*, issuer: str, audience: str, claims_namespace: str = DEFAULT_CLAIMS_NAMESPACE) -> str:
    """Return the secret as one line of JSON: keys by URL, so that Auth0 can rotate them.

    `issuer` is compared with the token's `iss` letter by letter and Auth0's ends in a slash; one is added when it is
    missing. Raises UsageError without an audience: Hasura would take tokens of every API of the tenant.
    """
    parts = urlsplit(issuer)
    if parts.scheme not in ("https", "http") or not parts.netloc or parts.query or parts.fragment:
        raise UsageError(f"issuer: expected a URL such as https://acme.eu.auth0.com/, got {issuer!r}")
    if not audience.strip():
        raise UsageError("audience: expected the identifier of the API that access tokens are requested for")
    issuer = issuer.rstrip("/") + "/"
    secret = {"jwk_url": f"{issuer}.well-known/jwks.json", "audience": audience, "issuer": issuer}
    if claims_namespace != DEFAULT_CLAIMS_NAMESPACE:
        secret["claims_namespace"] = claims_namespace
    return json.dumps(secret)
