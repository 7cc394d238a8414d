"""What Hasura takes and should not, and what it never looks at.

Source: Hasura docs, "Authentication using JWT"; hasura/graphql-engine, Server/Auth/JWT.hs.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from frontdesk.hasura.jwt_config import KEY_KINDS, JwtConfig
from frontdesk.hasura.jwt_keys import PemKey, algorithms_of, key_from_pem

MIN_RSA_BITS = 2048
MAX_SKEW_S = 300
EXPIRES_SOON = timedelta(days=30)
_ENDS_WITH_SLASH = (".auth0.com", "sts.windows.net")
_ENDS_WITHOUT_SLASH = (
    *("securetoken.google.com", "accounts.google.com", "login.microsoftonline.com", "cloud.google.com"),
    *(".amazonaws.com", ".clerk.accounts.dev"),
)


def warnings_about(config: JwtConfig, now: datetime) -> tuple[str, ...]:
    """Return a sentence for everything that Hasura takes and that should be otherwise."""
    return (
        *_about_identity(config),
        *_about_url(config),
        *(() if config.key is None else _about_key(config, config.key, now)),
        *_about_claims(config),
    )


def unchecked_by_hasura(config: JwtConfig) -> tuple[str, ...]:
    """Return what the engine will not check with this configuration, in sentences."""
    compared = [name for name, set_ in (("aud", config.audience), ("iss", config.issuer)) if set_]
    lenient = ", ".join([*compared, "exp"])
    sentences = [
        f"Hasura does not insist on {lenient}: a token without it passes, so issue every token with all three.",
        "Hasura tells no ID token from an access token, and does not compare `type` with a token's `alg`.",
    ]
    return tuple(sentences)


def _about_identity(config: JwtConfig) -> Iterator[str]:
    if not config.audience:
        yield "No audience: Hasura takes the tokens of every application of this issuer."
    elif "" in config.audience:
        yield "An audience is empty: it fits no token that should pass."
    if config.issuer is None:
        yield "No issuer: Hasura takes every token that the keys verify, whoever issued it."
    else:
        yield from _about_slash(config.issuer)
    if config.allowed_skew_s > MAX_SKEW_S:
        yield f"allowed_skew is {config.allowed_skew_s} s: tokens live on that long after their end; 60 is plenty."


def _about_slash(issuer: str) -> Iterator[str]:
    host = host_of(issuer)
    if _is_one_of(host, _ENDS_WITH_SLASH) and not issuer.endswith("/"):
        yield f"The issuer lacks the slash at its end: {host} issues as {issuer}/, and Hasura compares every letter."
    if _is_one_of(host, _ENDS_WITHOUT_SLASH) and issuer.endswith("/"):
        yield f"The issuer has a slash at its end: {host} issues as {issuer.rstrip('/')}, and every letter counts."


def host_of(issuer: str) -> str:
    """Return the host of an issuer, which may be any text; empty when it has none."""
    try:
        return urlsplit(issuer).hostname or ""
    except ValueError:
        return ""


def _is_one_of(host: str, names: tuple[str, ...]) -> bool:
    return any(host == name or (name.startswith(".") and host.endswith(name)) for name in names)


def _about_url(config: JwtConfig) -> Iterator[str]:
    if config.jwk_url is None:
        return
    parts = urlsplit(config.jwk_url)
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        yield "jwk_url is http: whoever is on the way can put keys of their own into it; use https."


def is_loopback(host: str) -> bool:
    """Tell whether a host name or address means this very machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _about_key(config: JwtConfig, key: str, now: datetime) -> Iterator[str]:
    if config.type not in KEY_KINDS:
        yield "The key signs tokens as well as it verifies them: whoever reads this value can be any user."
        if "-----BEGIN " in key:
            yield f"The key of {config.type} is a PEM text: if it is a public key, anybody can sign tokens with it."
        return
    if key.count("-----BEGIN ") > 1:
        yield "The key has several PEM blocks: Hasura reads the first and passes over the others."
    pem = key_from_pem(key)
    yield from _about_strength(config, pem)
    yield from _about_expiry(pem, now)
    yield "The key is fixed: when the provider rotates its keys, Hasura refuses every new token until you change it."


def _about_strength(config: JwtConfig, pem: PemKey) -> Iterator[str]:
    if isinstance(pem.public, RSAPublicKey):
        if pem.public.key_size < MIN_RSA_BITS:
            yield f"The RSA key has {pem.public.key_size} bits: {MIN_RSA_BITS} are the least that holds."
        return
    verifies = algorithms_of(pem.public)
    if config.type not in verifies and config.type != "Ed25519":
        yield f"The type is {config.type}, the key verifies {verifies[0] if verifies else 'nothing'}: make them agree."


def _about_expiry(pem: PemKey, now: datetime) -> Iterator[str]:
    if pem.expires is None:
        return
    if pem.expires <= now:
        yield f"The certificate ended on {pem.expires:%Y-%m-%d}: Hasura does not mind, but its key is surely replaced."
    elif pem.expires - now <= EXPIRES_SOON:
        yield f"The certificate ends on {pem.expires:%Y-%m-%d}: expect the provider to rotate its keys."


def _about_claims(config: JwtConfig) -> Iterator[str]:
    if config.unknown_keys:
        yield f"Hasura passes over {', '.join(config.unknown_keys)}: no key of a JWT secret has that name."
    strangers = [name for name in config.claims_map or () if not name.startswith("x-hasura-")]
    if strangers:
        yield f"claims_map: Hasura passes over {', '.join(strangers)}: session variables begin with x-hasura-."
