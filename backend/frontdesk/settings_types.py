"""The types of settings: each turns the text of a variable or of the file into a value, or says what is wrong.

A ValueError that one of them raises names what was expected and never the value of a secret.
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import json
import re
from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import SplitResult, urlsplit

from croniter import croniter
from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict
from pydantic import AfterValidator, BeforeValidator, SecretStr

from frontdesk.identity.fields import FieldRule, FieldRules
from frontdesk.identity.filters import MetadataCondition
from frontdesk.identity.policy import ExtraClaim, RoleSource
from frontdesk.identity.roles import is_role_name

SECRET_PREFIX = "whsec_"  # noqa: S105 - the prefix of Standard Webhooks, not a secret
MIN_HOOK_SECRET_BYTES = 24  # source: Standard Webhooks, "between 24 bytes and 64 bytes"
MIN_TOKEN_CHARS = 32
MAX_ROLE_NAME_BYTES = 400  # as in the table of roles
# Auth0 drops a claim on one of its own domains silently (source: Auth0 docs, "Create custom claims").
RESERVED_CLAIM_DOMAINS = ("auth0.com", "webtask.io", "webtask.run")
_HOST = re.compile(
    r"(?=.{1,253}(?::|$))[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*(:\d{1,5})?"
)
_PRINTABLE = re.compile(r"[\x21-\x7e]+")


# The directories of actions/, which a test compares; the first of a flow comes first.
ACTION_NAMES = (
    "post-login",
    "claims",
    "sync",
    "id-token-metadata",
    "credentials-exchange",
    "post-user-registration",
    "post-change-password",
)


class Expected(ValueError):
    """A value is not what its key expects; the key's own sentence says what that is."""


def _split_url(text: str) -> SplitResult:
    try:
        parts = urlsplit(text)
        port_is_valid = parts.port != 0
    except ValueError:
        raise Expected from None
    plain = text.isascii() and text.isprintable() and " " not in text
    if not plain or not port_is_valid or parts.scheme not in {"http", "https"} or not parts.hostname:
        raise Expected
    if parts.username is not None or parts.password is not None or parts.query or parts.fragment:
        raise Expected
    return parts


def _hasura_url(text: str) -> str:
    if _split_url(text).path.rstrip("/").endswith("/v1/graphql"):
        raise Expected  # every call would go to /v1/graphql/v1/graphql, and every login would be unwritten
    return text.rstrip("/")


def _public_url(text: str) -> str:
    parts = _split_url(text)
    if parts.scheme == "http" and not _is_loopback(parts.hostname or ""):
        raise Expected
    return text.rstrip("/")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _issuer(text: str) -> str:
    _split_url(text)
    if not text.endswith("/"):
        raise Expected
    return text


def _claim_name(text: str) -> str:
    host = (_split_url(text).hostname or "").rstrip(".")
    if any(host == domain or host.endswith(f".{domain}") for domain in RESERVED_CLAIM_DOMAINS):
        raise Expected
    return text


def _domain(text: str) -> str:
    lowered = text.lower()
    if not _HOST.fullmatch(lowered):
        raise Expected
    return lowered


def _role_name(text: str) -> str:
    if not is_role_name(text) or len(text.encode()) > MAX_ROLE_NAME_BYTES:
        raise Expected
    return text


def _printable(value: SecretStr) -> SecretStr:
    if not _PRINTABLE.fullmatch(value.get_secret_value()):
        raise Expected
    return value


def _token(value: SecretStr) -> SecretStr:
    if len(value.get_secret_value()) < MIN_TOKEN_CHARS:
        raise Expected
    return _printable(value)


def _hook_secrets(value: Any) -> tuple[SecretStr, ...]:
    if not isinstance(value, str):
        raise Expected
    secrets = re.split(r"[\s,]+", value.strip())
    if not all(_is_hook_secret(secret) for secret in secrets):
        raise Expected
    return tuple(SecretStr(secret) for secret in secrets)


def _tokens(value: Any) -> tuple[SecretStr, ...]:
    if not isinstance(value, str):
        raise Expected
    return tuple(_token(SecretStr(token)) for token in re.split(r"[\s,]+", value.strip()))


def _action_names(value: tuple[str, ...]) -> tuple[str, ...]:
    if not value or len(set(value)) < len(value) or not set(value) <= set(ACTION_NAMES):
        raise Expected
    clashing = [name for name in ("claims", "sync") if name in value]
    if "post-login" in value and clashing:
        raise ValueError(
            f"expected post-login or {' and '.join(clashing)}, not both: post-login does their work too"
        )
    return value


