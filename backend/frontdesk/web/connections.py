"""The doctor for the console: `GET /api/connections`, and `POST /api/connections/<tenant>/test`.

The last result is kept in the memory of the process that found it. A test calls Auth0, Hasura and frontdesk itself, so
one runs at a time, and none right after another of the same tenant.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, abort
from flask.typing import ResponseReturnValue
from pydantic import SecretStr

from frontdesk.errors import FrontdeskError
from frontdesk.settings import Settings
from frontdesk.sync.doctor import Examination, Verdict, examine
from frontdesk.web.live_secrets import LiveSecrets, Secrets

PAUSE_S = 5.0  # between two tests of a tenant: a test makes about twenty calls of the Management API

Examine = Callable[[str], Examination]


class ConnectionTestRefused(FrontdeskError):
    """A connection is being tested, or was a moment ago; try again in a few seconds."""

    type = "urn:frontdesk:problem:connection-test-refused"
    status = 429
    retryable = True


@dataclass(frozen=True, kw_only=True)
class _Result:
    examination: Examination
    at: datetime
    ended: float


@dataclass
class Connections:
    """The tenants of the settings with what is known of their connections. Threads share it."""

    settings: Settings
    examine: Examine
    _running: threading.Lock = field(default_factory=threading.Lock)
    _results: dict[str, _Result] = field(default_factory=dict)

    def test(self, tenant: str) -> dict[str, Any]:
        """Run the doctor for one tenant and return what came of it. Raises ConnectionTestRefused."""
        if not self._running.acquire(blocking=False):
            raise ConnectionTestRefused
        try:
            last = self._results.get(tenant)
            if last is not None and time.monotonic() - last.ended < PAUSE_S:
                raise ConnectionTestRefused
            found = self.examine(tenant)
            self._results[tenant] = _Result(examination=found, at=datetime.now(UTC), ended=time.monotonic())
        finally:
            self._running.release()
        return self.shown(tenant)

    def shown(self, tenant: str) -> dict[str, Any]:
        """Return one connection as the console shows it."""
        own, last = self.settings.tenants[tenant], self._results.get(tenant)
        return {
            "tenant": tenant,
            "domain": own.domain,
            "state": "untested" if last is None else _STATES[last.examination.verdict],
            "tested_at": None if last is None else last.at.isoformat(),
            "checks": [] if last is None else [check.as_json() for check in last.examination.checks],
        }


_STATES = {Verdict.OK: "connected", Verdict.WARNING: "warning", Verdict.FAILED: "failed"}


def connections_blueprint(settings: Settings, secrets: LiveSecrets) -> Blueprint:
    """Return the routes about connections."""
    blueprint = Blueprint("connections", __name__, url_prefix="/api/connections")
    known = Connections(
        settings, lambda tenant: examine(_with_secrets(settings, secrets.current()), tenants=[tenant])
    )

    @blueprint.get("")
    def connections() -> ResponseReturnValue:
        return {"items": [known.shown(tenant) for tenant in settings.tenants], "next": None}

    @blueprint.post("/<tenant>/test")
    def test(tenant: str) -> ResponseReturnValue:
        if tenant not in settings.tenants:
            abort(404)
        return known.test(tenant)

    return blueprint


def _with_secrets(settings: Settings, secrets: Secrets) -> Settings:
    """Return the settings with the secrets that are in force now."""
    tenants = {
        key: tenant.model_copy(
            update={
                "hook_secrets": tuple(map(SecretStr, secrets.hook_secrets[key])),
                "stream_tokens": tuple(map(SecretStr, secrets.stream_tokens[key])),
            }
        )
        for key, tenant in settings.tenants.items()
    }
    hasura = settings.hasura.model_copy(update={"admin_secret": SecretStr(secrets.admin_secret)})
    operator_tokens = tuple(map(SecretStr, secrets.operator_tokens))
    return settings.model_copy(
        update={"tenants": tenants, "hasura": hasura, "operator_tokens": operator_tokens}
    )
