"""Keys that verify tokens: PEM and X.509 of a `key` secret, and the keys of a JWKS document."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Any

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey, RSAPublicNumbers
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from jwt import PyJWK
from jwt.exceptions import PyJWTError

Key = bytes | RSAPublicKey | EllipticCurvePublicKey | Ed25519PublicKey
"""A key as it is used; bytes are an HMAC secret."""

_PEM_BLOCK = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----.*?-----END \1-----", re.DOTALL)
_KINDS = {"RS": RSAPublicKey, "ES": EllipticCurvePublicKey, "Ed": Ed25519PublicKey}
_CURVES = {"secp256r1": "ES256", "secp384r1": "ES384", "secp521r1": "ES512", "secp256k1": "ES256K"}


class KeyFault(ValueError):
    """The key cannot be read; the text does not repeat it."""


def key_from_pem(text: str, kind: str) -> Key:
    """Return the public key of the first PEM block, which may be a certificate; raises KeyFault."""
    block = _PEM_BLOCK.search(text)
    if block is None:
        raise KeyFault("no PEM block found")
    try:
        if block[1] == "CERTIFICATE":
            key: Any = x509.load_pem_x509_certificate(block[0].encode()).public_key()
        else:
            key = load_pem_public_key(block[0].encode())
    except (ValueError, UnsupportedAlgorithm):
        raise KeyFault(f"the {block[1].lower()} cannot be read") from None
    if isinstance(key, RSAPublicKey | EllipticCurvePublicKey | Ed25519PublicKey) and isinstance(
        key, _KINDS[kind[:2]]
    ):
        return key
    raise KeyFault(f"the key is not one for {kind}")


def keys_from_jwks(document: Any) -> tuple[Key, ...]:
    """Return the usable keys of a JWKS document in its order; raises KeyFault when it is no such document."""
    listed = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(listed, list):
        raise KeyFault("the document has no list of keys")
    return tuple(_key_from_jwk(jwk) for jwk in listed if _is_for_signatures(jwk) and not _is_unused(jwk))


def algorithms_for(key: Key) -> tuple[str, ...]:
    """Return the algorithms that fit the key; a token's `alg` must be one of them."""
    if isinstance(key, bytes):
        return ("HS256", "HS384", "HS512")
    if isinstance(key, RSAPublicKey):
        return ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")
    if isinstance(key, Ed25519PublicKey):
        return ("EdDSA",)
    known = _CURVES.get(key.curve.name)
    return (known,) if known else ()


def _is_for_signatures(jwk: Any) -> bool:
    return isinstance(jwk, dict) and jwk.get("use") in (None, "sig", "enc")


def _is_unused(jwk: Mapping[str, Any]) -> bool:
    """Whether it is a key of a kind that may stand in a set, and can verify nothing here."""
    return jwk.get("kty") == "OKP" and jwk.get("crv") in ("X25519", "X448", "Ed448")


def _key_from_jwk(jwk: Mapping[str, Any]) -> Key:
    try:
        if jwk.get("kty") == "RSA":
            return RSAPublicNumbers(_number(jwk["e"]), _number(jwk["n"])).public_key()
        if jwk.get("kty") == "oct":
            return _decoded(jwk["k"])
        key = PyJWK(dict(jwk), algorithm=_algorithm_of(jwk)).key
    except (PyJWTError, KeyError, ValueError, TypeError, UnsupportedAlgorithm):
        raise KeyFault(f"a key of type {jwk.get('kty')!r} cannot be read") from None
    if not isinstance(key, EllipticCurvePublicKey | Ed25519PublicKey):
        raise KeyFault(f"a key of type {jwk.get('kty')!r} is not supported")
    return key


def _algorithm_of(jwk: Mapping[str, Any]) -> str:
    by_curve = {
        "P-256": "ES256",
        "P-384": "ES384",
        "P-521": "ES512",
        "secp256k1": "ES256K",
        "Ed25519": "EdDSA",
    }
    return by_curve[jwk["crv"]]


def _number(text: str) -> int:
    return int.from_bytes(_decoded(text), "big")


def _decoded(text: str) -> bytes:
    """Decode base64 of either alphabet, with whatever padding: some issuers publish odd ones."""
    plain = text.rstrip("=").replace("+", "-").replace("/", "_")
    try:
        return base64.urlsafe_b64decode(plain + "=" * (-len(plain) % 4))
    except binascii.Error as error:
        raise ValueError("not base64") from error
