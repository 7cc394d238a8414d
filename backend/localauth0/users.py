"""What the tenant knows and does about users: who may log in, what a login changes, which claims a profile gives."""

from __future__ import annotations

import hmac
from collections.abc import Collection, Mapping
from copy import deepcopy
from typing import Any

from localauth0.store import Store, UserRecord, iso_ms
from localauth0.tenant import Connection, Organization

# Root attributes of the Management API that an Action does not get to see.
_NOT_IN_EVENT = frozenset({"blocked", "last_login", "last_ip", "logins_count", "multifactor_last_modified"})
_PROFILE_CLAIMS = ("name", "nickname", "picture", "updated_at", "given_name", "family_name")
_EMAIL_CLAIMS = ("email", "email_verified")


def connections_of(store: Store, user: UserRecord) -> list[Connection]:
    """The connections through which the user can log in, the primary identity's first."""
    names = [identity.get("connection") for identity in user.profile["identities"]]
    found = [store.config.connection(name) for name in names if isinstance(name, str)]
    return [connection for connection in found if connection is not None]


def user_with_password(
    store: Store, identifier: str, password: str, connections: Collection[Connection]
) -> tuple[UserRecord, Connection] | None:
    """The user whom e-mail address or username and password name in one of the database connections."""
    wanted = identifier.strip().casefold()
    with store.lock:
        for user in store.users.values():
            connection = next(
                (c for c in connections_of(store, user) if c.is_database and c in connections), None
            )
            if connection is None or wanted not in _login_names(user) or user.password is None:
                continue
            if hmac.compare_digest(user.password.encode(), password.encode()):
                return user, connection
    return None


def user_with_name(store: Store, name: str, connection: Connection) -> UserRecord | None:
    """The user of the connection who has that e-mail address or username."""
    wanted = name.strip().casefold()
    with store.lock:
        for user in users_of_connection(store, connection):
            if wanted in _login_names(user):
                return user
    return None


def _login_names(user: UserRecord) -> set[str]:
    return {str(user.profile[key]).casefold() for key in ("email", "username") if key in user.profile}


def user_with_email(store: Store, email: str, connection: Connection) -> UserRecord | None:
    user = user_with_name(store, email, connection)
    has_email = user is not None and str(user.profile.get("email", "")).casefold() == email.strip().casefold()
    return user if has_email else None


def users_of_connection(store: Store, connection: Connection) -> list[UserRecord]:
    with store.lock:
        return [user for user in store.users.values() if connection in connections_of(store, user)]


def record_login(store: Store, user: UserRecord, ip: str) -> None:
    """Count an authentication. A blocked user with the right password is counted too, as in Auth0."""
    with store.lock:
        now = iso_ms(store.clock())
        user.profile.update(
            last_login=now,
            last_ip=ip,
            updated_at=now,
            logins_count=int(user.profile.get("logins_count", 0)) + 1,
        )


def event_user(store: Store, user: UserRecord) -> dict[str, Any]:
    """`event.user`: the profile without login facts; unset attributes are absent, metadata objects never."""
    with store.lock:
        seen = {key: value for key, value in user.profile.items() if key not in _NOT_IN_EVENT}
        return deepcopy({"app_metadata": {}, "user_metadata": {}, **seen})


def logins_count(store: Store, user: UserRecord) -> int:
    with store.lock:
        return int(user.profile.get("logins_count", 0))


def role_names(store: Store, user: UserRecord, organization: Organization | None) -> list[str]:
    """The names of the roles of a login: an organization's own roles replace those of the tenant."""
    with store.lock:
        if organization is None:
            role_ids = store.memberships.roles_of(user.user_id)
        else:
            role_ids = store.memberships.organization_roles_of(organization.id, user.user_id)
        names = {role.id: role.name for role in store.config.roles}
    return [names[role_id] for role_id in role_ids]


def permissions(store: Store, roles: Collection[str], audience: str) -> list[str]:
    """The permissions that the roles give for one API, without duplicates."""
    granted: dict[str, None] = {}
    for name in roles:
        role = store.config.role(name)
        for permission in role.permissions if role is not None else []:
            if permission.resource_server_identifier == audience:
                granted[permission.permission_name] = None
    return list(granted)


def write_metadata(store: Store, user: UserRecord, kind: str, changes: Mapping[str, Any]) -> None:
    """Merge `changes` into `app_metadata` or `user_metadata` at the first level; None removes a key."""
    if not changes:
        return
    with store.lock:
        merged = {**user.profile.get(kind, {}), **deepcopy(dict(changes))}
        kept = {key: value for key, value in merged.items() if value is not None}
        user.profile.pop(kind, None)
        if kept:
            user.profile[kind] = kept
        user.profile["updated_at"] = iso_ms(store.clock())


def standard_claims(store: Store, user: UserRecord, scopes: Collection[str]) -> dict[str, Any]:
    """The OIDC claims that the scopes open; `updated_at` is an ISO string in Auth0, not a number."""
    names: list[str] = []
    if "profile" in scopes:
        names += _PROFILE_CLAIMS
    if "email" in scopes:
        names += _EMAIL_CLAIMS
    with store.lock:
        claims = {name: user.profile[name] for name in names if name in user.profile}
        if "phone" in scopes and "phone_number" in user.profile:
            claims["phone_number"] = user.profile["phone_number"]
            claims["phone_number_verified"] = user.profile.get("phone_verified", False)
    return claims
