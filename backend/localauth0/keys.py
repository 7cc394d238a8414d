"""Signing keys of the tenant: one that signs, the next one already published, and earlier ones.

Source: Auth0 docs, "Signing Keys" and "JSON Web Key Sets".
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import secrets
import threading
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

_KEY_BITS = 2048
_CERTIFICATE_LIFE = timedelta(days=5000)  # Auth0's own run for about 13.7 years
_FILE_NAME = "signing_keys.json"


@dataclass(frozen=True)
class SigningKey:
    kid: str
    private_pem: bytes
    certificate: bytes  # DER

    @classmethod
    def generate(cls, common_name: str) -> SigningKey:
        private = rsa.generate_private_key(public_exponent=65537, key_size=_KEY_BITS)
        pem = private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return cls(secrets.token_urlsafe(16), pem, _self_signed(private, common_name))

    @cached_property
    def private(self) -> RSAKey:
        return RSAKey.import_key(self.private_pem)

    @cached_property
    def thumbprint(self) -> bytes:
        return hashlib.sha1(self.certificate, usedforsecurity=False).digest()

    @cached_property
    def certificate_pem(self) -> str:
        certificate = x509.load_der_x509_certificate(self.certificate)
        return certificate.public_bytes(serialization.Encoding.PEM).decode()

    @cached_property
    def jwk(self) -> dict[str, Any]:
        """The public half as an entry of the key set."""
        public = self.private.as_dict(private=False)
        return {
            "kty": "RSA",
            "use": "sig",
            "alg": "RS256",
            "kid": self.kid,
            "n": public["n"],
            "e": public["e"],
            "x5t": base64.urlsafe_b64encode(self.thumbprint).rstrip(b"=").decode(),
            "x5c": [base64.b64encode(self.certificate).decode()],
        }


@dataclass(frozen=True)
class PublishedKey:
    """What everybody may know of a key. One that is neither current nor next signed earlier."""

    kid: str
    certificate_pem: str
    thumbprint: str
    is_current: bool
    is_next: bool


class SigningKeys:
    """The tenant's keys; with a data directory they survive a restart."""

    def __init__(self, tenant_name: str, data_dir: Path | None = None) -> None:
        self._common_name = f"{tenant_name}.localauth0"
        self._file = data_dir / _FILE_NAME if data_dir is not None else None
        self._lock = threading.Lock()
        stored = _read(self._file) if self._file is not None and self._file.exists() else None
        self._keys = stored or [SigningKey.generate(self._common_name) for _ in range(2)]
        self._import_current()
        if stored is None:
            self._save()

    def rotate(self) -> str:
        """Make the next key the current one and return its kid; the previous one stays published."""
        with self._lock:
            current, following, *previous = self._keys
            self._keys = [following, SigningKey.generate(self._common_name), current, *previous]
            self._import_current()
            self._save()
            return following.kid

    def jwks(self) -> dict[str, Any]:
        """The public key set: current, next, then earlier ones."""
        return {"keys": [key.jwk for key in self._keys]}

    def published(self) -> list[PublishedKey]:
        """The keys of the set, in its order."""
        return [
            PublishedKey(key.kid, key.certificate_pem, key.thumbprint.hex().upper(), at == 0, at == 1)
            for at, key in enumerate(self._keys)
        ]

    @property
    def certificate_pem(self) -> str:
        """The certificate of the key that signs."""
        return self._keys[0].certificate_pem

    def sign(self, payload: dict[str, Any], *, typ: str = "JWT") -> str:
        """Return the payload as an RS256 JWT signed by the current key."""
        with self._lock:
            kid, key = self._current
        return jwt.encode({"alg": "RS256", "typ": typ, "kid": kid}, payload, key, algorithms=["RS256"])

    def verified_payload(self, token: str) -> dict[str, Any] | None:
        """The claims of a JWT that one of the keys signed, whether or not it expired; else None."""
        for signing_key in self._keys:
            try:
                decoded = jwt.decode(token, signing_key.private, algorithms=["RS256"])
            except (JoseError, ValueError):
                continue
            return dict(decoded.claims)
        return None

    def _import_current(self) -> None:
        current = self._keys[0]
        self._current = current.kid, current.private

    def _save(self) -> None:
        if self._file is None:
            return
        self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        document = [
            {
                "kid": key.kid,
                "private_pem": key.private_pem.decode(),
                "certificate": base64.b64encode(key.certificate).decode(),
            }
            for key in self._keys
        ]
        partial = self._file.with_suffix(f".{os.getpid()}.partial")
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(document, file)
        partial.replace(self._file)


def _read(path: Path) -> list[SigningKey]:
    return [
        SigningKey(
            entry["kid"], entry["private_pem"].encode(), base64.b64decode(entry["certificate"], validate=True)
        )
        for entry in json.loads(path.read_text(encoding="utf-8"))
    ]


def _self_signed(private: rsa.RSAPrivateKey, common_name: str) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + _CERTIFICATE_LIFE)
        .sign(private, hashes.SHA256())
    )
    return certificate.public_bytes(serialization.Encoding.DER)
