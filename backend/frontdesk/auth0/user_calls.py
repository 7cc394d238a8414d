"""Changes of single users at Auth0, with a refusal in words that say what to do.

What the SDK cannot read of an answer does not undo the change: the record is read afterwards in any case.
Source: Management OpenAPI, `/users`, `/users/{id}/roles`, `/user-blocks/{id}`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from auth0.management.core.parse_error import ParsingError

from frontdesk.auth0.management import ManagementApi
from frontdesk.auth0.roles import Role, read_roles
from frontdesk.auth0.user_fields import NewUser, UserChange
from frontdesk.errors import Auth0Error, Auth0Rejected, Auth0ScopeMissing, Auth0Unavailable, FrontdeskError
from frontdesk.identity import JsonObject

PAGE_SIZE = 100  # the most that Auth0 gives, and more than a user may have of anything
MAX_PAGES = 10  # Auth0 ends at a thousand
MAX_SHOWN = 1000  # of one search


class UserUnknown(Auth0Error):
    """Auth0 has no user with this id."""

    type = "urn:frontdesk:problem:user-unknown"
    status = 404

    def __init__(self, user_id: str) -> None:
        super().__init__(
            f"there is no user {user_id!r}; `frontdesk users list` finds the ids of those there are"
        )


class UserExists(Auth0Rejected):
    """Auth0 has a user with this id, e-mail address, username or phone number already."""

    type = "urn:frontdesk:problem:user-exists"
    status = 409


class UserCallRefused(Auth0Rejected):
    """Auth0 does not accept this change."""

    type = "urn:frontdesk:problem:user-call-refused"
    status = 400


class RoleUnknown(FrontdeskError):
    """The tenant has no role with this name."""

    type = "urn:frontdesk:problem:role-unknown"
    status = 400

    def __init__(self, missing: Sequence[str], known: Sequence[str]) -> None:
        there = ", ".join(sorted(known)[:50]) or "none"
        super().__init__(f"Auth0 has no role {', '.join(map(repr, missing))}; it has: {there}")


@dataclass(frozen=True, kw_only=True)
class Organization:
    """An organization that somebody is a member of."""

    id: str
    name: str
    display_name: str | None = None


@dataclass(frozen=True, kw_only=True)
class RoleChange:
    """Roles to give and to take away, from names to ids."""

    added: Mapping[str, str]
    removed: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class FoundPage:
    """One page of a search; `total` is what Auth0 counts, of which only the first MAX_SHOWN can be shown."""

    users: Sequence[JsonObject]
    total: int


def create(api: ManagementApi, user: NewUser) -> str:
    """Create a user and return the id. Raises UserExists, UserCallRefused, Auth0Error."""
    with _explained("the new user"):
        try:
            made: Any = api.sdk.users.create(**user.body()).user_id
        except ParsingError as error:
            made = error.body.get("user_id") if isinstance(error.body, dict) else None
    if not isinstance(made, str) or not made:
        raise Auth0Unavailable(
            "Auth0 created the user and did not say under which id; look for them with `frontdesk users list`"
        )
    return made


def update(api: ManagementApi, user_id: str, change: UserChange) -> None:
    """Change a user. Raises UserUnknown, UserExists, UserCallRefused, Auth0Error."""
    patch(api, user_id, change.body())


def patch(api: ManagementApi, user_id: str, body: Mapping[str, Any]) -> None:
    """Send this very body. Raises as `update` does."""
    with _explained(user_id), _read_later():
        api.sdk.users.update(_own_segment(user_id), **body)


def delete(api: ManagementApi, user_id: str) -> None:
    """Delete a user; somebody whom Auth0 does not know is no error to Auth0. Raises Auth0Error."""
    with _explained(user_id):
        api.sdk.users.delete(_own_segment(user_id))


def roles_of(api: ManagementApi, user_id: str) -> tuple[Role, ...]:
    """Return the roles that somebody has outside organizations. Raises UserUnknown, Auth0Error."""
    return tuple(
        Role(id=str(each.get("id")), name=str(each.get("name")))
        for each in _all_of(api, user_id, "roles")
        if each.get("name")
    )


def organizations_of(api: ManagementApi, user_id: str) -> tuple[Organization, ...]:
    """Return the organizations that somebody is a member of. Raises UserUnknown, Auth0Error."""
    return tuple(
        Organization(
            id=str(each.get("id")), name=str(each.get("name")), display_name=_text(each.get("display_name"))
        )
        for each in _all_of(api, user_id, "organizations")
    )


def role_change(api: ManagementApi, user_id: str, names: Sequence[str]) -> RoleChange:
    """Return what has to change for somebody to have exactly these roles; it changes nothing.

    Raises RoleUnknown, UserUnknown, Auth0Error.
    """
    has = {role.name: role.id for role in roles_of(api, user_id)}
    added = [name for name in names if name not in has]
    known = {role.name: role.id for role in read_roles(api)} if added else {}
    if missing := [name for name in added if name not in known]:
        raise RoleUnknown(missing, list(known))
    return RoleChange(
        added={name: known[name] for name in added},
        removed={name: role for name, role in has.items() if name not in names},
    )


def add_roles(api: ManagementApi, user_id: str, role_ids: Collection[str]) -> None:
    """Give somebody roles. Raises UserUnknown, Auth0Error."""
    with _explained(user_id):
        api.sdk.users.roles.assign(_own_segment(user_id), roles=list(role_ids))


def remove_roles(api: ManagementApi, user_id: str, role_ids: Collection[str]) -> None:
    """Take roles away from somebody. Raises UserUnknown, Auth0Error."""
    with _explained(user_id):
        api.sdk.users.roles.delete(_own_segment(user_id), roles=list(role_ids))


def brute_force_blocks(api: ManagementApi, user_id: str) -> int:
    """Return for how many addresses or names Auth0 blocks this user after wrong passwords. Raises Auth0Error."""
    with _explained(user_id):
        found = api.read("user-blocks", _own_segment(user_id))
    blocked_for = found.get("blocked_for") if isinstance(found, dict) else None
    return len(blocked_for) if isinstance(blocked_for, list) else 0


def lift_brute_force_blocks(api: ManagementApi, user_id: str) -> None:
    """Lift them, from every address. Raises UserUnknown, Auth0Error."""
    with _explained(user_id):
        api.sdk.user_blocks.delete(_own_segment(user_id))


def find(
    api: ManagementApi, *, query: str | None, sort: str | None, page: int, per_page: int = PAGE_SIZE
) -> FoundPage:
    """Return one page of a search, all users without a query. It may be seconds behind. Raises Auth0Error."""
    parameters = {
        "page": str(page),
        "per_page": str(per_page),
        "include_totals": "true",
        "search_engine": "v3",
    }
    parameters |= {name: value for name, value in (("q", query), ("sort", sort)) if value}
    with _explained("the search"):
        answer = api.read("users", **parameters)
    users = answer.get("users") if isinstance(answer, dict) else None
    total = answer.get("total") if isinstance(answer, dict) else None
    if not isinstance(users, list) or not isinstance(total, int):
        raise Auth0Unavailable("Auth0 answered with something else than a page of users; ask again")
    return FoundPage(users=[each for each in users if isinstance(each, dict)], total=total)


def _all_of(api: ManagementApi, user_id: str, what: str) -> Iterator[JsonObject]:
    for number in range(MAX_PAGES):
        with _explained(user_id):
            found = api.read(
                "users",
                _own_segment(user_id),
                what,
                page=str(number),
                per_page=str(PAGE_SIZE),
                include_totals="true",
            )
        page = found.get(what) if isinstance(found, dict) else found
        if not isinstance(page, list):
            raise Auth0Unavailable(f"Auth0 answered with something else than a list of {what}; ask again")
        yield from (each for each in page if isinstance(each, dict))
        if len(page) < PAGE_SIZE:
            return


def _own_segment(user_id: str) -> str:
    """Return the id, if it can stand in a path for itself alone; an empty one, or dots, would name another place."""
    if user_id in ("", ".", ".."):
        raise UserUnknown(user_id)
    return user_id


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


@contextmanager
def _read_later() -> Iterator[None]:
    """Let an answer be that the SDK cannot read: what counts was done, and the record is read for itself."""
    try:
        yield
    except ParsingError:
        return


@contextmanager
def _explained(whom: str) -> Iterator[None]:
    """Turn a refusal into an error whose sentence says what to do. Raises Auth0Error."""
    try:
        yield
    except Auth0ScopeMissing as refused:
        raise Auth0ScopeMissing(
            f"{refused.detail}. Give the tenant's machine application that scope: `frontdesk auth0 setup`, or in the "
            f"Dashboard below Applications > APIs > Auth0 Management API",
            scopes=refused.scopes,
        ) from refused
    except Auth0Rejected as refused:
        raise _in_our_words(refused, whom) from refused


def _in_our_words(refused: Auth0Rejected, whom: str) -> Auth0Error:
    status, code = refused.status_code, refused.error_code
    match status:
        case 404:
            return UserUnknown(whom)
        case 409:
            return UserExists(
                f"{refused.detail} Somebody has that id, e-mail address, username or phone number in this connection; "
                f"`frontdesk users list --q 'email:\"…\"'` finds them",
                status_code=status,
                error_code=code,
            )
        case 400:
            return UserCallRefused(refused.detail, status_code=status, error_code=code)
        case _:
            return refused
