"""Accounts that are one: identities of other users beside a user's own, and taking them apart again.

Source: Auth0 docs, "User Account Linking"; recorded answers of `POST /users/{id}/identities`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from localauth0.errors import ManagementError
from localauth0.happenings import Doer
from localauth0.new_users import default_picture, with_defaults
from localauth0.store import Store, iso_ms
from localauth0.user_store import Profile, UserRecord
from localauth0.users import identity_key

Identity = dict[str, Any]

_SHOWN = (
    "email", "email_verified", "name", "username", "given_name", "family_name", "nickname", "picture",
    "phone_number", "phone_verified",
)  # fmt: skip


def link(store: Store, primary: UserRecord, secondary: UserRecord, by: Doer) -> list[Identity]:
    """Make the secondary user one of the primary's identities; its metadata and roles are lost.

    Raises ManagementError when they are the same.
    """
    if primary is secondary:
        raise ManagementError(400, "Main account and linked account cannot be the same.", "invalid_body")
    with store.lock:
        brought = _with_profile_data(secondary.profile)
        passwords = {identity_key(secondary, 0): secondary.password} | secondary.linked_passwords
        store.memberships.forget_user(secondary.user_id)
        del store.users[secondary.user_id]
        primary.linked_passwords |= {key: known for key, known in passwords.items() if known is not None}
        identities = [*_with_profile_data(primary.profile), *brought]
        _put_identities(store, primary, identities)
    store.happened("linked", primary.profile, by=by, secondary=secondary.profile)
    return identities


def unlink(store: Store, primary: UserRecord, key: tuple[str, str], by: Doer) -> list[Identity]:
    """Take an identity away; it is a user of its own again, with a profile and nothing else.

    Return the identities that are left. Raises ManagementError for the main one, and for one that is not there.
    """
    with store.lock:
        place = _place(primary, key)
        taken = primary.profile["identities"][place]
        password = primary.linked_passwords.pop(key, None)
        left = [one for at, one in enumerate(primary.profile["identities"]) if at != place]
        if len(left) == 1:
            left = [_without_profile_data(left[0])]
        _put_identities(store, primary, left)
        restored = UserRecord(_restored(store, taken), password, [])
        store.users[restored.user_id] = restored
    store.happened("unlinked", primary.profile, by=by, secondary=restored.profile)
    return left


def with_current_profile_data(profile: Profile) -> dict[str, Any]:
    """The profile with what its first identity of several says about it."""
    if len(profile["identities"]) < 2:
        return dict(profile)
    first, *others = profile["identities"]
    return {**profile, "identities": [{**first, "profileData": _profile_data(profile)}, *others]}


def _place(user: UserRecord, key: tuple[str, str]) -> int:
    places = range(len(user.profile["identities"]))
    place = next((place for place in places if identity_key(user, place) == key), None)
    if place is None:
        raise ManagementError(404, "The identity does not exist.", "inexistent_identity")
    if place == 0:
        raise ManagementError(400, "Main identity cannot be removed", "invalid_uri")
    return place


def _put_identities(store: Store, user: UserRecord, identities: list[Identity]) -> None:
    now = iso_ms(store.clock())
    store.users.rewrite(user, {**user.profile, "identities": identities, "updated_at": now})


def _with_profile_data(profile: Profile) -> list[Identity]:
    first, *others = profile["identities"]
    return [{**first, "profileData": _profile_data(profile)}, *others]


def _without_profile_data(identity: Mapping[str, Any]) -> Identity:
    return {name: value for name, value in identity.items() if name != "profileData"}


def _profile_data(profile: Profile) -> dict[str, Any]:
    """What the user was given; a name, nickname and picture that follow from the address are not among it."""
    shown = {name: profile[name] for name in _SHOWN if name in profile}
    if profile.get("name") in (profile.get("email"), profile.get("phone_number")):
        shown.pop("name", None)
    if shown.get("picture") == default_picture(profile):
        shown.pop("picture", None)
    return shown


def _restored(store: Store, identity: Identity) -> dict[str, Any]:
    now = iso_ms(store.clock())
    own = {
        "user_id": f"{identity['provider']}|{identity['user_id']}",
        "identities": [_without_profile_data(identity)],
        "created_at": now,
        "updated_at": now,
    }
    return with_defaults({**identity.get("profileData", {}), **own})
