"""`GET /v1alpha1/config`: what the console and the CLI ask about a server. No key and no secret is in it."""

from __future__ import annotations

from typing import Any

from localhasura.auth import Authenticator, JwtSecret
from localhasura.auth.json_path import NOT_THERE
from localhasura.auth.jwt_secret import DEFAULT_NAMESPACE, MappedClaim

_SUBSCRIPTIONS = {"batch_size": 100, "refetch_delay": 1}
"""Hasura's defaults: clients expect the keys, though nothing is subscribed to here."""


def server_config(version: str, authenticator: Authenticator) -> dict[str, Any]:
    """Return the body of the answer. Source: Hasura docs, "Config API reference"."""
    secrets = authenticator.jwt_secrets
    return {
        "version": version,
        "is_function_permissions_inferred": True,
        "is_remote_schema_permissions_enabled": False,
        "is_admin_secret_set": authenticator.is_secured,
        "is_auth_hook_set": authenticator.has_hook,
        "is_jwt_set": bool(secrets),
        "jwt": [_claims(secret) for secret in secrets],
        "is_allow_list_enabled": False,
        "live_queries": _SUBSCRIPTIONS,
        "streaming_queries": _SUBSCRIPTIONS,
        "console_assets_dir": None,
        "experimental_features": [],
        "is_prometheus_metrics_enabled": False,
        "default_naming_convention": "hasura-default",
        "feature_flags": [],
        "is_apollo_federation_enabled": False,
    }


def _claims(secret: JwtSecret) -> dict[str, Any]:
    if secret.claims_map is not None:
        claims_map = {name: _mapped(claim) for name, claim in secret.claims_map.items()}
        return {"claims_namespace": DEFAULT_NAMESPACE, "claims_format": "json", "claims_map": claims_map}
    return {
        "claims_namespace": secret.namespace_path or secret.namespace,
        "claims_format": "stringified_json" if secret.stringified else "json",
        "claims_map": None,
    }


def _mapped(claim: MappedClaim) -> Any:
    if claim.path is None:
        return claim.literal
    return {"path": claim.path} | ({} if claim.default is NOT_THERE else {"default": claim.default})
