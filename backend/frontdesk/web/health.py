"""Whether the service is alive, and whether it can do its work."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint
from flask.typing import ResponseReturnValue


def health_blueprint(check_hasura: Callable[[], None]) -> Blueprint:
    """Return `/healthz` and `/readyz`; `check_hasura` raises HasuraError when Hasura cannot be used."""
    blueprint = Blueprint("health", __name__)

    @blueprint.get("/healthz")
    def healthz() -> ResponseReturnValue:
        return {"status": "alive"}

    @blueprint.get("/readyz")
    def readyz() -> ResponseReturnValue:
        check_hasura()
        return {"status": "ready"}

    return blueprint
