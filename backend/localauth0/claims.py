"""The rules for claims that Actions add.

Source: Auth0 docs, "Create Custom Claims": restricted names vanish without an error; only the size fails a login.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import urlsplit

MAX_CUSTOM_CLAIMS_BYTES = 100 * 1024

_RESTRICTED: frozenset[str] = frozenset({
    "acr", "act", "active", "amr", "at_hash", "ath", "attest", "aud", "auth_time", "authorization_details",
    "azp", "c_hash", "client_id", "cnf", "cty", "dest", "entitlements", "events", "exp", "groups", "gty",
    "htm", "htu", "iat", "internalService", "iss", "jcard", "jku", "jti", "jwe", "jwk", "kid", "may_act",
    "mky", "nbf", "nonce", "object_id", "org_id", "org_name", "orig", "origid", "permissions", "roles",
    "rph", "s_hash", "sid", "sip_callid", "sip_cseq_num", "sip_date", "sip_from_tag", "sip_via_branch",
    "sub", "sub_jwk", "toe", "txn", "typ", "uuid", "vot", "vtm", "x5t#S256",
})  # fmt: skip
_REFUSED_DOMAINS = ("auth0.com", "webtask.io", "webtask.run")


class ClaimsTooLarge(Exception):
    """The custom claims of one transaction exceed Auth0's limit."""

    def __init__(self) -> None:
        super().__init__(f"The custom claims exceed the limit of {MAX_CUSTOM_CLAIMS_BYTES // 1024} KB.")


def kept_claims(claims: Mapping[str, Any], *, taken: Collection[str] = ()) -> dict[str, Any]:
    """The custom claims that reach a token; `taken` are names that the token already carries."""
    return {name: value for name, value in claims.items() if is_allowed(name) and name not in taken}


def is_allowed(name: str) -> bool:
    """Whether Auth0 lets an Action set this claim; what it does not let is dropped silently."""
    if name in _RESTRICTED or name == "scope" or name.startswith("urn:auth0"):
        return False
    return not _is_on_refused_domain(name)


def check_size(*claim_sets: Mapping[str, Any]) -> None:
    """Raise ClaimsTooLarge when the custom claims of all tokens together are over the limit."""
    size = sum(
        len(json.dumps(claims, ensure_ascii=False).encode("utf-8", "surrogatepass"))
        for claims in claim_sets
        if claims
    )
    if size > MAX_CUSTOM_CLAIMS_BYTES:
        raise ClaimsTooLarge


def is_namespaced(name: str) -> bool:
    return name.startswith(("https://", "http://"))


def _is_on_refused_domain(name: str) -> bool:
    if not is_namespaced(name):
        return False
    try:
        host = urlsplit(name).hostname or ""
    except ValueError:
        return False
    return any(host == domain or host.endswith(f".{domain}") for domain in _REFUSED_DOMAINS)