def _replicas(value: tuple[str, ...]) -> tuple[str, ...]:
    for url in value:
        _split_url(url)
    return tuple(url.rstrip("/") for url in value)


def _is_hook_secret(text: str) -> bool:
    if not text.startswith(SECRET_PREFIX):
        return False
    encoded = text.removeprefix(SECRET_PREFIX).rstrip("=")
    try:
        key = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except binascii.Error:
        return False
    return len(key) >= MIN_HOOK_SECRET_BYTES


def _database_url(value: SecretStr) -> SecretStr:
    text = value.get_secret_value()
    if not text.startswith(("postgresql://", "postgres://")) or not text.isprintable() or " " in text:
        raise Expected
    try:
        conninfo_to_dict(text)
    except ProgrammingError:
        # What cannot be taken apart would be shown whole, password and all, by the library that connects.
        raise Expected from None
    return value


def _cron(text: str) -> str:
    if text and not croniter.is_valid(text):
        raise Expected
    return text


def _list(value: Any) -> Any:
    """Let a variable hold a list: words separated by comma or space."""
    return tuple(re.split(r"[\s,]+", value.strip())) if isinstance(value, str) else value


def _table(value: Any) -> Any:
    """Let a variable hold a table: a JSON object."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        raise Expected from None


def _role_map(value: Mapping[str, str]) -> Mapping[str, str]:
    for name, role in value.items():
        if not is_role_name(role):
            raise ValueError(f"{name!r}: expected a Hasura role other than admin and frontdesk, got {role!r}")
    return value


def _extra_claims(value: Mapping[str, str]) -> Mapping[str, str]:
    claims = {ExtraClaim.parse(name, path).name: path for name, path in value.items()}
    if len(claims) < len(value):
        raise ValueError("expected each claim once; upper and lower case are the same")
    return claims


def _fields(value: Mapping[str, Any]) -> Mapping[str, Any]:
    rules, faults = [], []
    for column, said in value.items():
        try:
            rules.append(FieldRule.parse(column, said))
        except ValueError as error:
            faults.append(str(error))
    if faults:
        raise ValueError("; ".join(faults))
    FieldRules(rules)
    return value


def _conditions(value: Mapping[str, Any]) -> Mapping[str, Any]:
    for path, wanted in value.items():
        MetadataCondition.parse(path, wanted)
    return value


HasuraUrl = Annotated[str, AfterValidator(_hasura_url)]
PublicUrl = Annotated[str, AfterValidator(_public_url)]
Issuer = Annotated[str, AfterValidator(_issuer)]
ClaimName = Annotated[str, AfterValidator(_claim_name)]
Domain = Annotated[str, AfterValidator(_domain)]
RoleName = Annotated[str, AfterValidator(_role_name)]
AdminSecret = Annotated[SecretStr, AfterValidator(_printable)]
OperatorTokens = Annotated[tuple[SecretStr, ...], BeforeValidator(_tokens)]
DatabaseUrl = Annotated[SecretStr, AfterValidator(_database_url)]
Cron = Annotated[str, AfterValidator(_cron)]
HookSecrets = Annotated[tuple[SecretStr, ...], BeforeValidator(_hook_secrets)]
StreamTokens = Annotated[tuple[SecretStr, ...], BeforeValidator(_tokens)]
ActionNames = Annotated[tuple[str, ...], AfterValidator(_action_names), BeforeValidator(_list)]
Replicas = Annotated[tuple[str, ...], AfterValidator(_replicas), BeforeValidator(_list)]
RoleSources = Annotated[tuple[RoleSource, ...], BeforeValidator(_list)]
RoleMap = Annotated[dict[str, str], AfterValidator(_role_map), BeforeValidator(_table)]
MachineRoles = Annotated[dict[str, str], AfterValidator(_role_map), BeforeValidator(_table)]
ExtraClaims = Annotated[dict[str, str], AfterValidator(_extra_claims), BeforeValidator(_table)]
FieldTable = Annotated[dict[str, Any], AfterValidator(_fields), BeforeValidator(_table)]
ConnectionNames = Annotated[tuple[str, ...], BeforeValidator(_list)]
MetadataConditions = Annotated[dict[str, Any], AfterValidator(_conditions), BeforeValidator(_table)]
