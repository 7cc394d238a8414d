"""What Auth0 and Hasura have of users: a list, one user on both sides with what differs, somebody's groups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from frontdesk.auth0 import user_calls
from frontdesk.auth0.user_calls import MAX_SHOWN, Organization, UserUnknown
from frontdesk.errors import Auth0Error, FieldFault, HasuraError, PayloadInvalid
from frontdesk.hasura.rows import StoredRow
from frontdesk.hasura.user_write import write_for
from frontdesk.identity import JsonObject
from frontdesk.sync.reconcile.place import layout_of
from frontdesk.sync.users.changes import GROUPS
from frontdesk.sync.users.desk import UserDesk

_LISTED = (
    "user_id",
    "email",
    "email_verified",
    "username",
    "phone_number",
    "name",
    "blocked",
    "last_login",
    "created_at",
)


@dataclass(frozen=True, kw_only=True)
class UserPage:
    """One page of users, with what stands in a list; `total` are all that Auth0 finds, `next` is the next page."""

    users: Sequence[Mapping[str, Any]]
    total: int
    next: int | None
    beyond: str | None

    def as_json(self) -> dict[str, Any]:
        """Return the page as the API's lists are."""
        return {
            "items": list(self.users),
            "next": None if self.next is None else str(self.next),
            "total": self.total,
            "beyond": self.beyond,
        }


@dataclass(frozen=True, kw_only=True)
class Difference:
    """A column whose two sides are not the same, by its GraphQL name."""

    column: str
    auth0: Any
    hasura: Any


@dataclass(frozen=True, kw_only=True)
class UserView:
    """One user on both sides. What a side could not say is None, and why stands in `unread`."""

    tenant: str
    user_id: str
    auth0: JsonObject | None
    roles: Sequence[str] | None
    organizations: Sequence[Organization] | None
    row: StoredRow | None
    differences: Sequence[Difference]
    unread: Sequence[str]
    verdict: str

    def as_json(self) -> dict[str, Any]:
        """Return both sides under their stable names."""
        row = self.row
        return {
            "tenant": self.tenant,
            "user_id": self.user_id,
            "verdict": self.verdict,
            "differences": [vars(each) for each in self.differences],
            "auth0": None if self.auth0 is None else dict(self.auth0),
            "roles": None if self.roles is None else list(self.roles),
            "organizations": _organizations(self.organizations),
            "hasura": None
            if row is None
            else {**row.columns, "deletedAt": row.deleted_at and row.deleted_at.isoformat()},
            "unread": list(self.unread),
        }


@dataclass(frozen=True, kw_only=True)
class Groups:
    """Somebody's groups (`app_metadata.groups`) and organizations; the latter None when they could not be read."""

    user_id: str
    groups: Sequence[str]
    organizations: Sequence[Organization] | None

    def as_json(self) -> dict[str, Any]:
        """Return them under their stable names."""
        return {
            "user_id": self.user_id,
            "groups": list(self.groups),
            "organizations": _organizations(self.organizations),
        }


def list_users(
    desk: UserDesk, *, query: str | None = None, sort: str | None = None, page: int = 0, per_page: int = 50
) -> UserPage:
    """Return one page of Auth0's search; it may be seconds behind, and only its first thousand can be shown.

    Raises PayloadInvalid for a page beyond them, UserCallRefused for a query that Auth0 does not take, Auth0Error.
    """
    if (page + 1) * per_page > MAX_SHOWN:
        raise PayloadInvalid(
            [
                FieldFault(
                    "page",
                    f"a page within the first {MAX_SHOWN:,} results, where Auth0's search ends; narrow `q`",
                )
            ]
        )
    found = user_calls.find(desk.api, query=query, sort=sort, page=page, per_page=per_page)
    shown = min(found.total, MAX_SHOWN)
    more = (page + 1) * per_page < shown and (page + 2) * per_page <= MAX_SHOWN
    return UserPage(
        users=[_listed(record) for record in found.users],
        total=found.total,
        next=page + 1 if more else None,
        beyond=None if found.total <= MAX_SHOWN else _beyond(found.total),
    )


