"""Whether the keys behind a JWT secret are there, are usable by Hasura, and stay fresh."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Literal
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from frontdesk.errors import KeysUnavailable
from frontdesk.hasura.jwt_config import JwtConfig
from frontdesk.hasura.jwt_secret.advice import MIN_RSA_BITS, is_loopback
from frontdesk.hasura.jwt_secret.fetch import Reach, fetch
from frontdesk.hasura.jwt_secret.key_documents import KeyDocument, key_document

_AGE = re.compile(r"(?:^|[\s,])(?:s-maxage|max-age)\s*=\s*\"?(\d{1,10})", re.IGNORECASE)
OFTEN_S = 10


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at, in a sentence."""

    verdict: Literal["ok", "warning", "failed"]
    sentence: str


def check_keys(
    config: JwtConfig, reach: Reach, now: datetime, *, kid: str | None = None
) -> tuple[Finding, ...]:
    """Return what there is to say of the key set of `config`; `kid` is the key that a token at hand was signed with."""
    if config.jwk_url is None:
        return (Finding("ok", "The key is in the secret: nothing is fetched."),)
    try:
        fetched = fetch(config.jwk_url, reach)
        document = key_document(fetched.body)
    except KeysUnavailable as error:
        return (Finding("failed", f"Hasura would not start: {error.detail}."),)
    return (
        *_about_transport(config.jwk_url, fetched.url),
        *_about_keys(document, kid),
        _about_freshness(fetched.headers, now),
    )


def _about_transport(asked: str, answered: str) -> Iterator[Finding]:
    parts = urlsplit(asked)
    if parts.scheme == "https" or is_loopback(parts.hostname or ""):
        yield Finding("ok", f"The key set is at {answered}.")
    else:
        yield Finding("warning", "The key set comes over http: whoever is on the way can put keys into it.")
    if answered != asked.partition("?")[0]:
        yield Finding("warning", f"The key set is redirected to {answered}: name that address in jwk_url.")


def _about_keys(document: KeyDocument, kid: str | None) -> Iterator[Finding]:
    for each in document.unreadable:
        yield Finding("failed", f"Hasura reads no key of this set because of one: {each}.")
    if not document.keys:
        yield Finding(
            "failed", "The set holds no key that verifies signatures: Hasura would refuse every token."
        )
        return
    count = len(document.keys)
    yield Finding("ok", f"{count} signing key{'s' if count > 1 else ''}: {', '.join(_names(document))}.")
    for key in document.keys:
        if isinstance(key.public, RSAPublicKey) and key.public.key_size < MIN_RSA_BITS:
            yield Finding(
                "warning", f"The RSA key {key.kid!r} has {key.public.key_size} bits, too few to hold."
            )
    if kid is not None and kid not in {key.kid for key in document.keys}:
        yield Finding("failed", f"The token was signed with the key {kid!r}, which is not in the set.")


def _names(document: KeyDocument) -> list[str]:
    return [repr(key.kid) if key.kid else "one without an id" for key in document.keys]


def _about_freshness(headers: Mapping[str, str], now: datetime) -> Finding:
    lifetime_s = lifetime_of(headers, now)
    if lifetime_s is None:
        return Finding(
            "warning",
            "The answer has neither Cache-Control with max-age nor Expires: Hasura never fetches the keys again, so "
            "restart it after a rotation.",
        )
    if lifetime_s < OFTEN_S:
        return Finding(
            "warning", f"The answer is good for {lifetime_s:.0f} s: Hasura fetches the keys all the time."
        )
    return Finding("ok", f"Hasura fetches the keys again after {lifetime_s:.0f} s.")


def lifetime_of(headers: Mapping[str, str], now: datetime) -> float | None:
    """Return after how many seconds Hasura fetches the keys again; None when it never does.

    Source: hasura/graphql-engine, Server/Auth/JWT.hs: Cache-Control first, then Expires.
    """
    control = headers.get("Cache-Control", "").lower()
    words = {word.strip() for word in control.split(",")}
    age = _AGE.search(control)
    if words & {"no-cache", "no-store"} or ("must-revalidate" in words and age is None):
        return 0.0
    if age is not None:
        return float(age[1])
    try:
        expires = parsedate_to_datetime(headers.get("Expires", ""))
    except (TypeError, ValueError):
        return None
    return max(0.0, (expires.timestamp() - now.timestamp()))
