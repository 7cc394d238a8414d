"""What a call about an application may say.

Source: the Management OpenAPI, `/clients`.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, StringConstraints

from localauth0.management.http import Body, Document
from localauth0.tenant import AppType

Name = Annotated[str, StringConstraints(min_length=1, pattern=r"^[^<>]+$")]
MetadataKey = Annotated[str, StringConstraints(min_length=1, max_length=255)]
MetadataValue = Annotated[str, StringConstraints(max_length=255)]
MAX_METADATA_KEYS = 10

# Body property to the record's member; every other property is among the record's `settings`.
MEMBERS = {
    "name": "name",
    "app_type": "app_type",
    "callbacks": "callbacks",
    "allowed_logout_urls": "allowed_logout_urls",
    "grant_types": "grant_types",
    "client_metadata": "metadata",
    "client_secret": "client_secret",
}


class _PrivateKeyJwt(Body):
    credentials: list[dict[str, Any]]


class _AuthenticationMethods(Body):
    private_key_jwt: _PrivateKeyJwt | None = None
    tls_client_auth: Any = None
    self_signed_tls_client_auth: Any = None


class ClientBody(Body):
    """Of what is `Any` here, localauth0 only remembers what it was told; README.md says what it acts on."""

    app_type: AppType | None = None
    callbacks: list[str] | None = None
    allowed_logout_urls: list[str] | None = None
    grant_types: list[str] | None = None
    client_metadata: Annotated[dict[MetadataKey, MetadataValue | None], Field(max_length=10)] | None = None
    description: Annotated[str, StringConstraints(max_length=140)] | None = None
    is_first_party: bool | None = None
    oidc_conformant: bool | None = None
    token_endpoint_auth_method: str | None = None
    client_authentication_methods: _AuthenticationMethods | None = None
    jwt_configuration: dict[str, Any] | None = None
    refresh_token: dict[str, Any] | None = None
    addons: Any = None
    allowed_clients: list[str] | None = None
    allowed_origins: list[str] | None = None
    anonymous_sessions: Any = None
    async_approval_notification_channels: Any = None
    b2b_integration_configuration: Any = None
    client_aliases: list[str] | None = None
    compliance_level: Any = None
    cross_origin_authentication: bool | None = None
    cross_origin_loc: str | None = None
    custom_login_page: str | None = None
    custom_login_page_on: bool | None = None
    custom_login_page_preview: str | None = None
    default_organization: Any = None
    encryption_key: Any = None
    express_configuration: Any = None
    fedcm_login: Any = None
    form_template: str | None = None
    identity_assertion_authorization_grant: Any = None
    initiate_login_uri: str | None = None
    is_token_endpoint_ip_header_trusted: bool | None = None
    logo_uri: str | None = None
    mobile: Any = None
    my_organization_configuration: Any = None
    native_social_login: Any = None
    oidc_backchannel_logout: Any = None
    oidc_logout: Any = None
    oidc_support: Any = None
    organization_discovery_methods: Any = None
    organization_require_behavior: Any = None
    organization_usage: Any = None
    par_request_expiry: Any = None
    redirection_policy: Any = None
    require_proof_of_possession: bool | None = None
    require_pushed_authorization_requests: bool | None = None
    resource_server_identifier: str | None = None
    session_transfer: Any = None
    signed_request_object: Any = None
    skip_non_verifiable_callback_uri_confirmation_prompt: Any = None
    sso: bool | None = None
    sso_disabled: bool | None = None
    third_party_security_mode: Any = None
    token_exchange: Any = None
    token_quota: Any = None
    token_vault_privileged_access: Any = None
    web_origins: list[str] | None = None

    def members(self) -> Document:
        """What was said of the record's own members; None takes a member back to its default."""
        return {MEMBERS[key]: value for key, value in self.sent().items() if key in MEMBERS}

    def settings(self) -> Document:
        """What was said of everything else; None removes."""
        return {key: value for key, value in self.sent().items() if key not in MEMBERS}


class ClientCreation(ClientBody):
    name: Name


class ClientChange(ClientBody):
    name: Name = ""  # the default is never used: only what was sent counts, and null is no name
    client_secret: Annotated[str, StringConstraints(min_length=1)] | None = None
