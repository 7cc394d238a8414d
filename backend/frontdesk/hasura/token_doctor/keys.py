"""The keys that Hasura verifies a token with: of a `key` in the configuration, or of a key set (JWKS).

Hasura tries every key of the set, whatever the token's `kid` says, and takes any algorithm that fits the key.
Source: Hasura docs, "Authentication using JWT"; hs-jose, which Hasura verifies with.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt.algorithms import get_default_algorithms
from jwt.exceptions import PyJWTError
from jwt.utils import base64url_decode

from frontdesk.hasura.jwt_keys import (
    KeyUnusable,
    PublicKey,
    algorithms_of,
    key_from_jwk,
    key_from_pem,
    signing_jwks,
)

_ALGORITHMS = get_default_algorithms()


@dataclass(frozen=True)
class VerificationKey:
    """One key with its id; a key of a configuration has none, and bytes are an HMAC secret."""

    key: PublicKey | bytes = field(repr=False)
    kid: str | None = None

    @property
    def kind(self) -> str:
        """The key's kind, as people name it."""
        if isinstance(self.key, bytes):
            return "HMAC"
        if isinstance(self.key, RSAPublicKey):
            return "RSA"
        return "Ed25519" if isinstance(self.key, Ed25519PublicKey) else "EC"

    @property
    def algorithms(self) -> tuple[str, ...]:
        """The algorithms that fit the key."""
        return ("HS256", "HS384", "HS512") if isinstance(self.key, bytes) else algorithms_of(self.key)

    def verifies(self, signed: bytes, algorithm: str, signature: bytes) -> bool:
        """Tell whether the signature was made with this key."""
        if algorithm not in self.algorithms:
            return False
        try:
            # Not PyJWT's decoding as a whole: it minds the length of keys, and Hasura does not here.
            return bool(_ALGORITHMS[algorithm].verify(signed, self.key, signature))
        except (PyJWTError, ValueError):
            return False


@dataclass(frozen=True)
class KeySet:
    """The keys of one configuration; `origin` says in words where they are from, which may be open to everybody."""

    keys: tuple[VerificationKey, ...]
    origin: str
    is_published: bool = False

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(key.kid for key in self.keys if key.kid is not None)


def keys_of_secret(kind: str | None, text: str) -> KeySet:
    """Return the key of a configuration that holds it itself. Raises KeyUnusable."""
    if kind is not None and kind.startswith("HS"):
        return KeySet((VerificationKey(text.encode()),), "the configured secret")
    return KeySet((VerificationKey(key_from_pem(text).public),), "the configured key")


def keys_of_set(document: bytes, origin: str) -> KeySet:
    """Return the usable keys of a JWKS document. Raises KeyUnusable for one bad key: Hasura refuses such a set."""
    try:
        parsed = json.loads(document)
    except (ValueError, RecursionError):
        raise KeyUnusable("the document is not JSON") from None
    return KeySet(tuple(_from_jwk(jwk) for jwk in signing_jwks(parsed)), origin, is_published=True)


def _from_jwk(jwk: Mapping[str, Any]) -> VerificationKey:
    kid, key = jwk.get("kid"), jwk.get("k")
    if jwk.get("kty") == "oct":
        if not isinstance(key, str):
            raise KeyUnusable("a key of type 'oct' cannot be read")
        public: PublicKey | bytes = base64url_decode(key)
    else:
        public = key_from_jwk(jwk)
    return VerificationKey(public, kid if isinstance(kid, str) else None)
