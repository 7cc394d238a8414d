"""HASURA_GRAPHQL_JWT_SECRET: one JSON object, parsed as strictly as Hasura does at start-up."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import reduce
from typing import Any

from localhasura.auth.json_path import NOT_THERE, PathError, parse_path
from localhasura.auth.keys import Key, KeyFault, key_from_pem
from localhasura.jsontext import pointer

DEFAULT_NAMESPACE = "https://hasura.io/jwt/claims"
ALLOWED_ROLES, DEFAULT_ROLE = "x-hasura-allowed-roles", "x-hasura-default-role"
_HMAC_BITS = {"HS256": 256, "HS384": 384, "HS512": 512}
_ASYMMETRIC = {"RS256", "RS384", "RS512", "Ed25519", "ES256", "ES384", "ES512"}


class JwtSecretError(ValueError):
    """The secret is refused at start-up; the text is Hasura's and holds no key."""


@dataclass(frozen=True)
class Header:
    """Where a token is read from: `Authorization`, `Cookie` or `CustomHeader` with its name."""

    type: str = "Authorization"
    name: str = ""


@dataclass(frozen=True)
class MappedClaim:
    """One entry of `claims_map`: a fixed value, or a path with an optional default."""

    literal: Any = None
    path: str | None = None
    steps: tuple[str | int, ...] = ()
    default: Any = NOT_THERE


@dataclass(frozen=True)
class JwtSecret:
    """The parsed secret: either `key` or `jwk_url` is set."""

    key: Key | None = field(default=None, repr=False)
    jwk_url: str | None = None
    namespace: str = DEFAULT_NAMESPACE
    namespace_path: str | None = None
    namespace_steps: tuple[str | int, ...] = ()
    stringified: bool = False
    claims_map: Mapping[str, MappedClaim] | None = None
    audience: tuple[str, ...] | None = None
    issuer: str | None = None
    allowed_skew_s: int = 0
    header: Header = Header()


def parse_jwt_secret(text: str) -> JwtSecret:
    """Return the secret of HASURA_GRAPHQL_JWT_SECRET; raises JwtSecretError."""
    return _secret(_json(text))


def parse_jwt_secrets(text: str) -> tuple[JwtSecret, ...]:
    """Return the secrets of HASURA_GRAPHQL_JWT_SECRETS, a JSON list of such objects; raises JwtSecretError."""
    listed = _json(text)
    if not isinstance(listed, list) or not listed:
        raise JwtSecretError("expected a list of JWT secrets")
    return tuple(_secret(each) for each in listed)


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise JwtSecretError("the JWT secret is not JSON") from None


def _secret(value: Any) -> JwtSecret:
    if not isinstance(value, dict):
        raise JwtSecretError("the JWT secret must be one JSON object")
    namespace, path = _text(value, "claims_namespace"), _text(value, "claims_namespace_path")
    if namespace is not None and path is not None:
        raise JwtSecretError("claims_namespace and claims_namespace_path both cannot be set")
    key, jwk_url = _text(value, "key"), _text(value, "jwk_url")
    if key is None and jwk_url is None:
        raise JwtSecretError("key and jwk_url both cannot be empty")
    if key is not None and jwk_url is not None:
        raise JwtSecretError("key, jwk_url both cannot be present")
    return JwtSecret(
        key=None if key is None else _key(_text(value, "type"), key),
        jwk_url=jwk_url,
        namespace=namespace or DEFAULT_NAMESPACE,
        namespace_path=None if path is None else reduce(pointer, _namespace_steps(path), "$"),
        namespace_steps=() if path is None else _namespace_steps(path),
        stringified=_is_stringified(value.get("claims_format")),
        claims_map=_claims_map(value.get("claims_map")),
        audience=_audience(value.get("audience")),
        issuer=_text(value, "issuer"),
        allowed_skew_s=_skew(value.get("allowed_skew")),
        header=_header(value.get("header")),
    )


