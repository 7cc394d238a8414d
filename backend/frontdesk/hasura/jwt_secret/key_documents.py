"""Documents that hold a provider's keys: a JWKS, a PEM file, or certificates by key id as Google publishes them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from frontdesk.errors import KeysUnavailable
from frontdesk.hasura.jwt_keys import (
    KeyUnusable,
    PemKey,
    PublicKey,
    algorithms_of,
    key_from_jwk,
    key_from_pem,
    pem_of,
    signing_jwks,
)

_LINE_CHARS = 64  # of the base64 of a PEM block (RFC 7468)


@dataclass(frozen=True)
class ProviderKey:
    """One key that verifies signatures: its id, its PEM text (a certificate's, where there is one), its end."""

    kid: str | None
    pem: str
    public: PublicKey
    expires: datetime | None = None


@dataclass(frozen=True)
class KeyDocument:
    """The signing keys of a document in its order, and what cannot be read of it, as sentences' parts."""

    keys: tuple[ProviderKey, ...]
    unreadable: tuple[str, ...] = ()

    def chosen(self, kid: str | None) -> ProviderKey:
        """Return the key of this id, without one the first. Raises KeysUnavailable."""
        known = ", ".join(repr(key.kid) for key in self.keys if key.kid) or "none"
        for key in self.keys:
            if kid is None or key.kid == kid:
                return key
        if kid is None:
            raise KeysUnavailable("the document holds no key that verifies signatures")
        raise KeysUnavailable(f"no key with the id {kid!r}; known: {known}")


def key_document(body: bytes) -> KeyDocument:
    """Return the keys of a document of any of the three kinds. Raises KeysUnavailable when it is none of them."""
    try:
        text = body.decode()
        if "-----BEGIN" in text and not text.lstrip().startswith("{"):
            return KeyDocument((_from_pem(None, text),))
        document = json.loads(text)
        if _is_by_key_id(document):
            return KeyDocument(tuple(_from_pem(kid, pem) for kid, pem in document.items()))
        return _from_jwks(signing_jwks(document))
    except KeyUnusable as error:
        raise KeysUnavailable(str(error)) from None
    except (ValueError, RecursionError):
        raise KeysUnavailable("the document is neither a key set nor PEM: look for a wrong URL") from None


def type_of(key: PublicKey) -> str:
    """Return the `type` with which Hasura reads this key. Raises KeyUnusable for a curve that has none."""
    if isinstance(key, RSAPublicKey):
        return "RS256"
    if not isinstance(key, EllipticCurvePublicKey):
        return "Ed25519"
    verifies = algorithms_of(key)
    if not verifies or verifies == ("ES256K",):
        raise KeyUnusable(f"Hasura has no type for keys on the curve {key.curve.name}")
    return verifies[0]


def _is_by_key_id(document: Any) -> bool:
    return (
        isinstance(document, dict)
        and bool(document)
        and all(isinstance(each, str) and "-----BEGIN" in each for each in document.values())
    )


def _from_pem(kid: str | None, text: str) -> ProviderKey:
    found = key_from_pem(text)
    return ProviderKey(kid, text.strip() + "\n", found.public, found.expires)


def _from_jwks(listed: tuple[Mapping[str, Any], ...]) -> KeyDocument:
    keys, unreadable = [], []
    for jwk in listed:
        kid = jwk.get("kid") if isinstance(jwk.get("kid"), str) else None
        try:
            if jwk.get("kty") == "oct":
                raise KeyUnusable("a secret key (oct) is published, which signs tokens too")
            keys.append(_from_jwk(kid, jwk))
        except KeyUnusable as error:
            unreadable.append(f"key {kid!r}: {error}")
    return KeyDocument(tuple(keys), tuple(unreadable))


def _from_jwk(kid: str | None, jwk: Mapping[str, Any]) -> ProviderKey:
    public = key_from_jwk(jwk)
    certificate = _certificate(jwk)
    if certificate is None:
        return ProviderKey(kid, pem_of(public), public)
    pem, read = certificate
    if read.text() != pem_of(public):
        raise KeyUnusable(
            "its certificate (x5c) is one of another key, over which Hasura drops the whole set"
        )
    return ProviderKey(kid, pem, public, read.expires)


def _certificate(jwk: Mapping[str, Any]) -> tuple[str, PemKey] | None:
    chain = jwk.get("x5c")
    if not isinstance(chain, list) or not chain or not isinstance(chain[0], str):
        return None
    encoded = "".join(chain[0].split())
    lines = [encoded[start : start + _LINE_CHARS] for start in range(0, len(encoded), _LINE_CHARS)]
    pem = "\n".join(["-----BEGIN CERTIFICATE-----", *lines, "-----END CERTIFICATE-----", ""])
    return pem, key_from_pem(pem)
