"""The scopes of the Management API, as its entry in the list of APIs shows them.

Source: Auth0's Management OpenAPI; the scopes in a recorded `sapi` log record.
"""

from __future__ import annotations

_CRUD = ("read", "create", "update", "delete")


def _scopes(verbs: tuple[str, ...], *things: str) -> list[str]:
    return [f"{verb}:{thing}" for thing in things for verb in verbs]


MANAGEMENT_SCOPES: tuple[str, ...] = (
    *_scopes(
        _CRUD,
        "actions", "authentication_methods", "branding", "client_credentials", "client_grants", "client_keys",
        "clients", "connections", "connections_keys", "custom_domains", "event_streams", "flows", "forms",
        "log_streams", "network_acls", "organization_connections", "organizations", "phone_providers",
        "resource_servers", "roles", "self_service_profiles", "token_exchange_profiles", "users", "users_app_metadata",
    ),
    *_scopes(
        ("read", "create", "delete"),
        "organization_client_grants", "organization_invitations", "organization_member_roles", "organization_members",
        "role_members", "user_custom_blocks",
    ),
    *_scopes(("read", "create", "update"), "email_provider", "email_templates", "shields", "signing_keys"),
    *_scopes(("read", "delete"), "anomaly_blocks", "device_credentials", "grants", "refresh_tokens", "sessions"),
    *_scopes(
        ("read", "update"),
        "attack_protection", "event_deliveries", "guardian_factors", "limits", "mfa_policies", "prompts",
        "tenant_settings", "triggers",
    ),
    *_scopes(("create",), "actions_log_sessions", "guardian_enrollment_tickets", "user_tickets"),
    *_scopes(
        ("read",),
        "entitlements", "events", "insights", "logs", "logs_users", "organizations_summary", "stats", "user_idp_tokens",
    ),
    "delete:email_provider", "delete:shields", "blacklist:tokens",
)  # fmt: skip

_OF_ONESELF = (
    "read:current_user", "update:current_user_identities", "create:current_user_metadata",
    "update:current_user_metadata", "delete:current_user_metadata", "create:current_user_device_credentials",
    "delete:current_user_device_credentials",
)  # fmt: skip

# What a person may ask for with the Management API as audience; everything else is for machines.
CURRENT_USER_SCOPES: frozenset[str] = frozenset(_OF_ONESELF)
