"""Who has which role and who belongs to which organization, at run time; in the order that Auth0's lists have.

A list is read by position or from behind a member on, without a look at the rest of it.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from typing import Any, TypeVar, overload

from localauth0.tenant import Organization, Role

Key = TypeVar("Key")

Position = tuple[str, str]  # since when, and who: the order of members
RoleGrants = Callable[[], Iterable[tuple[str, Sequence[str]]]]  # user id and the names of the roles


class Members(Sequence[str]):
    """Users who belong to something, by the time of their joining and then by id."""

    def __init__(self) -> None:
        self._since: dict[str, str] = {}
        self._order: list[Position] = []

    def fill(self, user_ids: Iterable[str], since: str) -> None:
        """Let many join at one time."""
        self._since.update((user_id, since) for user_id in user_ids)
        self._order = sorted((at, user_id) for user_id, at in self._since.items())

    def add(self, user_id: str, since: str) -> None:
        """Let a user join; who is in already stays where they are."""
        if user_id not in self._since:
            self._since[user_id] = since
            insort(self._order, (since, user_id))

    def discard(self, user_id: str) -> None:
        since = self._since.pop(user_id, None)
        if since is not None:
            del self._order[bisect_left(self._order, (since, user_id))]

    def __contains__(self, user_id: object) -> bool:
        return user_id in self._since

    def __len__(self) -> int:
        return len(self._order)

    @overload
    def __getitem__(self, place: int) -> str: ...

    @overload
    def __getitem__(self, place: slice) -> list[str]: ...

    def __getitem__(self, place: int | slice) -> str | list[str]:
        if isinstance(place, int):
            return self._order[place][1]
        return [user_id for _, user_id in self._order[place]]

    def after(self, position: Position | None, count: int) -> tuple[list[Position], bool]:
        """Up to `count` members behind the position, which need not be taken any more, and whether more follow."""
        start = bisect_right(self._order, position) if position is not None else 0
        return self._order[start : start + count], start + count < len(self._order)


class Memberships:
    """The roles and organizations of the tenant's users, by ids.

    What the tenant file grants is looked up when somebody first asks, since that takes a look at every user.
    """

    def __init__(
        self,
        roles: Sequence[Role],
        organizations: Sequence[Organization],
        role_grants: RoleGrants,
        *,
        since: str,
        lock: AbstractContextManager[Any],
    ) -> None:
        self._role_ids = {role.name: role.id for role in roles}
        self._file_organizations, self._role_grants = organizations, role_grants
        self._since, self._lock = since, lock
        self._is_loaded = False
        self._role_members: dict[str, Members] = {}
        self._roles_of: dict[str, dict[str, None]] = {}
        self._organization_members: dict[str, Members] = {}
        self._organizations_of: dict[str, dict[str, None]] = {}
        self._organization_roles: dict[tuple[str, str], dict[str, None]] = {}

    def roles_of(self, user_id: str) -> list[str]:
        """The ids of the tenant's roles that the user has."""
        with self._lock:
            self._load()
            return list(self._roles_of.get(user_id, ()))

    def role_members(self, role_id: str) -> Members:
        with self._lock:
            self._load()
            return self._role_members.setdefault(role_id, Members())

    def grant(self, role_id: str, user_id: str, since: str) -> None:
        with self._lock:
            self.role_members(role_id).add(user_id, since)
            self._roles_of.setdefault(user_id, {})[role_id] = None

    def revoke(self, role_id: str, user_id: str) -> None:
        with self._lock:
            self.role_members(role_id).discard(user_id)
            _take(self._roles_of, user_id, role_id)

    def organizations_of(self, user_id: str) -> list[str]:
        with self._lock:
            self._load()
            return list(self._organizations_of.get(user_id, ()))

    def organization_members(self, organization_id: str) -> Members:
        with self._lock:
            self._load()
            return self._organization_members.setdefault(organization_id, Members())

    def is_member(self, organization_id: str, user_id: str) -> bool:
        return user_id in self.organization_members(organization_id)

    def join(self, organization_id: str, user_id: str, since: str) -> None:
        with self._lock:
            self.organization_members(organization_id).add(user_id, since)
            self._organizations_of.setdefault(user_id, {})[organization_id] = None

    def leave(self, organization_id: str, user_id: str) -> None:
        """Take the user out of the organization; the roles there go too."""
        with self._lock:
            self.organization_members(organization_id).discard(user_id)
            _take(self._organizations_of, user_id, organization_id)
            self._organization_roles.pop((organization_id, user_id), None)

    def organization_roles_of(self, organization_id: str, user_id: str) -> list[str]:
        with self._lock:
            self._load()
            return list(self._organization_roles.get((organization_id, user_id), ()))

    def grant_in(self, organization_id: str, role_id: str, user_id: str) -> None:
        """Give a role within an organization, even before the user is a member, as recorded."""
        with self._lock:
            self._load()
            self._organization_roles.setdefault((organization_id, user_id), {})[role_id] = None

    def revoke_in(self, organization_id: str, role_id: str, user_id: str) -> None:
        with self._lock:
            self._load()
            _take(self._organization_roles, (organization_id, user_id), role_id)

    def forget_user(self, user_id: str) -> None:
        with self._lock:
            for role_id in self.roles_of(user_id):
                self.revoke(role_id, user_id)
            for organization_id in list(self._organization_members):
                self.leave(organization_id, user_id)

    def forget_role(self, role_id: str) -> None:
        with self._lock:
            for user_id in self.role_members(role_id):
                _take(self._roles_of, user_id, role_id)
            del self._role_members[role_id]
            for key in [key for key, roles in self._organization_roles.items() if role_id in roles]:
                _take(self._organization_roles, key, role_id)

    def forget_organization(self, organization_id: str) -> None:
        with self._lock:
            for user_id in self.organization_members(organization_id):
                _take(self._organizations_of, user_id, organization_id)
            del self._organization_members[organization_id]
            for key in [key for key in self._organization_roles if key[0] == organization_id]:
                del self._organization_roles[key]

    def _load(self) -> None:
        if self._is_loaded:
            return
        self._is_loaded = True
        granted: dict[str, list[str]] = {role_id: [] for role_id in self._role_ids.values()}
        for user_id, names in self._role_grants():
            for name in names:
                granted[self._role_ids[name]].append(user_id)
        for role_id, user_ids in granted.items():
            _fill(self._role_members, self._roles_of, role_id, user_ids, self._since)
        for one in self._file_organizations:
            user_ids = [member.user_id for member in one.members]
            _fill(self._organization_members, self._organizations_of, one.id, user_ids, self._since)
            for member in one.members:
                if member.roles:
                    ids = [self._role_ids[name] for name in member.roles]
                    self._organization_roles[one.id, member.user_id] = dict.fromkeys(ids)


def _fill(
    lists: dict[str, Members],
    of_user: dict[str, dict[str, None]],
    key: str,
    user_ids: Sequence[str],
    since: str,
) -> None:
    lists[key] = Members()
    lists[key].fill(user_ids, since)
    for user_id in user_ids:
        of_user.setdefault(user_id, {})[key] = None


def _take(sets: dict[Key, dict[str, None]], key: Key, item: str) -> None:
    """Take an item out of one of the sets, and the set with its last item."""
    held = sets.get(key)
    if held is None:
        return
    held.pop(item, None)
    if not held:
        del sets[key]
