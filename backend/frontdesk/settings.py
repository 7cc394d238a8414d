"""Every setting of frontdesk: its name, type, default and the sentence that documents it.

The one module that reads the environment, once, in `load_settings`; everything else takes the values that it needs
as arguments. `docs/reference/settings.md`, `.env.example` and `frontdesk.example.toml` are written from this model.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    StringConstraints,
    ValidationError,
    model_validator,
)
from pydantic_settings import BaseSettings, InitSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from frontdesk.errors import SettingsInvalid, UsageError
from frontdesk.identity.policy import BlockedUsers, ClaimsPolicy, ExtraClaim, RoleSource
from frontdesk.settings_dotenv import dotenv_path, with_dotenv
from frontdesk.settings_secrets import SecretPlace, places_of
from frontdesk.settings_sources import (
    CONFIG_VARIABLE,
    DEFAULT_FILE,
    TENANT_KEY,
    Path_,
    Sources,
    faults_of,
    missing_secrets,
    read_sources,
)
from frontdesk.settings_types import (
    ACTION_NAMES,
    ActionNames,
    AdminSecret,
    ClaimName,
    Domain,
    ExtraClaims,
    HasuraUrl,
    HookSecrets,
    Issuer,
    MachineRoles,
    OperatorTokens,
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


def _key(default: Any = ..., *, expected: str, help: str, needed: bool = False, **more: Any) -> Any:
    """Return a field with what its faults say (`expected`) and what its documentation says (`help`).

    A `needed` secret may be missing from settings that are read without secrets, and from no others.
    """
    extra: dict[str, Any] = {"expected": expected} | ({"needed": True} if needed else {})
    return Field(default, description=help, json_schema_extra=extra, **more)


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, allow_inf_nan=False)


class HasuraSettings(_Section):
    """The Hasura that frontdesk writes to."""

    url: HasuraUrl = _key(
        expected="an http or https URL without /v1/graphql, user, query and fragment",
        help="Base URL of Hasura, without `/v1/graphql`.",
        examples=["http://127.0.0.1:8080"],
    )
    admin_secret: AdminSecret | None = _key(
        None,
        needed=True,
        expected="printable ASCII without spaces",
        help="Hasura's admin secret. It never leaves frontdesk.",
    )
    db_schema: Annotated[str, StringConstraints(pattern=r"^[a-z_][a-z0-9_]{0,62}$")] = _key(
        "public",
        alias="schema",  # pydantic's models have an attribute of that name
        expected="a schema of PostgreSQL in lower case, such as public or frontdesk_users",
        help="Where frontdesk's tables are. Another schema than public leaves room for tables of the same names; "
        "GraphQL names stay the same.",
    )


class TenantSettings(_Section):
    """One Auth0 tenant; its key names it in URLs of hooks, in rows and in tokens."""

    domain: Domain = _key(
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
    audience: Annotated[str, StringConstraints(min_length=1, max_length=600, pattern=r"^\S+$")] = _key(
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
    ) = _key(
        None,
        expected="a client id",
        help="The machine-to-machine application with which frontdesk calls the Management API.",
        examples=["Q7yq0n1bJtVwYh2cK5mE8rXs3uLpZa9d"],
    )
    management_client_secret: AdminSecret | None = _key(
        None,
        expected="printable ASCII without spaces",
        help="The secret of the application that `management_client_id` names.",
    )
    login_client_id: (
        Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^\S+$")] | None
    ) = _key(
        None,
        expected="a client id",
        help="The application through which `frontdesk token get` logs people in.",
        examples=["m3Vb8sKfT1yQ6wNz0cRj5xHd2gLp9uEa"],
    )
    machine_roles: MachineRoles = _key(
        {},
        expected="a table from client ids to Hasura roles other than admin and frontdesk",
        help="Role of each application that gets tokens by client credentials; an application that is not here gets "
        "no Hasura claims.",
        examples=[{"k2VnQ0f3JXw9sT7p": "reporter"}],
    )
    name: Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{1,63}$")] | None = _key(
        None,
        expected="Auth0's name of the tenant, such as acme",
        help="Auth0's own name of the tenant. A call of another tenant is logged; nothing else depends on it.",
        examples=["acme"],
    )
    hook_secrets: HookSecrets = _key(
        (),
        needed=True,
        expected="one or several secrets whsec_<base64 of at least 24 bytes>, separated by space or comma",
        help="Secrets that sign the Action's calls; several are valid at once, so that they can be rotated. "
        'Make one with `echo "whsec_$(openssl rand -base64 32)"`.',
    )
    stream_tokens: StreamTokens = _key(
        (),
        expected="one or several values of at least 32 characters of printable ASCII, separated by space or comma",
        help="Bearer tokens of the tenant's log stream and event stream; several are valid at once, so that they can "
        "be rotated.",
    )
    claims_namespace: ClaimName = _key(
        HASURA_CLAIMS,
        expected="an http or https URL outside auth0.com, webtask.io and webtask.run",
        help="The claim of the token that holds the Hasura claims.",
    )


class LoginSettings(_Section):
    """What a login may take, and what happens when something is wrong."""

    budget_s: float = _key(
        1.2,
        expected="seconds from 0.05 to 5, below action.deadline_ms",
        help="How long a login waits for Hasura, in seconds.",
        ge=0.05,
        le=5,
    )
    on_unavailable: Literal["allow", "refuse"] = _key(
        "allow",
        expected="allow or refuse",
        help="When Hasura gives no answer in time: `allow` lets in with the default role only, `refuse` "
        "answers 503 and the Action follows `action.on_failure`.",
    )
    blocked_users: BlockedUsers = _key(
        BlockedUsers.DENY,
        expected="deny or least_privilege",
        help="What a login of a blocked or deleted user gets: `deny`, or the default role only (`least_privilege`).",
    )
    id_token_claims: bool = _key(
        False,
        expected="true or false",
        help="Put the Hasura claims on the ID token too. Such an ID token is a credential for Hasura.",
    )
    id_token_namespace: ClaimName | None = _key(
        None,
        expected="an http or https URL outside auth0.com, webtask.io and webtask.run",
        help="Put `app_metadata` and `user_metadata` on the ID token, under this namespace. Unset: neither.",
        examples=["https://app.example.com/"],
    )
    id_token_metadata_limit_bytes: int = _key(
        16384,
        expected="a number of bytes from 0 to 32768",
        help="A metadata claim that is larger as JSON is left out of the ID token, counted and logged.",
        ge=0,
        le=32768,
    )


class ClaimsSettings(_Section):
    """Which roles and claims a login gets. `admin` and `frontdesk` are never put in a token."""

    default_role: RoleName = _key(
        "user",
        expected="a Hasura role other than admin and frontdesk",
        help="`x-hasura-default-role` of every login, and always the first allowed role.",
    )
    role_sources: RoleSources = _key(
        tuple(RoleSource),
        expected="a list of auth0, app_metadata, database",
        help="Where roles come from: the login's Auth0 roles, app_metadata, grants that people made in the database.",
    )
    app_metadata_path: Annotated[str, StringConstraints(pattern=r"^[^.\s]+(\.[^.\s]+)*$")] = _key(
        "roles",
        expected="a dotted path such as roles or hasura.roles",
        help="The path in app_metadata that holds a role name or a list of them.",
    )
    role_map: RoleMap = _key(
        {},
        expected="a table from names to Hasura roles other than admin and frontdesk",
        help="Hasura role for each name that a source gives.",
        examples=[{"Editor": "editor"}],
    )
    pass_unmapped: bool = _key(
        False,
        expected="true or false",
        help="Let a name that is not in `role_map` stand for itself; otherwise it is dropped.",
    )
    extra: ExtraClaims = _key(
        {},
        expected="a table from names x-hasura-… to paths below user, app_metadata or organization",
        help="More claims, each with the path of its value; an absent value leaves its claim out.",
        examples=[{"x-hasura-plan": "app_metadata.plan"}],
    )


class ActionSettings(_Section):
    """The Actions: which ones `frontdesk actions deploy` brings to Auth0, and what is written into them."""

    names: ActionNames = _key(
        ("post-login",),
        expected=f"a list of {', '.join(ACTION_NAMES)}",
        help="The Actions to deploy, in the order of their flow.",
    )
    url: PublicUrl | None = _key(
        None,
        expected="an https URL (http on loopback only) without user, query and fragment",
        help="Public URL of frontdesk, as Auth0 reaches it.",
        examples=["https://frontdesk.example.com"],
    )
    deadline_ms: int = _key(
        1500,
        expected="milliseconds from 100 to 5000",
        help="How long the Action waits for frontdesk, in milliseconds; it never retries.",
        ge=100,
        le=5000,
    )
    on_failure: Literal["allow", "deny"] = _key(
        "allow",
        expected="allow or deny",
        help="When frontdesk does not answer: `allow` lets in with the default role only, `deny` refuses the login.",
    )
    deny_reason: Annotated[str, StringConstraints(min_length=1, max_length=200)] = _key(
        "Signing in is not possible at the moment. Please try again later.",
        expected="a sentence of at most 200 characters",
        help="What the application is told when the Action refuses a login because of a failure.",
    )
    max_body_bytes: int = _key(
        245760,
        expected=f"a number of bytes from 16384 to {MAX_BODY_BYTES}",
        help="Above it the Action leaves out user_metadata, then app_metadata, and says so.",
        ge=16384,
        le=MAX_BODY_BYTES,
    )
    unknown_machines: Literal["no_claims", "deny"] = _key(
        "no_claims",
        expected="no_claims or deny",
        help="What the credentials-exchange Action does with an application that `machine_roles` does not name: "
        "`no_claims` gives it a token that Hasura refuses, `deny` gives it no token for the tenant's `audience`.",
    )


class ServerSettings(_Section):
    """How `frontdesk serve` listens."""

    host: Annotated[str, StringConstraints(min_length=1, pattern=r"^[^\s/]+$")] = _key(
        "127.0.0.1", expected="a host name or address", help="Address to listen on."
    )
    port: int = _key(8500, expected="a port from 1 to 65535", help="Port to listen on.", ge=1, le=65535)
    workers: int = _key(2, expected="a number from 1 to 64", help="Processes.", ge=1, le=64)
    threads: int = _key(16, expected="a number from 1 to 256", help="Threads in each process.", ge=1, le=256)
    timeout_s: int = _key(
        30,
        expected="seconds from 5 to 300",
        help="A process that shows no sign of life for so long is replaced.",
        ge=5,
        le=300,
    )
    graceful_timeout_s: int = _key(
        8,
        expected="seconds from 1 to 300",
        help="How long requests in flight may take to finish when the service stops.",
        ge=1,
        le=300,
    )
    replicas: Replicas = _key(
        (),
        expected="a list of http or https URLs",
        help="Base URL of every replica, for what has to ask each one. Unset: `action.url` alone.",
        examples=[["http://10.0.0.5:8500", "http://10.0.0.6:8500"]],
    )


class LogSettings(_Section):
    """What is logged, and how it looks."""

    level: Literal["debug", "info", "warning", "error"] = _key(
        "info", expected="debug, info, warning or error", help="The least level that is logged."
    )
    format: Literal["auto", "console", "json"] = _key(
        "auto",
        expected="auto, console or json",
        help="`console` for people, `json` for machines, `auto`: console on a terminal.",
    )


class Settings(BaseSettings):
    """All settings. Made by `load_settings`; `environment` wins over `file`, key by key."""

    model_config = SettingsConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    operator_tokens: OperatorTokens = _key(
        (),
        alias="operator_token",
        expected="one or several values of at least 32 characters of printable ASCII, separated by space or comma",
        help="Bearer token of operators; `/api` and `/metrics` need it. Several are valid at once, so that they can "
        "be rotated. Unset: both answer 404.",
        validate_default=False,  # a type that reads text
    )
    hasura: HasuraSettings
    tenants: Annotated[
        dict[Annotated[str, StringConstraints(pattern=TENANT_KEY)], TenantSettings], Field(min_length=1)
    ] = _key(expected="at least one tenant", help="")
    login: LoginSettings = LoginSettings()
    claims: ClaimsSettings = ClaimsSettings()
    action: ActionSettings = ActionSettings()
    server: ServerSettings = ServerSettings()
    log: LogSettings = LogSettings()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take the two trees that `load_settings` read, so that every fault can be named, and read nothing else."""
        given = init_settings()
        return tuple(
            InitSettingsSource(settings_cls, given.get(name, {})) for name in ("environment", "file")
        )

    @model_validator(mode="after")
    def _budget_is_inside_the_deadline(self) -> Settings:
        if self.login.budget_s * 1000 >= self.action.deadline_ms:
            raise ValueError(
                "FRONTDESK_LOGIN_BUDGET_S ([login] budget_s): expected less than action.deadline_ms "
                f"({self.action.deadline_ms} ms), got {self.login.budget_s} s"
            )
        return self

    @model_validator(mode="after")
    def _users_write_no_hasura_claims(self) -> Settings:
        """Refuse namespaces by which metadata, which users may write, would be a tenant's Hasura claims."""
        namespace = (self.login.id_token_namespace or "").rstrip("/")
        for key, tenant in self.tenants.items():
            if tenant.claims_namespace in (f"{namespace}/app_metadata", f"{namespace}/user_metadata"):
                raise ValueError(
                    "FRONTDESK_LOGIN_ID_TOKEN_NAMESPACE ([login] id_token_namespace): expected a namespace whose "
                    f"metadata is not the claims_namespace of the tenant {key}"
                )
        return self

    @model_validator(mode="after")
    def _tenants_share_no_hook_secret(self) -> Settings:
        """Refuse a secret with which one tenant could sign for another."""
        owners: dict[str, str] = {}
        for key, tenant in sorted(self.tenants.items()):
            for each in tenant.hook_secrets:
                if (owner := owners.setdefault(each.get_secret_value().rstrip("="), key)) != key:
                    raise ValueError(
                        f"FRONTDESK_TENANTS_{key.upper()}_HOOK_SECRETS: expected secrets of its own, one is that of "
                        f"the tenant {owner}"
                    )
        return self

    @property
    def operator_token(self) -> SecretStr | None:
        """The operator token to call with: the newest one."""
        return self.operator_tokens[0] if self.operator_tokens else None

    def tenant(self, key: str | None = None) -> tuple[str, TenantSettings]:
        """Return a tenant with its key; without a key, the only one. Raises UsageError naming the known ones."""
        known = ", ".join(sorted(self.tenants))
        if key is None and len(self.tenants) > 1:
            raise UsageError(f"several tenants are configured ({known}); choose one with --tenant")
        chosen = next(iter(self.tenants)) if key is None else key
        if chosen not in self.tenants:
            raise UsageError(f"no tenant {chosen!r} is configured; known: {known}")
        return chosen, self.tenants[chosen]

    def claims_policy(self) -> ClaimsPolicy:
        """Return the claims policy that these settings describe."""
        return ClaimsPolicy(
            default_role=self.claims.default_role,
            role_sources=frozenset(self.claims.role_sources),
            app_metadata_path=tuple(self.claims.app_metadata_path.split(".")),
            role_map=self.claims.role_map,
            pass_unmapped=self.claims.pass_unmapped,
            extra=tuple(ExtraClaim.parse(name, path) for name, path in self.claims.extra.items()),
            blocked_users=self.login.blocked_users,
        )


