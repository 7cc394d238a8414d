"""What a tenant is made of: the records of the tenant file, frozen once parsed."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

AppType = Literal["spa", "regular_web", "native", "non_interactive"]
Trigger = Literal["post-login", "credentials-exchange"]
TokenDialect = Literal["access_token", "access_token_authz", "rfc9068_profile", "rfc9068_profile_authz"]

_Text = Annotated[str, StringConstraints(min_length=1)]
_MAX_ACTION_BYTES = 100 * 1024  # Auth0 refuses longer sources (dependencies do not count)

DATABASE_STRATEGY = "auth0"
PASSWORDLESS_STRATEGIES = frozenset({"email", "sms"})

_INTERACTIVE_GRANTS = ("authorization_code", "implicit", "refresh_token")
_GRANTS_BY_APP_TYPE: dict[AppType, tuple[str, ...]] = {
    "spa": _INTERACTIVE_GRANTS,
    "native": _INTERACTIVE_GRANTS,
    "regular_web": (*_INTERACTIVE_GRANTS, "client_credentials"),
    "non_interactive": ("client_credentials",),
}


class _Record(BaseModel):
    """A misspelt key is an error: a key that is ignored would be a silent difference from what was meant."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Client(_Record):
    client_id: _Text
    client_secret: _Text | None = Field(default=None, repr=False)
    name: _Text
    app_type: AppType = "regular_web"
    callbacks: list[str] = []
    allowed_logout_urls: list[str] = []
    grant_types: list[str] | None = None
    metadata: dict[str, str] = {}

    @property
    def is_public(self) -> bool:
        """Whether the application cannot keep a secret, so that PKCE is what ties code to client."""
        return self.app_type in ("spa", "native") or self.client_secret is None

    def allows_grant(self, grant_type: str) -> bool:
        allowed = self.grant_types if self.grant_types is not None else _GRANTS_BY_APP_TYPE[self.app_type]
        return grant_type in allowed


class ResourceServer(_Record):
    identifier: _Text
    name: str = ""
    scopes: list[str] = []
    token_lifetime: Annotated[int, Field(gt=0, le=2_592_000)] = 86_400
    allow_offline_access: bool = False
    enforce_policies: bool = False
    token_dialect: TokenDialect = "access_token"  # noqa: S105 - a profile's name

    @property
    def adds_permissions(self) -> bool:
        """Whether access tokens carry `permissions`: RBAC is on and the dialect asks for it."""
        return self.enforce_policies and self.token_dialect.endswith("_authz")


class ClientGrant(_Record):
    client_id: _Text
    audience: _Text
    scope: list[str] = []


class Connection(_Record):
    id: _Text
    name: _Text
    strategy: _Text

    @property
    def is_database(self) -> bool:
        return self.strategy == DATABASE_STRATEGY

    @property
    def authentication_method(self) -> str:
        """The name that `event.authentication.methods` gives to a login through this connection."""
        if self.is_database:
            return "pwd"
        return self.strategy if self.strategy in PASSWORDLESS_STRATEGIES else "federated"


class Permission(_Record):
    resource_server_identifier: _Text
    permission_name: _Text


class Role(_Record):
    id: _Text
    name: _Text
    description: str = ""
    permissions: list[Permission] = []


class Member(_Record):
    user_id: _Text
    roles: list[str] = []


class Organization(_Record):
    id: _Text
    name: _Text
    display_name: str = ""
    metadata: dict[str, str] = {}
    members: list[Member] = []

    def member(self, user_id: str) -> Member | None:
        return next((member for member in self.members if member.user_id == user_id), None)


class UserEntry(BaseModel):
    """A user in the Management API's shape; Auth0's user object is open, so further root attributes are kept."""

    model_config = ConfigDict(frozen=True, extra="allow", strict=True)

    user_id: Annotated[str, StringConstraints(min_length=1, pattern=r"^\S+$")]
    password: str | None = Field(default=None, repr=False)
    roles: list[str] = []
    email: str | None = None
    email_verified: bool | None = None
    username: str | None = None
    blocked: bool | None = None
    app_metadata: dict[str, Any] | None = None
    user_metadata: dict[str, Any] | None = None
    identities: list[dict[str, Any]] | None = None
    created_at: str | None = None
    updated_at: str | None = None
    logins_count: Annotated[int, Field(ge=0)] | None = None


class Action(_Record):
    name: _Text
    trigger: Trigger
    code: Annotated[str, StringConstraints(min_length=1, max_length=_MAX_ACTION_BYTES)]
    runtime: Literal["node22"] = "node22"
    secrets: dict[str, str] = Field(default={}, repr=False)


class TenantConfig(_Record):
    """One tenant as its file describes it; cross references have been checked by tenant_file.py."""

    tenant: Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{1,63}$")]
    clients: list[Client] = []
    resource_servers: list[ResourceServer] = []
    client_grants: list[ClientGrant] = []
    connections: list[Connection] = []
    roles: list[Role] = []
    organizations: list[Organization] = []
    users: list[UserEntry] = []
    actions: list[Action] = []
    bindings: dict[Trigger, list[str]] = {}
    allowed_logout_urls: list[str] = []

    def client(self, client_id: str | None) -> Client | None:
        return next((client for client in self.clients if client.client_id == client_id), None)

    def resource_server(self, identifier: str) -> ResourceServer | None:
        return next((api for api in self.resource_servers if api.identifier == identifier), None)

    def client_grant(self, client_id: str, audience: str) -> ClientGrant | None:
        return next(
            (g for g in self.client_grants if (g.client_id, g.audience) == (client_id, audience)), None
        )

    def connection(self, name: str) -> Connection | None:
        return next((connection for connection in self.connections if connection.name == name), None)

    def role(self, name: str) -> Role | None:
        return next((role for role in self.roles if role.name == name), None)

    def organization(self, id_or_name: str) -> Organization | None:
        return next((org for org in self.organizations if id_or_name in (org.id, org.name)), None)

    def bound_actions(self, trigger: Trigger) -> list[Action]:
        """The Actions of a trigger in their order of execution."""
        by_name = {action.name: action for action in self.actions}
        return [by_name[name] for name in self.bindings.get(trigger, [])]
