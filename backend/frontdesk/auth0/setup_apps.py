"""The applications that frontdesk makes at Auth0: how they are found, and which are frontdesk's own.

Ours carry a mark in their `client_metadata`. An application that somebody else made is never changed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from frontdesk.auth0.listing import PAGE_SIZE, records
from frontdesk.auth0.management import ManagementApi
from frontdesk.auth0.plan import StepKind
from frontdesk.auth0.setup_steps import Made, Part, SetupStep, cannot

MARK = "frontdesk"  # the key in client_metadata; its value says which of the two it is
_FIELDS = (
    "client_id,name,app_type,callbacks,web_origins,grant_types,client_metadata,token_endpoint_auth_method,"
    "oidc_conformant"
)


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where an application stands in the settings, and what people call it."""

    part: Part
    name: str
    role: str  # the value of the mark
    key: str  # the settings' key with its id
    by_hand: str


def found(api: ManagementApi, place: Place, client_id: str | None) -> dict[str, Any] | SetupStep | None:
    """Return the application of the settings, or ours by its name; a step when which one it is cannot be said."""
    clients = list(
        records(
            lambda page: api.sdk.clients.list(
                fields=_FIELDS, include_fields=True, page=page, per_page=PAGE_SIZE
            ),
            "clients",
        )
    )
    if client_id is not None:
        known = next((each for each in clients if each.get("client_id") == client_id), None)
        return known or cannot(
            place.part,
            f"application {client_id}",
            f"The settings name it in {place.key}, and the tenant has no such application.",
            f"correct {place.key}, or take it out of the settings to get a new one.",
        )
    named = [each for each in clients if each.get("name") == place.name]
    ours = [each for each in named if is_ours(each, place)]
    if len(ours) > 1:
        return _unclear(place, ours, "There are several of frontdesk's")
    if not ours and named:
        return _unclear(place, named, "There is one of that name that frontdesk did not make")
    return ours[0] if ours else None


def _unclear(place: Place, clients: Sequence[dict[str, Any]], problem: str) -> SetupStep:
    ids = ", ".join(str(each["client_id"]) for each in clients)
    return cannot(
        place.part,
        f"application {place.name}",
        f"{problem}: {ids}.",
        f"rename or remove it in the Dashboard, or choose it with {place.key} in the settings.",
    )


def is_ours(client: dict[str, Any], place: Place) -> bool:
    """Say whether frontdesk made the application."""
    return bool(client.get("client_metadata", {}).get(MARK) == place.role)


def creation(place: Place, detail: str, act: Callable[[Made], None]) -> SetupStep:
    """Return the step that makes an application."""
    return SetupStep(
        part=place.part,
        what=f"application {place.name}",
        kind=StepKind.CREATE,
        detail=detail,
        scope="create:clients",
        by_hand=place.by_hand,
        act=act,
    )


def shown(value: object) -> str:
    """Return a value of an application as a plan shows it."""
    return " ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
