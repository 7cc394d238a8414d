"""What a tenant is made of: the records of the tenant file, frozen once parsed."""

from __future__ import annotations

import secrets
import string
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from localauth0.event_settings import EventDelivery
from localauth0.log_settings import LogDelivery, WebhookExtension

AppType = Literal["spa", "regular_web", "native", "non_interactive"]
Trigger = Literal["post-login", "credentials-exchange", "post-user-registration", "post-change-password"]
TokenDialect = Literal["access_token", "access_token_authz", "rfc9068_profile", "rfc9068_profile_authz"]

_Text = Annotated[str, StringConstraints(min_length=1)]
_BEGINNING = (
    "2026-01-01T00:00:00.000Z"  # when the event streams of a tenant file were made, unless it says so
)
_MAX_ACTION_BYTES = 100 * 1024  # Auth0 refuses longer sources (dependencies do not count)

# In a tenant file, the audience of this tenant's own Management API, whose address is known only once it runs.
MANAGEMENT_API = "/api/v2/"

DATABASE_STRATEGY = "auth0"
PASSWORDLESS_STRATEGIES = frozenset({"email", "sms"})

_INTERACTIVE_GRANTS = ("authorization_code", "implicit", "refresh_token")
_GRANTS_BY_APP_TYPE: dict[AppType, tuple[str, ...]] = {
    "spa": _INTERACTIVE_GRANTS,
    "native": _INTERACTIVE_GRANTS,
    "regular_web": (*_INTERACTIVE_GRANTS, "client_credentials"),
    "non_interactive": ("client_credentials",),
}


def random_id(prefix: str, length: int, alphabet: str = string.ascii_letters + string.digits) -> str:
    """A new id in Auth0's style, such as `rol_` with sixteen letters and digits."""
    return prefix + "".join(secrets.choice(alphabet) for _ in range(length))


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
    # What the Management API was told beyond the above; localauth0 only gives it back.
    settings: dict[str, Any] = {}

    @property
    def is_public(self) -> bool:
        """Whether the application cannot keep a secret, so that PKCE is what ties code to client."""
        method = self.settings.get("token_endpoint_auth_method")
        if method is not None:
            return bool(method == "none")
        return self.app_type in ("spa", "native") or self.client_secret is None

    @property
    def grants(self) -> list[str]:
        """The grant types that the application may use: its own list, else that of its type."""
        return self.grant_types if self.grant_types is not None else list(_GRANTS_BY_APP_TYPE[self.app_type])

    def allows_grant(self, grant_type: str) -> bool:
        return grant_type in self.grants


class ResourceServer(_Record):
    id: _Text = Field(default_factory=lambda: random_id("", 24, "0123456789abcdef"))
    identifier: _Text
    name: str = ""
    scopes: list[str] = []
    scope_descriptions: dict[str, str] = {}
    token_lifetime: Annotated[int, Field(gt=0, le=2_592_000)] = 86_400
    allow_offline_access: bool = False
    enforce_policies: bool = False
    token_dialect: TokenDialect = "access_token"  # noqa: S105 - a profile's name
    is_system: bool = False
    settings: dict[str, Any] = {}  # as those of a client

    @property
    def adds_permissions(self) -> bool:
        """Whether access tokens carry `permissions`: RBAC is on and the dialect asks for it."""
        return self.enforce_policies and self.token_dialect.endswith("_authz")


class ClientGrant(_Record):
    """Which scopes of an API an application may have: by itself (`client`) or for a user (`user`)."""

    id: _Text = Field(default_factory=lambda: random_id("cgr_", 16))
    client_id: _Text
    audience: _Text
    scope: list[str] = []
    allow_all_scopes: bool = False
    subject_type: Literal["client", "user"] = "client"
    settings: dict[str, Any] = {}  # as those of a client


RateGroup = Literal[
    "read_users", "write_users", "read_logs", "read_organization_members", "write_organization_members",
    "read_organization_member_roles",
]  # fmt: skip


class GroupLimit(_Record):
    """The token bucket of one group of calls."""

    burst: Annotated[int, Field(ge=1)]
    per_minute: Annotated[float, Field(gt=0, strict=False)]


