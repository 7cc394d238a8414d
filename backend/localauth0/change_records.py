"""What the log says when address, number, username or password of a user have been changed by the Management API.

Auth0's documents leave open whether such a change has a record beside that of the call; the tenant file decides
(`log_changes_by_api`). A change by the user has one in any case.

Source: Auth0 docs, "Log Event Type Codes": `sce`, `scu`, `scpn`, `scp`; the published schemas of their details.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from localauth0.happenings import Happening

Change = tuple[str, dict[str, Any]]  # the type of the record, and its details


def change_records(happening: Happening, tenant: str) -> Iterator[Change]:
    """The records of one call that changed a user."""
    before: Mapping[str, Any] = happening.detail.get("before", {})
    after: Mapping[str, Any] = happening.profile or {}
    common = {"connection": happening.connection or "", "tenant": tenant, "user_id": _own_id(after)}
    if before.get("email") != after.get("email"):
        yield "sce", {"body": {**common, **_email_change(happening, before, after)}}
    if before.get("username") != after.get("username"):
        yield "scu", {"body": {**common, **_username_change(happening, before, after)}}
    if before.get("phone_number") != after.get("phone_number"):
        yield "scpn", {"body": {**common, **_number_change(before, after)}}
    if "password" in happening.detail.get("fields", ()):
        yield "scp", {"body": {}, "query": {}, **_known("email", after.get("email"))}


def _email_change(
    happening: Happening, before: Mapping[str, Any], after: Mapping[str, Any]
) -> dict[str, Any]:
    return {
        "client_id": happening.by.client_id or "",
        "email": before.get("email", ""),
        "newEmail": after.get("email", ""),
        "email_verified": str(bool(after.get("email_verified"))).lower(),  # a text, as the schema has it
        "verify": bool(happening.detail.get("verify")),
    }


def _username_change(
    happening: Happening, before: Mapping[str, Any], after: Mapping[str, Any]
) -> dict[str, Any]:
    return {
        "clientId": happening.by.client_id or "",
        **_known("email", after.get("email")),
        "oldUsername": before.get("username", ""),
        "newUsername": after.get("username", ""),
    }


def _number_change(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    numbers = {"old_phone_number": before.get("phone_number"), "new_phone_number": after.get("phone_number")}
    return {
        **{name: number for name, number in numbers.items() if number is not None},
        "phone_verified": bool(after.get("phone_verified")),
    }


def _own_id(profile: Mapping[str, Any]) -> str:
    """The id without its provider, as it stands inside these bodies; the whole one is at the top of the record."""
    return str(profile.get("user_id", "")).partition("|")[2]


def _known(name: str, value: Any) -> dict[str, Any]:
    return {name: value} if value is not None else {}
