"""Making, changing and deleting users.

Source: the Management OpenAPI, `/users`; Auth0 docs, "Manage User Accounts", "Metadata"; recorded answers.
"""

from __future__ import annotations

from typing import Any

from flask import Response, jsonify

from localauth0 import users
from localauth0.accounts import set_password
from localauth0.errors import ManagementError
from localauth0.linking import with_current_profile_data
from localauth0.management.http import body_of, caller, caller_scopes, conflict, management_blueprint, scoped
from localauth0.management.user_bodies import NewUserBody, UserChangeBody, refuse_username, small_letters
from localauth0.management.users import api_doer, existing_user
from localauth0.new_users import new_profile
from localauth0.routes.http import live
from localauth0.store import Store, iso_ms
from localauth0.tenant import Connection
from localauth0.user_store import UserRecord

blueprint = management_blueprint("user_writes")

_OF_THE_CALL = frozenset({"connection", "client_id", "verify_email", "verify_phone_number", "password"})
_METADATA = ("app_metadata", "user_metadata")
# What belongs to an identity, and only to one whose profile Auth0 keeps itself.
_OF_THE_IDENTITY = ("email", "email_verified", "phone_number", "phone_verified", "username")
_NAMES = ("email", "username", "phone_number")


@blueprint.post("/users")
@scoped("create:users")
def create_user() -> tuple[Response, int]:
    body, store = body_of(NewUserBody), live().store
    connection = _connection(store, body.connection)
    body.refuse_for(connection)
    with store.lock:
        profile = new_profile(store, connection, body.attributes(), own_id=body.user_id or None)
        if profile["user_id"] in store.users or _taken_name(store, profile, connection) is not None:
            raise _already_exists()
        password = body.password if connection.is_database else None
        store.users[profile["user_id"]] = UserRecord(profile, password, [])
    store.happened("created", profile, by=api_doer(), connection=connection.name)
    return jsonify(profile), 201


@blueprint.patch("/users/<user_id>")
@scoped("update:users", "update:users_app_metadata", "update:current_user_metadata")
def change_user(user_id: str) -> Response:
    body, store = body_of(UserChangeBody), live().store
    _refuse_beyond_scopes(user_id, body)
    body.refuse_pairs()
    with store.lock:
        user = existing_user(store, user_id)
        place = _place(store, user, body)
        before = user.profile
        profile = _changed(store, user, body, place)
        if body.password is not None:
            set_password(user, str(user.profile["identities"][place]["connection"]), body.password)
        store.users.rewrite(user, with_current_profile_data(profile))
    told = {"fields": sorted(body.model_fields_set), "before": before, "verify": body.verify_email}
    name = str(before["identities"][place].get("connection"))
    store.happened("updated", user.profile, by=api_doer(), connection=name, **told)
    return jsonify(user.profile)


@blueprint.delete("/users/<user_id>")
@scoped("delete:users")
def delete_user(user_id: str) -> tuple[str, int]:
    """Delete the user, linked identities and all. Who is not there is deleted already."""
    store = live().store
    with store.lock:
        user = store.users.get(user_id)
        if user is None:
            return "", 204
        store.memberships.forget_user(user_id)
        del store.users[user_id]
    store.happened("deleted", user.profile, by=api_doer())
    return "", 204


def _connection(store: Store, name: str) -> Connection:
    found = store.config.connection(name)
    if found is None:
        raise ManagementError(400, "Connection does not exist.", "inexistent_connection")
    return found


def _already_exists() -> ManagementError:
    refusal = conflict("The user already exists.")
    return ManagementError(refusal.status, refusal.message, "auth0_idp_error")


def _taken_name(
    store: Store, profile: dict[str, Any], connection: Connection, owner: UserRecord | None = None
) -> str | None:
    """Which of the names to log in with somebody else of the connection has."""
    for attribute in _NAMES:
        name = profile.get(attribute)
        holder = users.user_with_name(store, name, connection) if name is not None else None
        if holder is not None and holder is not owner:
            return attribute
    return None


