"""Keys for tests of JWT secrets, made once: public keys as PEM, certificates, key sets, and tokens signed with them."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from cryptography.x509.oid import NameOID

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
CURVES = {"ES256": ec.SECP256R1(), "ES256K": ec.SECP256K1(), "ES384": ec.SECP384R1(), "ES512": ec.SECP521R1()}


@cache
def private_key(kind: str = "RS256", number: int = 1) -> Any:
    """Return a private key that signs by this algorithm; another `number` is another key."""
    if kind in CURVES:
        return ec.generate_private_key(CURVES[kind])
    if kind == "EdDSA":
        return ed25519.Ed25519PrivateKey.generate()
    return rsa.generate_private_key(public_exponent=65537, key_size=1024 if kind == "weak" else 2048)


@cache
def public_pem(kind: str = "RS256", number: int = 1) -> str:
    """Return the public half as PEM."""
    key = private_key(kind, number).public_key()
    return str(key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode())


@cache
def private_pem() -> str:
    """Return a private key as PEM, which belongs nowhere."""
    return str(private_key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode())


@cache
def certificate(days: int = 365, *, start: datetime = NOW, number: int = 1, host: str | None = None) -> str:
    """Return a certificate of an RSA key as PEM that ends so many days after `start`; of a host when it is named."""
    key = private_key("RS256", number)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host or "acme.eu.auth0.com")])
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(start - timedelta(days=400))
        .not_valid_after(start + timedelta(days=days))
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName(host or "acme.eu.auth0.com")]), critical=False
        )
    )
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()


def jwk(kid: str, kind: str = "RS256", number: int = 1, **more: Any) -> dict[str, Any]:
    """Return the public JWK of a key, as a provider publishes it."""
    algorithm = jwt.get_algorithm_by_name("RS256" if kind == "weak" else kind)
    made = algorithm.to_jwk(private_key(kind, number).public_key(), as_dict=True)
    return {**made, "kid": kid, "use": "sig", "alg": kind, **more}


def x5c(number: int = 1) -> list[str]:
    """Return the certificate chain of a JWK."""
    text = certificate(number=number)
    return ["".join(text.split("\n")[1:-2])]


def signed(claims: Mapping[str, Any], kind: str = "RS256", number: int = 1, kid: str = "one") -> str:
    """Return a token with these claims."""
    return jwt.encode(dict(claims), private_key(kind, number), algorithm=kind, headers={"kid": kid})


def unsigned(claims: Any, header: Mapping[str, Any] | None = None) -> str:
    """Return what looks like a token and is signed by nobody."""
    parts = [{"alg": "RS256", "kid": "one", **(header or {})}, claims]
    encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts]
    return ".".join([*encoded, "c2ln"])
