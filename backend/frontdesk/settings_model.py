"""The sections of the settings: every key with its type, its default and the sentence that documents it.

`settings.py` puts them together, and those of `settings_everyone.py` with them. `docs/reference/settings.md`,
`.env.example` and `frontdesk.example.toml` are written from these models.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from frontdesk.identity.policy import BlockedUsers, RoleSource
from frontdesk.settings_types import (
    ACTION_NAMES,
    ActionNames,
    AdminSecret,
    ClaimName,
    DatabaseUrl,
    Domain,
    ExtraClaims,
    HasuraUrl,
    HookSecrets,
    Issuer,
    MachineRoles,
    PublicUrl,
    Replicas,
    RoleMap,
    RoleName,
    RoleSources,
    StreamTokens,
)

HASURA_CLAIMS = "https://hasura.io/jwt/claims"
# Auth0 refuses nothing larger by itself; the endpoint that reads the body does, and the Action stays below it.
MAX_BODY_BYTES = 256 * 1024


def setting(default: Any = ..., *, expected: str, help: str, needed: bool = False, **more: Any) -> Any:
    """Return a field with what its faults say (`expected`) and what its documentation says (`help`).

    A `needed` secret may be missing from settings that are read without secrets, and from no others.
    """
    extra: dict[str, Any] = {"expected": expected} | ({"needed": True} if needed else {})
    return Field(default, description=help, json_schema_extra=extra, **more)


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, allow_inf_nan=False)


class HasuraSettings(Section):
    """The Hasura that frontdesk writes to."""

    url: HasuraUrl = setting(
        expected="an http or https URL without /v1/graphql, user, query and fragment",
        help="Base URL of Hasura, without `/v1/graphql`.",
        examples=["http://127.0.0.1:8080"],
    )
    admin_secret: AdminSecret | None = setting(
        None,
        needed=True,
        expected="printable ASCII without spaces",
        help="Hasura's admin secret. It never leaves frontdesk.",
    )
    db_schema: Annotated[str, StringConstraints(pattern=r"^[a-z_][a-z0-9_]{0,62}$")] = setting(
        "public",
        alias="schema",  # pydantic's models have an attribute of that name
        expected="a schema of PostgreSQL in lower case, such as public or frontdesk_users",
        help="Where frontdesk's tables are. Another schema than public leaves room for tables of the same names; "
        "GraphQL names stay the same.",
    )


class DatabaseSettings(Section):
    """frontdesk's own schema in PostgreSQL: where imports stand, what is set aside, the audit, jobs."""

    url: DatabaseUrl | None = setting(
        None,
        expected="postgresql://user:password@host:port/database",
        help="PostgreSQL of frontdesk's own; Hasura's or another one. `frontdesk db apply` makes its schema. Streams, "
        "logins that Hasura did not take, import, reconcile, worker and `/api/users` need it.",
    )


class AuthHookSettings(Section):
    """The auth hook of Hasura for several tenants (`HASURA_GRAPHQL_AUTH_HOOK`)."""

    unauthorized_role: RoleName | None = setting(
        None,
        expected="a Hasura role other than admin and frontdesk",
        help="Role of a request without a token. Unset: such a request gets 401.",
        examples=["anonymous"],
    )


