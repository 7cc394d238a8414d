"""Is the token signed by the one that Hasura trusts? Every key is tried; the key id only explains a failure."""

from __future__ import annotations

from collections.abc import Iterator

from frontdesk.hasura.token_doctor.diagnosis import (
    Finding,
    fault,
    invalid_jwt,
    lenient,
    listed,
    ok,
    shown,
    unseen,
    warning,
)
from frontdesk.hasura.token_doctor.jws import UNSIGNED, Jws
from frontdesk.hasura.token_doctor.keys import KeySet

_WRONG = "JWSError JWSInvalidSignature"


def check_signature(token: Jws, keys: KeySet | None, why_unseen: str) -> Iterator[Finding]:
    """Give what is to be said of the signature. Without keys it could not be seen, for the reason given."""
    algorithm = token.algorithm
    if algorithm is None or token.signature is None:
        return
    if algorithm == UNSIGNED:
        says = 'the token is not signed (its algorithm is "none")'
        yield fault(
            "signature",
            invalid_jwt("JWSError JWSNoSignatures"),
            says,
            "change the issuer's algorithm to RS256",
        )
    elif keys is None:
        yield unseen("signature", why_unseen)
    elif not keys.keys:
        says = f"Hasura has no key that verifies tokens: {keys.origin} holds none"
        fix = "change jwk_url in HASURA_GRAPHQL_JWT_SECRET to the issuer's key set"
        yield fault("signature", invalid_jwt("JWSError NoUsableKeys"), says, fix)
    else:
        yield from _verified(token, algorithm, token.signature, keys)


def _verified(token: Jws, algorithm: str, signature: bytes, keys: KeySet) -> Iterator[Finding]:
    key = next((each for each in keys.keys if each.verifies(token.signed, algorithm, signature)), None)
    if key is None:
        yield _not_verified(token, algorithm, keys)
        return
    named = "" if key.kid is None else f", key id {shown(key.kid)}"
    yield ok("signature", f"{algorithm}, made with {keys.origin}{named}")
    kid = (token.header or {}).get("kid")
    if key.kid is not None and kid != key.kid:
        yield warning(
            "key id",
            f"the token names the key {shown(kid)} and is signed with {shown(key.kid)}; Hasura tries all keys, other "
            "services refuse it",
        )
    if isinstance(key.key, bytes) and keys.is_published:
        yield lenient(
            "signature",
            "the key set publishes a shared secret, with which anybody can sign tokens",
            "change the key set: it may hold public keys only",
        )


def _not_verified(token: Jws, algorithm: str, keys: KeySet) -> Finding:
    kinds = sorted({key.kind for key in keys.keys})
    if not any(algorithm in key.algorithms for key in keys.keys):
        fix = (
            "change the signing algorithm of the API in Auth0 to RS256"
            if algorithm.startswith("HS")
            else "change the key in HASURA_GRAPHQL_JWT_SECRET to the issuer's"
        )
        says = f"the token is signed with {algorithm}, and {keys.origin} has {' and '.join(kinds)} keys only"
        return fault("algorithm", invalid_jwt(_WRONG), says, fix)
    kid = (token.header or {}).get("kid")
    if keys.ids and kid not in keys.ids:
        says = f"its key id {shown(kid)} is not in {keys.origin} (there: {listed(keys.ids)})"
        fix = (
            "change jwk_url in HASURA_GRAPHQL_JWT_SECRET to the key set of the tenant that issued the token, or get a "
            "new token if that key was revoked"
        )
        return fault("key id", invalid_jwt(_WRONG), says, fix)
    says = f"its signature was not made with {keys.origin}"
    fix = (
        "copy the token again, it was changed after it was signed"
        if keys.ids
        else "change the key in HASURA_GRAPHQL_JWT_SECRET to the issuer's, or copy the token again if it was changed"
    )
    return fault("signature", invalid_jwt(_WRONG), says, fix)
