"""What operators and the console ask of frontdesk: `/api`, which the guard of operators keeps."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from frontdesk.errors import BodyTooLarge
from frontdesk.settings import TenantSettings
from frontdesk.web.jwt_secret import JwtSecretAsked, answer_for, reach_of

MAX_ASKED_BYTES = 64 * 1024  # a token and a key are the longest that is asked with


def api_blueprint(tenants: Mapping[str, TenantSettings]) -> Blueprint:
    """Return the routes below `/api`."""
    blueprint = Blueprint("api", __name__, url_prefix="/api")
    reach = reach_of(tenants)

    @blueprint.post("/jwt-secret")
    def jwt_secret() -> ResponseReturnValue:
        asked = JwtSecretAsked.parse(_bounded_body())
        return answer_for(asked, tenants, reach, datetime.now(UTC))

    return blueprint


def _bounded_body() -> bytes:
    body = request.get_data(cache=False)
    if len(body) > MAX_ASKED_BYTES:
        raise BodyTooLarge
    return body