def load_settings(
    environ: Mapping[str, str] | None = None, directory: Path | None = None, *, without_secrets: bool = False
) -> Settings:
    """Return the settings of `environ` (the process's own by default) and of the file that it names.

    Without FRONTDESK_CONFIG the file is `frontdesk.toml` in `directory` (the current one by default), if it is there;
    variables that `environ` has not may stand in the `.env` beside it.
    `without_secrets` is for commands that print or render and call nobody: needed secrets may be missing then.
    Raises SettingsInvalid with all faults in one message, each with its key and what was expected.
    """
    place = directory or Path.cwd()
    variables = with_dotenv(os.environ if environ is None else environ, place)
    for warning in variables.warnings:
        print(f"frontdesk: warning: {warning}.", file=sys.stderr)
    sources = read_sources(Settings, variables.environ, place)
    faults = [*variables.faults, *sources.faults]
    settings = _validated(sources, faults)
    if settings is not None and not without_secrets:
        faults += missing_secrets(Settings, settings, sources)
    if settings is None or faults:
        if not (sources.file or sources.environment or sources.faults):
            faults.append(
                f"{DEFAULT_FILE}: is not here; run this where it is, name it with {CONFIG_VARIABLE}, or let "
                "`frontdesk init` write one"
            )
        raise SettingsInvalid(faults)
    return settings


