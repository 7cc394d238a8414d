"""Public keys as Hasura reads them: PEM blocks and certificates of a `key`, and the keys of a JWKS document.

Source: Hasura docs, "Authentication using JWT"; RFC 7517 (JWK), RFC 7518 (JWA), RFC 7468 (PEM).
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey, RSAPublicNumbers
from jwt import PyJWK
from jwt.exceptions import PyJWTError

PublicKey = RSAPublicKey | EllipticCurvePublicKey | Ed25519PublicKey

_PEM_BLOCK = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----.*?-----END \1-----", re.DOTALL)
_CURVES = {"secp256r1": "ES256", "secp384r1": "ES384", "secp521r1": "ES512", "secp256k1": "ES256K"}
_CURVE_ALGORITHMS = {
    "P-256": "ES256",
    "P-384": "ES384",
    "P-521": "ES512",
    "secp256k1": "ES256K",
    "Ed25519": "EdDSA",
}
_NEVER_SIGN = {"X25519", "X448", "Ed448"}


class KeyUnusable(ValueError):
    """A key cannot be used; the text is a sentence's part and repeats nothing of the key."""


@dataclass(frozen=True)
class PemKey:
    """What the first block of a PEM text holds; `expires` is the end of a certificate, with its time zone."""

    public: PublicKey = field(repr=False)
    expires: datetime | None = None

    def text(self) -> str:
        """Return the public key alone as PEM."""
        return pem_of(self.public)


def key_from_pem(text: str) -> PemKey:
    """Return the public key or certificate of the first PEM block, the only one Hasura reads. Raises KeyUnusable."""
    block = _PEM_BLOCK.search(text)
    if block is None:
        raise KeyUnusable(_without_block(text))
    if "PRIVATE" in block[1]:
        raise KeyUnusable("this is a private key, which signs tokens; Hasura needs the public one")
    try:
        if block[1] == "CERTIFICATE":
            certificate = x509.load_pem_x509_certificate(block[0].encode())
            return PemKey(_known(certificate.public_key()), certificate.not_valid_after_utc)
        return PemKey(_known(serialization.load_pem_public_key(block[0].encode())))
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        if isinstance(error, KeyUnusable):
            raise
        raise KeyUnusable(f"the PEM block {block[1]} cannot be read") from None


def key_from_jwk(jwk: Mapping[str, Any]) -> PublicKey:
    """Return the public key of one JWK, taking the odd base64 of some issuers. Raises KeyUnusable."""
    try:
        if jwk.get("kty") == "RSA":
            return RSAPublicNumbers(_number(jwk["e"]), _number(jwk["n"])).public_key()
        return _known(PyJWK(dict(jwk), algorithm=_CURVE_ALGORITHMS[jwk["crv"]]).key)
    except KeyUnusable:
        raise
    except (PyJWTError, KeyError, ValueError, TypeError, AttributeError, UnsupportedAlgorithm):
        raise KeyUnusable(f"a key of type {str(jwk.get('kty'))[:20]!r} cannot be read") from None


def signing_jwks(document: Any) -> tuple[Mapping[str, Any], ...]:
    """Return the keys of a JWKS document that may verify signatures, in its order. Raises KeyUnusable."""
    listed = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(listed, list) or not all(isinstance(each, dict) for each in listed):
        raise KeyUnusable('the document is no key set: expected {"keys": […]}')
    return tuple(
        jwk for jwk in listed if jwk.get("use") in (None, "sig", "enc") and jwk.get("crv") not in _NEVER_SIGN
    )


def algorithms_of(key: PublicKey) -> tuple[str, ...]:
    """Return the algorithms of tokens that this key can verify, the usual one first."""
    if isinstance(key, RSAPublicKey):
        return ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")
    if isinstance(key, Ed25519PublicKey):
        return ("EdDSA",)
    known = _CURVES.get(key.curve.name)
    return (known,) if known else ()


def pem_of(key: PublicKey) -> str:
    """Return a public key as PEM (SubjectPublicKeyInfo)."""
    encoding, kind = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_bytes(encoding, kind).decode()


def _known(key: Any) -> PublicKey:
    if isinstance(key, RSAPublicKey | EllipticCurvePublicKey | Ed25519PublicKey):
        return key
    raise KeyUnusable("the key is none of RSA, EC and Ed25519")


def _without_block(text: str) -> str:
    if text.lstrip().startswith("{"):
        return "this is a JWK; Hasura takes a PEM public key or certificate here, or `jwk_url`"
    return "expected a PEM block: -----BEGIN PUBLIC KEY----- or -----BEGIN CERTIFICATE-----, with its line ends as \\n"


def _number(text: str) -> int:
    plain = text.rstrip("=").replace("+", "-").replace("/", "_")
    try:
        return int.from_bytes(base64.urlsafe_b64decode(plain + "=" * (-len(plain) % 4)), "big")
    except binascii.Error as error:
        raise ValueError("not base64") from error
