"""Who of a tenant is written at all: the operator's `[filter]`, asked of every user whatever way in they came by.

What a payload does not tell counts as not met: nobody is written on a guess.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from frontdesk.identity.fields import inside, keys_of_path
from frontdesk.identity.user import Profile, User

Scalar = str | bool | int | float


@dataclass(frozen=True)
class MetadataCondition:
    """What has to stand at a path in metadata: the value itself, or a list that holds it."""

    path: tuple[str, ...]
    value: Scalar

    @classmethod
    def parse(cls, path: str, value: Any) -> MetadataCondition:
        """Return the condition that settings say. Raises ValueError naming the path and what was expected."""
        try:
            keys = keys_of_path(path)
        except ValueError:
            keys = ("",)
        if keys[0] not in ("app_metadata", "user_metadata"):
            raise ValueError(f"{path!r}: expected a path below app_metadata or user_metadata")
        if not isinstance(value, Scalar):
            raise ValueError(f"{path!r}: expected text, a number, true or false")  # noqa: TRY004 - as in fields.py
        return cls(keys, value)

    def is_met_by(self, user: User) -> bool:
        """Whether the payload's metadata has it."""
        stamped = user.app_metadata if self.path[0] == "app_metadata" else user.user_metadata
        found = None if stamped is None else inside(stamped.value, self.path[1:])
        if isinstance(found, list | tuple):
            return any(self._is(each) for each in found)
        return self._is(found)

    def _is(self, found: Any) -> bool:
        # In Python true is 1, in JSON it is not.
        return isinstance(found, bool) is isinstance(self.value, bool) and bool(found == self.value)


@dataclass(frozen=True, kw_only=True)
class UserFilter:
    """Whom to write: everybody, unless a part of it says otherwise; all parts have to be met.

    Its `repr` is the same in every process, so that passes can be told apart by it.
    """

    verified_only: bool = False
    connections: tuple[str, ...] = ()
    metadata: tuple[MetadataCondition, ...] = ()

    @classmethod
    def of(
        cls,
        *,
        verified_only: bool = False,
        connections: Iterable[str] = (),
        metadata: Mapping[str, Any] | None = None,
    ) -> UserFilter:
        """Return the filter that settings say. Raises ValueError as MetadataCondition.parse."""
        conditions = tuple(MetadataCondition.parse(*each) for each in sorted((metadata or {}).items()))
        return cls(
            verified_only=verified_only, connections=tuple(sorted(set(connections))), metadata=conditions
        )

    @property
    def leaves_out_nobody(self) -> bool:
        """Whether it is no filter at all."""
        return not (self.verified_only or self.connections or self.metadata)

    def passes(self, user: User) -> bool:
        """Whether `user` is written."""
        return self.why_left_out(user) is None

    def why_left_out(self, user: User) -> str | None:
        """Return why `user` is not written, in words that hold nothing of the user; None when they are."""
        if self.leaves_out_nobody:
            return None
        profile = user.profile.value if user.profile is not None else Profile()
        if self.verified_only and not _is_verified(profile):
            return "not verified"
        if self.connections and not _connections(profile).intersection(self.connections):
            return "of another connection"
        unmet = next((each for each in self.metadata if not each.is_met_by(user)), None)
        return None if unmet is None else f"without the value at {'.'.join(unmet.path)}"


def _is_verified(profile: Profile) -> bool:
    """Whether the address is verified by which the user is known; who has no e-mail is known by their phone."""
    if profile.email is not None or profile.email_verified is not None:
        return profile.email_verified is True
    return profile.phone_verified is True


def _connections(profile: Profile) -> frozenset[str]:
    """Return every connection of a user: who linked accounts comes in by any of them."""
    named = (profile.connection, *(identity.connection for identity in profile.identities))
    return frozenset(name for name in named if name is not None)


EVERYBODY = UserFilter()
