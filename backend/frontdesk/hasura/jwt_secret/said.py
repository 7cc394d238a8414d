"""Options as people write them, on a command line or in a body: text that becomes the generator's options."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from frontdesk.errors import FieldFault, PayloadInvalid
from frontdesk.hasura.jwt_config import TokenHeader
from frontdesk.hasura.jwt_secret.options import SecretOptions

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


def means_a_tenant(provider: str | None, said: Mapping[str, Any]) -> bool:
    """Tell whether a tenant of the settings is meant: Auth0, and nothing that tells where its keys are."""
    return provider in (None, "auth0") and not any(
        said.get(name) for name in (*PROVIDER_OPTIONS, "jwk_url", "key")
    )