class RateLimit(_Record):
    """The token buckets of the Management API; unless the tenant file says otherwise, nobody meets a limit.

    `plan` has the limits of that subscription. `groups` have buckets of their own; `burst` and `per_second` are those
    of all other calls together. `per` says who shares a bucket, `retry_after` whether a refusal has that header.
    """

    burst: Annotated[int, Field(ge=1)] = 10_000
    per_second: Annotated[float, Field(gt=0, strict=False)] = 10_000.0
    plan: Literal["free", "self_service", "enterprise", "enterprise_non_production"] | None = None
    groups: dict[RateGroup, GroupLimit] = {}
    per: Literal["tenant", "token"] = "tenant"
    retry_after: bool = False


class Plan(_Record):
    """What the tenant's subscription includes."""

    event_streams: bool = True
    log_streams: bool = True
    max_log_streams: Annotated[int, Field(ge=0)] = 100
    log_retention_days: Annotated[int, Field(gt=0)] = 30

    def includes(self, feature: str) -> bool:
        return bool(getattr(self, feature))


class Connection(_Record):
    id: _Text
    name: _Text
    strategy: _Text
    # Of a database; no part of what the Management API and Actions call a connection.
    usernames: Literal["optional", "required", "refused"] = Field(default="optional", exclude=True)

    @property
    def is_database(self) -> bool:
        return self.strategy == DATABASE_STRATEGY

    @property
    def is_passwordless(self) -> bool:
        return self.strategy in PASSWORDLESS_STRATEGIES

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
    members: list[Member] = []  # at the start; `Memberships` knows who belongs to it later
    settings: dict[str, Any] = {}  # as those of a client


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


class ActionBuilds(_Record):
    """How long the build of an Action takes; it is over after `looks` looks at it too, unless that is null."""

    seconds: Annotated[float, Field(ge=0, strict=False)] = 0.6
    looks: Annotated[int, Field(gt=0)] | None = 3


class ExportJobs(_Record):
    """How long an export of users takes (as the build of an Action), whether it fails and why, and how it is told.

    `processing`: whether a running job says so, or `pending`. A link to the file lives for `link_seconds`, a job for
    `kept_seconds`.
    """

    seconds: Annotated[float, Field(ge=0, strict=False)] = 0.6
    looks: Annotated[int, Field(gt=0)] | None = 3
    processing: bool = True
    fails: str | None = None
    link_seconds: Annotated[float, Field(gt=0, strict=False)] = 60.0
    kept_seconds: Annotated[float, Field(gt=0, strict=False)] = 86_400.0


class DeviceFlow(_Record):
    """The device flow, in seconds: how often a device may ask, and how long its code lives."""

    interval: Annotated[int, Field(ge=0)] = 5
    expires_in: Annotated[int, Field(gt=0)] = 900


def _iso_moment(text: str) -> str:
    if datetime.fromisoformat(text).tzinfo is None:
        raise ValueError("a time needs its offset, such as Z")
    return text


class LogStream(_Record):
    """Where the tenant's log goes. `sink` has the keys of its type; what was not said is absent."""

    id: _Text = Field(default_factory=lambda: random_id("lst_", 16, string.digits))
    name: _Text
    type: _Text
    status: Literal["active", "paused", "suspended"] = "active"
    sink: dict[str, Any] = Field(repr=False)
    filters: list[dict[str, Any]] | None = None
    pii_config: dict[str, Any] | None = None
    isPriority: bool | None = None
    # Where a new stream begins in the log, as an ISO 8601 time; Auth0 does not show it later.
    start_from: Annotated[str, AfterValidator(_iso_moment)] | None = Field(default=None, exclude=True)


WEBHOOK_AUTHORIZATIONS = {
    "bearer": frozenset({"token"}),
    "basic": frozenset({"username", "password"}),
    "custom_header": frozenset({"header_key", "header_value"}),
}  # of an event stream: the methods, and what each needs


