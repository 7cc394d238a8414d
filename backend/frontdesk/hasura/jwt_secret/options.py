"""What a person says about the tokens that Hasura should take, and what the generator answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from frontdesk.hasura.jwt_config import DEFAULT_CLAIMS_NAMESPACE, JwtConfig, TokenHeader


@dataclass(frozen=True, kw_only=True)
class SecretOptions:
    """Everything that the generator may be told; None and empty mean "not said".

    `domain` is Auth0's or Keycloak's host, `instance` Clerk's Frontend API, `directory` Microsoft's tenant id. `key` is
    the text of a PEM file or an HMAC secret. `key_url` is where a key is embedded from, when that is not the key set.
    """

    provider: str
    domain: str | None = None
    project: str | None = None
    region: str | None = None
    user_pool: str | None = None
    realm: str | None = None
    instance: str | None = None
    directory: str | None = None
    issuer: str | None = None
    jwk_url: str | None = None
    audiences: tuple[str, ...] = ()
    key: str | None = field(default=None, repr=False)
    key_type: str | None = None
    key_url: str | None = None
    kid: str | None = None
    claims_namespace: str | None = None
    claims_namespace_path: str | None = None
    claims_map: Mapping[str, Any] | None = None
    stringified_claims: bool = False
    allowed_skew_s: int | None = None
    header: TokenHeader | None = None
    allow_any_audience: bool = False


@dataclass(frozen=True)
class EmbeddedKey:
    """The key that was fetched and written into the configuration; `expires` is the end of its certificate."""

    source: str
    kid: str | None
    kind: str
    expires: datetime | None
    others: int
    """How many other signing keys the same document holds."""

    def sentence(self) -> str:
        """Say which key it is, and how long it lasts."""
        name = f"key {self.kid!r}" if self.kid else "key"
        until = f", whose certificate ends on {self.expires:%Y-%m-%d}" if self.expires else ""
        more = f" {self.others} more are there: choose another by its kid." if self.others else ""
        return f"Embedded the {self.kind} {name} of {self.source}{until}.{more}"


@dataclass(frozen=True, kw_only=True)
class GeneratedSecret:
    """A configuration, what is doubtful about it (`warnings`), and what the provider needs done (`notes`)."""

    config: JwtConfig
    warnings: tuple[str, ...]
    notes: tuple[str, ...] = ()
    embedded: EmbeddedKey | None = None


def tenant_options(
    *, issuer: str, audience: str, claims_namespace: str = DEFAULT_CLAIMS_NAMESPACE
) -> SecretOptions:
    """Return the options of an Auth0 tenant of the settings."""
    return SecretOptions(
        provider="auth0", issuer=issuer, audiences=(audience,), claims_namespace=claims_namespace
    )
