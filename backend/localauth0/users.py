"""What the tenant knows and does about users: who may log in, what a login changes, which claims a profile gives."""

from __future__ import annotations

import hmac
from collections.abc import Collection, Mapping
from copy import deepcopy
from itertools import islice
from typing import Any

from localauth0.happenings import Doer
from localauth0.store import Store, iso_ms
from localauth0.tenant import Connection, Organization
from localauth0.user_store import UserRecord

# Root attributes of the Management API that an Action does not get to see.
_NOT_IN_EVENT = frozenset({"blocked", "last_login", "last_ip", "logins_count", "multifactor_last_modified"})
_MAX_LOOKED_AT = 5_000  # users, for the list on the login page
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
    """The user whom e-mail address or username and password name in one of the database connections.

    Each identity of a linked account has a name and a password of its own.
    """
    wanted = identifier.strip().casefold()
    offered = {connection.name: connection for connection in connections if connection.is_database}
    with store.lock:
        for user in store.users.named(wanted):
            for place, identity in enumerate(user.profile["identities"]):
                connection = offered.get(identity.get("connection"))
                secret = password_of(user, place)
                if connection is None or secret is None or wanted not in _login_names(user, place):
                    continue
                if hmac.compare_digest(secret.encode(), password.encode()):
                    return user, connection
    return None


def password_of(user: UserRecord, place: int) -> str | None:
    """The password of the user's identity at that place."""
    return user.password if place == 0 else user.linked_passwords.get(identity_key(user, place))


def identity_key(user: UserRecord, place: int) -> tuple[str, str]:
    identity = user.profile["identities"][place]
    return str(identity.get("provider")), str(identity.get("user_id"))


def user_with_name(store: Store, name: str, connection: Connection) -> UserRecord | None:
    """The user of the connection who has that e-mail address, username or telephone number."""
    with store.lock:
        named = store.users.named(name)
        return next((user for user in named if connection in connections_of(store, user)), None)


def _login_names(user: UserRecord, place: int) -> set[str]:
    """What the owner of the identity at that place may type with its password."""
    shown = user.profile if place == 0 else user.profile["identities"][place].get("profileData") or {}
    return {str(shown[key]).casefold() for key in ("email", "username") if key in shown}


def user_with_email(store: Store, email: str, connection: Connection) -> UserRecord | None:
    user = user_with_name(store, email, connection)
    has_email = user is not None and str(user.profile.get("email", "")).casefold() == email.strip().casefold()
    return user if has_email else None


def users_of_connection(store: Store, connection: Connection) -> list[UserRecord]:
    """The users of the connection among the oldest of the tenant; a large tenant is not read to its end for a page."""
    looked_at = islice(store.users.records(), _MAX_LOOKED_AT)
    return [user for user in looked_at if connection in connections_of(store, user)]


def record_login(store: Store, user: UserRecord, by: Doer, connection: Connection) -> None:
    """Count an authentication. A blocked user with the right password is counted too, as in Auth0."""
    with store.lock:
        now = iso_ms(store.clock())
        count = int(user.profile.get("logins_count", 0)) + 1
        ip = by.ip or "127.0.0.1"
        seen = {"last_login": now, "last_ip": ip, "updated_at": now, "logins_count": count}
        store.users.rewrite(user, {**user.profile, **seen})
        store.happened("login_recorded", user.profile, by=by, connection=connection.name)


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


def permissions(
    store: Store, user: UserRecord, organization: Organization | None, audience: str
) -> list[str]:
    """The permissions that a login gives for one API, by roles and directly, without duplicates."""
    granted = {name: None for identifier, name in user.permissions if identifier == audience}
    for role_name in role_names(store, user, organization):
        role = store.config.role(role_name)
        for permission in role.permissions if role is not None else []:
            if permission.resource_server_identifier == audience:
                granted[permission.permission_name] = None
    return list(granted)


def write_metadata(store: Store, user: UserRecord, kind: str, changes: Mapping[str, Any]) -> None:
    """Merge `changes` into `app_metadata` or `user_metadata` at the first level; None removes a key."""
    if not changes:
        return
    with store.lock:
        kept = merged_metadata(user.profile.get(kind, {}), changes)
        profile = {name: value for name, value in user.profile.items() if name != kind}
        profile["updated_at"] = iso_ms(store.clock())
        store.users.rewrite(user, {**profile, kind: kept} if kept else profile)


def merged_metadata(before: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Metadata after a change of its first level; None removes a key."""
    merged = {**before, **deepcopy(dict(changes))}
    return {key: value for key, value in merged.items() if value is not None}


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
