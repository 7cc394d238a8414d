"""Tenants of any size, the same for the same seed: each user is made from its number when somebody looks.

Nothing is kept of a user, so a million of them take no memory. A user's number can be found from the user id and from
the names to log in with, since both carry it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from localauth0 import generated_profiles as made
from localauth0.tenant import Connection, Generate, Member, Organization, Role, TenantConfig

CLIENT_ID, CLIENT_SECRET = (
    "generated",
    "generated-secret",
)  # the machine of a tenant without a file of its own
MAX_MEMBERS = 1_200  # of an organization: more than can be read by page number

_WORD = (1 << 64) - 1
_TOKEN_BITS = 40
_TOKEN_MASK = (1 << _TOKEN_BITS) - 1
_STRIDE = 0x9E3779B97F | 1  # odd, so that numbers and tokens are one to one
_BACK = pow(_STRIDE, -1, 1 << _TOKEN_BITS)
_BLOCK, _AT_ONCE = 100, 40  # of each hundred users, the last forty were made in one moment, as by an import
_HEX_TOKEN = re.compile(r"([0-9a-f]{10})(?:@corp\.example)?\Z")
_NUMBER_IN_NAME = re.compile(r"(\d+)(?:@|\Z)")


def generate_tenant(*, users: int, roles: int = 0, organizations: int = 0, seed: int = 0) -> dict[str, Any]:
    """The document of a tenant of that size, with a machine that may call all of the Management API."""
    machine = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "name": "Generated"}
    return {
        "tenant": "generated",
        "clients": [{**machine, "app_type": "non_interactive"}],
        "client_grants": [{"client_id": CLIENT_ID, "audience": "/api/v2/", "allow_all_scopes": True}],
        "generate": {"users": users, "roles": roles, "organizations": organizations, "seed": seed},
    }


def with_generated(tenant: TenantConfig) -> TenantConfig:
    """The tenant with the connections, roles and organizations that it is to have generated."""
    if tenant.generate is None:
        return tenant
    people = GeneratedPeople(tenant.generate)
    taken = {connection.name for connection in tenant.connections}
    connections = [
        Connection(id=_id("con_", number, tenant.generate.seed), name=name, strategy=strategy)
        for number, (name, strategy) in enumerate(made.CONNECTIONS)
        if name not in taken
    ]
    return tenant.model_copy(
        update={
            "connections": [*tenant.connections, *connections],
            "roles": [*tenant.roles, *people.made_roles()],
            "organizations": [*tenant.organizations, *people.made_organizations()],
        }
    )


class GeneratedPeople:
    """The generated users by number, oldest first. What is returned belongs to the caller."""

    def __init__(self, plan: Generate) -> None:
        self._plan, self._count = plan, plan.users
        self._seed = _mixed(plan.seed + 1)
        self._span_ms = (made.LAST_MS - made.FIRST_MS) // max(1, self._count)
        self._role_names = [f"{made.ROLES[n % len(made.ROLES)]} {n:03d}" for n in range(plan.roles)]

    def __len__(self) -> int:
        return self._count

    def created_ms(self, number: int) -> int:
        """When the user was made; never before the user with a smaller number."""
        block, place = divmod(number, _BLOCK)
        return made.FIRST_MS + self._span_ms * (block * _BLOCK + min(place, _BLOCK - _AT_ONCE))

    def updated_ms(self, number: int) -> int:
        return made.updated_ms(self._facts(number))

    def user_id(self, number: int) -> str:
        return made.user_id(self._facts(number))

    def profile(self, number: int) -> dict[str, Any]:
        """The user in the Management API's shape."""
        return made.profile(self._facts(number))

    def password(self, number: int) -> str | None:
        """The password of a user of the database."""
        return f"generated-{number}" if self._facts(number).kind in ("database", "odd") else None

    def roles(self, number: int) -> list[str]:
        """The names of the user's roles: about half of the users have one, some have two."""
        names, count = self._role_names, len(self._role_names)
        if not count:
            return []
        found = [number % (2 * count)] if number % (2 * count) < count else []
        if number % 10 == 3 and (second := number // 10 % count) not in found:
            found.append(second)
        return [names[place] for place in found]

    def number_of(self, user_id: str) -> int | None:
        """The number of the user with that id."""
        found = self._token_of(user_id)
        if found is None:
            return None
        number = (found - self._offset) * _BACK & _TOKEN_MASK
        return number if number < self._count and self.user_id(number) == user_id else None

    def numbers_of_name(self, name: str) -> Iterator[int]:
        """The numbers of the users who may have that e-mail address, username or telephone number."""
        found = _NUMBER_IN_NAME.search(name)
        if found is None or len(found[1]) > 15:
            return
        number = int(found[1])
        if name.startswith("+"):
            number -= made.FIRST_PHONE
        for candidate in (number, number + 20, number + 21):
            if 0 <= candidate < self._count:
                yield candidate

    def made_roles(self) -> list[Role]:
        return [
            Role(id=_id("rol_", number, self._plan.seed), name=name, description=f"The role {name}")
            for number, name in enumerate(self._role_names)
        ]

    def made_organizations(self) -> list[Organization]:
        return [self._organization(number) for number in range(self._plan.organizations)]

    def _organization(self, number: int) -> Organization:
        step = 2 * self._plan.organizations
        members = [
            Member(user_id=self.user_id(user), roles=self._roles_within(user))
            for user in range(number, self._count, step)[:MAX_MEMBERS]
        ]
        return Organization(
            id=_id("org_", number, self._plan.seed),
            name=f"org-{number:03d}",
            display_name=f"{made.COMPANIES[number % len(made.COMPANIES)]} {number:03d}",
            metadata={"tier": "gold"} if number % 3 == 0 else {},
            members=members,
        )

    def _roles_within(self, user: int) -> list[str]:
        return [self._role_names[user % len(self._role_names)]] if self._role_names and user % 5 == 0 else []

    @property
    def _offset(self) -> int:
        return self._seed & _TOKEN_MASK

    def _facts(self, number: int) -> made.Facts:
        bits = _mixed(self._seed + number * 0x9E3779B97F4A7C15)
        token = (number * _STRIDE + self._offset) & _TOKEN_MASK
        return made.Facts(number, bits << 64 | _mixed(bits), token, self.created_ms(number))

    def _token_of(self, user_id: str) -> int | None:
        provider, _, own_id = user_id.partition("|")
        if provider in ("google-oauth2", "github"):
            digits = own_id[-13:] if provider == "google-oauth2" else own_id
            return int(digits) if digits.isascii() and digits.isdecimal() and len(digits) <= 13 else None
        found = _HEX_TOKEN.search(own_id)
        return int(found[1], 16) if found is not None else None


def _mixed(value: int) -> int:
    """Sixty-four bits that look random, from any number (the finish of SplitMix64)."""
    value &= _WORD
    value = (value ^ value >> 30) * 0xBF58476D1CE4E5B9 & _WORD
    value = (value ^ value >> 27) * 0x94D049BB133111EB & _WORD
    return value ^ value >> 31


def _id(prefix: str, number: int, seed: int) -> str:
    """Sixteen letters and digits behind the prefix."""
    return f"{prefix}{_mixed(_mixed(seed) + number):016x}"
