"""What happens to users and organizations, told at one place (`Store.happened`) to whoever logs it or sends it on.

Source: the stand-in's side effects are those of Auth0 docs, "Log Event Type Codes" and "Event Streams".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

Kind = Literal[
    "signed_up",  # by a page or the Authentication API
    "created",  # by the Management API
    "updated",
    "deleted",
    "linked",  # `detail["secondary"]` is the profile of the user that is one no longer
    "unlinked",  # `detail["secondary"]` is the profile of the user that is one again
    "logged_in",
    "login_failed",  # `profile` is None when nobody has that name; `detail["identifier"]` is what was typed
    "password_changed",
    "login_recorded",  # the profile counts a login, whether or not the user was let in
    "metadata_set",  # by an Action
    "imported",
    "import_updated",
    # Of these the profile is None. `detail["organization"]` is it as the Management API shows it; the others have
    # `user_id` too, and those about roles `role` with id and name.
    "organization_created",
    "organization_updated",
    "organization_deleted",
    "member_added",
    "member_deleted",
    "member_role_assigned",
    "member_role_deleted",
]


@dataclass(frozen=True)
class Doer:
    """Who did it, as far as the request tells: the application, the address and the program."""

    client_id: str | None = None
    ip: str | None = None
    user_agent: str | None = None
    is_api: bool = False  # by the Management API, not by the person


@dataclass(frozen=True)
class Happening:
    """One thing that happened. `profile` is as it is afterwards (a deleted one: as it was), and not to be changed."""

    kind: Kind
    at: datetime
    profile: Mapping[str, Any] | None
    by: Doer = Doer()
    connection: str | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)