def settings_places(
    environ: Mapping[str, str] | None = None, directory: Path | None = None
) -> tuple[Path, Path]:
    """Return where the settings file and `.env` are, or would be."""
    variables, place = os.environ if environ is None else environ, directory or Path.cwd()
    named = with_dotenv(variables, place).environ.get(CONFIG_VARIABLE)
    return place / (named or DEFAULT_FILE), dotenv_path(variables, place)


def secret_places(
    environ: Mapping[str, str] | None = None, directory: Path | None = None
) -> Mapping[Path_, SecretPlace]:
    """Return where each secret that is set comes from, by the path of its key, such as ("operator_token",)."""
    return places_of(Settings, os.environ if environ is None else environ, directory or Path.cwd())


def environment_of_a_child() -> dict[str, str]:
    """Return the process's environment without any setting, for a child process that gets its own."""
    ours = ("FRONTDESK_", "HASURA_", "PG", "LOCALHASURA_", "LOCALAUTH0_")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)}


def secret(value: SecretStr | None) -> str:
    """Return the text of a secret, for the one call that needs it. It is there when settings were read with secrets."""
    if value is None:
        raise SettingsInvalid(["a secret is missing: this command needs the settings with their secrets"])
    return value.get_secret_value()


def _validated(sources: Sources, faults: list[str]) -> Settings | None:
    try:
        trees: dict[str, Any] = {"environment": sources.environment, "file": sources.file}
        return Settings(**trees)
    except ValidationError as error:
        faults += faults_of(Settings, error, sources)
        return None
