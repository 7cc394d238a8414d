"""Whether the service is alive, and whether it can do its work."""

from __future__ import annotations

from collections.abc import Callable

import structlog
from flask import Blueprint
from flask.typing import ResponseReturnValue

from frontdesk.errors import HasuraError

_log = structlog.stdlib.get_logger(__name__)


def health_blueprint(check_hasura: Callable[[], None]) -> Blueprint:
    """Return `/healthz` and `/readyz`; `check_hasura` raises HasuraError when Hasura cannot be used."""
    blueprint = Blueprint("health", __name__)

    @blueprint.get("/healthz")
    def healthz() -> ResponseReturnValue:
        return {"status": "alive"}

    @blueprint.get("/readyz")
    def readyz() -> ResponseReturnValue:
        try:
            check_hasura()
        except HasuraError as error:
            _log.warning("readyz.not_ready", reason=error.detail)
            return {"status": "not ready", "hasura": type(error).sentence()}, 503
        return {"status": "ready"}

    return blueprint
