"""Who writes a column of `users`, and what a column that is not ours is fed from: the operator's decisions, checked.

Pure: a rule reads a `User`, whatever way in it came by, so a login and an import feed a column alike.
docs/architecture.md, "Everyone", has the rules; docs/how-to/choose-fields.md says how to use them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any

from frontdesk.identity.field_types import NOTHING, FieldType, as_typed
from frontdesk.identity.user import Identity, JsonValue, Profile, User

_COLUMN = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
MAX_COLUMN_CHARS = 63  # PostgreSQL cuts longer names
MAX_PATH_KEYS = 16

# The columns of `users` that frontdesk fills by itself, each with its group (docs/architecture.md, "Tables").
OWN_COLUMNS: Mapping[str, str] = {
    **{field.name: "profile" for field in fields(Profile) if field.name != "sent"},
    "app_metadata": "app_metadata",
    "user_metadata": "user_metadata",
    "auth0_roles": "roles",
    "last_seen": "seen",
    "organization_id": "seen",
    "last_login": "login",
    "last_ip": "login",
    "logins_count": "count",
    "blocked": "account",
}
# What the ordering rule and the permissions stand on.
BOOKKEEPING = frozenset({"tenant", "user_id", "clocks", "write_id", "synced_at", "deleted_at"})
# Who may do what follows from these: a column that Auth0 does not write would keep a block or a role for good.
_DECIDING = frozenset({"blocked", "auth0_roles", "identities"})

# Auth0's names of root fields, with what a column of them has to be.
_USER_FIELDS: Mapping[str, FieldType] = {
    **dict.fromkeys(
        (
            "username",
            "email",
            "name",
            "given_name",
            "family_name",
            "nickname",
            "picture",
            "phone_number",
            "connection",
        ),
        FieldType.TEXT,
    ),
    "email_verified": FieldType.BOOLEAN,
    "phone_verified": FieldType.BOOLEAN,
    "created_at": FieldType.TIMESTAMP,
    "updated_at": FieldType.TIMESTAMP,
}
_PATHS = "expected a path below user, app_metadata, user_metadata or identity, such as user_metadata.company"


class Owner(StrEnum):
    """Who writes a column: Auth0 with every sync, Auth0 when the row is made, or the application alone."""

    AUTH0 = "auth0"
    FIRST_WRITE = "first_write"
    APP = "app"


@dataclass(frozen=True, kw_only=True)
class FieldRule:
    """One column's owner; for a column that is not ours also its type, its path and what stands for a missing value.

    `path` is None for a column of ours, and may be for one of the application.
    """

    column: str
    owner: Owner
    path: tuple[str, ...] | None = None
    type: FieldType = FieldType.TEXT
    default: JsonValue = None

    @classmethod
    def parse(cls, column: str, said: Any) -> FieldRule:
        """Return the rule that settings say. Raises ValueError naming the column and what was expected."""
        try:
            return _parsed(column, said)
        except ValueError as error:
            raise ValueError(f"{column!r}: {error}") from None

    @property
    def is_ours(self) -> bool:
        """Whether it is a column that frontdesk has by itself."""
        return self.column in OWN_COLUMNS

    @property
    def group(self) -> str | None:
        """The group with which the column is as new as what it comes from; None for one without a path."""
        if self.path is None:
            return OWN_COLUMNS.get(self.column)
        return self.path[0] if self.path[0] in ("app_metadata", "user_metadata") else "profile"

    @property
    def graphql_name(self) -> str:
        """The column's name in GraphQL."""
        return graphql_name(self.column)


class FieldRules:
    """All rules of one database. Raises ValueError for two columns that would have one name in GraphQL.

    `mistyped` counts, by column, the values that were not of the column's type.
    """

    def __init__(self, rules: Iterable[FieldRule] = ()) -> None:
        self.rules = tuple(sorted(rules, key=lambda rule: rule.column))
        _refuse_one_name_twice(self.rules)
        self.mistyped: Counter[str] = Counter()
        self._told: set[str] = set()
        self.unsent = frozenset(rule.graphql_name for rule in self.rules if rule.owner is Owner.APP)
        self.unchanged = frozenset(rule.graphql_name for rule in self.rules if rule.owner is not Owner.AUTH0)
        self._fed = tuple(rule for rule in self.rules if rule.path and rule.owner is not Owner.APP)

    @property
    def columns(self) -> tuple[FieldRule, ...]:
        """The rules of columns that are not frontdesk's by itself."""
        return tuple(rule for rule in self.rules if not rule.is_ours)

    def values(self, user: User) -> Iterator[tuple[FieldRule, JsonValue]]:
        """Give every fed column whose group the payload carried, with its value."""
        for rule in self._fed:
            found = _found(user, rule)
            if found is _NOT_CARRIED:
                continue
            value = NOTHING if found is None else as_typed(rule.type, found)
            if value is NOTHING:
                if found is not None:
                    self.mistyped[rule.column] += 1
                value = rule.default
            yield rule, value

    def newly_mistyped(self) -> list[FieldRule]:
        """Return the rules whose values have been of another type, each the first time that it is asked for alone."""
        if len(self._told) == len(self.mistyped):
            return []
        news = [rule for rule in self._fed if rule.column in self.mistyped.keys() - self._told]
        self._told |= {rule.column for rule in news}
        return news

    def for_database(self) -> dict[str, dict[str, JsonValue]]:
        """Return what the ordering rule in the database has to know: `public.users_field_rules()`."""
        return {
            rule.column: _for_database(rule)
            for rule in self.rules
            if not (rule.is_ours and rule.owner is Owner.AUTH0)
        }