def show_user(desk: UserDesk, user_id: str) -> UserView:
    """Return what both sides have of a user, and what differs.

    One side that is away is said, and the other shown. Raises UserUnknown when neither has the user, and the error of
    Auth0 when neither could be asked.
    """
    read_at = datetime.now(UTC)
    record, no_record = _auth0_side(desk, user_id)
    row, no_row = _hasura_side(desk, user_id)
    if no_record is not None and no_row is not None:
        raise no_record
    unread = [error.detail for error in (no_record, no_row) if error is not None]
    if record is None and row is None and not unread:
        raise UserUnknown(user_id)
    roles = organizations = None
    if record is not None:
        roles, organizations = _roles(desk, user_id, unread), _organizations_of(desk, user_id, unread)
    differences = _differences(desk, record, roles, row, read_at, unread)
    return UserView(
        tenant=desk.tenant,
        user_id=user_id,
        auth0=record,
        roles=roles,
        organizations=organizations,
        row=row,
        differences=differences,
        unread=unread,
        verdict=_verdict(record, row, differences, unread),
    )


def groups_of(desk: UserDesk, user_id: str) -> Groups:
    """Return somebody's groups and organizations. Raises UserUnknown, Auth0Error."""
    record = desk.record(user_id)
    if record is None:
        raise UserUnknown(user_id)
    metadata = record.get("app_metadata")
    found = metadata.get(GROUPS) if isinstance(metadata, Mapping) else None
    names = [name for name in found if isinstance(name, str)] if isinstance(found, list) else []
    return Groups(user_id=user_id, groups=names, organizations=_organizations_of(desk, user_id, []))


def _beyond(total: int) -> str:
    return (
        f"Auth0 finds {total:,} users and shows the first {MAX_SHOWN:,} of a search; narrow the query, or look in "
        f"Hasura, where `frontdesk import` brings everybody"
    )


def _listed(record: JsonObject) -> dict[str, Any]:
    identities = record.get("identities")
    first = identities[0] if isinstance(identities, list) and identities else None
    connection = first.get("connection") if isinstance(first, Mapping) else None
    return {**{name: record.get(name) for name in _LISTED}, "connection": connection}


def _auth0_side(desk: UserDesk, user_id: str) -> tuple[JsonObject | None, Auth0Error | None]:
    try:
        return desk.record(user_id), None
    except Auth0Error as error:
        return None, error


def _hasura_side(desk: UserDesk, user_id: str) -> tuple[StoredRow | None, HasuraError | None]:
    try:
        return desk.rows.one(desk.tenant, user_id), None
    except HasuraError as error:
        return None, error


def _roles(desk: UserDesk, user_id: str, unread: list[str]) -> list[str] | None:
    try:
        return sorted(role.name for role in user_calls.roles_of(desk.api, user_id))
    except Auth0Error as error:
        unread.append(f"roles: {error.detail}")
        return None


def _organizations_of(desk: UserDesk, user_id: str, unread: list[str]) -> Sequence[Organization] | None:
    try:
        return user_calls.organizations_of(desk.api, user_id)
    except Auth0Error as error:
        unread.append(f"organizations: {error.detail}")
        return None


def _organizations(found: Sequence[Organization] | None) -> list[dict[str, Any]] | None:
    return None if found is None else [vars(each) for each in found]


def _differences(
    desk: UserDesk,
    record: JsonObject | None,
    roles: Sequence[str] | None,
    row: StoredRow | None,
    read_at: datetime,
    unread: list[str],
) -> list[Difference]:
    """Return what a write of the record would change, as a reconcile sees it."""
    if record is None or row is None:
        return []
    try:
        user = desk.user(record, read_at=read_at, roles=None if roles is None else tuple(roles))
    except PayloadInvalid as error:
        unread.append(f"{error.detail} {', '.join(fault.field for fault in error.faults)}")
        return []
    write, layout = write_for(user, write_id=uuid4(), rules=desk.rules), layout_of(desk.rules)
    found = layout.compare(layout.fingerprint(write), row.columns, row.clocks)
    return [
        Difference(column=name, auth0=write.object[name], hasura=row.columns.get(name))
        for name in found.different
    ]


def _verdict(
    record: JsonObject | None, row: StoredRow | None, differences: Sequence[Difference], unread: Sequence[str]
) -> str:
    if record is None:
        there = (
            "the row is marked as deleted" if row and row.deleted_at else "the row is not marked as deleted"
        )
        return f"Auth0 has no such user; {there}" if not unread else "one side could not be read"
    if row is None:
        return "Hasura has no row" if not unread else "one side could not be read"
    if row.deleted_at is not None:
        return "the row is marked as deleted, and Auth0 has the user"
    if differences:
        return f"{len(differences)} columns differ; `frontdesk users sync` brings them to Hasura"
    return "both sides say the same"
