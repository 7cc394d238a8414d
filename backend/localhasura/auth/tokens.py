"""Verification of a token: signature with the keys at hand, then the standard claims, as Hasura does both."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import jwt
from jwt.exceptions import DecodeError, InvalidKeyError, InvalidSignatureError, PyJWTError

from localhasura.auth.jwt_secret import JwtSecret
from localhasura.auth.keys import Key, algorithms_for
from localhasura.errors import EngineError

_ALGORITHMS = jwt.PyJWS(algorithms=None)


def verified_claims(token: str, keys: Sequence[Key], secret: JwtSecret, now: float) -> dict[str, Any]:
    """Return the token's claims; raises `invalid-jwt`. `kid` and the secret's `type` choose nothing."""
    if not keys:
        raise _invalid("JWSError NoUsableKeys")
    payload = _verified_payload(token, keys)
    try:
        claims = json.loads(payload)
    except ValueError:
        raise _invalid('JWSError (JSONDecodeError "the claims are not JSON")') from None
    if not isinstance(claims, dict):
        raise _invalid('JWSError (JSONDecodeError "the claims are not an object")')
    _check_times(claims, secret.allowed_skew_s, now)
    _check_audience(claims, secret)
    _check_issuer(claims, secret)
    return claims


def _verified_payload(token: str, keys: Sequence[Key]) -> bytes:
    algorithm = _algorithm(token)
    for key in keys:
        if algorithm not in algorithms_for(key):
            continue
        try:
            decoded = _ALGORITHMS.decode_complete(token, key, algorithms=[algorithm])
        except (InvalidSignatureError, InvalidKeyError):
            continue
        except PyJWTError as error:
            raise _invalid(f"JWSError (CompactDecodeError {error})") from None
        payload: bytes = decoded["payload"]
        return payload
    raise _invalid("JWSError JWSInvalidSignature")


def _algorithm(token: str) -> str:
    try:
        header = jwt.get_unverified_header(token)
    except (DecodeError, PyJWTError, ValueError):
        raise _invalid("JWSError (CompactDecodeError the token cannot be decoded)") from None
    return str(header.get("alg"))


def _check_times(claims: dict[str, Any], skew_s: int, now: float) -> None:
    expires, not_before, issued = (_moment(claims, name) for name in ("exp", "nbf", "iat"))
    if expires is not None and now >= expires + skew_s:
        raise _invalid("JWTExpired")
    if not_before is not None and now < not_before - skew_s:
        raise _invalid("JWTNotYetValid")
    if issued is not None and issued > now + skew_s:
        raise _invalid("JWTIssuedAtFuture")


def _moment(claims: dict[str, Any], name: str) -> float | None:
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _invalid(f'JWSError (JSONDecodeError "{name} is not a number")')
    return value


def _check_audience(claims: dict[str, Any], secret: JwtSecret) -> None:
    given = claims.get("aud")
    if secret.audience is None or given is None:
        return
    listed = given if isinstance(given, list) else [given]
    if not any(each in secret.audience for each in listed if isinstance(each, str)):
        raise _invalid("JWTNotInAudience")


def _check_issuer(claims: dict[str, Any], secret: JwtSecret) -> None:
    given = claims.get("iss")
    if secret.issuer is not None and given is not None and given != secret.issuer:
        raise _invalid("JWTNotInIssuer")


def _invalid(reason: str) -> EngineError:
    return EngineError("invalid-jwt", f"Could not verify JWT: {reason}")
