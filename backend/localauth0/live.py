"""A running tenant: its address, its state, its keys and its triggers, handed to whatever answers requests."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from localauth0.actions.triggers import Triggers
from localauth0.keys import SigningKeys
from localauth0.store import Store


@dataclass(frozen=True)
class LiveTenant:
    """`url` has no trailing slash; the issuer has one, as at Auth0."""

    url: str
    store: Store
    keys: SigningKeys
    triggers: Triggers

    @property
    def issuer(self) -> str:
        return f"{self.url}/"

    @property
    def userinfo_audience(self) -> str:
        return f"{self.url}/userinfo"

    @property
    def management_audience(self) -> str:
        return f"{self.url}/api/v2/"

    def now(self) -> datetime:
        return self.store.clock()
