"""The claims policy: the operator's decisions about roles and claims, checked once when it is made."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from frontdesk.identity.roles import is_role_name

CLAIM_NAME = re.compile(r"x-hasura-[a-z0-9_-]{1,100}")
# Set by frontdesk itself, or read by Hasura as something else than a session variable.
RESERVED_CLAIMS = frozenset(
    {
        "x-hasura-default-role",
        "x-hasura-allowed-roles",
        "x-hasura-role",
        "x-hasura-user-id",
        "x-hasura-tenant",
        "x-hasura-frontdesk-tenant",
        "x-hasura-admin-secret",
        "x-hasura-access-key",
        "x-hasura-use-backend-only-permissions",
    }
)
USER_FIELDS = frozenset(
    {
        "email",
        "email_verified",
        "username",
        "name",
        "given_name",
        "family_name",
        "nickname",
        "picture",
        "phone_number",
        "phone_verified",
        "connection",
    }
)
ORGANIZATION_FIELDS = frozenset({"id", "name", "display_name"})


class RoleSource(StrEnum):
    """Where a login's roles may come from, besides the default role."""

    AUTH0 = "auth0"
    APP_METADATA = "app_metadata"
    DATABASE = "database"


class BlockedUsers(StrEnum):
    """What happens when a blocked or deleted user logs in."""

    DENY = "deny"
    LEAST_PRIVILEGE = "least_privilege"


@dataclass(frozen=True)
class ExtraClaim:
    """One configured claim: its name, and the path of its value as a sequence of keys.

    The first key is `user`, `app_metadata` or `organization`.
    """

    name: str
    path: tuple[str, ...]

    @classmethod
    def parse(cls, name: str, path: str) -> ExtraClaim:
        """Return the claim `name` fed from the dotted `path`. Raises ValueError saying what was expected."""
        lowered = name.lower()
        if not CLAIM_NAME.fullmatch(lowered):
            raise ValueError(f"{name!r}: expected a name such as x-hasura-plan")
        if lowered in RESERVED_CLAIMS:
            raise ValueError(f"{name!r} cannot be configured; frontdesk sets it or Hasura reserves it")
        keys = tuple(path.split("."))
        if not _is_known_path(keys):
            raise ValueError(
                f"{name!r}: expected a path below app_metadata, organization or user (never user_metadata), "
                f"such as app_metadata.plan, organization.metadata.region or user.email; got {path!r}"
            )
        return cls(lowered, keys)


@dataclass(frozen=True, kw_only=True)
class ClaimsPolicy:
    """What decides the claims of a login.

    `role_map` maps the names that the sources give to Hasura roles; a name that is not in it is dropped unless
    `pass_unmapped`. Raises ValueError for a default role that no token may carry.
    """

    default_role: str = "user"
    role_sources: frozenset[RoleSource] = frozenset(RoleSource)
    app_metadata_path: tuple[str, ...] = ("roles",)
    role_map: Mapping[str, str] = field(default_factory=dict)
    pass_unmapped: bool = False
    extra: Sequence[ExtraClaim] = ()
    blocked_users: BlockedUsers = BlockedUsers.DENY

    def __post_init__(self) -> None:
        if not is_role_name(self.default_role):
            raise ValueError(f"no token may carry the role {self.default_role!r}")


def _is_known_path(keys: tuple[str, ...]) -> bool:
    if not all(keys):
        return False
    match keys:
        case ("user", field):
            return field in USER_FIELDS
        case ("organization", field):
            return field in ORGANIZATION_FIELDS
        case ("organization", "metadata", _):
            return True
        case ("app_metadata", _, *_):
            return True
        case _:
            return False