def _refuse_beyond_scopes(user_id: str, body: UserChangeBody) -> None:
    """The narrow scopes open one kind of metadata each, the last one only the caller's own."""
    scopes, sent = caller_scopes(), body.model_fields_set
    if "update:users" in scopes:
        return
    opened = {"app_metadata"} if "update:users_app_metadata" in scopes else set()
    if "update:current_user_metadata" in scopes and caller().get("sub") == user_id:
        opened.add("user_metadata")
    if not sent <= opened:
        raise ManagementError(403, "Insufficient scope, expected any of: update:users", "insufficient_scope")


def _place(store: Store, user: UserRecord, body: UserChangeBody) -> int:
    """Which identity is meant: that of the connection in the body, else the first one."""
    if body.connection is None:
        return 0
    _connection(store, body.connection)
    names = [identity.get("connection") for identity in user.profile["identities"]]
    if body.connection not in names:
        text = f"The user does not have an identity in the connection {body.connection}."
        raise ManagementError(400, text, "inexistent_connection")
    return names.index(body.connection)


def _changed(store: Store, user: UserRecord, body: UserChangeBody, place: int) -> dict[str, Any]:
    """The user's profile after the change. Raises ManagementError."""
    sent = {name: value for name, value in body.sent().items() if name not in _OF_THE_CALL}
    owned = small_letters({name: sent.pop(name) for name in _OF_THE_IDENTITY if name in sent})
    if owned or body.password is not None:
        _refuse_owned(store, user, place, owned, needs_database=body.password is not None)
    if "email" in owned and "email_verified" not in owned:
        owned["email_verified"] = False
    profile = dict(user.profile)
    for kind in _METADATA:
        if kind in sent:
            profile = _with_metadata(profile, kind, sent.pop(kind))
    if place == 0:
        sent |= owned
    elif owned:
        profile["identities"] = _identities_with(profile["identities"], place, owned)
    now = iso_ms(store.clock())
    if body.password is not None:
        sent["last_password_reset"] = now
    return {
        name: value for name, value in {**profile, **sent, "updated_at": now}.items() if value is not None
    }


def _refuse_owned(
    store: Store, user: UserRecord, place: int, owned: dict[str, Any], *, needs_database: bool
) -> None:
    """Raise ManagementError when the identity's profile is not Auth0's own, or a name is somebody else's."""
    name = str(user.profile["identities"][place].get("connection"))
    connection = store.config.connection(name)
    is_own = connection is not None and (connection.is_database or connection.is_passwordless)
    if connection is None or not is_own or (needs_database and not connection.is_database):
        attributes = ", ".join(owned) or "password"
        text = (
            f"The following user attributes cannot be updated: {attributes}. The connection ({name}) must either be "
            "a database connection (using the Auth0 store), a passwordless connection (email or sms) or has disabled "
            "'Sync user profile attributes at each login'."
        )
        raise ManagementError(400, text, "operation_not_supported")
    refuse_username(owned.get("username"), connection)
    taken = _taken_name(store, owned, connection, owner=user)
    if taken is not None:
        raise ManagementError(400, f"The specified new {taken} already exists", "auth0_idp_error")


def _with_metadata(profile: dict[str, Any], kind: str, sent: dict[str, Any]) -> dict[str, Any]:
    """The profile with `sent` merged into the metadata at the first level; an empty object erases all of it."""
    kept = users.merged_metadata(profile.get(kind, {}), sent) if sent else {}
    rest = {name: value for name, value in profile.items() if name != kind}
    return {**rest, kind: kept} if kept else rest


def _identities_with(
    identities: list[dict[str, Any]], place: int, owned: dict[str, Any]
) -> list[dict[str, Any]]:
    merged = {**(identities[place].get("profileData") or {}), **owned}
    shown = {name: value for name, value in merged.items() if value is not None}
    return [{**one, "profileData": shown} if at == place else one for at, one in enumerate(identities)]