class TenantSettings(Section):
    """One Auth0 tenant; its key names it in URLs of hooks, in rows and in tokens."""

    domain: Domain = setting(
        expected="a host name such as acme.eu.auth0.com, without https:// and path",
        help="The tenant's domain (the custom domain, if tokens are issued under it).",
        examples=["acme.eu.auth0.com"],
    )
    issuer: Issuer = Field(
        default_factory=lambda known: f"https://{known['domain']}/",
        description="The `iss` of the tenant's tokens.",
        json_schema_extra={
            "expected": "an http or https URL that ends in a slash",
            "default": "https://<domain>/",
        },
    )
    audience: Annotated[str, StringConstraints(min_length=1, max_length=600, pattern=r"^\S+$")] = setting(
        expected="the identifier of an API of the tenant",
        help="The API identifier for which access tokens are requested; Hasura checks it.",
        examples=["https://api.example.com"],
    )
    management_url: PublicUrl = Field(
        default_factory=lambda known: f"https://{known['domain']}",
        description="Base URL of the tenant's Management API. With a custom domain: the tenant's own, such as "
        "https://acme.eu.auth0.com.",
        json_schema_extra={
            "expected": "an https URL (http on loopback only) without /api/v2",
            "default": "https://<domain>",
        },
    )
    management_client_id: (
        Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^\S+$")] | None
    ) = setting(
        None,
        expected="a client id",
        help="The machine-to-machine application with which frontdesk calls the Management API.",
        examples=["Q7yq0n1bJtVwYh2cK5mE8rXs3uLpZa9d"],
    )
    management_client_secret: AdminSecret | None = setting(
        None,
        expected="printable ASCII without spaces",
        help="The secret of the application that `management_client_id` names.",
    )
    login_client_id: (
        Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^\S+$")] | None
    ) = setting(
        None,
        expected="a client id",
        help="The application through which `frontdesk token get` logs people in.",
        examples=["m3Vb8sKfT1yQ6wNz0cRj5xHd2gLp9uEa"],
    )
    machine_roles: MachineRoles = setting(
        {},
        expected="a table from client ids to Hasura roles other than admin and frontdesk",
        help="Role of each application that gets tokens by client credentials; an application that is not here gets "
        "no Hasura claims.",
        examples=[{"k2VnQ0f3JXw9sT7p": "reporter"}],
    )
    max_rps: float | None = setting(
        None,
        expected="calls a second from 0.1 to 1000",
        help="The most calls to the Management API in a second. Unset: what Auth0's own rate limit leaves.",
        examples=[8],
        ge=0.1,
        le=1000,
    )
    name: Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{1,63}$")] | None = setting(
        None,
        expected="Auth0's name of the tenant, such as acme",
        help="Auth0's own name of the tenant. A call of another tenant is logged; nothing else depends on it.",
        examples=["acme"],
    )
    hook_secrets: HookSecrets = setting(
        (),
        needed=True,
        expected="one or several secrets whsec_<base64 of at least 24 bytes>, separated by space or comma",
        help="Secrets that sign the Action's calls; several are valid at once, so that they can be rotated. "
        'Make one with `echo "whsec_$(openssl rand -base64 32)"`.',
    )
    stream_tokens: StreamTokens = setting(
        (),
        expected="one or several values of at least 32 characters of printable ASCII, separated by space or comma",
        help="Bearer tokens of the tenant's log stream and event stream; several are valid at once, so that they can "
        "be rotated.",
    )
    claims_namespace: ClaimName = setting(
        HASURA_CLAIMS,
        expected="an http or https URL outside auth0.com, webtask.io and webtask.run",
        help="The claim of the token that holds the Hasura claims.",
    )


class LoginSettings(Section):
    """What a login may take, and what happens when something is wrong."""

    budget_s: float = setting(
        1.2,
        expected="seconds from 0.05 to 5, below action.deadline_ms",
        help="How long a login waits, in seconds: for Hasura, and for frontdesk's own database if it gives no answer.",
        ge=0.05,
        le=5,
    )
    on_unavailable: Literal["allow", "refuse"] = setting(
        "allow",
        expected="allow or refuse",
        help="When Hasura gives no answer in time and the login could not be kept for later either: `allow` lets in "
        "with the default role only, `refuse` answers 503 and the Action follows `action.on_failure`.",
    )
    breaker_failures: int = setting(
        5,
        expected="a number from 1 to 1000",
        help="After so many logins in a row that Hasura did not answer, a process stops asking it, and queues at once.",
        ge=1,
        le=1000,
    )
    breaker_retry_s: float = setting(
        5.0,
        expected="seconds from 0.1 to 300",
        help="How often a process that stopped asking tries Hasura with one login.",
        ge=0.1,
        le=300,
    )
    blocked_users: BlockedUsers = setting(
        BlockedUsers.DENY,
        expected="deny or least_privilege",
        help="What a login of a blocked or deleted user gets: `deny`, or the default role only (`least_privilege`).",
    )
    id_token_claims: bool = setting(
        False,
        expected="true or false",
        help="Put the Hasura claims on the ID token too. Such an ID token is a credential for Hasura.",
    )
    id_token_namespace: ClaimName | None = setting(
        None,
        expected="an http or https URL outside auth0.com, webtask.io and webtask.run",
        help="Put `app_metadata` and `user_metadata` on the ID token, under this namespace. Unset: neither.",
        examples=["https://app.example.com/"],
    )
    id_token_metadata_limit_bytes: int = setting(
        16384,
        expected="a number of bytes from 0 to 32768",
        help="A metadata claim that is larger as JSON is left out of the ID token, counted and logged.",
        ge=0,
        le=32768,
    )


