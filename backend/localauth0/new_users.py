"""What a new user gets that nobody said: an id, a name, a nickname, a picture.

Source: Auth0 docs, "User Profile Structure"; recorded answers of `POST /users`.
"""

from __future__ import annotations

import hashlib
import secrets
from typing import Any

from localauth0.store import Store, iso_ms
from localauth0.tenant import Connection
from localauth0.user_store import Profile

_USER_ID_BYTES = 12  # 24 hex digits


def new_profile(
    store: Store, connection: Connection, given: dict[str, Any], *, own_id: str | None = None
) -> dict[str, Any]:
    """The profile of a user who is made now, from the attributes that were given."""
    now, own_id = iso_ms(store.clock()), own_id or secrets.token_hex(_USER_ID_BYTES)
    identity = {
        "connection": connection.name,
        "provider": connection.strategy,
        "user_id": own_id,
        "isSocial": False,
    }
    made = {
        "user_id": f"{connection.strategy}|{own_id}",
        "created_at": now,
        "updated_at": now,
        "identities": [identity],
    }
    return with_defaults({**given, **made})


def with_defaults(profile: dict[str, Any]) -> dict[str, Any]:
    """The profile with what follows from the address, the number or the username, where nothing else was said."""
    email = profile.get("email")
    known_by = email or profile.get("username") or profile.get("phone_number")
    defaults: dict[str, Any] = {}
    if known_by is not None:
        defaults = {"name": known_by, "nickname": str(known_by).partition("@")[0]}
    if email is not None:
        defaults |= {"email_verified": False, "picture": default_picture(profile)}
    if "phone_number" in profile:
        defaults["phone_verified"] = False
    return defaults | profile


def default_picture(profile: Profile) -> str | None:
    """The picture of those who gave none."""
    email = profile.get("email")
    if not isinstance(email, str):
        return None
    digest = hashlib.md5(email.encode(), usedforsecurity=False).hexdigest()
    letters = email[:2].lower()
    avatar = f"https%3A%2F%2Fcdn.auth0.com%2Favatars%2F{letters}.png"
    return f"https://s.gravatar.com/avatar/{digest}?s=480&r=pg&d={avatar}"
