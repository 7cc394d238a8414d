"""What kind of token it is, as far as its claims tell: for people, for machines, or an ID token.

Source: Auth0 docs, "Access Token Profiles" and "ID Token Structure"; OpenID Connect Core 1.0, section 2; the providers'
own docs where an ID token is what they mean for Hasura (Firebase, Cognito).
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from frontdesk.hasura.token_doctor.diagnosis import Finding, lenient, ok, warning
from frontdesk.hasura.token_doctor.jws import JWE_PARTS, PARTS, Jws

_OF_ID_TOKENS = ("at_hash", "c_hash", "s_hash", "nonce")
_OF_ACCESS_TOKENS = ("scope", "scp", "azp", "permissions", "client_id")


class Kind(StrEnum):
    """The kind of a text that should be a token."""

    ACCESS_TOKEN = "access token"  # noqa: S105 - a kind, no token
    MACHINE_TOKEN = "machine token"  # noqa: S105
    ID_TOKEN = "ID token"  # noqa: S105
    ENCRYPTED = "JWE"
    OPAQUE = "opaque token"
    GARBAGE = "no token"


def kind_of(token: Jws) -> Kind:
    """Return the kind. A JWT that shows no sign of another kind is an access token."""
    parts = token.text.count(".") + 1
    if parts == JWE_PARTS:
        return Kind.ENCRYPTED
    if parts != PARTS:
        return Kind.OPAQUE if parts == 1 and token.text else Kind.GARBAGE
    if token.header is None:
        return Kind.GARBAGE
    if token.claims is None:
        return Kind.ACCESS_TOKEN
    return _of_claims(token.header, token.claims)


def _of_claims(header: Mapping[str, Any], claims: Mapping[str, Any]) -> Kind:
    subject = claims.get("sub")
    if claims.get("gty") == "client-credentials" or (
        isinstance(subject, str) and subject.endswith("@clients")
    ):
        return Kind.MACHINE_TOKEN
    return Kind.ID_TOKEN if _is_id_token(header, claims) else Kind.ACCESS_TOKEN


def _is_id_token(header: Mapping[str, Any], claims: Mapping[str, Any]) -> bool:
    if header.get("typ") in ("at+jwt", "application/at+jwt") or claims.get("typ") == "Bearer":
        return False
    # With these two providers the ID token is the credential; there is no other JWT with custom claims.
    if "firebase" in claims or claims.get("token_use") == "id":
        return False
    if any(name in claims for name in _OF_ID_TOKENS):
        return True
    return "sid" in claims and not any(name in claims for name in _OF_ACCESS_TOKENS)


def check_kind(token: Jws, kind: Kind) -> Finding | None:
    """Return what is to be said of the kind; None where the form says it already."""
    if kind is Kind.ID_TOKEN:
        says = "this is an ID token, which is for the application and not for an API"
        return lenient(
            "kind", says, "send the access token instead, and set audience to your API's identifier"
        )
    if kind is Kind.MACHINE_TOKEN:
        return ok("kind", "a machine token (client credentials): no user, and no post-login Action ran")
    if kind is Kind.ACCESS_TOKEN and token.claims is not None:
        return ok("kind", "an access token")
    if kind is Kind.OPAQUE:
        return warning("kind", "an opaque token, which only its issuer can read")
    return None