class ClaimsSettings(Section):
    """Which roles and claims a login gets. `admin` and `frontdesk` are never put in a token."""

    default_role: RoleName = setting(
        "user",
        expected="a Hasura role other than admin and frontdesk",
        help="`x-hasura-default-role` of every login, and always the first allowed role.",
    )
    role_sources: RoleSources = setting(
        tuple(RoleSource),
        expected="a list of auth0, app_metadata, database",
        help="Where roles come from: the login's Auth0 roles, app_metadata, grants that people made in the database.",
    )
    app_metadata_path: Annotated[str, StringConstraints(pattern=r"^[^.\s]+(\.[^.\s]+)*$")] = setting(
        "roles",
        expected="a dotted path such as roles or hasura.roles",
        help="The path in app_metadata that holds a role name or a list of them.",
    )
    role_map: RoleMap = setting(
        {},
        expected="a table from names to Hasura roles other than admin and frontdesk",
        help="Hasura role for each name that a source gives.",
        examples=[{"Editor": "editor"}],
    )
    pass_unmapped: bool = setting(
        False,
        expected="true or false",
        help="Let a name that is not in `role_map` stand for itself; otherwise it is dropped.",
    )
    extra: ExtraClaims = setting(
        {},
        expected="a table from names x-hasura-… to paths below user, app_metadata or organization",
        help="More claims, each with the path of its value; an absent value leaves its claim out.",
        examples=[{"x-hasura-plan": "app_metadata.plan"}],
    )


class ActionSettings(Section):
    """The Actions: which ones `frontdesk actions deploy` brings to Auth0, and what is written into them."""

    names: ActionNames = setting(
        ("post-login",),
        expected=f"a list of {', '.join(ACTION_NAMES)}",
        help="The Actions to deploy, in the order of their flow.",
    )
    url: PublicUrl | None = setting(
        None,
        expected="an https URL (http on loopback only) without user, query and fragment",
        help="Public URL of frontdesk, as Auth0 reaches it.",
        examples=["https://frontdesk.example.com"],
    )
    deadline_ms: int = setting(
        1500,
        expected="milliseconds from 100 to 5000",
        help="How long the Action waits for frontdesk, in milliseconds; it never retries.",
        ge=100,
        le=5000,
    )
    on_failure: Literal["allow", "deny"] = setting(
        "allow",
        expected="allow or deny",
        help="When frontdesk does not answer: `allow` lets in with the default role only, `deny` refuses the login.",
    )
    deny_reason: Annotated[str, StringConstraints(min_length=1, max_length=200)] = setting(
        "Signing in is not possible at the moment. Please try again later.",
        expected="a sentence of at most 200 characters",
        help="What the application is told when the Action refuses a login because of a failure.",
    )
    max_body_bytes: int = setting(
        245760,
        expected=f"a number of bytes from 16384 to {MAX_BODY_BYTES}",
        help="Above it the Action leaves out user_metadata, then app_metadata, and says so.",
        ge=16384,
        le=MAX_BODY_BYTES,
    )
    unknown_machines: Literal["no_claims", "deny"] = setting(
        "no_claims",
        expected="no_claims or deny",
        help="What the credentials-exchange Action does with an application that `machine_roles` does not name: "
        "`no_claims` gives it a token that Hasura refuses, `deny` gives it no token for the tenant's `audience`.",
    )


class ServerSettings(Section):
    """How `frontdesk serve` listens."""

    host: Annotated[str, StringConstraints(min_length=1, pattern=r"^[^\s/]+$")] = setting(
        "127.0.0.1", expected="a host name or address", help="Address to listen on."
    )
    port: int = setting(8500, expected="a port from 1 to 65535", help="Port to listen on.", ge=1, le=65535)
    workers: int = setting(2, expected="a number from 1 to 64", help="Processes.", ge=1, le=64)
    threads: int = setting(
        16, expected="a number from 1 to 256", help="Threads in each process.", ge=1, le=256
    )
    timeout_s: int = setting(
        30,
        expected="seconds from 5 to 300",
        help="A process that shows no sign of life for so long is replaced.",
        ge=5,
        le=300,
    )
    graceful_timeout_s: int = setting(
        8,
        expected="seconds from 1 to 300",
        help="How long requests in flight may take to finish when the service stops.",
        ge=1,
        le=300,
    )
    replicas: Replicas = setting(
        (),
        expected="a list of http or https URLs",
        help="Base URL of every replica, for what has to ask each one. Unset: `action.url` alone.",
        examples=[["http://10.0.0.5:8500", "http://10.0.0.6:8500"]],
    )


class LogSettings(Section):
    """What is logged, and how it looks."""

    level: Literal["debug", "info", "warning", "error"] = setting(
        "info", expected="debug, info, warning or error", help="The least level that is logged."
    )
    format: Literal["auto", "console", "json"] = setting(
        "auto",
        expected="auto, console or json",
        help="`console` for people, `json` for machines, `auto`: console on a terminal.",
    )
