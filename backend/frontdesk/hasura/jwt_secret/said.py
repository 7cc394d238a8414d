"""Options as people write them, on a command line or in a body: text that becomes the generator's options."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from frontdesk.errors import FieldFault, PayloadInvalid
from frontdesk.hasura.jwt_config import TokenHeader
from frontdesk.hasura.jwt_secret.fetch import Reach
from frontdesk.hasura.jwt_secret.from_token import Proposal
from frontdesk.hasura.jwt_secret.generator import generate, generate_embedded
from frontdesk.hasura.jwt_secret.options import GeneratedSecret, SecretOptions
from frontdesk.hasura.jwt_secret.providers import PROVIDERS

PROVIDER_OPTIONS: Final = (
    "domain",
    "project",
    "region",
    "user_pool",
    "realm",
    "instance",
    "directory",
    "issuer",
)
"""What tells a provider's keys; without one of them, and without a token, the settings' tenant is meant."""


def with_said(options: SecretOptions, said: Mapping[str, Any]) -> SecretOptions:
    """Return the options with what was said in place of what they hold; None and empty mean "not said".

    A namespace, a path and a map take each other's place. Raises PayloadInvalid for two of them at once.
    """
    given = {name: value for name, value in said.items() if value not in (None, (), False)}
    where = [name for name in ("claims_namespace", "claims_namespace_path") if name in given]
    if len(where) > 1:
        raise PayloadInvalid(
            [FieldFault("claims_namespace_path", "not both, a claim's name and a path to it")]
        )
    cleared = dict.fromkeys(("claims_namespace", "claims_namespace_path")) if where else {}
    return replace(options, **{**cleared, **given})


def token_header(text: str) -> TokenHeader:
    """Return the header of `authorization`, `cookie:NAME` or `custom:NAME`. Raises PayloadInvalid."""
    kind, _, name = text.partition(":")
    if kind == "authorization" and not name:
        return TokenHeader()
    is_name = bool(name) and name.isascii() and name.isprintable() and not set(name) & set(' ;,="')
    if kind == "cookie" and is_name:
        return TokenHeader("Cookie", name)
    if kind == "custom" and is_name:
        return TokenHeader("CustomHeader", name)
    raise PayloadInvalid([FieldFault("header", "authorization, cookie:NAME or custom:NAME")])


def claims_map(text: str) -> Mapping[str, Any]:
    """Return a claims map of JSON text. Raises PayloadInvalid."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise PayloadInvalid(
            [FieldFault("claims_map", 'JSON such as {"x-hasura-user-id": {"path": "$.sub"}, …}')]
        )
    return value


def options_for(
    provider: str | None,
    said: Mapping[str, Any],
    proposal: Proposal | None,
    *,
    tenant: str | None,
    of_tenant: Callable[[], SecretOptions],
) -> SecretOptions:
    """Return the options that were meant: those of a tenant of the settings, of a token, or what was said alone.

    A tenant is meant when it is named, or when nothing tells where else the keys would be. Raises PayloadInvalid, and
    what `of_tenant` raises.
    """
    if tenant is not None and provider not in (None, "auth0"):
        raise PayloadInvalid(
            [FieldFault("tenant", f"none with {provider}: the settings' tenants are Auth0's")]
        )
    if tenant is not None or (proposal is None and _means_a_tenant(provider, said)):
        base = of_tenant()
    elif proposal is not None:
        base = proposal.options
    elif provider is None and not said.get("domain"):
        raise PayloadInvalid([FieldFault("provider", "one of " + ", ".join(PROVIDERS))])
    else:
        base = SecretOptions(provider="auth0")
    return with_said(base if provider is None else replace(base, provider=provider), said)


def secret_for(
    options: SecretOptions, proposal: Proposal | None, reach: Reach, now: datetime, *, embed: bool
) -> GeneratedSecret:
    """Return the secret, with the provider's key fetched into it when it is to be embedded.

    The key that a token names is the one that is chosen, unless another one is said.
    """
    if not embed and options.key_url is None:
        return generate(options, now)
    if options.key is not None:
        raise PayloadInvalid([FieldFault("key", "no key when one is to be fetched: choose one of the two")])
    kid = options.kid or (proposal.kid if proposal else None)
    return generate_embedded(replace(options, kid=kid), reach, now)


def _means_a_tenant(provider: str | None, said: Mapping[str, Any]) -> bool:
    return provider in (None, "auth0") and not any(
        said.get(name) for name in (*PROVIDER_OPTIONS, "jwk_url", "key")
    )
