"""The engine's own answer beside the doctor's: the engine is right, and a difference says that it runs with another
configuration than the one that the doctor was given.
"""

from __future__ import annotations

from dataclasses import replace

from frontdesk.hasura.bearer import BearerAnswer
from frontdesk.hasura.token_doctor.diagnosis import (
    Diagnosis,
    Finding,
    Level,
    Refusal,
    fault,
    ok,
    shown,
    warning,
)

_REFUSAL_CODES = (
    "invalid-jwt",
    "jwt-invalid-claims",
    "jwt-missing-role-claims",
    "invalid-headers",
    "access-denied",
)
_OTHER_KEYS = "change jwk_url or key in the HASURA_GRAPHQL_JWT_SECRET that it runs with, and restart it"
# What the engine's words mean when its configuration could not be seen.
_MEANINGS = (
    ("JWSInvalidSignature", "none of its keys has signed the token", _OTHER_KEYS),
    ("NoUsableKeys", "it has no key", _OTHER_KEYS),
    (
        "JWTNotInAudience",
        "it expects another audience than the token's",
        "change audience there, or ask for its",
    ),
    ("JWTNotInIssuer", "it expects another issuer than the token's", "change issuer there, to the slash"),
    ("JWTExpired", "the token has expired by its clock", "get a new token, or set its clock right"),
    ("JWTIssuedAtFuture", "the token is from the future by its clock", "set its clock right"),
    ("JWTNotYetValid", "the token is not valid yet by its clock", "set its clock right"),
    ("Malformed Authorization", "it finds no bearer token", "send Authorization: Bearer <token>"),
    (
        "Missing",
        "it reads tokens from another header",
        "send the token where `header` in its configuration says",
    ),
    ("not found", "it looks for its claims elsewhere", "change claims_namespace there, or the Action"),
    (
        "admin-secret",
        "it runs without HASURA_GRAPHQL_JWT_SECRET",
        "set it to what `frontdesk jwt-secret` prints",
    ),
)


def refusal_in(answer: BearerAnswer) -> Refusal | None:
    """Return why the engine did not take the token; None when it did, whatever became of the query."""
    code, message = answer.code, answer.message
    if code not in _REFUSAL_CODES:
        return None
    return Refusal(code, message)


def compared(found: Diagnosis, answer: BearerAnswer, url: str) -> Diagnosis:
    """Return the diagnosis with the running engine's verdict in place of the doctor's own."""
    refusal = refusal_in(answer)
    if refusal == found.refusal:
        says = "takes the token too" if refusal is None else "answers the same"
        return replace(found, findings=(*found.findings, ok("engine", f"Hasura at {url} {says}")))
    if refusal is None:
        return replace(found, findings=(*map(_overruled, found.findings), _takes_it(url)))
    return replace(found, findings=(_refused(refusal, url), *found.findings))


def _overruled(found: Finding) -> Finding:
    return found if found.refusal is None else replace(found, level=Level.WARNING, refusal=None)


def _takes_it(url: str) -> Finding:
    says = f"Hasura at {url} takes the token, so it runs with another configuration than the one looked at"
    return warning("engine", says, "restart it with the value of `frontdesk jwt-secret`")


def _refused(refusal: Refusal, url: str) -> Finding:
    says = f"Hasura at {url} says {shown(refusal.message)}"
    for words, meaning, fix in _MEANINGS:
        if words in refusal.message:
            return fault("engine", refusal, f"{says}: {meaning}", fix)
    return fault("engine", refusal, says, "compare its HASURA_GRAPHQL_JWT_SECRET with `frontdesk jwt-secret`")


def explained(answer: BearerAnswer, found: Diagnosis | None) -> str:
    """Return what an error of a query means for the holder of the token, who was let in or not."""
    refusal = refusal_in(answer)
    if refusal is not None:
        return f"{_refused(refusal, 'this URL').says}."
    role = "the token's role" if found is None or found.role is None else f"the role {shown(found.role)}"
    if answer.code == "validation-failed" and "not found in type" in answer.message:
        return (
            f"Hasura took the token, and {role} does not see what the query asks for: look for a typo, a table that is "
            f"not tracked, or a missing permission of {role}."
        )
    if answer.code == "permission-error":
        return f"Hasura took the token, and a permission of {role} forbids this."
    return f"Hasura took the token as {role}; the error is the query's."
