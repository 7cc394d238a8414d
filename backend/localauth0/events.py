"""What a happening becomes: events of users, organizations and members in the CloudEvents form.

A login is no event; that it changes the profile is one. A password set by a mailed link is none, nor are the members
and roles that go with a deleted user or organization. There are no groups here, hence no events of them.

Source: Auth0 docs, "Event Streams", "Event Types"; the published catalogue of events.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from localauth0.happenings import Happening, Kind
from localauth0.tenant import TenantConfig, random_id

EventType = Literal[
    "user.created", "user.updated", "user.deleted", "organization.created", "organization.updated",
    "organization.deleted", "organization.connection.added", "organization.connection.updated",
    "organization.connection.removed", "organization.member.added", "organization.member.deleted",
    "organization.member.role.assigned", "organization.member.role.deleted", "organization.group.role.assigned",
    "organization.group.role.deleted", "group.created", "group.updated", "group.deleted", "group.member.added",
    "group.member.deleted", "group.role.assigned", "group.role.deleted", "connection.created", "connection.updated",
    "connection.deleted",
]  # fmt: skip
Document = dict[str, Any]

_USER_FIELDS = (
    "user_id", "email", "email_verified", "username", "phone_number", "phone_verified", "created_at", "updated_at",
    "identities", "app_metadata", "user_metadata", "picture", "name", "nickname", "multifactor", "last_ip",
    "last_login", "logins_count", "blocked", "given_name", "family_name",
)  # fmt: skip
_TIMES = ("created_at", "updated_at", "last_login")
_ORGANIZATION_FIELDS = ("id", "name", "display_name", "metadata")
_CONNECTION_ID = re.compile(r"con_[a-zA-Z0-9]{16}")

_OF_USERS: Mapping[Kind, EventType] = {
    "signed_up": "user.created",
    "created": "user.created",
    "imported": "user.created",
    "updated": "user.updated",
    "import_updated": "user.updated",
    "login_recorded": "user.updated",
    "metadata_set": "user.updated",
    "linked": "user.updated",
    "unlinked": "user.updated",
    "deleted": "user.deleted",
}
# What becomes of the other account.
_OF_SECONDARIES: Mapping[Kind, EventType] = {"linked": "user.deleted", "unlinked": "user.created"}
_OF_ORGANIZATIONS: Mapping[Kind, EventType] = {
    "organization_created": "organization.created",
    "organization_updated": "organization.updated",
    "organization_deleted": "organization.deleted",
    "member_added": "organization.member.added",
    "member_deleted": "organization.member.deleted",
    "member_role_assigned": "organization.member.role.assigned",
    "member_role_deleted": "organization.member.role.deleted",
}


@dataclass(frozen=True)
class Event:
    """One event, for whichever stream. It has the same id on each of them, and on `GET /events`."""

    id: str
    type: str
    at: datetime
    tenant: str
    data: Mapping[str, Any]
    is_test: bool = False

    def document(self, stream_id: str | None = None) -> Document:
        """The CloudEvent; without a stream as the Events API has it."""
        document: Document = {
            "specversion": "1.0",
            "type": self.type,
            "source": f"urn:auth0:{self.tenant}.localhost",
            "id": self.id,
            "time": iso_ms(self.at),
            "data": dict(self.data),
            "a0tenant": self.tenant,
        }
        if stream_id is not None:
            document["a0stream"] = stream_id
        if self.is_test:
            document["a0purpose"] = "test"
        return document


def new_event_id() -> str:
    return random_id("evt_", 22)


def events_of(happening: Happening, config: TenantConfig) -> list[Event]:
    """The events that the happening makes, most often one or none."""
    context = _context(happening, config)
    return [
        Event(new_event_id(), event_type, happening.at, config.tenant, {"object": shown, "context": context})
        for event_type, shown in _objects(happening)
    ]


def _objects(happening: Happening) -> list[tuple[EventType, Document]]:
    kind = happening.kind
    found: list[tuple[EventType, Document]] = []
    if kind in _OF_USERS and happening.profile is not None:
        found.append(_user_event(_OF_USERS[kind], happening.profile, happening.at))
    if kind in _OF_SECONDARIES:
        found.append(_user_event(_OF_SECONDARIES[kind], happening.detail["secondary"], happening.at))
    if kind in _OF_ORGANIZATIONS:
        found.append((_OF_ORGANIZATIONS[kind], _organization_object(kind, happening.detail)))
    return found


def _user_event(
    event_type: EventType, profile: Mapping[str, Any], at: datetime
) -> tuple[EventType, Document]:
    shown: Document = {"app_metadata": {}, "user_metadata": {}}
    shown.update({name: profile[name] for name in _USER_FIELDS if profile.get(name) is not None})
    for name in _TIMES:
        if name in shown:
            shown[name] = _with_ms(str(shown[name]))
    if event_type == "user.deleted":
        shown["deleted_at"] = iso_ms(at)
    return event_type, shown


def _organization_object(kind: Kind, detail: Mapping[str, Any]) -> Document:
    organization: Mapping[str, Any] = detail["organization"]
    if kind in ("organization_created", "organization_updated", "organization_deleted"):
        names = (*_ORGANIZATION_FIELDS, *(() if kind == "organization_deleted" else ("branding",)))
        return {name: organization[name] for name in names if name in organization}
    where = {"id": organization["id"]}
    who = {"user": {"user_id": detail["user_id"]}}
    if "role" in detail:
        return {"organization": where, **who, "role": dict(detail["role"])}
    return {"organization": {**where, "name": organization["name"]}, **who}


def _context(happening: Happening, config: TenantConfig) -> Document:
    """What is known of application and connection; of the request, Auth0's form wants more than is known here."""
    context: Document = {"tenant": {"id": config.tenant}}
    client = config.client(happening.by.client_id)
    if client is not None:
        context["client"] = {"id": client.client_id, "name": client.name, "metadata": dict(client.metadata)}
    connection = config.connection(happening.connection) if happening.connection is not None else None
    if connection is not None and _CONNECTION_ID.fullmatch(connection.id):
        context["connection"] = {
            "id": connection.id,
            "name": connection.name,
            "strategy": connection.strategy,
        }
    return context


def _with_ms(text: str) -> str:
    """A time as events have it; profiles of tenant files may have whole seconds, or no time at all."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return text
    return iso_ms(moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC))


def iso_ms(moment: datetime) -> str:
    """The moment as events have it: UTC, milliseconds, `Z`."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
