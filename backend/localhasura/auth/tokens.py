"""Verification of a token: signature with the keys at hand, then the standard claims, as Hasura does both.

The texts are those of hs-jose, which Hasura uses; the order of the checks is its order too: the parts, the header, the
claims' JSON, the signature, then exp, iat, nbf, iss and aud. Before all that Hasura looks at the issuer, unverified, to
find the configuration that the token belongs to.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NoReturn

import jwt
from jwt.exceptions import PyJWTError
from jwt.utils import base64url_decode

from localhasura.auth.jwt_secret import JwtSecret
from localhasura.auth.keys import Key, algorithms_for
from localhasura.errors import EngineError

_ALGORITHMS = jwt.PyJWS(algorithms=None)
_PARTS = 3
_UNSIGNED = "none"
_KNOWN = {
    *(f"{family}{bits}" for family in ("HS", "RS", "PS", "ES") for bits in ("256", "384", "512")),
    *("ES256K", "EdDSA", _UNSIGNED),
}


def verified_claims(token: str, keys: Sequence[Key], secret: JwtSecret, now: float) -> dict[str, Any]:
    """Return the token's claims; raises `invalid-jwt`. `kid` and the secret's `type` choose nothing."""
    parts = token.split(".")
    if len(parts) != _PARTS:
        raise _invalid(
            f"JWSError (CompactDecodeError Invalid number of parts: Expected {_PARTS} parts; got {len(parts)})"
        )
    header, claims = _json_object(parts[0], "header"), _json_object(parts[1], "claims")
    _check_issuer(claims, secret)
    algorithm = header.get("alg")
    if not isinstance(algorithm, str) or algorithm not in _KNOWN:
        _refuse_json("alg", "an algorithm")
    _check_kinds(claims)
    if algorithm == _UNSIGNED:
        raise _invalid("JWSError JWSNoSignatures")
    if not keys:
        raise _invalid("JWSError NoUsableKeys")
    if not any(_is_signed_with(key, token, algorithm) for key in keys):
        raise _invalid("JWSError JWSInvalidSignature")
    _check_times(claims, secret.allowed_skew_s, now)
    _check_audience(claims, secret)
    return claims


def _json_object(part: str, what: str) -> dict[str, Any]:
    try:
        value = json.loads(base64url_decode(part), parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise _invalid(f'JWSError (JSONDecodeError "the {what} cannot be decoded")') from None
    if not isinstance(value, dict):
        raise _invalid(f'JWSError (JSONDecodeError "the {what} is not an object")')
    return value


def _refuse_constant(name: str) -> NoReturn:
    """NaN is no JSON; as an `exp` it would never be reached."""
    raise ValueError(name)


def _is_signed_with(key: Key, token: str, algorithm: str) -> bool:
    if algorithm not in algorithms_for(key):
        return False
    try:
        _ALGORITHMS.decode_complete(token, key, algorithms=[algorithm])
    except (PyJWTError, ValueError):
        return False
    return True


def _check_kinds(claims: dict[str, Any]) -> None:
    """Refuse standard claims of the wrong kind: the claims are no claims then, whatever signs them."""
    for name in ("exp", "nbf", "iat"):
        value = claims.get(name)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
            _refuse_json(name, "a number")
    listed = claims.get("aud")
    for each in listed if isinstance(listed, list) else [listed]:
        if each is not None and not isinstance(each, str):
            _refuse_json("aud", "a string")
    if not isinstance(claims.get("iss"), str | None):
        _refuse_json("iss", "a string")


def _check_times(claims: dict[str, Any], skew_s: int, now: float) -> None:
    expires, issued, not_before = claims.get("exp"), claims.get("iat"), claims.get("nbf")
    if expires is not None and now >= expires + skew_s:
        raise _invalid("JWTExpired")
    if issued is not None and issued > now + skew_s:
        raise _invalid("JWTIssuedAtFuture")
    if not_before is not None and now < not_before - skew_s:
        raise _invalid("JWTNotYetValid")


def _check_audience(claims: dict[str, Any], secret: JwtSecret) -> None:
    given = claims.get("aud")
    if secret.audience is None or given is None:
        return
    if not any(each in secret.audience for each in (given if isinstance(given, list) else [given])):
        raise _invalid("JWTNotInAudience")


def _check_issuer(claims: dict[str, Any], secret: JwtSecret) -> None:
    given = claims.get("iss")
    if secret.issuer is not None and isinstance(given, str) and given != secret.issuer:
        raise _invalid("JWTNotInIssuer")


def _refuse_json(name: str, expected: str) -> NoReturn:
    raise _invalid(f'JWSError (JSONDecodeError "{name}: expected {expected}")')


def _invalid(reason: str) -> EngineError:
    return EngineError("invalid-jwt", f"Could not verify JWT: {reason}")