def _key(kind: str | None, key: str) -> Key:
    if kind is None:
        raise JwtSecretError("the key 'type' was not present")
    if kind in _HMAC_BITS:
        smallest = _HMAC_BITS[kind] // 8
        secret = key.encode()
        if len(secret) < smallest:
            raise JwtSecretError(f"Invalid JWK: Key size too small; should be atleast {smallest} characters")
        return secret
    if kind not in _ASYMMETRIC:
        raise JwtSecretError(f"Invalid JWK: Key type: {kind} is not supported")
    try:
        return key_from_pem(key, kind)
    except KeyFault as error:
        raise JwtSecretError(f"Invalid JWK: Could not decode PEM: {error}") from None


def _text(value: Mapping[str, Any], name: str) -> str | None:
    found = value.get(name)
    if found is not None and not isinstance(found, str):
        raise JwtSecretError(f"{name}: expected a string")
    return found


def _is_stringified(value: Any) -> bool:
    if value not in (None, "json", "stringified_json"):
        raise JwtSecretError("claims_format: expected 'json' or 'stringified_json'")
    return bool(value == "stringified_json")


def _audience(value: Any) -> tuple[str, ...] | None:
    if value is None:
        return None
    listed = [value] if isinstance(value, str) else value
    if not isinstance(listed, list) or not all(isinstance(each, str) for each in listed):
        raise JwtSecretError("audience: expected a string or a list of strings")
    return tuple(listed)


def _skew(value: Any) -> int:
    if value is None:
        return 0
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise JwtSecretError("allowed_skew: expected a number of seconds")
    return value


def _header(value: Any) -> Header:
    if value is None:
        return Header()
    kind = value.get("type") if isinstance(value, dict) else None
    known = {"authorization": "Authorization", "cookie": "Cookie", "customheader": "CustomHeader"}
    found = known.get(kind.lower()) if isinstance(kind, str) else None
    if found is None:
        raise JwtSecretError("expected 'type' is 'Authorization' or 'Cookie' or 'CustomHeader'")
    name = value.get("name")
    if found != "Authorization" and (not isinstance(name, str) or not name):
        raise JwtSecretError("header: the key 'name' was not present")
    return Header(found, name or "")


def _claims_map(value: Any) -> dict[str, MappedClaim] | None:
    if value is None:
        return None
    if not isinstance(value, dict):
        raise JwtSecretError("claims_map: expected an object")
    for name in (ALLOWED_ROLES, DEFAULT_ROLE):
        if name not in value:
            raise JwtSecretError(f"{name} is expected but not found")
    return {name.lower(): _mapped(name.lower(), entry) for name, entry in value.items()}


def _mapped(name: str, entry: Any) -> MappedClaim:
    if isinstance(entry, dict):
        path = _text(entry, "path")
        if path is None:
            raise JwtSecretError(f"claims_map: {name}: the key 'path' was not present")
        default = entry.get("default")
        return MappedClaim(
            path=path, steps=_steps(path), default=NOT_THERE if default is None else _literal(name, default)
        )
    return MappedClaim(literal=_literal(name, entry))


def _literal(name: str, value: Any) -> Any:
    if name == ALLOWED_ROLES:
        fits = isinstance(value, list) and all(isinstance(role, str) and role for role in value)
    else:
        fits = isinstance(value, str)
    if not fits:
        raise JwtSecretError(f"claims_map: {name}: expected a path, or a literal of the right kind")
    return value


def _namespace_steps(path: str) -> tuple[str | int, ...]:
    try:
        return _steps(path)
    except JwtSecretError as error:
        raise JwtSecretError(f"invalid JSON path claims_namespace_path error: {error}") from None


def _steps(path: str) -> tuple[str | int, ...]:
    try:
        return parse_path(path)
    except PathError as error:
        raise JwtSecretError(str(error)) from None
