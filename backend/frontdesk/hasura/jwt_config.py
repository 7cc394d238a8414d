"""HASURA_GRAPHQL_JWT_SECRET as one value: parsed as strictly as Hasura does at its start, and written again.

Source: Hasura docs, "Authentication using JWT"; hasura/graphql-engine, Server/Auth/JWT.hs.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from frontdesk.errors import JwtConfigInvalid
from frontdesk.hasura.claim_path import path_steps
from frontdesk.hasura.jwt_keys import KeyUnusable, key_from_pem

DEFAULT_CLAIMS_NAMESPACE = "https://hasura.io/jwt/claims"
ALLOWED_ROLES, DEFAULT_ROLE = "x-hasura-allowed-roles", "x-hasura-default-role"
MIN_HMAC_BYTES = {"HS256": 32, "HS384": 48, "HS512": 64}
KEY_KINDS: Mapping[str, type] = {
    "RS256": RSAPublicKey,
    "RS384": RSAPublicKey,
    "RS512": RSAPublicKey,
    "ES256": EllipticCurvePublicKey,
    "ES384": EllipticCurvePublicKey,
    "ES512": EllipticCurvePublicKey,
    "Ed25519": Ed25519PublicKey,
}
KNOWN_KEYS = frozenset(
    {
        *(
            "type",
            "key",
            "jwk_url",
            "claims_namespace",
            "claims_namespace_path",
            "claims_format",
            "claims_map",
        ),
        *("audience", "issuer", "allowed_skew", "header"),
    }
)

ClaimsFormat = Literal["json", "stringified_json"]
HeaderKind = Literal["Authorization", "Cookie", "CustomHeader"]
ClaimValue = str | tuple[str, ...]
_HEADER_KINDS: Mapping[str, HeaderKind] = {
    "authorization": "Authorization",
    "cookie": "Cookie",
    "customheader": "CustomHeader",
}


@dataclass(frozen=True)
class TokenHeader:
    """Where Hasura reads the token; a cookie and a custom header have a name."""

    kind: HeaderKind = "Authorization"
    name: str | None = None


@dataclass(frozen=True, kw_only=True)
class ClaimSource:
    """Where `claims_map` takes one session variable from: a `literal`, or a `path` with or without a `default`.

    The allowed roles are a tuple of names, everything else is text.
    """

    literal: ClaimValue | None = None
    path: str | None = None
    default: ClaimValue | None = None

    def as_json(self) -> Any:
        """Return the entry as Hasura reads it."""
        if self.path is None:
            return _as_json(self.literal)
        return {"path": self.path} | ({} if self.default is None else {"default": _as_json(self.default)})


@dataclass(frozen=True, kw_only=True)
class JwtConfig:
    """What Hasura reads from HASURA_GRAPHQL_JWT_SECRET; either `key` (with `type`) or `jwk_url` is set.

    An empty `audience` is one that is not set. `claims_namespace` is None where a path takes its place. Hasura passes
    over `unknown_keys` without a word.
    """

    type: str | None = None
    key: str | None = field(default=None, repr=False)
    jwk_url: str | None = None
    claims_namespace: str | None = DEFAULT_CLAIMS_NAMESPACE
    claims_namespace_path: str | None = None
    claims_format: ClaimsFormat = "json"
    claims_map: Mapping[str, ClaimSource] | None = None
    audience: tuple[str, ...] = ()
    issuer: str | None = None
    allowed_skew_s: int = 0
    header: TokenHeader = TokenHeader()
    unknown_keys: tuple[str, ...] = ()

    @classmethod
    def parse(cls, text: str) -> JwtConfig:
        """Return the configuration of a JWT secret. Raises JwtConfigInvalid where Hasura would not start."""
        return cls.from_json(_json(text))

    @classmethod
    def from_json(cls, value: Any) -> JwtConfig:
        """Return the configuration of a JSON object. Raises JwtConfigInvalid where Hasura would not start."""
        if not isinstance(value, dict):
            raise JwtConfigInvalid(
                "the JWT secret is one JSON object; a list is for HASURA_GRAPHQL_JWT_SECRETS"
            )
        kind, key, jwk_url = _key_or_url(value)
        namespace, path = _namespace(value)
        return cls(
            type=kind,
            key=key,
            jwk_url=jwk_url,
            claims_namespace=namespace,
            claims_namespace_path=path,
            claims_format=_claims_format(value.get("claims_format")),
            claims_map=_claims_map(value.get("claims_map")),
            audience=_audience(value.get("audience")),
            issuer=_text(value, "issuer"),
            allowed_skew_s=_skew(value.get("allowed_skew")),
            header=_header(value.get("header")),
            unknown_keys=tuple(sorted(value.keys() - KNOWN_KEYS)),
        )

    def as_json(self) -> dict[str, Any]:
        """Return the object that Hasura reads, with what is set and nothing else."""
        other_namespace = self.claims_namespace if self.claims_namespace != DEFAULT_CLAIMS_NAMESPACE else None
        mapped = self.claims_map
        every = {
            "type": self.type,
            "key": self.key,
            "jwk_url": self.jwk_url,
            "audience": self.audience[0] if len(self.audience) == 1 else list(self.audience) or None,
            "issuer": self.issuer,
            "claims_namespace": other_namespace,
            "claims_namespace_path": self.claims_namespace_path,
            "claims_format": None if self.claims_format == "json" else self.claims_format,
            "claims_map": None if mapped is None else {name: each.as_json() for name, each in mapped.items()},
            "allowed_skew": self.allowed_skew_s or None,
            "header": _header_json(self.header),
        }
        return {name: value for name, value in every.items() if value is not None}

    def text(self) -> str:
        """Return the value of HASURA_GRAPHQL_JWT_SECRET: one line of ASCII."""
        return json.dumps(self.as_json())


def _json(text: str) -> Any:
    stripped = text.strip()
    if len(stripped) > 1 and stripped[0] in "'\"" and stripped[0] == stripped[-1]:
        raise JwtConfigInvalid("the JWT secret stands in quotes: they belong to a shell or YAML, strip them")
    try:
        value = json.loads(text)
        json.dumps(value, ensure_ascii=False).encode()  # half a surrogate pair is no text
    except UnicodeEncodeError:
        raise JwtConfigInvalid("the JWT secret holds half a character (a lone \\ud8…)") from None
    except (ValueError, RecursionError):
        raise JwtConfigInvalid("the JWT secret is not JSON; line ends inside a key are written \\n") from None
    return value


def _key_or_url(value: Mapping[str, Any]) -> tuple[str | None, str | None, str | None]:
    kind, key, jwk_url = _text(value, "type"), _text(value, "key"), _text(value, "jwk_url")
    if key is None and jwk_url is None:
        raise JwtConfigInvalid(
            "expected the provider's key set (jwk_url) or a key",
            hasura="key and jwk_url both cannot be empty",
        )
    if key is not None and jwk_url is not None:
        raise JwtConfigInvalid(
            "choose one: jwk_url follows the provider's rotation, key does not",
            hasura="key, jwk_url both cannot be present",
        )
    if key is not None:
        _check_key(kind, key)
    if jwk_url is not None:
        _check_url(jwk_url)
    return kind, key, jwk_url


def _check_key(kind: str | None, key: str) -> None:
    if kind is None:
        raise JwtConfigInvalid("a key needs its type: one of " + ", ".join([*MIN_HMAC_BYTES, *KEY_KINDS]))
    if kind in MIN_HMAC_BYTES:
        smallest = MIN_HMAC_BYTES[kind]
        if len(key.encode()) < smallest:
            raise JwtConfigInvalid(
                f"the key of {kind} has {len(key.encode())} bytes; make one of at least {smallest}, for example with "
                f"`openssl rand -hex {smallest}`",
                hasura=f"Key size too small; should be atleast {smallest} characters",
            )
        return
    if kind not in KEY_KINDS:
        raise JwtConfigInvalid(
            "expected a type of " + ", ".join([*MIN_HMAC_BYTES, *KEY_KINDS]),
            hasura=f"Invalid JWK: Key type: {kind} is not supported",
        )
    try:
        public = key_from_pem(key).public
    except KeyUnusable as error:
        raise JwtConfigInvalid(f"key: {error}", hasura="Could not decode PEM: …") from None
    if not isinstance(public, KEY_KINDS[kind]):
        raise JwtConfigInvalid(
            f"key: the type {kind} needs another kind of key than this one", hasura="Could not decode PEM: …"
        )


def _check_url(url: str) -> None:
    try:
        parts = urlsplit(url)
        fits = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        fits = False
    if not fits or not url.isascii() or not url.isprintable() or " " in url:
        raise JwtConfigInvalid("jwk_url: expected the https URL of the provider's key set")


def _namespace(value: Mapping[str, Any]) -> tuple[str | None, str | None]:
    namespace, path = _text(value, "claims_namespace"), _text(value, "claims_namespace_path")
    if namespace is not None and path is not None:
        raise JwtConfigInvalid(
            "choose one: a claim's name or a path to it",
            hasura="claims_namespace and claims_namespace_path both cannot be set",
        )
    if namespace == "":
        raise JwtConfigInvalid("claims_namespace: expected a claim's name, it is empty")
    if path is None:
        return namespace or DEFAULT_CLAIMS_NAMESPACE, None
    try:
        path_steps(path)
    except ValueError as error:
        raise JwtConfigInvalid(
            f"claims_namespace_path: {error}", hasura="invalid JSON path claims_namespace_path error: …"
        ) from None
    return None, path


def _text(value: Mapping[str, Any], name: str) -> str | None:
    found = value.get(name)
    if found is not None and not isinstance(found, str):
        raise JwtConfigInvalid(f"{name}: expected text")
    return found


def _claims_format(value: Any) -> ClaimsFormat:
    if value in (None, "json"):
        return "json"
    if value == "stringified_json":
        return "stringified_json"
    raise JwtConfigInvalid("claims_format: expected json or stringified_json")


def _audience(value: Any) -> tuple[str, ...]:
    if value is None:
        return ()
    listed = [value] if isinstance(value, str) else value
    if not isinstance(listed, list) or not all(isinstance(each, str) for each in listed):
        raise JwtConfigInvalid("audience: expected text or a list of texts")
    if not listed:
        raise JwtConfigInvalid("audience: with an empty list Hasura refuses every token that has an audience")
    return tuple(listed)


def _skew(value: Any) -> int:
    if value is None:
        return 0
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise JwtConfigInvalid("allowed_skew: expected a whole number of seconds, not below 0")
    return value


def _header(value: Any) -> TokenHeader:
    if value is None:
        return TokenHeader()
    kind = value.get("type") if isinstance(value, dict) else None
    known = _HEADER_KINDS.get(kind.lower()) if isinstance(kind, str) else None
    if known is None:
        raise JwtConfigInvalid(
            "header: expected where the token is read from",
            hasura="expected 'type' is 'Authorization' or 'Cookie' or 'CustomHeader'",
        )
    if known == "Authorization":
        return TokenHeader()
    name = value.get("name")
    if not isinstance(name, str) or not name:
        raise JwtConfigInvalid(f"header: a {known} needs its name")
    return TokenHeader(known, name)


def _header_json(header: TokenHeader) -> dict[str, str] | None:
    if header.kind == "Authorization":
        return None
    return {"type": header.kind, "name": header.name or ""}


def _claims_map(value: Any) -> Mapping[str, ClaimSource] | None:
    if value is None:
        return None
    if not isinstance(value, dict):
        raise JwtConfigInvalid("claims_map: expected an object from x-hasura-… to a path or a literal")
    for name in (ALLOWED_ROLES, DEFAULT_ROLE):
        if name not in value:
            raise JwtConfigInvalid(
                f"claims_map: add {name}, in lower case", hasura=f"{name} is expected but not found"
            )
    return {name.lower(): _claim_source(name.lower(), entry) for name, entry in value.items()}


def _claim_source(name: str, entry: Any) -> ClaimSource:
    if not isinstance(entry, dict):
        return ClaimSource(literal=_claim_value(name, entry))
    path, default = entry.get("path"), entry.get("default")
    if not isinstance(path, str):
        raise JwtConfigInvalid(f"claims_map: {name}: expected a literal, or an object with a path")
    try:
        path_steps(path)
    except ValueError as error:
        raise JwtConfigInvalid(f"claims_map: {name}: {error}") from None
    return ClaimSource(path=path, default=None if default is None else _claim_value(name, default))


def _claim_value(name: str, value: Any) -> ClaimValue:
    if name == ALLOWED_ROLES:
        if isinstance(value, list) and all(isinstance(role, str) and role for role in value):
            return tuple(value)
        raise JwtConfigInvalid(f"claims_map: {name}: expected a list of role names")
    if isinstance(value, str):
        return value
    raise JwtConfigInvalid(f"claims_map: {name}: expected text; numbers stand in quotes")


def _as_json(value: ClaimValue | None) -> Any:
    return list(value) if isinstance(value, tuple) else value