class EventStream(_Record):
    """Where events of users go. `destination` has the secrets that the Management API never shows."""

    id: _Text = Field(default_factory=lambda: random_id("est_", 22))
    name: str | None = None
    status: Literal["enabled", "disabled"] = "enabled"
    subscriptions: list[dict[str, Any]] = []
    destination: dict[str, Any] = Field(repr=False)
    created_at: str = _BEGINNING
    updated_at: str = _BEGINNING


Probability = Annotated[float, Field(ge=0, le=1, strict=False)]


class DeliveryFaults(_Record):
    """How often something goes wrong on the way to the receivers of streams (delivery_faults.py), for tests.

    A delayed request waits up to `delay_s`. `drop_answer`: it is sent, and its answer counts as none.
    """

    duplicate: Probability = 0.0
    reorder: Probability = 0.0
    delay: Probability = 0.0
    delay_s: Annotated[float, Field(ge=0, strict=False)] = 0.2
    drop_answer: Probability = 0.0
    fail_connection: Probability = 0.0
    seed: int = 0


class Generate(_Record):
    """How many users, roles and organizations are made up beside those that the file names (generator.py)."""

    users: Annotated[int, Field(ge=0, le=100_000_000)] = 0
    roles: Annotated[int, Field(ge=0, le=1000)] = 0
    organizations: Annotated[int, Field(ge=0, le=100_000)] = 0
    seed: int = 0


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
    log_streams: list[LogStream] = []
    event_streams: list[EventStream] = []
    rate_limit: RateLimit = RateLimit()
    plan: Plan = Plan()
    action_builds: ActionBuilds = ActionBuilds()
    export_jobs: ExportJobs = ExportJobs()
    deliveries: DeliveryFaults = DeliveryFaults()
    event_delivery: EventDelivery = EventDelivery()
    log_delivery: LogDelivery = LogDelivery()
    webhook_extension: WebhookExtension | None = None
    # Whether `PATCH /users` that changes address, number, username or password is in the log as that, too, and not as
    # a call alone; Auth0's documents do not tell.
    log_changes_by_api: bool = True
    sent_secrets: Literal["replace", "merge"] = "replace"
    device_flow: DeviceFlow = DeviceFlow()
    generate: Generate | None = None
    # Seconds until the list of a user's own log records shows one; right after a creation it is empty, as recorded.
    user_log_lag: Annotated[float, Field(ge=0, strict=False)] = 1.0
    search_lag: Annotated[float, Field(ge=0, strict=False)] = 0.0  # seconds until a search sees a change

    def client(self, client_id: str | None) -> Client | None:
        return next((client for client in self.clients if client.client_id == client_id), None)

    def resource_server(self, identifier: str) -> ResourceServer | None:
        return next((api for api in self.resource_servers if api.identifier == identifier), None)

    def client_grant(self, client_id: str, audience: str) -> ClientGrant | None:
        """The grant by which the client gets tokens of its own for the API."""
        wanted = (client_id, audience, "client")
        grants = (g for g in self.client_grants if (g.client_id, g.audience, g.subject_type) == wanted)
        return next(grants, None)

    def scopes_of(self, grant: ClientGrant) -> list[str]:
        api = self.resource_server(grant.audience) if grant.allow_all_scopes else None
        return api.scopes if api is not None else grant.scope

    def at(self, audience: str, scopes: tuple[str, ...]) -> TenantConfig:
        """The tenant with its own Management API under that audience, where it is named or was before."""
        before = next((api.identifier for api in self.resource_servers if api.is_system), MANAGEMENT_API)
        system = ResourceServer(
            identifier=audience, name="Auth0 Management API", scopes=list(scopes), is_system=True
        )
        moved = {"audience": audience}
        return self.model_copy(
            update={
                "resource_servers": [system, *(api for api in self.resource_servers if not api.is_system)],
                "client_grants": [
                    grant.model_copy(update=moved) if grant.audience == before else grant
                    for grant in self.client_grants
                ],
            }
        )

    def connection(self, name: str) -> Connection | None:
        return next((connection for connection in self.connections if connection.name == name), None)

    def role(self, name: str) -> Role | None:
        return next((role for role in self.roles if role.name == name), None)

    def organization(self, id_or_name: str) -> Organization | None:
        return next((org for org in self.organizations if id_or_name in (org.id, org.name)), None)
