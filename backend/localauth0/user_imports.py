"""Takes users in from a list, each by itself: a row that does not fit is told and left out.

Source: Auth0 docs, "Bulk User Imports", "Bulk User Import Database Schema"; a recorded answer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from localauth0 import users
from localauth0.errors import NotImplementedHere
from localauth0.happenings import Doer
from localauth0.new_users import new_profile
from localauth0.store import Store, iso_ms
from localauth0.tenant import Connection
from localauth0.user_store import UserRecord

_TEXTS = ("email", "user_id", "username", "name", "given_name", "family_name", "nickname", "picture")
_FLAGS = ("email_verified", "blocked")
_OBJECTS = ("app_metadata", "user_metadata")
_TYPES: Mapping[str, type] = {
    **dict.fromkeys(_TEXTS, str),
    **dict.fromkeys(_FLAGS, bool),
    **dict.fromkeys(_OBJECTS, dict),
}
_NOT_HERE = ("password_hash", "custom_password_hash", "mfa_factors")
_TYPE_NAMES = {str: "string", bool: "boolean", dict: "object"}


class _Refused(Exception):
    """A row that cannot be taken in."""

    def __init__(self, code: str, message: str, path: str | None = None) -> None:
        super().__init__(message)
        self.told = {"code": code, "message": message, **({"path": path} if path is not None else {})}


@dataclass
class Outcome:
    """What has become of the rows: counts by `inserted`, `updated`, `failed`, and what was wrong with which."""

    counts: Counter[str] = field(default_factory=Counter)
    errors: list[dict[str, Any]] = field(default_factory=list)

    def summary(self) -> dict[str, int]:
        kinds = ("failed", "updated", "inserted")
        return {**{kind: self.counts[kind] for kind in kinds}, "total": sum(self.counts.values())}


def import_users(
    store: Store, connection: Connection, rows: Sequence[Any], *, upsert: bool, by: Doer
) -> Outcome:
    """Add each row's user to the connection; with `upsert` also change who is there. Raises NotImplementedHere."""
    _refuse_unknown_parts(rows)
    outcome = Outcome()
    for row in rows:
        try:
            with store.lock:
                outcome.counts[_take_in(store, connection, row, upsert=upsert, by=by)] += 1
        except _Refused as err:
            outcome.counts["failed"] += 1
            outcome.errors.append({"user": row, "errors": [err.told]})
    return outcome


def _refuse_unknown_parts(rows: Sequence[Any]) -> None:
    for name in _NOT_HERE:
        if any(isinstance(row, dict) and name in row for row in rows):
            raise NotImplementedHere(f"{name} of imported users")


def _take_in(store: Store, connection: Connection, row: Any, *, upsert: bool, by: Doer) -> str:
    given = _checked(row)
    own_id = given.pop("user_id", None)
    given["email"] = given["email"].lower()
    holder = users.user_with_name(store, given["email"], connection)
    if holder is None and own_id is not None:
        holder = store.users.get(f"{connection.strategy}|{own_id}")
    if holder is None:
        profile = new_profile(store, connection, given, own_id=own_id)
        store.users[profile["user_id"]] = UserRecord(profile, None, [])
        store.happened("imported", profile, by=by, connection=connection.name)
        return "inserted"
    if not upsert:
        raise _Refused("DUPLICATED_USER", "The user already exist and upsert parameter is false")
    store.users.rewrite(holder, {**holder.profile, **given, "updated_at": iso_ms(store.clock())})
    store.happened("import_updated", holder.profile, by=by, connection=connection.name)
    return "updated"


def _checked(row: Any) -> dict[str, Any]:
    """The row's attributes. Raises _Refused."""
    if not isinstance(row, dict):
        raise _Refused("INVALID_FORMAT", "Expected type object")
    for name, value in row.items():
        expected = _TYPES.get(name)
        if expected is None:
            raise _Refused("INVALID_FORMAT", f"Additional properties not allowed: {name}", name)
        if not isinstance(value, expected):
            text = f"Expected type {_TYPE_NAMES[expected]}"
            raise _Refused("INVALID_FORMAT", text, name)
    if not row.get("email"):
        raise _Refused("INVALID_FORMAT", "Missing required property: email", "email")
    return {name: value for name, value in row.items() if name not in _OBJECTS or value}
