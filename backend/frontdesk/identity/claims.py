"""Which claims a login gets: pure decisions, from the user, the login, the stored row and the policy."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from frontdesk.identity.policy import BlockedUsers, ClaimsPolicy, ExtraClaim, RoleSource
from frontdesk.identity.roles import is_role_name
from frontdesk.identity.user import JsonObject, JsonValue, StoredUser, User

# Auth0 fails a login whose custom claims exceed 100 KB, and proxies refuse headers long before that. What is above
# these limits is left out, so that a big profile never locks anybody out.
MAX_ROLES_BYTES = 16 * 1024
MAX_EXTRA_CLAIM_BYTES = 4 * 1024
MAX_EXTRA_CLAIMS_BYTES = 16 * 1024


@dataclass(frozen=True, kw_only=True)
class Organization:
    """The organization that a login was made in."""

    id: str
    name: str | None = None
    display_name: str | None = None
    metadata: JsonObject = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class LoginContext:
    """What one login tells for its own token alone.

    `auth0_roles` are the role names of this very login; in an organization they are the roles there.
    """

    auth0_roles: tuple[str, ...] = ()
    organization: Organization | None = None


@dataclass(frozen=True, kw_only=True)
class Claims:
    """The Hasura claims of one token. `left_out` names what was too large to go into it."""

    default_role: str
    allowed_roles: tuple[str, ...]
    user_id: str
    tenant: str
    extra: Mapping[str, str] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()

    def as_session_variables(self) -> dict[str, str | list[str]]:
        """Return the object that goes under the claims namespace; all values are strings but the allowed roles.

        Source: Hasura docs, "Authentication using JWT", custom claims.
        """
        return {
            **self.extra,
            "x-hasura-default-role": self.default_role,
            "x-hasura-allowed-roles": list(self.allowed_roles),
            "x-hasura-user-id": self.user_id,
            "x-hasura-tenant": self.tenant,
        }


@dataclass(frozen=True)
class Denied:
    """The login is refused; `reason` is a sentence for the person who logs in."""

    reason: str


def decide(
    user: User, login: LoginContext, stored: StoredUser | None, policy: ClaimsPolicy
) -> Claims | Denied:
    """Return the claims of a login, or why it is denied. `stored` is None when nothing was written.

    A blocked or deleted user is denied, or gets the default role only when the policy says so. Without a stored row
    the database's word on blocks and grants is unknown: the default role only.
    """
    if stored is None:
        return least_privilege_claims(user, login, policy)
    if not stored.blocked and stored.deleted_at is None:
        return claims_for(user, login, stored.granted_roles, policy)
    if policy.blocked_users is BlockedUsers.LEAST_PRIVILEGE:
        return least_privilege_claims(user, login, policy)
    return Denied("This account is blocked." if stored.blocked else "This account was deleted.")


def claims_for(user: User, login: LoginContext, granted_roles: Sequence[str], policy: ClaimsPolicy) -> Claims:
    """Return the Hasura claims of one login.

    The default role comes first, the others in alphabetical order, each once. A name that no token may carry
    (`admin`, `frontdesk`) is dropped whatever gave it. `granted_roles` are the database's grants from other sources
    than Auth0.
    """
    mapped = {role for name in _names(user, login, granted_roles, policy) for role in _mapped(name, policy)}
    wanted = [policy.default_role, *sorted(mapped - {policy.default_role})]
    roles = tuple(_within(wanted, MAX_ROLES_BYTES))
    left_out = ("x-hasura-allowed-roles",) if len(roles) < len(wanted) else ()
    return _claims(user, login, roles, left_out, policy)


def least_privilege_claims(user: User, login: LoginContext, policy: ClaimsPolicy) -> Claims:
    """Return claims from the login alone, with the default role only."""
    return _claims(user, login, (policy.default_role,), (), policy)


def claim_text(value: JsonValue) -> str | None:
    """Return a JSON value as the text of a session variable; None stays absent.

    A list becomes a PostgreSQL array literal, which is what Hasura's `_in` reads; an object is JSON text.
    Source: Hasura docs, "Authentication using JWT", session variables; PostgreSQL docs, 8.15.2 "Array Value Input".
    """
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, Sequence):
        return "{" + ",".join(_array_element(element) for element in value) + "}"
    return _json_text(value)


def _claims(
    user: User, login: LoginContext, roles: tuple[str, ...], left_out: tuple[str, ...], policy: ClaimsPolicy
) -> Claims:
    extra, too_large = _extra_claims(user, login, policy.extra)
    if login.organization is not None:
        extra["x-hasura-org-id"] = login.organization.id
    return Claims(
        default_role=policy.default_role,
        allowed_roles=roles,
        user_id=user.user_id,
        tenant=user.tenant,
        extra=extra,
        left_out=left_out + too_large,
    )


def _names(
    user: User, login: LoginContext, granted_roles: Sequence[str], policy: ClaimsPolicy
) -> Iterator[str]:
    if RoleSource.AUTH0 in policy.role_sources:
        yield from login.auth0_roles
    if RoleSource.APP_METADATA in policy.role_sources and user.app_metadata is not None:
        found = _at(user.app_metadata.value, policy.app_metadata_path)
        names = [found] if isinstance(found, str) else found
        if isinstance(names, Sequence):
            yield from (name for name in names if isinstance(name, str))
    if RoleSource.DATABASE in policy.role_sources:
        yield from granted_roles


def _mapped(name: str, policy: ClaimsPolicy) -> Iterator[str]:
    role = policy.role_map.get(name, name if policy.pass_unmapped else None)
    if role is not None and is_role_name(role):
        yield role


def _within(roles: Iterable[str], limit_bytes: int) -> Iterator[str]:
    """Give the roles that fit; one that is too long does not take those after it along."""
    used = 0
    for role in roles:
        size = _size_in_a_token(role)
        if used + size <= limit_bytes:
            used += size
            yield role


def _size_in_a_token(text: str) -> int:
    """Return the bytes that a string takes in a token: a control character alone takes six."""
    return len(json.dumps(text, ensure_ascii=False).encode())


def _extra_claims(
    user: User, login: LoginContext, configured: Sequence[ExtraClaim]
) -> tuple[dict[str, str], tuple[str, ...]]:
    claims: dict[str, str] = {}
    too_large: list[str] = []
    used = 0
    for claim in configured:
        text = claim_text(_value_of(claim, user, login))
        if text is None:
            continue
        size = _size_in_a_token(text)
        if size > MAX_EXTRA_CLAIM_BYTES or used + size > MAX_EXTRA_CLAIMS_BYTES:
            too_large.append(claim.name)
            continue
        used += size
        claims[claim.name] = text
    return claims, tuple(too_large)


def _value_of(claim: ExtraClaim, user: User, login: LoginContext) -> JsonValue:
    root, *keys = claim.path
    if root == "app_metadata":
        return _at(user.app_metadata.value, keys) if user.app_metadata is not None else None
    if root == "user":
        name = "user_name" if keys == ["username"] else keys[0]
        return getattr(user.profile.value, name) if user.profile is not None else None
    if login.organization is None:
        return None
    if keys[0] == "metadata":
        return _at(login.organization.metadata, keys[1:])
    value: JsonValue = getattr(login.organization, keys[0])
    return value


def _at(value: JsonValue, keys: Sequence[str]) -> JsonValue:
    for key in keys:
        if not isinstance(value, Mapping):
            return None
        value = value.get(key)
    return value


def _array_element(value: JsonValue) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, bool | int | float):
        return _json_text(value)
    # Quoted always: an unquoted NULL, brace, comma or space would change the meaning.
    text = value if isinstance(value, str) else _json_text(value)
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _json_text(value: JsonValue) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=dict)
