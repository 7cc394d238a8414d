"""What a real token says of its provider, read without verifying anything: a proposal to be looked at."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from frontdesk.errors import UsageError
from frontdesk.hasura.claim_path import path_to
from frontdesk.hasura.jwt_config import ALLOWED_ROLES, DEFAULT_CLAIMS_NAMESPACE
from frontdesk.hasura.jwt_secret.advice import host_of
from frontdesk.hasura.jwt_secret.options import SecretOptions

MAX_TOKEN_CHARS = 64 * 1024
MAX_DEPTH = 6
_PARTS, _ENCRYPTED_PARTS = 3, 5


@dataclass(frozen=True)
class Proposal:
    """Options as a token suggests them, the id of the key that it names, and what should be known about it."""

    options: SecretOptions = field(repr=False)
    kid: str | None
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _Found:
    namespace: str | None = None
    path: str | None = None
    stringified: bool = False


def proposal_from(token: str) -> Proposal:
    """Return the options that a token suggests. Raises UsageError when it is no JWT that can be read."""
    header, claims = _parts(token)
    issuer = claims.get("iss")
    if not isinstance(issuer, str) or not issuer:
        raise UsageError("the token names no issuer (iss): say --provider and its options yourself")
    audiences = _audiences(claims.get("aud"), issuer)
    found = _hasura_claims(claims)
    kid = header.get("kid")
    options = SecretOptions(
        provider=_provider(issuer),
        issuer=issuer,
        audiences=audiences,
        claims_namespace=found.namespace if found else None,
        claims_namespace_path=found.path if found else None,
        stringified_claims=found.stringified if found else False,
    )
    return Proposal(options, kid if isinstance(kid, str) else None, tuple(_notes(claims, options, found)))


def _parts(token: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    words = token[:MAX_TOKEN_CHARS].strip().strip("\"'").removeprefix("Bearer ").strip()
    parts = words.split(".")
    if len(parts) == _ENCRYPTED_PARTS:
        raise UsageError(
            "the token is encrypted (JWE), which Hasura cannot read: ask for one for your API's audience"
        )
    if len(parts) != _PARTS:
        raise UsageError(
            "the token is not a JWT; Auth0 gives a JWT only when the login asks for an API's audience"
        )
    try:
        header, claims = (_json_object(part) for part in parts[:2])
    except (ValueError, RecursionError, binascii.Error):
        raise UsageError("the token's parts cannot be read: copy it whole, without line breaks") from None
    return header, claims


def _json_object(part: str) -> Mapping[str, Any]:
    value = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    if not isinstance(value, dict):
        raise ValueError("not an object")  # noqa: TRY004 - the one error of this function's caller
    return value


def _audiences(value: Any, issuer: str) -> tuple[str, ...]:
    listed = value if isinstance(value, list) else [value]
    # Auth0 adds its own user information endpoint, for which every application's token is good.
    own = issuer.rstrip("/") + "/userinfo"
    return tuple(each for each in listed if isinstance(each, str) and each and each != own)


_ISSUERS: tuple[tuple[str, str], ...] = (
    ("firebase", r"https://securetoken\.google\.com/[^/]+"),
    ("cognito", r"https://cognito-idp\.[a-z0-9-]+\.amazonaws\.com/[^/]+"),
    ("azure-ad", r"https://(login\.microsoftonline\.com/[^/]+/v2\.0|sts\.windows\.net/[^/]+/)"),
    ("google", r"https://(cloud\.google\.com/iap|accounts\.google\.com)"),
    ("keycloak", r"https?://.+/realms/[^/]+"),
    ("clerk", r"https://(clerk\..+|.+\.clerk\.accounts\.dev)"),
    ("auth0", r"https?://[^/]+/"),
)


def _provider(issuer: str) -> str:
    """Return the provider whose issuers look like this; a host with nothing but a slash is Auth0's way."""
    return next((name for name, pattern in _ISSUERS if re.fullmatch(pattern, issuer)), "custom")


def _hasura_claims(claims: Mapping[str, Any]) -> _Found | None:
    for names, value in _objects(claims, ()):
        parsed = _parsed(value)
        if not isinstance(parsed, dict) or not any(name.lower() == ALLOWED_ROLES for name in parsed):
            continue
        stringified = isinstance(value, str)
        if len(names) == 1:
            namespace = None if names[0] == DEFAULT_CLAIMS_NAMESPACE else names[0]
            return _Found(namespace=namespace, stringified=stringified)
        return _Found(path=path_to(*names), stringified=stringified)
    return None


def _objects(value: Any, names: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Give every object and text of a token with the way to it, the outer ones first."""
    yield names, value
    if isinstance(value, dict) and len(names) < MAX_DEPTH:
        for name, inner in value.items():
            yield from _objects(inner, (*names, name))


def _parsed(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return None


_Says = Callable[[Mapping[str, Any]], bool]
_SIGNS_OF_AN_ID_TOKEN: tuple[_Says, ...] = (
    lambda claims: "nonce" in claims and "scope" not in claims,
    lambda claims: "at_hash" in claims,
)


def _notes(claims: Mapping[str, Any], options: SecretOptions, found: _Found | None) -> Iterator[str]:
    yield "Read from the token without verifying it: compare issuer and audience with your provider's."
    host = host_of(options.issuer or "")
    yield f"The token comes from {host or 'an issuer without a host'}, which looks like {options.provider}."
    if not options.audiences:
        yield "The token has no audience (aud): Hasura would take it whatever audience is configured."
    if found is None:
        yield "The token holds no x-hasura-allowed-roles: Hasura will refuse it until the provider adds the claims."
    if any(says(claims) for says in _SIGNS_OF_AN_ID_TOKEN):
        yield "It looks like an ID token, which is meant for the application: send access tokens to Hasura."
