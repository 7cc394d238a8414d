"""What happens to users, told at one place (`Store.happened`) to whoever keeps a log of it or sends it on.

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
