"""Tokens with one thing wrong each, the keys that sign them, and a server that publishes the keys."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import RSAAlgorithm
from tests.loopback import LoopbackServer, QuietHandler

NAMESPACE = "https://hasura.io/jwt/claims"
ISSUER, AUDIENCE, KID = "https://acme.eu.auth0.com/", "https://api.example.com", "key-1"
HASURA_CLAIMS: Mapping[str, Any] = {
    "x-hasura-allowed-roles": ["user", "editor"],
    "x-hasura-default-role": "user",
    "x-hasura-user-id": "auth0|1",
}
SECRET = "a-secret-of-more-than-thirty-two-bytes"


@cache
def rsa_key(name: str = "first") -> RSAPrivateKey:
    """Return the private key of that name, the same one throughout a run."""
    del name
    return generate_private_key(public_exponent=65537, key_size=2048)


def public_pem(key: RSAPrivateKey) -> str:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def public_jwk(key: RSAPrivateKey, kid: str = KID) -> dict[str, Any]:
    return {**RSAAlgorithm.to_jwk(key.public_key(), as_dict=True), "kid": kid, "use": "sig", "alg": "RS256"}


def standard_claims(**changes: Any) -> dict[str, Any]:
    """Return the claims of a good access token; a change to None leaves a claim out, a number is seconds from now."""
    now = int(time.time())
    claims: dict[str, Any] = {
        "iss": ISSUER,
        "aud": [AUDIENCE, f"{ISSUER}userinfo"],
        "sub": "auth0|1",
        "scope": "openid",
    }
    claims |= {"iat": now - 60, "exp": now + 3600} | changes
    return {name: value for name, value in claims.items() if value is not None}


def from_now(seconds: float) -> int:
    return int(time.time() + seconds)


def a_token(
    hasura: Any = HASURA_CLAIMS,
    *,
    at: str = NAMESPACE,
    key: Any = None,
    algorithm: str = "RS256",
    kid: str | None = KID,
    **changes: Any,
) -> str:
    """Return a signed access token; without `hasura` (None) it has no Hasura claims."""
    claims = standard_claims(**changes) | ({} if hasura is None else {at: hasura})
    headers = {} if kid is None else {"kid": kid}
    return jwt.encode(claims, key or rsa_key(), algorithm=algorithm, headers=headers)


def with_claim(name: str, value: Any) -> dict[str, Any]:
    """Return the good Hasura claims with one changed."""
    return {**HASURA_CLAIMS, name: value}


def without_claim(name: str) -> dict[str, Any]:
    return {key: value for key, value in HASURA_CLAIMS.items() if key != name}


def raw_token(header: Any, claims: Any, signature: str = "c2ln") -> str:
    """Return three parts put together without regard to their sense; text goes in as it is."""
    parts = (part if isinstance(part, str) else encoded(part) for part in (header, claims))
    return ".".join((*parts, signature))


def encoded(value: Any) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@contextmanager
def publishing(*jwks: Any, status: int = 200, body: bytes | None = None) -> Iterator[str]:
    """A server of a key set; gives its URL."""
    content = json.dumps({"keys": jwks}).encode() if body is None else body

    class Handler(QuietHandler):
        def do_GET(self) -> None:
            self.answer(status, {}, content)

    with LoopbackServer(Handler) as server:
        yield f"{server.url}/jwks.json"
