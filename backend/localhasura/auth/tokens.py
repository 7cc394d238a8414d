"""Verification of a token: signature with the keys at hand, then the standard claims, as Hasura does both.

The texts are those of hs-jose, which Hasura uses; the order of the checks is its order too: the parts, the header, the
claims' JSON, the signature, then exp, iat, nbf and aud. The issuer is looked at before all that, unverified, to find
the configuration that the token belongs to.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any, NoReturn

from jwt.algorithms import get_default_algorithms
from jwt.exceptions import PyJWTError
from jwt.utils import base64url_decode

from localhasura.auth.jwt_secret import JwtSecret
from localhasura.auth.keys import Key, algorithms_for
from localhasura.errors import EngineError

_PARTS = 3
_UNSIGNED = "none"
_KNOWN = {
    *(f"{family}{bits}" for family in ("HS", "RS", "PS", "ES") for bits in ("256", "384", "512")),
    *("ES256K", "EdDSA", _UNSIGNED),
}
_ALGORITHMS = {name: how for name, how in get_default_algorithms().items() if name in _KNOWN - {_UNSIGNED}}
_BASE64URL = re.compile("[A-Za-z0-9_-]*")
_TIMES, _TEXTS = ("exp", "nbf", "iat"), ("iss", "sub", "jti")


class _NoClaimsError(ValueError):
    """A part of a token is no JSON object, or not of the right kind."""


def not_in_issuer() -> EngineError:
    """Return the error of a token that names another issuer than the configured one."""
    return _invalid("JWTNotInIssuer")


def issuer_of(token: str) -> str | None:
    """Return the issuer that a token names, whoever signed it; None when it names none or is no token."""
    parts = token.split(".")
    try:
        issuer = _claims(parts[1]).get("iss") if len(parts) == _PARTS else None
    except EngineError:
        return None
    return issuer if isinstance(issuer, str) else None


def verified_claims(token: str, keys: Sequence[Key], secret: JwtSecret, now: float) -> dict[str, Any]:
    """Return the token's claims; raises `invalid-jwt`. `kid` and the secret's `type` choose nothing."""
    parts = token.split(".")
    if len(parts) != _PARTS:
        raise _invalid(
            f"JWSError (CompactDecodeError Invalid number of parts: Expected {_PARTS} parts; got {len(parts)})"
        )
    algorithm, signature = _algorithm(parts[0]), _decoded(parts[2], "signature")
    claims = _claims(parts[1])
    if algorithm == _UNSIGNED:
        raise _invalid("JWSError JWSNoSignatures")
    if not keys:
        raise _invalid("JWSError NoUsableKeys")
    signed = token.rpartition(".")[0].encode()
    if not any(_is_signed_with(key, signed, algorithm, signature) for key in keys):
        raise _invalid("JWSError JWSInvalidSignature")
    _check_times(claims, secret.allowed_skew_s, now)
    _check_audience(claims, secret)
    return claims


def _algorithm(part: str) -> str:
    """Return the algorithm of a token's header."""
    try:
        header = _json_object(_decoded(part, "header"))
    except _NoClaimsError as error:
        raise _undecodable(f"header: {error}") from None
    algorithm = header.get("alg")
    if not isinstance(algorithm, str) or algorithm not in _KNOWN:
        raise _undecodable("alg: expected an algorithm")
    if header.get("crit") is not None:
        raise _undecodable("crit: no extension is understood")
    return algorithm


def _claims(part: str) -> dict[str, Any]:
    """Return a token's claims; standard ones of the wrong kind make them no claims, whoever signed them."""
    raw = _decoded(part, "payload")
    try:
        claims = _json_object(raw)
        _check_kinds(claims)
    except _NoClaimsError as error:
        raise _invalid(f'JWTClaimsSetDecodeError "Error in $: {error}"') from None
    return claims


def _decoded(part: str, what: str) -> bytes:
    # Python's decoder passes over what is no base64.
    if _BASE64URL.fullmatch(part) is None:
        raise _undecodable(f"{what}: not base64url")
    try:
        return base64url_decode(part)
    except ValueError:
        raise _undecodable(f"{what}: not base64url") from None


def _json_object(raw: bytes) -> dict[str, Any]:
    try:
        value = json.loads(raw.decode(), parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise _NoClaimsError("not valid JSON") from None
    if not isinstance(value, dict):
        raise _NoClaimsError("expected an object")
    return value


def _refuse_constant(name: str) -> NoReturn:
    """NaN is no JSON; as an `exp` it would never be reached."""
    raise ValueError(name)


def _is_signed_with(key: Key, signed: bytes, algorithm: str, signature: bytes) -> bool:
    if algorithm not in algorithms_for(key):
        return False
    try:
        # Not through PyJWT's decoding: it minds the length of keys, which Hasura measures by the configured type alone.
        return bool(_ALGORITHMS[algorithm].verify(signed, key, signature))
    except (PyJWTError, ValueError):
        return False


def _check_kinds(claims: dict[str, Any]) -> None:
    for name in _TIMES:
        value = claims.get(name)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
            raise _NoClaimsError(f"{name}: expected a number")
    listed = claims.get("aud")
    for each in listed if isinstance(listed, list) else [listed]:
        if each is not None and not isinstance(each, str):
            raise _NoClaimsError("aud: expected a string")
    for name in _TEXTS:
        if not isinstance(claims.get(name), str | None):
            raise _NoClaimsError(f"{name}: expected a string")


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


def _undecodable(reason: str) -> EngineError:
    return _invalid(f'JWSError (JSONDecodeError "{reason}")')


def _invalid(reason: str) -> EngineError:
    return EngineError("invalid-jwt", f"Could not verify JWT: {reason}")
