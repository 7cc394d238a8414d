"""The parts of a token: header, claims and signature, read as strictly as Hasura reads them.

Source: Hasura docs, "Authentication using JWT"; RFC 7515 (JWS), RFC 7519 (JWT); hs-jose, whose words are repeated.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

from jwt.utils import base64url_decode

from frontdesk.hasura.token_doctor.diagnosis import Finding, Refusal, fault, invalid_jwt, ok, shown

PARTS, JWE_PARTS = 3, 5
UNSIGNED = "none"
KNOWN_ALGORITHMS = frozenset(
    {
        *(f"{family}{bits}" for family in ("HS", "RS", "PS", "ES") for bits in ("256", "384", "512")),
        *("ES256K", "EdDSA", UNSIGNED),
    }
)
_BASE64URL = re.compile("[A-Za-z0-9_-]*")
_TIMES, _TEXTS = ("exp", "nbf", "iat"), ("iss", "sub", "jti")
_COPY_AGAIN = "copy the whole token again: three parts with two dots, nothing left out"


class _PartFault(ValueError):
    """A part is not what it should be; the text is a clause."""


@dataclass(frozen=True, kw_only=True)
class Jws:
    """A token taken apart. `header` and `claims` are None where they cannot be read; `findings` say why."""

    text: str = field(repr=False)
    header: Mapping[str, Any] | None = field(default=None, repr=False)
    claims: Mapping[str, Any] | None = field(default=None, repr=False)
    signature: bytes | None = field(default=None, repr=False)
    findings: tuple[Finding, ...] = ()

    @property
    def signed(self) -> bytes:
        """What the signature is over."""
        return self.text.rpartition(".")[0].encode()

    @property
    def algorithm(self) -> str | None:
        """The algorithm of the header, if it is one that Hasura knows."""
        named = None if self.header is None else self.header.get("alg")
        return named if isinstance(named, str) and named in KNOWN_ALGORITHMS else None


def read_jws(text: str) -> Jws:
    """Return the token taken apart, with the faults of its form in the engine's order."""
    parts = text.split(".")
    if len(parts) != PARTS:
        return Jws(text=text, findings=(_wrong_number(len(parts)),))
    header, findings = _header(parts[0])
    try:
        signature: bytes | None = _decoded(parts[2])
    except _PartFault as error:
        signature = None
        findings += (
            fault("form", _undecodable(f"signature: {error}"), f"its signature is {error}", _COPY_AGAIN),
        )
    try:
        claims: Mapping[str, Any] | None = _claims(parts[1])
    except _PartFault as error:
        claims = None
        findings += (_claims_fault(parts[1], error),)
    return Jws(
        text=text,
        header=header,
        claims=claims,
        signature=signature,
        findings=findings or (ok("form", "a JWT: header, claims and signature can be read"),),
    )


def _wrong_number(count: int) -> Finding:
    refusal = invalid_jwt(
        f"JWSError (CompactDecodeError Invalid number of parts: Expected {PARTS} parts; got {count})"
    )
    if count == JWE_PARTS:
        return fault(
            "form",
            refusal,
            "the token is encrypted (JWE, five parts), and Hasura reads signed tokens (JWT) only",
            "change the request: ask Auth0 for the audience of your API, and switch off the encryption of that API's "
            "tokens",
        )
    return fault(
        "form",
        refusal,
        f"this is no JWT: it has {count} part{'' if count == 1 else 's'} instead of three (an opaque token, or not all "
        "of one)",
        "change the application: Auth0 gives a JWT when the login asks for the audience of your API",
    )


def _header(part: str) -> tuple[Mapping[str, Any] | None, tuple[Finding, ...]]:
    try:
        header = _object(_decoded(part))
    except _PartFault as error:
        says = f"the first part of this is {error}, so it is no JWT"
        return None, (fault("form", _undecodable(f"header: {error}"), says, _COPY_AGAIN),)
    named = header.get("alg")
    if not isinstance(named, str) or named not in KNOWN_ALGORITHMS:
        says = f"Hasura does not know its algorithm {shown(named)}"
        fix = "change the issuer's algorithm to RS256"
        return header, (fault("algorithm", _undecodable("alg: expected an algorithm"), says, fix),)
    if header.get("crit") is not None:
        says = 'its header has "crit" extensions, and Hasura understands none'
        fix = "change the issuer to leave them out"
        return header, (fault("form", _undecodable("crit: no extension is understood"), says, fix),)
    return header, ()


def _claims(part: str) -> Mapping[str, Any]:
    claims = _object(_decoded(part))
    _check_kinds(claims)
    return claims


def _claims_fault(part: str, error: _PartFault) -> Finding:
    try:
        _decoded(part)
    except _PartFault:
        refusal = _undecodable(f"payload: {error}")
    else:
        refusal = invalid_jwt(f'JWTClaimsSetDecodeError "Error in $: {error}"')
    if ": expected" in str(error):
        name, _, kind = str(error).partition(": ")
        says = f'its claim "{name}" is of the wrong kind: {kind}'
        return fault("form", refusal, says, f'change what the issuer writes into "{name}"')
    return fault("form", refusal, f"its claims are {error}", _COPY_AGAIN)


def _check_kinds(claims: Mapping[str, Any]) -> None:
    for name in _TIMES:
        value = claims.get(name)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
            raise _PartFault(f"{name}: expected a number")
    audience = claims.get("aud")
    for each in audience if isinstance(audience, list) else [audience]:
        if each is not None and not isinstance(each, str):
            raise _PartFault("aud: expected a string")
    for name in _TEXTS:
        if not isinstance(claims.get(name), str | None):
            raise _PartFault(f"{name}: expected a string")


def _decoded(part: str) -> bytes:
    # Python's decoder passes over what is no base64.
    if _BASE64URL.fullmatch(part) is None:
        raise _PartFault("not base64url")
    try:
        return base64url_decode(part)
    except ValueError:
        raise _PartFault("not base64url") from None


def _object(raw: bytes) -> Mapping[str, Any]:
    try:
        value = json.loads(raw.decode(), parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise _PartFault("not valid JSON") from None
    if not isinstance(value, dict):
        raise _PartFault("expected an object")
    return value


def _refuse(name: str) -> NoReturn:
    """NaN and Infinity are no JSON."""
    raise ValueError(name)


def _undecodable(reason: str) -> Refusal:
    return invalid_jwt(f'JWSError (JSONDecodeError "{reason}")')