def graphql_name(column: str) -> str:
    """Return the name in GraphQL that metadata gives a column: `family_name` is `familyName`."""
    first, *rest = column.split("_")
    return first + "".join(part[:1].upper() + part[1:] for part in rest)


def keys_of_path(path: str) -> tuple[str, ...]:
    """Return the keys of a dotted path. Raises ValueError for an empty key or too many."""
    keys = tuple(path.split("."))
    if not all(keys) or not 2 <= len(keys) <= MAX_PATH_KEYS:
        raise ValueError(f"{_PATHS}; got {path!r}")
    return keys


def inside(value: Any, keys: tuple[str, ...]) -> Any:
    """Return what is at `keys` inside JSON; None when there is nothing. A key of a list is an index."""
    for key in keys:
        if isinstance(value, Mapping):
            value = value.get(key)
        elif isinstance(value, list | tuple) and key.isascii() and key.isdecimal() and len(key) < 10:
            value = value[int(key)] if int(key) < len(value) else None
        else:
            return None
    return value


_NOT_CARRIED: Any = object()


def _for_database(rule: FieldRule) -> dict[str, JsonValue]:
    said: dict[str, JsonValue] = {"owner": rule.owner.value, "group": rule.group, "default": rule.default}
    return {name: value for name, value in said.items() if value is not None}


def _parsed(column: str, said: Any) -> FieldRule:
    if not _COLUMN.fullmatch(column) or len(column) > MAX_COLUMN_CHARS:
        raise ValueError("expected a column in lower case, such as company_name")
    if column in BOOKKEEPING:
        raise ValueError("expected another column; this one is frontdesk's bookkeeping")
    if column in _DECIDING:
        raise ValueError("expected another column; who may do what follows from this one, so Auth0 writes it")
    if not isinstance(said, Mapping):
        example = '{path = "user_metadata.company", owner = "auth0"}'
        raise ValueError(f"expected a table such as {example}")  # noqa: TRY004 - of a setting, all faults are values
    if unknown := sorted(map(str, said.keys() - {"owner", "path", "type", "default"})):
        raise ValueError(f"expected the keys owner, path, type and default, got {', '.join(unknown)}")
    owner = _owner(said.get("owner", Owner.AUTH0.value))
    if column in OWN_COLUMNS:
        if len(said) > 1 or "owner" not in said:
            raise ValueError("expected owner alone; frontdesk knows what this column of its own comes from")
        return FieldRule(column=column, owner=owner)
    return _of_the_application(column, owner, said)


def _of_the_application(column: str, owner: Owner, said: Mapping[str, Any]) -> FieldRule:
    kind = _kind(said.get("type", FieldType.TEXT.value))
    path = said.get("path")
    if path is None and owner is not Owner.APP:
        raise ValueError(_PATHS)
    default = said.get("default")
    if default is not None:
        default = as_typed(kind, default)
        if default is NOTHING:
            raise ValueError(f"expected a default of the type {kind}, got {said['default']!r}")
    keys = None if path is None else _path(path, kind)
    return FieldRule(column=column, owner=owner, path=keys, type=kind, default=default)


def _owner(said: Any) -> Owner:
    try:
        return Owner(said)
    except ValueError:
        raise ValueError(f"expected the owner auth0, first_write or app, got {said!r}") from None


def _kind(said: Any) -> FieldType:
    try:
        return FieldType(said)
    except ValueError:
        raise ValueError(f"expected the type {', '.join(FieldType)}; got {said!r}") from None


def _path(said: Any, kind: FieldType) -> tuple[str, ...]:
    keys = keys_of_path(said if isinstance(said, str) else "")
    if keys[0] not in ("user", "app_metadata", "user_metadata", "identity"):
        raise ValueError(f"{_PATHS}; got {said!r}")
    if keys[0] == "user":
        if len(keys) > 2 or keys[1] not in _USER_FIELDS:
            raise ValueError(f"expected user.<field> with one of {', '.join(_USER_FIELDS)}; got {said!r}")
        if kind is not _USER_FIELDS[keys[1]]:
            raise ValueError(f"expected the type {_USER_FIELDS[keys[1]]} for {said}, got {kind.value}")
    return keys


def _found(user: User, rule: FieldRule) -> Any:
    """Return what the payload has at a rule's path; None for nothing, _NOT_CARRIED when it could not tell."""
    root, *keys = rule.path or ()
    if root == "app_metadata":
        return _NOT_CARRIED if user.app_metadata is None else inside(user.app_metadata.value, tuple(keys))
    if root == "user_metadata":
        return _NOT_CARRIED if user.user_metadata is None else inside(user.user_metadata.value, tuple(keys))
    if user.profile is None:
        return _NOT_CARRIED
    profile = user.profile.value
    field = "identities" if root == "identity" else "user_name" if keys[0] == "username" else keys[0]
    if profile.sent is not None and field not in profile.sent:
        return _NOT_CARRIED
    if root == "user":
        return getattr(profile, field)
    primary = profile.identities[0] if profile.identities else Identity()
    return inside(primary.profile_data, tuple(keys))


def _refuse_one_name_twice(rules: tuple[FieldRule, ...]) -> None:
    names = {graphql_name(column): column for column in (*OWN_COLUMNS, *BOOKKEEPING)}
    for rule in rules:
        other = names.setdefault(rule.graphql_name, rule.column)
        if other != rule.column:
            raise ValueError(
                f"{rule.column!r}: expected a column whose name in GraphQL is its own; {rule.graphql_name} is that of "
                f"{other!r} too"
            )


NO_RULES = FieldRules()
