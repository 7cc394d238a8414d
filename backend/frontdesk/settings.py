"""The settings of frontdesk, put together and read.

The one module that reads the environment, once, in `load_settings`; everything else takes the values that it needs
as arguments. The keys of each section are in `settings_model.py`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    Field,
    SecretStr,
    StringConstraints,
    ValidationError,
    model_validator,
)
from pydantic_settings import BaseSettings, InitSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from frontdesk.errors import SettingsInvalid, UsageError
from frontdesk.identity.fields import FieldRule, FieldRules
from frontdesk.identity.filters import UserFilter
from frontdesk.identity.policy import ClaimsPolicy, ExtraClaim
from frontdesk.settings_dotenv import dotenv_path, with_dotenv
from frontdesk.settings_everyone import (
    FilterSettings,
    ImportSettings,
    QueueSettings,
    ReconcileSettings,
    StreamSettings,
)
from frontdesk.settings_model import (
    HASURA_CLAIMS,
    MAX_BODY_BYTES,
    ActionSettings,
    AuthHookSettings,
    ClaimsSettings,
    DatabaseSettings,
    HasuraSettings,
    LoginSettings,
    LogSettings,
    ServerSettings,
    TenantSettings,
    setting,
)
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
from frontdesk.settings_types import FieldTable, OperatorTokens

__all__ = [
    "HASURA_CLAIMS",
    "MAX_BODY_BYTES",
    "ActionSettings",
    "AuthHookSettings",
    "ClaimsSettings",
    "DatabaseSettings",
    "FilterSettings",
    "HasuraSettings",
    "ImportSettings",
    "LogSettings",
    "LoginSettings",
    "QueueSettings",
    "ReconcileSettings",
    "ServerSettings",
    "Settings",
    "StreamSettings",
    "TenantSettings",
    "environment_of_a_child",
    "load_settings",
    "secret",
    "secret_places",
    "settings_places",
]


class Settings(BaseSettings):
    """All settings. Made by `load_settings`; `environment` wins over `file`, key by key."""

    model_config = SettingsConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    operator_tokens: OperatorTokens = setting(
        (),
        alias="operator_token",
        expected="one or several values of at least 32 characters of printable ASCII, separated by space or comma",
        help="Bearer token of operators; `/api` and `/metrics` need it. Several are valid at once, so that they can "
        "be rotated. Unset: both answer 404.",
        validate_default=False,  # a type that reads text
    )
    fields: FieldTable = setting(
        {},
        expected="a table from columns to tables of owner, path, type and default",
        help="Who owns a column of `users`, and what feeds a column of your own: docs/how-to/choose-fields.md. Owners: "
        "`auth0` (every sync), `first_write` (when the row is made), `app` (never by frontdesk). "
        "Types: text, integer, number, boolean, timestamp, json, text[].",
        examples=[
            {
                "company": {"path": "user_metadata.company", "type": "text", "owner": "auth0"},
                "nickname": {"owner": "first_write"},
            }
        ],
    )
    hasura: HasuraSettings
    database: DatabaseSettings = DatabaseSettings()
    tenants: Annotated[
        dict[Annotated[str, StringConstraints(pattern=TENANT_KEY)], TenantSettings], Field(min_length=1)
    ] = setting(expected="at least one tenant", help="")
    login: LoginSettings = LoginSettings()
    claims: ClaimsSettings = ClaimsSettings()
    action: ActionSettings = ActionSettings()
    server: ServerSettings = ServerSettings()
    imports: ImportSettings = ImportSettings()
    reconcile: ReconcileSettings = ReconcileSettings()
    queue: QueueSettings = QueueSettings()
    streams: StreamSettings = StreamSettings()
    filter: FilterSettings = FilterSettings()
    auth_hook: AuthHookSettings = AuthHookSettings()
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

    def field_rules(self) -> FieldRules:
        """Return who owns which column, and what feeds columns that are not ours."""
        return FieldRules(FieldRule.parse(column, said) for column, said in self.fields.items())

    def user_filter(self) -> UserFilter:
        """Return who is written at all."""
        return UserFilter.of(
            verified_only=self.filter.verified_only,
            connections=self.filter.connections,
            metadata=self.filter.metadata,
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
